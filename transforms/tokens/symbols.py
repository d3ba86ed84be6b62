"""The symbols of all distinct pre-tokens in flat arrays, where pairs are merged.

All occurrences of a pair are merged at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.arrays import first_of_run, run_edges

ID_BITS = 21
ID_MASK = (1 << ID_BITS) - 1
"""A pair of symbols (left, right) is the number left << ID_BITS | right."""

NOWHERE = np.zeros(0, np.int32)
_END, _REMOVED = -1, -2


class PairOccurrences(NamedTuple):
    """n pairs and where they occur.

    pairs, counts  int64 (n,)
    starts, ends   int64 (n,): pair i occurs at positions[starts[i] : ends[i]], ascending
    positions      int32 (occurrences,)
    """

    pairs: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    positions: np.ndarray

    def only(self, chosen: np.ndarray) -> "PairOccurrences":
        return PairOccurrences(
            self.pairs[chosen],
            self.counts[chosen],
            self.starts[chosen],
            self.ends[chosen],
            self.positions,
        )


class Symbols:
    """A linked list of symbols: int32 (symbols + pre-tokens + 1,) each.

    `pretoken`: which pre-token a symbol stands in.

    An end stands before, between and after pre-tokens, so that every symbol has neighbours. A pair
    is where its left symbol is.
    """

    def __init__(
        self,
        pretokens: pa.LargeBinaryArray,
        counts: np.ndarray,
        byte_order: Sequence[int],
        *,
        first: int,
    ):
        """Ids of bytes begin at `first`, in `byte_order`. counts: int64 (pretokens,)."""
        offsets = np.frombuffer(pretokens.buffers()[1], np.int64)[pretokens.offset :][
            : len(pretokens) + 1
        ]
        data = np.frombuffer(pretokens.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        lengths = np.diff(offsets)
        size = len(data) + len(lengths) + 1
        if size >= 1 << 31:
            raise OverflowError(f"{len(data):,} bytes of distinct pre-tokens are more than 2^31")
        numbers = np.arange(len(lengths), dtype=np.int32)
        id_of = np.zeros(256, np.int32)
        id_of[list(byte_order)] = np.arange(first, first + 256)
        self.pretoken = np.append(np.zeros(1, np.int32), np.repeat(numbers, lengths + 1))
        self._symbols = np.full(size, _END, np.int32)
        self._symbols[np.arange(1, len(data) + 1) + np.repeat(numbers, lengths)] = id_of[data]
        self._next = np.arange(1, size + 1, dtype=np.int32)
        self._previous = np.arange(-1, size - 1, dtype=np.int32)
        self._counts = counts.astype(np.int64)

    def weights(self, positions: np.ndarray) -> np.ndarray:
        """How often the pre-tokens at these positions occur: int64 (n,)."""
        return self._counts[self.pretoken[positions]]

    def pairs(self) -> PairOccurrences:
        """All pairs of neighbours before anything was merged."""
        places = np.flatnonzero((self._symbols[:-1] >= 0) & (self._symbols[1:] >= 0)).astype(
            np.int32
        )
        pairs = (self._symbols[places].astype(np.int64) << ID_BITS) | self._symbols[places + 1]
        order = np.argsort(pairs, kind="stable")
        return self._grouped(pairs[order], places[order])

    def where(self, pair: int, positions: np.ndarray) -> np.ndarray:
        """Those of the positions at which the pair occurs now."""
        here = positions[self._symbols[positions] == pair >> ID_BITS]
        return here[self._symbols[self._next[here]] == pair & ID_MASK]

    def merge(self, pair: int, token: int, positions: np.ndarray) -> PairOccurrences:
        """Replaces the pair by a new token at these ascending positions, from the left.

        Returns the pairs that this makes.
        """
        right = self._next[positions]
        if pair >> ID_BITS == pair & ID_MASK:
            chosen = _without_overlaps(positions, right)
            positions, right = positions[chosen], right[chosen]
        before, after = self._previous[positions], self._next[right]
        self._symbols[positions] = token
        self._symbols[right] = _REMOVED
        self._next[positions] = after
        self._previous[after] = positions
        symbols_before, symbols_after = self._symbols[before], self._symbols[after]
        # Where two merged pairs touch, the symbol before the right one no longer exists. Their one
        # new pair is that of the left one with the symbol after it.
        has_before, has_after = symbols_before >= 0, symbols_after >= 0
        places = np.concatenate([before[has_before], positions[has_after]])
        left_pairs = (symbols_before[has_before].astype(np.int64) << ID_BITS) | token
        right_pairs = (token << ID_BITS) | symbols_after[has_after].astype(np.int64)
        pairs = np.concatenate([left_pairs, right_pairs])
        order = np.argsort(pairs, kind="stable")
        return self._grouped(pairs[order], places[order])

    def _grouped(self, pairs: np.ndarray, places: np.ndarray) -> PairOccurrences:
        """Sorted pairs, int64 (n,), and their places -> each pair once."""
        if not len(pairs):
            return PairOccurrences(none := np.zeros(0, np.int64), none, none, none, NOWHERE)
        edges = run_edges(pairs)
        starts = edges[:-1]
        return PairOccurrences(
            pairs[starts], np.add.reduceat(self.weights(places), starts), starts, edges[1:], places
        )


def _without_overlaps(positions: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which occurrences of a pair of equal symbols are merged, from the left: bool (n,).

    "aaaa" is aa aa, "aaa" is aa a.
    """
    begins = np.append(True, positions[1:] != right[:-1])[: len(positions)]
    return (np.arange(len(positions)) - first_of_run(begins)) % 2 == 0
