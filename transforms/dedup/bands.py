"""Locality-sensitive hashing: bands of signatures, and the pairs of documents that share one.

After Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.
"""

from dataclasses import dataclass

import numpy as np

from transforms.dedup.shingles import to_offsets
from transforms.words import mix64

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Pairs of addresses to compare: `first` < `second`, uint64 [pairs], each pair once, sorted; `oversized` counts the
    buckets beyond the limit, whose pairs are only those of hub and chain."""

    first: np.ndarray
    second: np.ndarray
    oversized: int

    def __len__(self) -> int:
        return len(self.first)


def match_probability(jaccard: float | np.ndarray, *, bands: int, rows: int) -> float | np.ndarray:
    """The chance that two sets of this similarity share at least one band: 1 - (1 - s**rows)**bands."""
    return 1 - (1 - jaccard**rows) ** bands


def band_hashes(signatures: np.ndarray, *, bands: int, rows: int) -> np.ndarray:
    """uint32 [documents, bands * rows] -> uint64 [bands, documents], one hash of each document's values in each band."""
    values = signatures.reshape(len(signatures), bands, rows)
    hashes = np.arange(1, bands + 1, dtype=np.uint64)[:, None].repeat(len(signatures), axis=1)
    for row in range(rows):
        hashes *= _MULTIPLIER
        hashes += values[:, :, row].T
        hashes = mix64(hashes)
    return hashes


def range_of(hashes: np.ndarray, ranges: int) -> np.ndarray:
    """Which of `ranges` equal intervals of [0, 2**64) each hash lies in: int64, same shape."""
    return ((hashes >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.int64)


def candidate_pairs(hashes: np.ndarray, addresses: np.ndarray, *, limit: int) -> Candidates:
    """The pairs of addresses that share a hash; both uint64 [n], in any order, an address once.

    A bucket of up to `limit` addresses gives all its pairs. A larger one gives its smallest address with each other (the
    hub) and each with the next (the chain), 2 n - 3 pairs: every document of it is still compared, and found if it is
    similar to the first or to a neighbour.
    """
    hashes, addresses = _shared_only(hashes, addresses)
    new = np.ones(len(hashes), bool)
    new[1:] = hashes[1:] != hashes[:-1]
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(hashes)))
    bucket = np.repeat(np.arange(len(starts)), sizes)
    position = np.arange(len(hashes)) - starts[bucket]
    large = sizes[bucket] > limit
    left, right = _following(np.where(large, 0, sizes[bucket] - 1 - position))
    members = np.flatnonzero(large & (position > 0))
    distant = members[position[members] > 1]
    left = np.concatenate([left, members - 1, starts[bucket[distant]]])
    right = np.concatenate([right, members, distant])
    first, second = unique_pairs(addresses[left], addresses[right])
    return Candidates(first=first, second=second, oversized=int((sizes > limit).sum()))


def unique_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorts pairs by (first, second) and removes repeats: two arrays of one length -> two of one length."""
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = np.ones(len(first), bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return first[new], second[new]


def _shared_only(hashes: np.ndarray, addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those whose hash occurs more than once, sorted by (hash, address): few, so the costly sort is of few."""
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
    offsets = to_offsets(counts)
    left = np.repeat(np.arange(len(counts)), counts)
    return left, left + 1 + np.arange(offsets[-1]) - offsets[left]
