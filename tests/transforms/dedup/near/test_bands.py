"""Bands: who shares one is a candidate, and nobody else."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.dedup.near.bands import (
    RECALL,
    band_hashes,
    candidate_pairs,
    choose_bands,
    hub_and_chain,
    match_probability,
    range_of,
    recall_curve,
)

buckets_of = st.lists(st.integers(0, 6), max_size=40)


def as_pairs(candidates) -> list[tuple[int, int]]:
    return list(zip(candidates.first.tolist(), candidates.second.tolist(), strict=True))


def spread(numbers: list[int]) -> np.ndarray:
    return np.array([number * 0x9E3779B97F4A7C15 % 2**64 for number in numbers], np.uint64)


@given(buckets_of, st.randoms())
def test_pairs_are_those_that_share_a_hash(buckets: list[int], random):
    addresses = random.sample(range(1000), len(buckets))
    found = candidate_pairs(spread(buckets), np.array(addresses, np.uint64), limit=100)
    both = zip(addresses, buckets, strict=True)
    expected = sorted(
        tuple(sorted((a, b))) for (a, x), (b, y) in itertools.combinations(both, 2) if x == y
    )
    assert as_pairs(found) == expected
    assert not len(found.members)


@given(buckets_of, st.integers(2, 8), st.randoms())
def test_oversized_buckets_are_left_whole(buckets: list[int], limit: int, random):
    addresses = list(range(len(buckets)))
    random.shuffle(addresses)
    found = candidate_pairs(spread(buckets), np.array(addresses, np.uint64), limit=limit)
    pairs = as_pairs(found)
    assert pairs == sorted(set(pairs))
    oversized = []
    for bucket in set(buckets):
        members = sorted(
            address for address, number in zip(addresses, buckets, strict=True) if number == bucket
        )
        mine = {pair for pair in pairs if pair[0] in members}
        if len(members) > limit:
            oversized.append(members)
            assert not mine
        else:
            assert mine == set(itertools.combinations(members, 2))
    assert sorted(bucket.tolist() for bucket in found.oversized()) == sorted(oversized)


@given(st.lists(st.integers(0, 99), unique=True, max_size=12))
def test_hub_and_chain(order: list[int]):
    first, second = hub_and_chain(np.array(order, np.uint64))
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    expected = {(order[0], other) for other in order[1:]} | set(itertools.pairwise(order))
    assert len(pairs) == len(set(pairs)) == max(0, 2 * len(order) - 3 if len(order) > 1 else 0)
    assert set(pairs) == {tuple(sorted(pair)) for pair in expected}


@given(st.floats(0.1, 1), st.integers(20, 300))
def test_chosen_bands_reach_the_recall_with_the_most_rows(jaccard: float, permutations: int):
    try:
        bands, rows = choose_bands(jaccard, permutations=permutations)
    except ValueError:
        assert match_probability(jaccard, bands=permutations, rows=1) < RECALL
        return
    assert bands * rows <= permutations
    assert match_probability(jaccard, bands=bands, rows=rows) >= RECALL
    for more in range(rows + 1, permutations + 1):
        assert match_probability(jaccard, bands=permutations // more, rows=more) < RECALL


def test_recall_curve():
    curve = dict(recall_curve(bands=21, rows=6, jaccard=0.85))
    assert list(curve) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 1.0]
    assert curve[0.8] == pytest.approx(1 - (1 - 0.8**6) ** 21)
    assert list(curve.values()) == sorted(curve.values())


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_band_hashes_equal_where_bands_do(bands: int, rows: int, documents: int, seed: int):
    signatures = np.random.default_rng(seed).integers(
        0, 3, (documents, bands * rows), dtype=np.uint32
    )
    hashes = band_hashes(signatures, bands=bands, rows=rows)
    assert hashes.shape == (bands, documents)
    for band in range(bands):
        values = [tuple(row) for row in signatures[:, band * rows : (band + 1) * rows].tolist()]
        assert [[x == y for y in hashes[band]] for x in hashes[band]] == [
            [x == y for y in values] for x in values
        ]


def test_equal_values_in_different_bands_differ():
    hashes = band_hashes(np.full((1, 12), 7, np.uint32), bands=4, rows=3)
    assert len(set(hashes[:, 0].tolist())) == 4


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(1, 4096))
def test_ranges_are_ordered_and_within_bounds(hashes: list[int], ranges: int):
    numbers = range_of(np.array(sorted(hashes), np.uint64), ranges)
    assert (numbers >= 0).all()
    assert (numbers < ranges).all()
    assert (np.diff(numbers) >= 0).all()


def test_ranges_are_even():
    hashes = np.random.default_rng(1).integers(0, 2**64, 70_000, dtype=np.uint64)
    assert np.bincount(range_of(hashes, 7), minlength=7).min() > 9_500


@pytest.mark.parametrize(
    ("jaccard", "expected"), [(0.0, 0.0), (1.0, 1.0), (0.8, 1 - (1 - 0.8**6) ** 21)]
)
def test_match_probability(jaccard: float, expected: float):
    assert match_probability(jaccard, bands=21, rows=6) == pytest.approx(expected)


def test_match_probability_is_the_measured_rate():
    """Pairs of known similarity share a band as often as computed: 2,000 pairs, 4 sigma."""
    random = np.random.default_rng(3)
    agree = random.random((2_000, 20)) < 0.6
    left = random.integers(0, 2**32, (2_000, 20), dtype=np.uint32)
    right = np.where(agree, left, left + np.uint32(1))
    shared = (
        (band_hashes(left, bands=5, rows=4) == band_hashes(right, bands=5, rows=4))
        .any(axis=0)
        .mean()
    )
    expected = match_probability(0.6, bands=5, rows=4)
    assert abs(shared - expected) < 4 * (expected * (1 - expected) / 2_000) ** 0.5
