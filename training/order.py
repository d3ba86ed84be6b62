"""The order of training rows as pure functions of (seed, position), with random access.

A permutation orders the rows of a source in each epoch; a schedule gives the source of the n-th
row. Neither has an index or a state. Both use integers only and give the same order on every
machine.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

_ROUNDS = 6
_CIRCLE = 1 << 32
# Odd and near 2**32 / golden ratio: consecutive multiples are spread evenly over the circle.
_GOLDEN_STEP = 2_654_435_769


def _key_words(*parts: str | int, count: int) -> np.ndarray:
    """Derive `count` uint64 words from all parts."""
    text = "\0".join(str(part) for part in parts).encode()
    return np.frombuffer(hashlib.shake_128(text).digest(8 * count), dtype="<u8").astype(np.uint64)


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64, a bijective mixer: uint64 -> uint64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed


def permute(indices: np.ndarray, *, size: int, key: Sequence[str | int]) -> np.ndarray:
    """Apply a pseudo-random permutation of 0 .. size - 1 to indices: int64 (n,) -> int64 (n,).

    `key` selects the permutation. It is a balanced Feistel network on the smallest even number of
    bits that holds `size`, with cycle walking: a value outside the range is permuted again until it
    is inside, less than four times on average.

    Raises ValueError for an index out of range.
    """
    if size < 1 or (len(indices) and not (indices.min() >= 0 and indices.max() < size)):
        raise ValueError(f"indices must lie in 0 .. {size - 1}")
    half = np.uint64(max(1, -(-(size - 1).bit_length() // 2)))
    low = (np.uint64(1) << half) - np.uint64(1)
    words = _key_words(*key, count=_ROUNDS)
    values = indices.astype(np.uint64)
    outside = np.arange(len(values))
    while len(outside):
        left, right = values[outside] >> half, values[outside] & low
        for word in words:
            left, right = right, left ^ (_mix(right + word) & low)
        values[outside] = left << half | right
        outside = outside[values[outside] >= np.uint64(size)]
    return values.astype(np.int64)


def _floor_sum(count: int, modulus: int, step: int, offset: int) -> int:
    """Sum of floor((step * i + offset) / modulus) for i in 0 .. count - 1, in O(log modulus)."""
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (step // modulus) + count * (offset // modulus)
        step, offset = step % modulus, offset % modulus
        last = step * count + offset
        if last < modulus:
            break
        count, offset, step, modulus = last // modulus, last % modulus, modulus, step
    return total


class MixtureSchedule:
    """The source of the n-th row: a rotation by the golden ratio over arcs as long as the weights.

    After any number of rows the count of each source is within a few rows of its share. A closed
    formula gives the counts, so a run can start at any row. Equal weights and seeds give equal
    schedules; the order of the mapping has no effect. Raises ValueError without a weight above 0.
    """

    def __init__(self, weights: Mapping[str, float], *, seed: int):
        self.sources = sorted(source for source, weight in weights.items() if weight > 0)
        if not self.sources:
            raise ValueError("no source has a weight above 0")
        shares = np.array([weights[source] for source in self.sources], dtype=np.float64)
        bounds = np.rint(np.cumsum(shares) / shares.sum() * _CIRCLE).astype(np.int64)
        bounds[-1] = _CIRCLE
        self._bounds = bounds
        self._offset = int(_key_words(seed, "mixture", count=1)[0] % np.uint64(_CIRCLE))

    def counts_before(self, position: int) -> np.ndarray:
        """Count the rows of each source among the first `position` rows: int64 (sources,).

        The counts are in the order of `sources`.
        """
        # x = (i * step + offset) mod circle is at least `bound` exactly when adding circle - bound
        # increases the quotient by one, so two floor sums count the points at or after `bound`.
        below = [
            position
            - (
                _floor_sum(position, _CIRCLE, _GOLDEN_STEP, self._offset + _CIRCLE - int(bound))
                - _floor_sum(position, _CIRCLE, _GOLDEN_STEP, self._offset)
            )
            for bound in self._bounds
        ]
        return np.diff(np.array(below, dtype=np.int64), prepend=0)

    def draw(self, position: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The sources of the rows position .. position + count - 1.

        Returns the index into `sources` and the number of earlier rows of that source, int64
        (count,) each.
        """
        steps = np.array(
            [(self._offset + (position + i) * _GOLDEN_STEP) % _CIRCLE for i in range(count)],
            dtype=np.int64,
        )
        chosen = np.searchsorted(self._bounds, steps, side="right")
        before = self.counts_before(position)
        drawn = np.empty(count, dtype=np.int64)
        for source in range(len(self.sources)):
            mine = chosen == source
            drawn[mine] = before[source] + np.arange(mine.sum())
        return chosen.astype(np.int64), drawn
