"""Byte-pair encoding merges from a table of (pre-token, count): those that `tokenizers.trainers.BpeTrainer` learns from the text itself.

Memory and time follow the distinct pre-tokens, not the corpus.

Published source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016). The order of merges is
that of BpeTrainer, ties included: the highest count first, then the smaller pair of ids.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.tokens.symbols import ID_BITS, ID_MASK, NOWHERE, Found, Symbols

BYTES = 256
_PAIR_BITS = 2 * ID_BITS
_PAIR_MASK = (1 << _PAIR_BITS) - 1
_ENTRY_BITS = 32
_ENTRY_MASK = (1 << _ENTRY_BITS) - 1
_MOST = 1 << 62
"""Above any count: counts are subtracted from it, since a heap gives its least number first."""

_LEAST_ADMITTED = 4096
_SHARE_ADMITTED = 32


class Merges(NamedTuple):
    """The bytes of all tokens by id, those of special tokens being their names in UTF-8, and pairs of ids in the order of their merging."""

    tokens: list[bytes]
    pairs: list[tuple[int, int]]


def byte_order() -> list[int]:
    """The bytes in the order of their ids: that of the characters by which a byte-level vocabulary spells them.

    Printable bytes are spelled as themselves, the others as U+0100 and following (Radford et al., GPT-2, 2019), so these come last.
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return shown + sorted(set(range(BYTES)) - set(shown))


def learn_merges(
    pretokens: pa.LargeBinaryArray, counts: np.ndarray, *, vocabulary: int, minimum_frequency: int, special_tokens: Sequence[str] = ()
) -> Merges:
    """n distinct pre-tokens and how often each occurs, int64 (n,) -> at most `vocabulary` tokens, special tokens and bytes included.

    A pair seen fewer than `minimum_frequency` times is not merged. The order of the table does not matter. Raises OverflowError for more
    than 2^31 bytes of distinct pre-tokens.
    """
    tokens = [token.encode() for token in special_tokens] + [bytes([byte]) for byte in byte_order()]
    ids = {token: number for number, token in enumerate(tokens)}
    queue = _Queue(Symbols(pretokens, counts, [*byte_order()], first=len(special_tokens)))
    ranks: dict[int, int] = {}
    merged = 0
    while len(tokens) < vocabulary:
        pair, count, positions = queue.pop()
        if count < max(minimum_frequency, 1):
            break
        token = tokens[pair >> ID_BITS] + tokens[pair & ID_MASK]
        number = ids.setdefault(token, len(tokens))
        known = number < len(tokens)
        if not known:
            tokens.append(token)
        # Of a pair that is merged twice the later rank counts, as in the reference, which keeps ranks by pair.
        ranks[pair] = merged
        merged += 1
        queue.merge(pair, number, positions, known=known)
    pairs = sorted(ranks, key=ranks.__getitem__)
    return Merges(tokens, [(pair >> ID_BITS, pair & ID_MASK) for pair in pairs])


class _Queue:
    """Pairs by count as the reference's heap has them: an entry is a pair, the count that it came in with, and where the pair was seen.

    An entry whose count is no longer right goes back with the right one when its turn comes. Usually all occurrences of a pair are in one
    entry. But a token that is made again, from other parts, brings new entries for pairs that had one. Each entry then merges in those
    pre-tokens only in which it saw the pair, and the pair's count includes what was merged before, which the reference never takes away.
    Pairs with a token that was made again are kept in `shared`, with all their occurrences.

    Most pairs are never merged. Those with counts below `floor` wait in arrays until the heap has come down to them.
    """

    def __init__(self, symbols: Symbols):
        self._symbols = symbols
        self._heap: list[int] = []
        self._positions: dict[int, np.ndarray] = {}
        self._entries = 0
        self._floor = _MOST
        self._waiting = _Waiting()
        self._merged: dict[int, int] = {}
        self._shared: dict[int, np.ndarray] = {}
        self._waiting.add(symbols.pairs())

    def pop(self) -> tuple[int, int, np.ndarray]:
        """The pair whose turn it is, its count, and the positions to merge; a count of 0 when no pair is left."""
        while self._fill():
            item = heappop(self._heap)
            stored, pair = _MOST - (item >> (_PAIR_BITS + _ENTRY_BITS)), (item >> _ENTRY_BITS) & _PAIR_MASK
            positions = self._positions.pop(item & _ENTRY_MASK)
            if pair in self._shared:
                count, found = self._count_shared(pair), self._in_pretokens_of(pair, positions)
            else:
                found = self._symbols.where(pair, positions)
                count = int(self._symbols.weights(found).sum())
            if count == stored:
                return pair, count, found
            if count >= self._floor:
                self._push(pair, count, positions)
            else:
                self._waiting.add_one(pair, count, positions)
        return 0, 0, NOWHERE

    def merge(self, pair: int, token: int, positions: np.ndarray, *, known: bool) -> None:
        """Merges a popped pair into a token, `known` if there was one of its bytes, and takes in the pairs that this makes."""
        found, merged = self._symbols.merge(pair, token, positions)
        self._merged[pair] = self._merged.get(pair, 0) + merged
        if known:
            found = self._share(token, found)
        high = found.counts >= self._floor
        if high.any():
            self._admit(*(values[high].tolist() for values in (found.pairs, found.counts, found.starts, found.ends)), found.positions)
            high |= found.counts <= 0
        else:
            high = found.counts <= 0
        self._waiting.add(found.only(~high))

    def _share(self, token: int, found: Found) -> Found:
        """Pairs with a token that was made again: all their occurrences are looked up, and counts are of all and of what was merged."""
        self._shared |= dict.fromkeys(found.pairs.tolist(), NOWHERE) | self._symbols.occurrences_with(token)
        return found._replace(counts=np.array([self._count_shared(pair) for pair in found.pairs.tolist()], np.int64))

    def _count_shared(self, pair: int) -> int:
        there = self._symbols.where(pair, self._shared[pair])
        return int(self._symbols.weights(there).sum()) + self._merged.get(pair, 0)

    def _in_pretokens_of(self, pair: int, positions: np.ndarray) -> np.ndarray:
        there = self._symbols.where(pair, self._shared[pair])
        return there[np.isin(self._symbols.pretoken[there], self._symbols.pretoken[positions])]

    def _push(self, pair: int, count: int, positions: np.ndarray) -> None:
        heappush(self._heap, ((((_MOST - count) << _PAIR_BITS) | pair) << _ENTRY_BITS) | self._entries)
        self._positions[self._entries] = positions
        self._entries += 1

    def _admit(self, pairs: list[int], counts: list[int], starts: list[int], ends: list[int], positions: np.ndarray) -> None:
        for pair, count, start, end in zip(pairs, counts, starts, ends, strict=True):
            self._push(pair, count, positions[start:end])

    def _fill(self) -> bool:
        """Admits waiting pairs, the highest counts first, until the heap's first is above all that wait; False if nothing is left."""
        while not self._heap or _MOST - (self._heap[0] >> (_PAIR_BITS + _ENTRY_BITS)) < self._floor:
            if not len(self._waiting):
                self._floor = 0
                break
            self._floor, taken = self._waiting.take()
            for pair, count, positions in taken:
                self._push(pair, count, positions)
        return bool(self._heap)


class _Waiting:
    """Entries whose turn is far away, in arrays: pairs, counts, and where in which array of positions they were seen."""

    def __init__(self) -> None:
        self._columns: list[tuple[np.ndarray, ...]] = []
        self._positions: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, found: Found) -> None:
        if len(found.pairs):
            owner = np.full(len(found.pairs), len(self._positions))
            self._columns.append((found.pairs, found.counts, found.starts, found.ends, owner))
            self._positions.append(found.positions)

    def add_one(self, pair: int, count: int, positions: np.ndarray) -> None:
        self.add(Found(*(np.array([number]) for number in (pair, count, 0, len(positions))), positions))

    def take(self) -> tuple[int, list[tuple[int, int, np.ndarray]]]:
        """The highest counts that wait, as (pair, count, positions), and the least of them; all that have that count are among them."""
        columns = [np.concatenate(column) for column in zip(*self._columns, strict=True)]
        counts = columns[1]
        most = min(max(_LEAST_ADMITTED, len(counts) // _SHARE_ADMITTED), len(counts))
        floor = int(np.partition(counts, len(counts) - most)[-most])
        high = counts >= floor
        taken = [
            (pair, count, self._positions[owner][start:end])
            for pair, count, start, end, owner in zip(*(column[high].tolist() for column in columns), strict=True)
        ]
        self._columns = [] if high.all() else [tuple(column[~high] for column in columns)]
        return floor, taken
