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
class Candidates:
    """Pairs of addresses to compare, and the buckets above the limit, which are not paired yet.

    first, second  uint64 [pairs]: `first` < `second`, sorted, each pair once
    members        uint64: the addresses of the buckets above the limit, bucket by bucket
    sizes          int64 [buckets]: the number of addresses of each of these buckets
    """

    first: np.ndarray
    second: np.ndarray
    members: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def oversized(self) -> Iterator[np.ndarray]:
        """The addresses of each bucket above the limit."""
        yield from np.split(self.members, np.cumsum(self.sizes)[:-1]) if len(self.sizes) else ()


def match_probability(jaccard: float | np.ndarray, *, bands: int, rows: int) -> float | np.ndarray:
    """The probability that two sets of this similarity s share a band: 1 - (1 - s**rows)**bands."""
    return 1 - (1 - jaccard**rows) ** bands


def choose_bands(jaccard: float, *, permutations: int) -> tuple[int, int]:
    """Choose the bands and rows that find pairs of this similarity with probability >= `RECALL`.

    Of all divisions of the permutations, the one with the most rows gives the fewest candidates.
    Raises ValueError when none reaches `RECALL`.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if match_probability(jaccard, bands=bands, rows=rows) >= RECALL:
            return bands, rows
    raise ValueError(
        f"{permutations} permutations find pairs of similarity {jaccard} too rarely; "
        "raise permutations or jaccard"
    )


def recall_curve(*, bands: int, rows: int, jaccard: float) -> list[tuple[float, float]]:
    """The S-curve at every tenth and at the threshold `jaccard`.

    A point is (similarity, probability that a pair of this similarity is compared).
    """
    points = sorted({*(tenth / 10 for tenth in range(1, 11)), jaccard})
    return [(point, float(match_probability(point, bands=bands, rows=rows))) for point in points]


@dataclass(frozen=True, kw_only=True)
class ExpectedRecall:
    """The probability that a pair is compared, at the threshold (`expected`) and as a `curve`."""

    bands: int
    rows: int
    threshold: float
    expected: float
    curve: list[tuple[float, float]]


def expected_recall(*, bands: int, rows: int, jaccard: float) -> ExpectedRecall:
    """The expected recall of `bands` bands of `rows` rows for pairs of similarity `jaccard`."""
    curve = recall_curve(bands=bands, rows=rows, jaccard=jaccard)
    expected = next(probability for similarity, probability in curve if similarity == jaccard)
    return ExpectedRecall(bands=bands, rows=rows, threshold=jaccard, expected=expected, curve=curve)


def band_hashes(signatures: np.ndarray, *, bands: int, rows: int) -> np.ndarray:
    """Hash the values of each document in each band.

    Signatures uint32 [documents, >= bands * rows] -> uint64 [bands, documents].
    """
    return np.stack([hash_band(signatures, band, rows=rows) for band in range(bands)])


def hash_band(signatures: np.ndarray, band: int, *, rows: int) -> np.ndarray:
    """Hash the values of each document in one band.

    Signatures uint32 [documents, permutations] -> uint64 [documents]. Equal values have different
    hashes in different bands.
    """
    hashes = np.full(len(signatures), band + 1, np.uint64)
    for values in signatures[:, band * rows : (band + 1) * rows].T:
        hashes *= _MULTIPLIER
        hashes += values
        hashes = mix64(hashes)
    return hashes


def range_of(hashes: np.ndarray, ranges: int) -> np.ndarray:
    """The interval of each hash among `ranges` equal ones of [0, 2**64): int64, same shape."""
    return ((hashes >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.int64)


def candidate_pairs(hashes: np.ndarray, addresses: np.ndarray, *, limit: int) -> Candidates:
    """Pair up the addresses that share a hash, in buckets of up to `limit` addresses.

    `hashes` and `addresses` are aligned, uint64 [n], in any order; each address occurs once.
    """
    hashes, addresses = _shared_only(hashes, addresses)
    edges = run_edges(hashes)
    starts, sizes = edges[:-1], np.diff(edges)
    bucket = np.repeat(np.arange(len(starts)), sizes)
    position = np.arange(len(hashes)) - starts[bucket]
    large = sizes[bucket] > limit
    left, right = _following(np.where(large, 0, sizes[bucket] - 1 - position))
    first, second = unique_pairs(addresses[left], addresses[right])
    return Candidates(
        first=first, second=second, members=addresses[large], sizes=sizes[sizes > limit]
    )


def hub_and_chain(addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair a bucket that is too large for all pairs: the first with all, and each with the next.

    `addresses` is uint64 [n]. The 2 n - 3 pairs form a hub and a chain and have the smaller address
    first. All documents are compared, and one is found if it is similar to the first or to a
    neighbour. The order should put similar documents next to each other and the one to keep first.
    """
    left = np.concatenate([np.repeat(addresses[:1], max(len(addresses) - 1, 0)), addresses[1:-1]])
    right = np.concatenate([addresses[1:], addresses[2:]])
    return np.minimum(left, right), np.maximum(left, right)


def _shared_only(hashes: np.ndarray, addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Select the entries whose hash occurs more than once, sorted by (hash, address).

    They are few, so only few entries are sorted by both keys.
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
    """Index pairs (i, i + 1) ... (i, i + counts[i]) for every i."""
    numbers = np.arange(len(counts))
    return np.repeat(numbers, counts), join_ranges(numbers + 1, counts)
