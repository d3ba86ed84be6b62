"""Exact intersection sizes of pairs of shingle sets."""

import numpy as np

from transforms.arrays import blocks_of
from transforms.dedup.near.shingles import ShingleSets

_BLOCK = 1 << 22


def common_values(sets: ShingleSets, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The intersection size of each pair of sets, in memory for about 4 Mi shingles.

    Args:
        first, second: int64 (pairs,) each, numbers of sets.

    Returns:
        int64 (pairs,).
    """
    result = np.zeros(len(first), np.int64)
    for start, end in blocks_of(sets.sizes[first] + sets.sizes[second], _BLOCK):
        if end - start == 1:
            result[start] = _count_common(_set(sets, first[start]), _set(sets, second[start]))
        else:
            result[start:end] = _intersections(sets, first[start:end], second[start:end])
    return result


def _set(sets: ShingleSets, number: int) -> np.ndarray:
    return sets.values[sets.offsets[number] : sets.offsets[number + 1]]


def _count_common(first: np.ndarray, second: np.ndarray) -> int:
    """The intersection size of two sets of any size, strictly increasing uint64 each."""
    common = 0
    for start in range(0, len(first), _BLOCK):
        values = first[start : start + _BLOCK]
        low, high = np.searchsorted(second, values[[0, -1]])
        near = second[low : high + 1]
        found = np.searchsorted(near, values)
        known = found < len(near)
        common += int((near[found[known]] == values[known]).sum())
    return common


def _intersections(sets: ShingleSets, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The intersection sizes of many pairs at once: int64 (pairs,).

    Sorts the elements of all pairs together, so it needs memory for all of them.
    """
    # Shingles are replaced by their ranks, so that (pair, rank) fits into 64 bits without loss.
    # Sorted, a key that occurs twice is a shingle of both sets of its pair.
    documents, members = np.unique(np.concatenate([first, second]), return_inverse=True)
    used = sets.take(documents)
    ranks = ShingleSets(
        values=np.unique(used.values, return_inverse=True)[1].astype(np.uint64),
        offsets=used.offsets,
    )
    pairs = np.tile(np.arange(len(first), dtype=np.uint64), 2)
    keys = ranks.take(members)
    keyed = keys.values | np.repeat(pairs << np.uint64(32), keys.sizes)
    keyed.sort()
    common = keyed[1:][keyed[1:] == keyed[:-1]] >> np.uint64(32)
    return np.bincount(common.astype(np.int64), minlength=len(first))
