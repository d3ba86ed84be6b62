"""In which order rows are drawn: pure functions of (seed, position), so that any position of the order costs the same.

Two parts: a permutation of the rows of one source for each epoch, and a schedule that says which source the n-th row
comes from. Neither keeps an index or a state; integers in, integers out, equal on every machine.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

_ROUNDS = 6
_CIRCLE = 1 << 32
_GOLDEN_STEP = 2_654_435_769  # odd, near 2**32 / golden ratio: consecutive multiples spread evenly over the circle


def _key_words(*parts: str | int, count: int) -> np.ndarray:
    """`count` uint64 words that depend on all parts."""
    text = "\0".join(str(part) for part in parts).encode()
    return np.frombuffer(hashlib.shake_128(text).digest(8 * count), dtype="<u8").astype(np.uint64)


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: uint64 -> well-mixed uint64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed


def permute(indices: np.ndarray, *, size: int, key: Sequence[str | int]) -> np.ndarray:
    """Where a pseudo-random permutation of 0 .. size - 1 sends each of the indices: int64 (n,) -> int64 (n,).

    A balanced Feistel network on the smallest even number of bits that holds `size`; what falls outside is sent through
    again until it is inside (less than four times on average). `key` chooses the permutation.
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
    """Which source the n-th row comes from: a rotation by the golden ratio over arcs as long as the weights.

    After any number of rows each source has had its share to within a few rows, and how many it has had is a closed
    formula, so a run can start at any row. Equal for equal (weights, seed); the order of the mapping does not matter.
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
        """Rows of each source (in the order of `sources`) among the first `position` rows: int64 (sources,)."""
        # i * step + offset lies on the circle at or after `bound` once more than before it when shifted up by circle - bound.
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
        """Rows position .. position + count - 1 -> (index into `sources`, how many rows that source had before), int64 (count,)."""
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
