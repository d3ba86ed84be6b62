"""Byte-level BPE tokenizers: of learned merges, or trained by the `tokenizers` library."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from transforms.tokens.merges import Merges, byte_order, special_token_in_text
from transforms.tokens.patterns import Pattern, find_pattern, normalizer, splitter

END_OF_TEXT = "<|endoftext|>"


def new_tokenizer(pattern: Pattern, *, normalization: str = "none") -> Tokenizer:
    """A byte-level tokenizer without a vocabulary, which cuts text by the pattern."""
    tokenizer = Tokenizer(models.BPE())
    if change := normalizer(normalization):
        tokenizer.normalizer = change
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [splitter(pattern), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(
    texts: Iterator[str],
    *,
    vocabulary: int,
    minimum_frequency: int,
    pattern: str = "gpt4",
    normalization: str = "none",
    special_tokens: Sequence[str] = (END_OF_TEXT,),
) -> Tokenizer:
    """Learns at most `vocabulary` tokens, special tokens (ids from 0) and the 256 bytes included.

    Equal texts give equal bytes.

    The memory and time of `tokenizers.trainers.BpeTrainer` bound how much text it can learn from.
    Raises UserError when the pattern lets text become a special token.
    """
    tokenizer = new_tokenizer(find_pattern(pattern), normalization=normalization)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=minimum_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
        if left + right in special_tokens:
            raise special_token_in_text(left + right)
    return tokenizer


def tokenizer_of(
    merges: Merges, *, pattern: str, normalization: str, special_tokens: Sequence[str]
) -> Tokenizer:
    """The tokenizer of learned merges: the same bytes as those of `train_tokenizer`."""
    names = [*special_tokens, *map(spell, merges.tokens[len(special_tokens) :])]
    pairs = [(names[left], names[right]) for left, right in merges.pairs]
    tokenizer = new_tokenizer(find_pattern(pattern), normalization=normalization)
    tokenizer.model = models.BPE(
        vocab={name: number for number, name in enumerate(names)}, merges=pairs
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in special_tokens]
    )
    return tokenizer


def spell(token: bytes) -> str:
    """Bytes as the characters of a byte-level vocabulary."""
    return token.decode("latin-1").translate(_SPELLING)


# The characters of byte-level vocabularies, sorted, stand for the bytes in the order of their ids.
_SPELLING = dict(zip(byte_order(), sorted(pre_tokenizers.ByteLevel.alphabet()), strict=True))


def tokenizer_files(data: bytes, *, end_of_text: str = END_OF_TEXT) -> dict[str, bytes]:
    """The files of a Hugging Face tokenizer folder by name; `data` is the tokenizer.json.

    They set no maximum length. It belongs to a model, and shards of another length use the same
    tokenizer.
    """
    return {
        "tokenizer.json": data,
        "tokenizer_config.json": _json(
            {
                "bos_token": end_of_text,
                "clean_up_tokenization_spaces": False,
                "eos_token": end_of_text,
                "tokenizer_class": "PreTrainedTokenizerFast",
                "unk_token": None,
            }
        ),
        "special_tokens_map.json": _json({"bos_token": end_of_text, "eos_token": end_of_text}),
    }


def tokenizer_bytes(tokenizer: Tokenizer) -> bytes:
    """A tokenizer as its tokenizer.json."""
    return tokenizer.to_str(pretty=True).encode()


def tokenizer_sha256(data: bytes) -> str:
    """The sha256 of a tokenizer.json, by which shards and models identify their tokenizer."""
    return hashlib.sha256(data).hexdigest()


def _json(values: dict[str, str | int | None]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()
