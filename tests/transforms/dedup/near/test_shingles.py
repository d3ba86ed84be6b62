"""Shingle sets against sets of tuples of words."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import slow_jaccard, slow_shingles
from transforms.dedup.near.shingles import (
    ShingleSets,
    character_tokens,
    concatenate_sets,
    shingle_sets,
    word_tokens,
)
from transforms.words import split_words

texts_of = st.lists(
    st.lists(st.sampled_from(["a", "b", "B", "c3", "é", "-"]), max_size=14).map(" ".join),
    max_size=6,
)


def sets_of(texts: list[str], width: int) -> ShingleSets:
    return shingle_sets(
        word_tokens(split_words(pa.array(texts, pa.large_string()), lower=True)), width=width
    )


def as_sets(sets: ShingleSets) -> list[set[int]]:
    return [
        set(sets.values[start:end].tolist())
        for start, end in zip(sets.offsets[:-1], sets.offsets[1:], strict=True)
    ]


@given(texts_of, st.integers(1, 6))
def test_equals_sets_of_tuples(texts: list[str], width: int):
    """Sets have the same sizes, and the same intersections between any two documents."""
    sets = sets_of(texts, width)
    fast, slow = as_sets(sets), [slow_shingles(text, width) for text in texts]
    assert sets.sizes.tolist() == [len(one) for one in slow]
    for one, slow_one in zip(fast, slow, strict=True):
        assert [slow_jaccard(one, other) for other in fast] == [
            slow_jaccard(slow_one, other) for other in slow
        ]


@given(texts_of, st.integers(1, 6))
def test_sorted_and_distinct(texts: list[str], width: int):
    sets = sets_of(texts, width)
    for start, end in zip(sets.offsets[:-1], sets.offsets[1:], strict=True):
        assert (np.diff(sets.values[start:end].astype(object)) > 0).all()


@given(texts_of, st.integers(1, 6), st.randoms())
def test_a_set_depends_on_its_text_alone(texts: list[str], width: int, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    whole = sets_of(texts, width)
    shuffled = sets_of([texts[index] for index in order], width)
    taken = whole.take(np.array(order, np.int64))
    assert (taken.values == shuffled.values).all()
    assert (taken.offsets == shuffled.offsets).all()
    joined = concatenate_sets([sets_of([text], width) for text in texts])
    assert (joined.values == whole.values).all()
    assert (joined.offsets == whole.offsets).all()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("... !", 0),
        ("one", 1),
        ("one two three four", 1),
        ("a b c d e", 1),
        ("a b c d e f", 2),
        ("a " * 50, 1),
    ],
)
def test_sizes(text: str, size: int):
    assert sets_of([text, "x y z", text], 5).sizes.tolist() == [size, 1, size]


def test_short_text_is_no_part_of_a_long_one():
    short, long = as_sets(sets_of(["a b c", "a b c d e"], 5))
    assert not short & long


@given(st.lists(st.text("ab \n\t.É", max_size=12), max_size=5), st.integers(1, 5))
def test_characters_equal_sets_of_strings(texts: list[str], width: int):
    found = shingle_sets(
        character_tokens(split_words(pa.array(texts, pa.large_string()), lower=True)), width=width
    )
    slow = []
    for text in texts:
        squeezed = " ".join(text.lower().split())
        grams = {squeezed[start : start + width] for start in range(len(squeezed) - width + 1)} or {
            squeezed
        }
        slow.append(grams - {""})
    assert found.sizes.tolist() == [len(one) for one in slow]
    for one, slow_one in zip(as_sets(found), slow, strict=True):
        assert [slow_jaccard(one, other) for other in as_sets(found)] == [
            slow_jaccard(slow_one, other) for other in slow
        ]
