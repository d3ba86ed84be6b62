"""Merges from counts equal those of BpeTrainer: corpora with ties, real text, many scripts."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fastwarc import ArchiveIterator, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import counted_merges, reference_merges
from resiliparse.extract.html2text import extract_plain_text

from transforms.errors import UserError
from transforms.tokens import merges as module
from transforms.tokens.merges import byte_order, learn_merges
from transforms.tokens.train import END_OF_TEXT, spell

WORDS = r"\s+|\S+"
SPECIAL = (END_OF_TEXT, "<|im_start|>")


def equal(
    texts: list[str], *, pattern: str = WORDS, vocabulary: int, minimum_frequency: int = 2
) -> None:
    arguments: dict[str, Any] = {
        "pattern": pattern,
        "vocabulary": vocabulary,
        "minimum_frequency": minimum_frequency,
        "special": SPECIAL,
    }
    assert counted_merges(texts, **arguments) == reference_merges(texts, **arguments)


@st.composite
def corpora(draw: st.DrawFn) -> str:
    """Words of an alphabet of 1 to 5 letters.

    Most pairs tie, runs of a letter overlap, and tokens are made again from other parts.
    """
    alphabet = "abéde"[: draw(st.integers(1, 5))]
    words = st.text(alphabet, min_size=1, max_size=draw(st.sampled_from([3, 8, 30])))
    return " ".join(draw(st.lists(words, min_size=1, max_size=25)))


@given(corpora(), st.integers(1, 800), st.integers(0, 3))
@settings(max_examples=250, deadline=None)
def test_random_corpora(text: str, more: int, minimum_frequency: int) -> None:
    equal([text], vocabulary=256 + len(SPECIAL) + more, minimum_frequency=minimum_frequency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "aaa aaaa aaaaa " * 3,
        "abab ababab baba " * 4,
        "aab xab aabxab baab xaab " * 5,  # "aab" is made from aa + b and from a + ab
        "---- ------ -------- " * 7,
        "日本語 日本 本語 " * 3,
    ],
)
@pytest.mark.parametrize("minimum_frequency", [1, 2])
def test_cases(text: str, minimum_frequency: int) -> None:
    equal([text], vocabulary=400, minimum_frequency=minimum_frequency)


@given(corpora())
@settings(max_examples=100, deadline=None)
def test_no_token_is_made_twice(text: str) -> None:
    """An assumption of the queue: as many merges as tokens that are neither bytes nor special."""
    vocabulary, merges = reference_merges(
        [text], pattern=WORDS, vocabulary=5000, minimum_frequency=1, special=SPECIAL
    )
    assert (
        len({left + right for left, right in merges})
        == len(merges)
        == len(vocabulary) - 256 - len(SPECIAL)
    )


def test_pairs_that_wait_come_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few pairs in the heap at a time, most wait, fall while they wait, and come in later."""
    monkeypatch.setattr(module, "_LEAST_ADMITTED", 2)
    monkeypatch.setattr(module, "_SHARE_ADMITTED", 1000)
    generator = np.random.default_rng(1)
    for _ in range(40):
        words = [
            "".join(generator.choice(list("abcdef"), generator.integers(1, 12))) for _ in range(40)
        ]
        equal(
            [" ".join(words)],
            vocabulary=256 + len(SPECIAL) + int(generator.integers(1, 300)),
            minimum_frequency=1,
        )


def test_text_that_becomes_a_special_token_is_refused() -> None:
    for learn in (counted_merges, reference_merges):
        with pytest.raises(
            UserError, match="spells the special token '<|endoftext|>'".replace("|", r"\|")
        ):
            learn(
                ["<|endoftext|>"] * 9,
                pattern=WORDS,
                vocabulary=400,
                minimum_frequency=2,
                special=SPECIAL,
            )


def test_the_order_of_the_table_does_not_matter() -> None:
    pretokens = [b"abab", b" ab", b"ba", b"aab", b" baa"]
    counts = [5, 9, 5, 2, 7]
    expected = learn_merges(
        pa.array(pretokens, pa.large_binary()),
        np.array(counts),
        vocabulary=266,
        minimum_frequency=1,
    )
    turned = learn_merges(
        pa.array(pretokens[::-1], pa.large_binary()),
        np.array(counts[::-1]),
        vocabulary=266,
        minimum_frequency=1,
    )
    sliced = learn_merges(
        pa.array([b"zz", *pretokens], pa.large_binary()).slice(1),
        np.array(counts),
        vocabulary=266,
        minimum_frequency=1,
    )
    assert expected == turned == sliced
    assert len(expected.pairs) == 7


def test_counts_above_two_to_the_32nd_are_counted() -> None:
    merges = learn_merges(
        pa.array([b"ab", b"cd"], pa.large_binary()),
        np.array([1 << 40, (1 << 40) + 1]),
        vocabulary=258,
        minimum_frequency=2,
    )
    assert merges.tokens[-2:] == [b"cd", b"ab"]


def test_bytes_have_the_ids_of_their_characters() -> None:
    assert sorted(byte_order()) == list(range(256))
    characters = [spell(bytes([byte])) for byte in byte_order()]
    assert characters == sorted(characters)
    assert spell(" é".encode()) == "ĠÃ©"


def _udhr(data: Path) -> list[str]:
    with gzip.open(data / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as file:
        return [row[-1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def _reuters(data: Path) -> list[str]:
    path = next(iter(sorted((data / "news").glob("reuters-0*.jsonl.gz"))))
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file][:1200]


def _novel(data: Path) -> list[str]:
    path = min((data / "books").glob("*_*.txt.gz"), key=lambda path: path.stat().st_size)
    return [gzip.decompress(path.read_bytes()).decode("utf-8-sig")]


def _web(data: Path) -> list[str]:
    path = next(iter(sorted((data / "web").glob("pages-*.warc.gz"))))
    with path.open("rb") as file:
        pages = (
            record.reader.read().decode("utf-8", "replace")
            for record in ArchiveIterator(file, record_types=WarcRecordType.response)
        )
        return [extract_plain_text(page) for page, _ in zip(pages, range(40), strict=False)]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("corpus", "pattern"),
    [(_udhr, "o200k"), (_reuters, "gpt4"), (_novel, "gpt2"), (_web, "split-digits")],
)
def test_real_text(data_folder: Path, corpus: Any, pattern: str) -> None:
    equal(corpus(data_folder), pattern=pattern, vocabulary=4000)
