"""MinHash signatures of a whole batch.

They are bit-identical to `datasketch.MinHash(scheme="affine32")` (datasketch 2.0).
"""

import functools

import numpy as np

from transforms.dedup.near.shingles import ShingleSets

EMPTY = np.uint32(0xFFFFFFFF)
"""All values of the signature of an empty set."""

_BLOCK = 1 << 15


@functools.cache
def permutations(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The permutations h -> factor * h + summand modulo 2**32.

    Returns the odd factors and the summands, uint32 (count,) each. Drawn as datasketch draws them,
    from numpy's legacy generator, whose stream numpy promises not to change.
    """
    generator = np.random.RandomState(seed)
    factors = generator.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    summands = generator.randint(0, 1 << 32, count, dtype=np.uint32)
    return factors, summands


def minhash_signatures(sets: ShingleSets, *, count: int, seed: int) -> np.ndarray:
    """MinHash signatures of shingle sets: uint32 (documents, count).

    A shingle is hashed by its lower 32 bits, mixed by the 32-bit finaliser of MurmurHash3
    (Appleby).
    """
    factors, summands = permutations(count, seed)
    filled = np.flatnonzero(sets.sizes)
    # Only filled documents have segments: reduceat would give an empty one its neighbour's value.
    offsets = sets.offsets[np.append(filled, len(sets))]
    # All permutations go over one block of shingles before the next, since a block stays in the CPU
    # cache. A document may span blocks: `lows` carries its minima on.
    lows = np.full((count, len(filled)), EMPTY, np.uint32)
    buffer = np.empty(_BLOCK, np.uint32)
    for start in range(0, len(sets.values), _BLOCK):
        hashes = _fmix32(sets.values[start : start + _BLOCK].astype(np.uint32))
        end = start + len(hashes)
        first = int(np.searchsorted(offsets, start, side="right")) - 1
        last = int(np.searchsorted(offsets, end, side="left"))
        segments = np.maximum(offsets[first:last] - start, 0)
        permuted = buffer[: len(hashes)]
        for index in range(count):
            np.multiply(hashes, factors[index], out=permuted)
            np.add(permuted, summands[index], out=permuted)
            low = lows[index, first:last]
            np.minimum(low, np.minimum.reduceat(permuted, segments), out=low)
    signatures = np.full((len(sets), count), EMPTY, np.uint32)
    signatures[filled] = lows.T
    return signatures


def _fmix32(hashes: np.ndarray) -> np.ndarray:
    hashes = hashes ^ (hashes >> np.uint32(16))
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes
