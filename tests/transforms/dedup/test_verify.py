"""Exact Jaccard against Python's sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import slow_jaccard
from transforms.dedup import verify
from transforms.dedup.shingles import ShingleSets, to_offsets
from transforms.dedup.verify import blocks_of, jaccard_of_pairs

_VALUES = [0, 1, 2, 3, 2**32, 2**32 + 1, 2**63, 2**64 - 1]


@given(st.data(), st.lists(st.sets(st.sampled_from(_VALUES)), min_size=1, max_size=6), st.sampled_from([1, 5, 1 << 22]))
def test_equals_sets(data, sets: list[set[int]], block: int):
    number = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number), max_size=12))
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_BLOCK", block)
        found = jaccard_of_pairs(
            ShingleSets(
                values=np.array([value for one in sets for value in sorted(one)], np.uint64),
                offsets=to_offsets(np.array([len(one) for one in sets], np.int64)),
            ),
            first,
            second,
        )
    assert found.tolist() == [slow_jaccard(sets[a], sets[b]) for a, b in pairs]


def test_exactly_at_a_decimal_threshold():
    sets = ShingleSets(values=np.array([1, 2, 3, 4, 5, 1, 2, 3, 4], np.uint64), offsets=np.array([0, 5, 9]))
    assert jaccard_of_pairs(sets, np.array([0]), np.array([1]))[0] >= 0.8


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_blocks_cover_all_and_are_bounded(sizes: list[int], limit: int):
    blocks = list(blocks_of(np.array(sizes, np.int64), limit))
    assert [index for start, end in blocks for index in range(start, end)] == list(range(len(sizes)))
    assert all(sum(sizes[start + 1 : end]) < limit for start, end in blocks)
