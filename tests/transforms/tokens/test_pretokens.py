"""Pre-token counts equal those of the library on the whole text, for any division of the text."""

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import reference_counts
from tokenizers import normalizers

from transforms.tokens import pretokens as module
from transforms.tokens.patterns import PATTERNS, Pattern, find_pattern
from transforms.tokens.pretokens import (
    PRETOKEN_SCHEMA,
    count_pretokens,
    merge_counts,
    safe_cuts,
    sort_counts,
)

# All white space that the patterns or Python know, slashes, contractions with unusual letters,
# digits, marks.
PIECES = [
    *"abZé9１ж中/!.'“ſ\u0301\u00a0\u3000\u2009\u1680\u2028\u202f\x85\x1c\x0b\t\r\n\n\n   \ufeff",
    "'s",
    "'LL",
    " a",
    "b ",
    "c\n",
    "\nd",
]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), max_size=5)


def counted(texts: list[str], pattern: Pattern, *, size: int = 2, **options: str) -> Counter[str]:
    arrays = [
        pa.array(texts[first : first + size], pa.large_string())
        for first in range(0, len(texts), size)
    ]
    batch = count_pretokens(arrays, pattern, **options)
    found = {row["pretoken"].decode(): row["count"] for row in batch.to_pylist()}
    assert len(found) == len(batch)
    return Counter(found)


@pytest.mark.parametrize("name", PATTERNS)
@given(texts=TEXTS)
@settings(max_examples=150, deadline=None)
def test_known_patterns(name: str, texts: list[str]) -> None:
    assert counted(texts, PATTERNS[name]) == reference_counts(texts, PATTERNS[name])


@given(texts=TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_pattern_of_ones_own(texts: list[str]) -> None:
    pattern = find_pattern(r"\d+|\s*\w+")
    assert counted(texts, pattern) == reference_counts(texts, pattern)


@given(texts=TEXTS)
@settings(max_examples=50, deadline=None)
def test_normalization(texts: list[str]) -> None:
    normal = [normalizers.NFC().normalize_str(text) for text in texts]
    assert counted(texts, PATTERNS["gpt4"], normalization="nfc") == reference_counts(
        normal, PATTERNS["gpt4"]
    )


def test_counts_do_not_depend_on_how_often_they_are_merged_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"word{number % 7} and {number} more, and more." for number in range(200)]
    expected = counted(texts, PATTERNS["gpt4"])
    monkeypatch.setattr(module, "_MOST_BYTES", 400)
    assert counted(texts, PATTERNS["gpt4"]) == expected
    monkeypatch.setattr(module, "_MOST_ROWS", 10)
    monkeypatch.setattr(module, "_CHUNKS", 8)
    monkeypatch.setattr(module, "_TOGETHER", 3)
    assert counted(texts, PATTERNS["gpt4"]) == expected


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("one two\nthree", ["one", " two\n", "three"]),
        ("one  two \nthree\n\nfour", ["one  two \nthree\n\nfour"]),
        ("é é\u00a0 x \u3000y", ["é", " é\u00a0 x \u3000y"]),
        ("a\n/b /c", ["a\n/b /c"]),
        (" a b ", [" a", " b "]),
    ],
)
def test_where_text_is_cut_beforehand(text: str, chunks: list[str]) -> None:
    data = text.encode()
    edges = [0, *safe_cuts(np.frombuffer(data, np.uint8)).tolist(), len(data)]
    assert [data[start:end].decode() for start, end in itertools.pairwise(edges)] == chunks


def test_merged_and_sorted_counts() -> None:
    def batch(**counts: int) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(
            [pa.array([key.encode() for key in counts]), pa.array(counts.values())],
            schema=PRETOKEN_SCHEMA,
        )

    merged = sort_counts(merge_counts([batch(b=1, a=2), batch(), batch(c=3, b=1)]))
    assert [(row["pretoken"], row["count"]) for row in merged.to_pylist()] == [
        (b"c", 3),
        (b"a", 2),
        (b"b", 2),
    ]
    assert merge_counts([]).num_rows == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("gpt5", "did you mean"), ("", "no pattern"), ("(", "not a regular expression")],
)
def test_patterns_that_there_are_not(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        find_pattern(name)


@pytest.mark.parametrize(
    ("name", "text", "pieces"),
    [
        ("gpt2", "It's 12345 'S\n\n x", ["It", "'s", " 12345", " '", "S", "\n\n", " x"]),
        ("gpt4", "It's 12345 'S\n\n x", ["It", "'s", " ", "123", "45", " '", "S", "\n\n", " x"]),
        ("o200k", "HelloWorld's 1234", ["Hello", "World's", " ", "123", "4"]),
        ("split-digits", "in 1984.", ["in", " ", "1", "9", "8", "4", "."]),
    ],
)
def test_what_the_known_patterns_are_for(name: str, text: str, pieces: list[str]) -> None:
    assert counted([text], PATTERNS[name]) == Counter(pieces)
