"""What pairs of shingle sets have in common, exactly."""

import numpy as np

from transforms.arrays import blocks_of
from transforms.dedup.near.shingles import ShingleSets

_BLOCK = 1 << 22


def common_values(sets: ShingleSets, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|A and B| of the sets numbered `first` and `second`: int64 [pairs]. Memory is bounded: pairs go through in blocks of about
    4 Mi shingles."""
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
    """How many values two sets share, strictly increasing uint64 each, of any size: some are looked up at a time."""
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
    """Shingles that both sets of a pair hold: int64 [pairs].

    Shingles become ranks, so that (pair, rank) fits 64 bits without loss; a key that occurs twice is a common shingle.
    """
    documents, members = np.unique(np.concatenate([first, second]), return_inverse=True)
    used = sets.take(documents)
    ranks = ShingleSets(values=np.unique(used.values, return_inverse=True)[1].astype(np.uint64), offsets=used.offsets)
    pairs = np.tile(np.arange(len(first), dtype=np.uint64), 2)
    keys = ranks.take(members)
    keyed = keys.values | np.repeat(pairs << np.uint64(32), keys.sizes)
    keyed.sort()
    common = keyed[1:][keyed[1:] == keyed[:-1]] >> np.uint64(32)
    return np.bincount(common.astype(np.int64), minlength=len(first))
