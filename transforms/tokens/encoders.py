"""The library that encodes text: `tiktoken` where its ids are right, else `tokenizers`."""

import functools
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, Protocol

import numpy as np
import tiktoken
from tokenizers import Tokenizer, normalizers

from transforms.arrays import lengths_of, to_offsets
from transforms.tokens.encode import Encoded, encode_texts
from transforms.tokens.tiktoken_vocabulary import Unrepresentable, Vocabulary, tiktoken_vocabulary
from transforms.tokens.train import END_OF_TEXT

PROBES = (
    "It's WE'LL I'd've don't they'Re 'ſ '' 's",
    " a  b   c\n\n \n d\r\n\te \u00a0\u2009\u3000f\u0085g\u2028h ",
    "0 12 345 6789 ١٢٣٤ ½ ² Ⅷ 3.14 1,000,000 v2.0b3",
    "naïve Ærøskøbing ẞ ǅ ʰʷ ª cafe\u0301 \u0301x नमस्ते किताब ไทย 한국어 日本語 漢字かな",
    "Привет, ΣΊΣΥΦΟΣ; שלום عربي\u200d\u200c ﷽ 👩\u200d👩\u200d👧 🇩🇪 𝒳𝔜 \U0001f9ff",
    f"{END_OF_TEXT} <|im_start|>x</s> {{}}[]()#@&*_+=/\\|~`^%$ ... !!! --- \x00\x07\ufeff\ufffd",
)
"""Texts that patterns are likely to cut differently.

They are compared in every run beside those of the corpus.
"""

_NOTHING = np.zeros(0, np.uint32)
_GROUP_CHARACTERS = 1 << 17
# A worker process has a core of its own; the second thread helps when other workers have ended.
_THREADS = min(2, os.cpu_count() or 1)


class Encoder(Protocol):
    """n texts -> their ids; text that spells a special token is encoded as text."""

    def __call__(self, texts: list[str]) -> Encoded: ...


class ChosenEncoder(NamedTuple):
    """An encoder, the library that it uses, and the reason why that is not tiktoken."""

    encode: Encoder
    name: Literal["tiktoken", "tokenizers"]
    reason: str = ""


def choose_encoder(data: bytes, tokenizer: Tokenizer, *, sample: Sequence[str]) -> ChosenEncoder:
    """Choose tiktoken if it can represent a tokenizer and gives the same ids, else `tokenizers`.

    Args:
        data: the bytes of the tokenizer.json.
        tokenizer: the same tokenizer, opened.
        sample: texts of the corpus; on these and on `PROBES` the two are compared.
    """
    reference = functools.partial(encode_texts, tokenizer)
    texts = [*PROBES, *sample]
    try:
        encode = TiktokenEncoder(tiktoken_vocabulary(data, checked_by=tokenizer), tokenizer)
        encode.try_out(PROBES)
        encoded = encode(texts)
    except Unrepresentable as error:
        return ChosenEncoder(reference, "tokenizers", str(error))
    except BaseException as error:
        if not _is_refusal(error):
            raise
        return ChosenEncoder(reference, "tokenizers", f"tiktoken fails with its pattern: {error}")
    if _equal(encoded, reference(texts)):
        return ChosenEncoder(encode, "tiktoken")
    differ = next(text for text in texts if not _equal(encode([text]), reference([text])))
    return ChosenEncoder(
        reference, "tokenizers", f"other ids for the text that begins {differ[:40]!r}"
    )


def _is_refusal(error: BaseException) -> bool:
    """Whether tiktoken gave up: by an error, or by a panic of its engine, which is no Exception."""
    return isinstance(error, ValueError) or type(error).__name__ == "PanicException"


def _equal(left: Encoded, right: Encoded) -> bool:
    return np.array_equal(left.offsets, right.offsets) and np.array_equal(left.ids, right.ids)


class TiktokenEncoder:
    """Encodes with tiktoken, and gives the ids of a tokenizer.

    Texts that tiktoken cannot encode go to `tokenizers`: whitespace of some hundred thousand
    characters, on which its regular expressions give up, and text between the matches of the
    pattern.
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._normalize = _normalizer(tokenizer)
        self._keeps_gaps = vocabulary.keeps_gaps
        self._ids = vocabulary.ids
        self._lengths = np.array([len(token) for token in vocabulary.tokens], np.int32)
        # The special token is never allowed, so never found; with none at all tiktoken would look
        # for it at every character.
        self._encode = functools.partial(
            tiktoken.Encoding(
                "tokenmill",
                pat_str=vocabulary.pattern,
                mergeable_ranks={token: rank for rank, token in enumerate(vocabulary.tokens)},
                special_tokens={END_OF_TEXT: len(vocabulary.tokens)},
            ).encode_to_numpy,
            disallowed_special=(),
        )

    def try_out(self, texts: Iterable[str]) -> None:
        """Encodes texts, and raises what tiktoken raises if it cannot handle the pattern."""
        for text in texts:
            self._encode(text)

    def __call__(self, texts: list[str]) -> Encoded:
        normal = texts if self._normalize is None else [self._normalize(text) for text in texts]
        encoded_texts = self._encode_all(normal)
        offsets = to_offsets(lengths_of(encoded_texts))
        ranks = np.concatenate([_NOTHING, *encoded_texts])
        encoded = Encoded(self._ids[ranks], offsets)
        byte_ends = to_offsets(self._lengths[ranks])[offsets]
        complete = np.diff(byte_ends) == [len(text.encode()) for text in normal]
        if not self._keeps_gaps:
            complete = [
                bool(len(each)) or not text
                for each, text in zip(encoded_texts, normal, strict=True)
            ]
        missing = np.flatnonzero(np.logical_not(complete)).tolist()
        return (
            _replaced(
                encoded,
                {index: encode_texts(self._tokenizer, [texts[index]]).ids for index in missing},
            )
            if missing
            else encoded
        )

    def _encode_all(self, texts: list[str]) -> list[np.ndarray]:
        groups = list(_groups(texts))
        if len(groups) == 1:
            return self._encode_group(texts)
        with ThreadPoolExecutor(_THREADS) as pool:
            return [ranks for group in pool.map(self._encode_group, groups) for ranks in group]

    def _encode_group(self, texts: list[str]) -> list[np.ndarray]:
        return [self._ranks(text) for text in texts]

    def _ranks(self, text: str) -> np.ndarray:
        """The ranks of a text's tokens; none if tiktoken refuses it."""
        try:
            return self._encode(text)
        except BaseException as error:
            if not _is_refusal(error):
                raise
            return _NOTHING


def _groups(texts: list[str]) -> Iterator[list[str]]:
    """Groups neighbouring texts, so that a thread's work takes longer than handing it over."""
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group or not texts:
        yield group


def _replaced(encoded: Encoded, others: dict[int, np.ndarray]) -> Encoded:
    """The same with other ids for some documents."""
    ids = [
        others.get(index, each)
        for index, each in enumerate(np.split(encoded.ids, encoded.offsets[1:-1]))
    ]
    return Encoded(np.concatenate(ids), to_offsets(lengths_of(ids)))


def _normalizer(tokenizer: Tokenizer) -> Callable[[str], str] | None:
    """What a tokenizer does to a text before it is cut; None if nothing."""
    normalizer = tokenizer.normalizer
    if not isinstance(normalizer, normalizers.NFC):
        return None if normalizer is None else normalizer.normalize_str
    normalize = normalizer.normalize_str

    def to_nfc(text: str) -> str:
        # The library takes 0.1 s a megabyte; Python's test is quick, but knows only the characters
        # of its own Unicode version.
        if text.isascii() or (
            unicodedata.is_normalized("NFC", text)
            and not _unknown_to_python()[_code_points(text)].any()
        ):
            return text
        return normalize(text)

    return to_nfc


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


@functools.cache
def _unknown_to_python() -> np.ndarray:
    """bool (0x110000,): code points without a character in Python's version of Unicode."""
    return np.array([unicodedata.category(chr(point)) == "Cn" for point in range(0x110000)])
