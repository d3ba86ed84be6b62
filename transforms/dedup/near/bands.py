"""Locality-sensitive hashing: bands of signatures, and the pairs of documents that share one.

After Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.arrays import join_ranges, run_edges, unique_pairs
from transforms.words import mix64

RECALL = 0.995
"""The least probability to find a pair at the threshold with which bands and rows are chosen."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True, eq=False)
class CandidatePairs:
    """Pairs of documents that share a bucket, and the buckets too large to pair completely.

    first, second  uint64 (pairs,), addresses, first < second, each pair once, sorted
    members        uint64 (members,), addresses in oversized buckets, one bucket after the other
    sizes          int64 (buckets,), of the oversized buckets
    """

    first: np.ndarray
    second: np.ndarray
    members: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def oversized(self) -> Iterator[np.ndarray]:
        """The addresses of each oversized bucket."""
        yield from np.split(self.members, np.cumsum(self.sizes)[:-1]) if len(self.sizes) else ()


def match_probability(jaccard: float | np.ndarray, *, bands: int, rows: int) -> float | np.ndarray:
    """The probability that sets of this similarity share a band: 1 - (1 - s**rows)**bands."""
    return 1 - (1 - jaccard**rows) ** bands


def choose_bands(jaccard: float, *, permutations: int) -> tuple[int, int]:
    """Bands and rows that find pairs of this similarity with probability `RECALL` or more.

    Of these the most rows, which give the fewest candidates. Raises ValueError when no division of
    so many permutations is good enough.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if match_probability(jaccard, bands=bands, rows=rows) >= RECALL:
            return bands, rows
    raise ValueError(
        f"{permutations} permutations find pairs of similarity {jaccard} too rarely; raise permutations or jaccard"
    )


def recall_curve(*, bands: int, rows: int, jaccard: float) -> list[tuple[float, float]]:
    """The S-curve of banding at every tenth and at the threshold `jaccard`.

    Returns:
        (similarity, probability that a pair of this similarity is compared), rising.
    """
    points = sorted({*(tenth / 10 for tenth in range(1, 11)), jaccard})
    return [(point, float(match_probability(point, bands=bands, rows=rows))) for point in points]


@dataclass(frozen=True, kw_only=True)
class ExpectedRecall:
    """The probability that a pair is compared: `expected` at the threshold, and the `curve`.

    The curve is (similarity, probability), see `recall_curve`.
    """

    bands: int
    rows: int
    threshold: float
    expected: float
    curve: list[tuple[float, float]]


def expected_recall(*, bands: int, rows: int, jaccard: float) -> ExpectedRecall:
    """The recall that `bands` bands of `rows` rows give at the threshold `jaccard`."""
    curve = recall_curve(bands=bands, rows=rows, jaccard=jaccard)
    expected = next(probability for similarity, probability in curve if similarity == jaccard)
    return ExpectedRecall(bands=bands, rows=rows, threshold=jaccard, expected=expected, curve=curve)


def band_hashes(signatures: np.ndarray, *, bands: int, rows: int) -> np.ndarray:
    """One hash of each document's values in each band.

    uint32 (documents, at least bands * rows) -> uint64 (bands, documents).
    """
    return np.stack([hash_band(signatures, band, rows=rows) for band in range(bands)])


def hash_band(signatures: np.ndarray, band: int, *, rows: int) -> np.ndarray:
    """A hash of each document's values in one band.

    Equal values in two bands have different hashes.

    uint32 (documents, permutations) -> uint64 (documents,).
    """
    hashes = np.full(len(signatures), band + 1, np.uint64)
    for values in signatures[:, band * rows : (band + 1) * rows].T:
        hashes *= _MULTIPLIER
        hashes += values
        hashes = mix64(hashes)
    return hashes


def range_of(hashes: np.ndarray, ranges: int) -> np.ndarray:
    """Which of `ranges` equal intervals of [0, 2**64) each hash lies in: int64, same shape."""
    return ((hashes >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.int64)


def candidate_pairs(hashes: np.ndarray, addresses: np.ndarray, *, limit: int) -> CandidatePairs:
    """Pair up documents that share a band hash.

    Args:
        hashes: uint64 (n,), one band hash per document; equal values form a bucket.
        addresses: uint64 (n,), the document addresses, aligned with `hashes`; an address once.
        limit: largest bucket that is paired completely.

    Returns:
        All pairs of buckets up to `limit`, and the larger buckets themselves.
    """
    hashes, addresses = _shared_only(hashes, addresses)
    # Sorted by hash, every bucket is one run of rows.
    edges = run_edges(hashes)
    starts, sizes = edges[:-1], np.diff(edges)
    bucket = np.repeat(np.arange(len(starts)), sizes)
    position = np.arange(len(hashes)) - starts[bucket]
    large = sizes[bucket] > limit
    # A document is paired with all that follow it in its bucket; with none in an oversized one.
    left, right = _following(np.where(large, 0, sizes[bucket] - 1 - position))
    first, second = unique_pairs(addresses[left], addresses[right])
    return CandidatePairs(
        first=first, second=second, members=addresses[large], sizes=sizes[sizes > limit]
    )


def hub_and_chain(addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs for a bucket that is too large for all pairs: 2 n - 3 instead of n (n - 1) / 2.

    The first document is paired with each other one (the hub), and each with the next (the chain).
    So every document is compared, and found if it is similar to the first or to a neighbour.

    Args:
        addresses: uint64 (n,), in an order that brings similar documents together, the one to keep
            first.

    Returns:
        The smaller and the larger address of each pair, uint64 (2 n - 3,) each.
    """
    left = np.concatenate([np.repeat(addresses[:1], max(len(addresses) - 1, 0)), addresses[1:-1]])
    right = np.concatenate([addresses[1:], addresses[2:]])
    return np.minimum(left, right), np.maximum(left, right)


def _shared_only(hashes: np.ndarray, addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The documents whose hash occurs more than once, sorted by (hash, address).

    A cheap sort by hash alone finds them; they are few, so the sort by two keys is of few rows.
    """
    order = np.argsort(hashes)
    hashes = hashes[order]
    same = hashes[1:] == hashes[:-1]
    shared = np.zeros(len(hashes), bool)
    shared[1:] |= same
    shared[:-1] |= same
    hashes, addresses = hashes[shared], addresses[order[shared]]
    order = np.lexsort((addresses, hashes))
    return hashes[order], addresses[order]


def _following(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index pairs (i, i + 1) … (i, i + counts[i]) for every i.

    int64 (n,) -> two int64 (sum of counts,).
    """
    numbers = np.arange(len(counts))
    return np.repeat(numbers, counts), join_ranges(numbers + 1, counts)
