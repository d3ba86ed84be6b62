"""Encoding: tiktoken gives the ids of `tokenizers` or steps back, with a reason."""

import functools
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from transforms.tokens import patterns
from transforms.tokens import tiktoken_vocabulary as tiktoken_vocabulary_module
from transforms.tokens.encode import encode_texts, load_tokenizer
from transforms.tokens.encoders import (
    PROBES,
    ChosenEncoder,
    Encoder,
    TiktokenEncoder,
    choose_encoder,
)
from transforms.tokens.tiktoken_vocabulary import Unrepresentable, tiktoken_vocabulary
from transforms.tokens.train import END_OF_TEXT

PATTERNS = {name: pattern.expression for name, pattern in patterns.PATTERNS.items()}
LIMIT_SECONDS = 20


def byte_level(pattern: str | None, behaviour: str = "isolated", *, invert: bool = False) -> Any:
    if pattern is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    split = pre_tokenizers.Split(Regex(pattern), behaviour, invert=invert)
    return pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def trained(texts: list[str], vocabulary: int, pre_tokenizer: Any) -> bytes:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str().encode()


@functools.cache
def small(name: str) -> bytes:
    return trained(
        [*PROBES * 3, "the cat sat on the mat and the hat   \n\n 12 345 " * 9],
        600,
        byte_level(PATTERNS[name]),
    )


def by_tiktoken(data: bytes) -> Encoder:
    return TiktokenEncoder(tiktoken_vocabulary(data), load_tokenizer(data, path="test"))


def by_reference(data: bytes) -> Encoder:
    return functools.partial(encode_texts, load_tokenizer(data, path="test"))


def chosen(data: bytes, sample: list[str]) -> ChosenEncoder:
    return choose_encoder(data, load_tokenizer(data, path="test"), sample=sample)


def ids_of(encode: Encoder, texts: list[str]) -> list[list[int]]:
    encoded = encode(texts)
    return [ids.tolist() for ids in np.split(encoded.ids, encoded.offsets[1:-1])] if texts else []


ODD_CHARACTERS = "aAsS'’ſ \t\n\r\u00a0\u2028\u0301\u200d١²1ⅧǅʰªΣ漢가\U0001f469"
ODD = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(ODD_CHARACTERS)), max_size=60)


@pytest.mark.parametrize("name", PATTERNS)
@settings(deadline=None)  # tokenizers are made on the first call
@given(texts=st.lists(ODD, max_size=4))
def test_odd_text_gets_the_reference_ids(name: str, texts: list[str]) -> None:
    assert ids_of(by_tiktoken(small(name)), texts) == ids_of(by_reference(small(name)), texts)


@pytest.mark.parametrize("name", PATTERNS)
def test_every_character_is_cut_as_the_reference_cuts_it(name: str) -> None:
    """The libraries have different Unicode tables: every 37th code point has the same ids.

    `python -m tests.bench.same_ids` compares all code points.
    """
    texts = list(character_texts(37))
    tokenizer = load_tokenizer(small(name), path="test")
    found, expected = by_tiktoken(small(name))(texts), encode_texts(tokenizer, texts)
    assert np.array_equal(found.ids, expected.ids)
    assert np.array_equal(found.offsets, expected.offsets)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("piece", ["a", " ", "漢", "\n", "\t ", "Aʰ", "'"])
def test_a_megabyte_without_a_break_is_encoded_as_the_reference_does_and_soon(
    name: str, piece: str
) -> None:
    text = piece * (300_000 // len(piece.encode())) + "x"
    started = time.monotonic()
    found = ids_of(by_tiktoken(small(name)), ["before", text, "after"])
    assert time.monotonic() - started < LIMIT_SECONDS
    assert found == ids_of(by_reference(small(name)), ["before", text, "after"])


def test_text_that_spells_a_special_token_is_text() -> None:
    end = load_tokenizer(small("gpt4"), path="test").token_to_id(END_OF_TEXT)
    (ids,) = ids_of(by_tiktoken(small("gpt4")), [f"{END_OF_TEXT} {END_OF_TEXT}"])
    assert end not in ids
    assert chosen(small("gpt4"), []).name == "tiktoken"


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    definition = json.loads(small("gpt4"))
    change(definition)
    return json.dumps(definition).encode()


def set_model(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda definition: definition["model"].update(values)


def set_pre_tokenizer(pre_tokenizer: Any) -> Callable[[dict[str, Any]], None]:
    return lambda definition: definition.update(
        pre_tokenizer=json.loads(pre_tokenizer.__getstate__())
    )


def add_word(definition: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    tokenizer.add_tokens([AddedToken("the cat")])
    definition.update(json.loads(tokenizer.to_str()))


def merge_twice(definition: dict[str, Any]) -> None:
    """Another way to a token that has one, of a rank of its own."""
    model = definition["model"]
    name = next(name for name in model["vocab"] if name == "the")
    model["merges"].append([name[:1], name[1:]])
    model["vocab"].setdefault(name[1:], len(model["vocab"]))


def merge_too_late(definition: dict[str, Any]) -> None:
    """A token whose middle is merged before its halves are."""
    model = definition["model"]
    for left, right in (("z", "q"), ("q", "z"), ("qz", "qz")):
        model["vocab"][left + right] = len(model["vocab"])
        model["merges"].append([left, right])


def look_up_words(definition: dict[str, Any]) -> None:
    definition["model"]["ignore_merges"] = True
    definition["model"]["vocab"]["xyzzy"] = len(definition["model"]["vocab"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_model(type="WordLevel"), "its model is WordLevel"),
        (set_model(dropout=0.1), "dropout"),
        (set_model(byte_fallback=True), "byte_fallback"),
        (set_model(end_of_word_suffix="</w>"), "end_of_word_suffix"),
        (set_pre_tokenizer(pre_tokenizers.Whitespace()), "does not end in ByteLevel"),
        (set_pre_tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=True)), "puts a space"),
        (
            set_pre_tokenizer(
                pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(None)])
            ),
            "cuts more than once",
        ),
        (set_pre_tokenizer(byte_level(PATTERNS["gpt4"], "merged_with_next")), "MergedWithNext"),
        (set_pre_tokenizer(byte_level(r"\s+", "removed")), "Removed"),
        (add_word, "'the cat' is not special"),
        (lambda definition: definition.update(truncation={"max_length": 5}), "truncates"),
        (lambda definition: definition["model"]["vocab"].pop("Ġ"), "lacks 1 of the 256 bytes"),
        (merge_twice, "do not stand together"),
        (merge_too_late, "out of its own bytes"),
        (lambda definition: definition.update(pre_tokenizer=None), "does not end in ByteLevel"),
        (look_up_words, "looks whole words up"),
    ],
)
def test_what_tiktoken_cannot_represent_is_named(
    change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    data = changed(change)
    with pytest.raises(Unrepresentable, match=reason):
        tiktoken_vocabulary(
            data,
            checked_by=load_tokenizer(small("gpt4"), path="test")
            if b'"WordLevel"' in data
            else _model_of(data),
        )


def _model_of(data: bytes) -> Tokenizer:
    """A tokenizer with only the model of a definition, since some definitions do not load."""
    model = json.loads(data)["model"]
    vocabulary = {name: number for number, name in enumerate(model["vocab"])}
    merges = [
        tuple(merge)
        for merge in model["merges"]
        if merge[0] in vocabulary and merge[1] in vocabulary
    ]
    return Tokenizer(models.BPE(vocabulary, merges))


@pytest.mark.parametrize("ignore_merges", [False, True])
def test_several_merges_of_a_token_are_one_rank_if_they_stand_together(ignore_merges: bool) -> None:
    """All pairs of tokens that make a token, in token order, as in files made from tiktoken's."""

    def list_all_pairs(definition: dict[str, Any]) -> None:
        model = definition["model"]
        known = model["vocab"].keys()
        made = ["".join(merge) for merge in model["merges"]]
        pairs = [[[name[:cut], name[cut:]] for cut in range(1, len(name))] for name in made]
        model["merges"] = [pair for options in pairs for pair in options if known >= {*pair}]
        model["vocab"] = {
            name: number for name, number in model["vocab"].items() if name != END_OF_TEXT
        }
        model["ignore_merges"] = ignore_merges

    data = changed(list_all_pairs)
    assert len(json.loads(data)["model"]["merges"]) > len(
        json.loads(small("gpt4"))["model"]["merges"]
    )
    texts = ["the cat's hat, that matt sat at", *PROBES]
    assert chosen(data, texts).name == "tiktoken"
    assert ids_of(by_tiktoken(data), texts) == ids_of(by_reference(data), texts)


OWN_PATTERNS = [
    r"^#|[ #]?\p{L}+|[^\p{L}]",
    r"(?m:<.+>)|[^<]+|<",
    r"\R|\X",
    r"\p{N}{1,2}+|[^\p{N}]",
    r"[a-z&&b]+|\X|.",
]


@pytest.mark.parametrize("pattern", OWN_PATTERNS)
def test_patterns_that_engines_may_read_differently_are_left_to_the_reference(pattern: str) -> None:
    data = changed(set_pre_tokenizer(byte_level(pattern)))
    encode, name, reason = chosen(data, [])
    assert (name, reason) == (
        "tokenizers",
        "its pattern has what engines of regular expressions may read differently",
    )
    texts = ["see#Title\n#Title 3", "<a\nb>", "12345", "ab\r\n"]
    assert ids_of(encode, texts) == ids_of(by_reference(data), texts)


def test_a_pattern_that_finds_nothing_at_all_somewhere_is_no_end_of_the_run() -> None:
    """tiktoken's engine panics at an empty match, which Python gets as a BaseException."""
    data = changed(set_pre_tokenizer(byte_level(r"\p{L}*|[^\p{L}]+")))
    encode, name, reason = chosen(data, [])
    assert name == "tokenizers"
    assert "tiktoken fails with its pattern" in reason
    assert ids_of(encode, ["the cat 12"]) == ids_of(by_reference(data), ["the cat 12"])
    assert ids_of(by_tiktoken(data), ["the cat 12"]) == ids_of(by_reference(data), ["the cat 12"])


@pytest.mark.parametrize("pattern", PATTERNS.values())
def test_published_patterns_are_read_alike(pattern: str | None) -> None:
    assert chosen(changed(set_pre_tokenizer(byte_level(pattern))), []).name == "tiktoken"


def test_other_ids_for_the_sample_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown pattern: `^` is the start of a line in one engine, of the text in the other."""
    monkeypatch.setattr(tiktoken_vocabulary_module, "_READ_ALIKE", re.compile(".*"))
    data = changed(set_pre_tokenizer(byte_level(r"^[a-z]|\S+|\s")))
    assert chosen(data, []).name == "tiktoken"
    encode, name, reason = chosen(data, ["ok", "the\nthe cat"])
    assert (name, reason) == ("tokenizers", "other ids for the text that begins 'the\\nthe cat'")
    assert ids_of(encode, ["the\nthe cat"]) == ids_of(by_reference(data), ["the\nthe cat"])


def test_text_that_the_pattern_leaves_out_is_kept_or_lost_as_the_reference_does() -> None:
    texts = ["the cat 12", "12", "the cat", ""]
    for behaviour, invert in (("isolated", False), ("isolated", True), ("removed", True)):
        data = changed(set_pre_tokenizer(byte_level(r"\p{L}+| ", behaviour, invert=invert)))
        assert ids_of(by_tiktoken(data), texts) == ids_of(by_reference(data), texts)


@settings(deadline=None)
@given(st.lists(ODD, max_size=4))
def test_normalised_text_gets_the_reference_ids(texts: list[str]) -> None:
    for normalizer in (normalizers.NFC(), normalizers.Lowercase()):
        tokenizer = Tokenizer.from_str(small("gpt4").decode())
        tokenizer.normalizer = normalizer
        data = tokenizer.to_str().encode()
        texts = [*texts, "e\u0301 E\u0301", "\U000113c2\U000113c2 \U000113c2\U000113b8"]
        assert ids_of(by_tiktoken(data), texts) == ids_of(by_reference(data), texts)


def character_texts(step: int) -> Iterator[str]:
    """Each code point, or every so many, among letters, spaces, numbers and signs."""
    for point in range(0, 0x110000, step):
        if not 0xD800 <= point < 0xE000:
            yield f"a{chr(point)}b  {chr(point)}. 1{chr(point)}23\n'{chr(point)}S"


def real_texts(folder: Path) -> Iterator[str]:
    """All text of the data folder: books, Reuters, 56 languages and the markup of web pages."""
    for path in sorted(folder.glob("books/*.gz")):
        yield gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    for path in sorted(folder.glob("news/reuters-*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line)["text"] for line in lines)
    with gzip.open(folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as lines:
        yield from lines
    for path in sorted(folder.glob("web/*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(
                stream, record_types=WarcRecordType.response, parse_http=True
            ):
                yield record.reader.read().decode("utf-8", "replace")


def sampled(texts: Iterator[str], characters: int) -> list[str]:
    """A stretch of each eleventh text, from its middle on."""
    return [
        text[len(text) // 2 :][:characters] for index, text in enumerate(texts) if index % 11 == 0
    ]


@pytest.mark.real_data
@pytest.mark.parametrize("name", PATTERNS)
def test_real_text_of_all_kinds_gets_the_reference_ids(name: str, data_folder: Path) -> None:
    """A part of the text here; `python -m tests.bench.same_ids` compares all of it."""
    texts = sampled(real_texts(data_folder), 4_000)
    data = trained(texts, 4096, byte_level(None if name == "gpt2" else PATTERNS[name]))
    assert chosen(data, texts[:50]).name == "tiktoken"
    tokenizer = load_tokenizer(data, path="test")
    found, expected = by_tiktoken(data)(texts), encode_texts(tokenizer, texts)
    assert len(found.ids) > 200_000
    assert np.array_equal(found.ids, expected.ids)
    assert np.array_equal(found.offsets, expected.offsets)
