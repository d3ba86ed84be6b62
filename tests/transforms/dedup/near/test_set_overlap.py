"""Values in common, and exact Jaccard from them, against Python's sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import slow_jaccard
from transforms.arrays import to_offsets
from transforms.dedup.near import set_overlap
from transforms.dedup.near.candidates import similarity_of
from transforms.dedup.near.set_overlap import common_values
from transforms.dedup.near.shingles import ShingleSets
from transforms.dedup.settings import DedupConfig

_VALUES = [0, 1, 2, 3, 2**32, 2**32 + 1, 2**63, 2**64 - 1]


@given(
    st.data(),
    st.lists(st.sets(st.sampled_from(_VALUES)), min_size=1, max_size=6),
    st.sampled_from([1, 2, 5, 1 << 22]),
)
def test_equals_sets(data, sets: list[set[int]], block: int):
    """In blocks of many pairs and of one pair, with lookups of some values at a time."""
    number = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number), max_size=12))
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    given_sets = ShingleSets(
        values=np.array([value for one in sets for value in sorted(one)], np.uint64),
        offsets=to_offsets(np.array([len(one) for one in sets], np.int64)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(set_overlap, "_BLOCK", block)
        common = common_values(given_sets, first, second)
    assert common.tolist() == [len(sets[a] & sets[b]) for a, b in pairs]
    similarity = similarity_of(
        common, given_sets.sizes[first], given_sets.sizes[second], DedupConfig()
    )
    assert similarity.tolist() == [slow_jaccard(sets[a], sets[b]) for a, b in pairs]


def test_exactly_at_a_decimal_threshold():
    """Four shingles of five: correctly rounded, so equal to the 0.8 of the configuration."""
    one = np.array([5], np.int64)
    assert similarity_of(one - 1, one - 1, one, DedupConfig())[0] == DedupConfig().jaccard == 0.8
