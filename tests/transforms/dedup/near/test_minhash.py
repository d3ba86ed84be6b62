"""Signatures are those of datasketch, bit for bit."""

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.arrays import to_offsets
from transforms.dedup.near import minhash
from transforms.dedup.near.minhash import EMPTY, minhash_signatures, permutations
from transforms.dedup.near.shingles import ShingleSets

sets_of = st.lists(st.sets(st.integers(0, 2**64 - 1), max_size=20), max_size=8)


def make_sets(sets: list[set[int]]) -> ShingleSets:
    values = np.array([value for one in sets for value in sorted(one)], np.uint64)
    return ShingleSets(
        values=values, offsets=to_offsets(np.array([len(one) for one in sets], np.int64))
    )


def oracle(sets: list[set[int]], count: int, seed: int) -> np.ndarray:
    signatures = []
    for one in sets:
        sketch = MinHash(num_perm=count, seed=seed, scheme="affine32", hashfunc=lambda value: value)
        sketch.update_batch([value & 0xFFFFFFFF for value in one])
        signatures.append(sketch.hashvalues)
    return np.array(signatures, np.uint32).reshape(len(sets), count)


@given(sets_of, st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_equals_datasketch(sets: list[set[int]], count: int, seed: int):
    signatures = minhash_signatures(make_sets(sets), count=count, seed=seed)
    assert signatures.dtype == np.uint32
    assert (signatures == oracle(sets, count, seed)).all()


@settings(max_examples=30)
@given(sets=sets_of, block=st.integers(1, 9))
def test_blocks_do_not_matter(sets: list[set[int]], block: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_BLOCK", block)
        assert (minhash_signatures(make_sets(sets), count=7, seed=3) == oracle(sets, 7, 3)).all()


def test_large_sets_span_blocks():
    random = np.random.default_rng(5)
    sets = [
        set(random.integers(0, 2**63, size, dtype=np.uint64).tolist())
        for size in (3, 70_000, 0, 1, 40_000)
    ]
    assert (minhash_signatures(make_sets(sets), count=16, seed=1) == oracle(sets, 16, 1)).all()


def test_empty_set():
    assert (minhash_signatures(make_sets([set(), set()]), count=5, seed=1) == EMPTY).all()
    assert minhash_signatures(make_sets([]), count=5, seed=1).shape == (0, 5)


def test_permutations_are_those_of_datasketch():
    assert (
        np.array(permutations(126, 42))
        == MinHash(num_perm=126, seed=42, scheme="affine32").permutations
    ).all()
