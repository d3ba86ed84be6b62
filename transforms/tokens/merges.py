"""Byte-pair encoding merges from a table of (pre-token, count).

They are those that `tokenizers.trainers.BpeTrainer` learns from the text itself. Memory and time
follow the distinct pre-tokens, not the corpus.

Published source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword
Units" (2016). The order of merges is that of BpeTrainer, ties included: the highest count first,
then the smaller pair of ids.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.errors import UserError
from transforms.tokens.symbols import ID_BITS, ID_MASK, NOWHERE, PairOccurrences, Symbols

BYTES = 256
_PAIR_BITS = 2 * ID_BITS
_PAIR_MASK = (1 << _PAIR_BITS) - 1
_MOST = 1 << 62
"""Above any count. Counts are subtracted from it, since a heap yields its least number first."""

_LEAST_ADMITTED = 4096
_SHARE_ADMITTED = 32


class Merges(NamedTuple):
    """The bytes of all tokens by id, and pairs of ids in the order of their merging.

    The bytes of special tokens are their names in UTF-8.
    """

    tokens: list[bytes]
    pairs: list[tuple[int, int]]


def byte_order() -> list[int]:
    """The bytes in the order of their ids: that of their characters in a byte-level vocabulary.

    Printable bytes are spelled as themselves, the others as U+0100 and following (Radford et al.,
    GPT-2, 2019), so these come last.
    """
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return shown + sorted(set(range(BYTES)) - set(shown))


def learn_merges(
    pretokens: pa.LargeBinaryArray,
    counts: np.ndarray,
    *,
    vocabulary: int,
    minimum_frequency: int,
    special_tokens: Sequence[str] = (),
) -> Merges:
    """Learns merges from n distinct pre-tokens and their counts, int64 (n,).

    There are at most `vocabulary` tokens, special tokens and bytes included. A pair seen fewer than
    `minimum_frequency` times is not merged. The order of the table does not matter. Raises
    UserError when the text would become a special token, and OverflowError for more than 2^31 bytes
    of distinct pre-tokens.
    """
    tokens = [token.encode() for token in special_tokens] + [bytes([byte]) for byte in byte_order()]
    queue = _Queue(Symbols(pretokens, counts, byte_order(), first=len(special_tokens)))
    pairs: list[tuple[int, int]] = []
    while len(tokens) < vocabulary:
        pair, count, positions = queue.pop()
        if count < max(minimum_frequency, 1):
            break
        left, right = pair >> ID_BITS, pair & ID_MASK
        token = tokens[left] + tokens[right]
        if token in tokens[: len(special_tokens)]:
            raise special_token_in_text(token.decode())
        pairs.append((left, right))
        queue.merge(pair, len(tokens), positions)
        tokens.append(token)
    return Merges(tokens, pairs)


def special_token_in_text(token: str) -> UserError:
    """Text that became a special token could forge, for example, an end of text."""
    return UserError(
        f"the text spells the special token {token!r} often enough to become one",
        where="tokenizer.special_tokens",
        remedy="name special tokens that the texts do not hold, "
        "or a tokenizer.pattern that cuts inside them",
    )


class _Queue:
    """Pairs by count.

    An entry is a pair, a count, and the positions where the pair was seen.

    All occurrences of a pair are in one entry, made together with the later of its two tokens,
    because no token is made twice: suppose two pairs gave one string. The first merge at which
    their derivations differ found the same symbols in both places and merges all that it finds,
    runs of one symbol always from the left; so they cannot differ. Therefore counts only decrease,
    and an entry whose count has decreased is put back with the right count when its turn comes.

    Most pairs are never merged. Those with counts below `floor` wait in arrays until the heap comes
    down to them.
    """

    def __init__(self, symbols: Symbols):
        self._symbols = symbols
        self._heap: list[int] = []
        self._positions: dict[int, np.ndarray] = {}
        self._floor = _MOST
        self._waiting = _Waiting()
        self._waiting.add(symbols.pairs())

    def pop(self) -> tuple[int, int, np.ndarray]:
        """The pair whose turn it is, its count, and where it is.

        A count of 0 when no pair is left.
        """
        while self._fill():
            item = heappop(self._heap)
            stored, pair = _MOST - (item >> _PAIR_BITS), item & _PAIR_MASK
            positions = self._symbols.where(pair, self._positions.pop(pair))
            count = int(self._symbols.weights(positions).sum())
            if count == stored:
                return pair, count, positions
            if count >= self._floor:
                self._push(pair, count, positions)
            elif count:
                self._waiting.add_one(pair, count, positions)
        return 0, 0, NOWHERE

    def merge(self, pair: int, token: int, positions: np.ndarray) -> None:
        """Merges a popped pair into a new token and takes in the pairs that this makes."""
        made = self._symbols.merge(pair, token, positions)
        high = made.counts >= self._floor
        if high.any():
            columns = (values[high].tolist() for values in made[:4])
            for new, count, start, end in zip(*columns, strict=True):
                self._push(new, count, made.positions[start:end])
            made = made.only(~high)
        self._waiting.add(made)

    def _push(self, pair: int, count: int, positions: np.ndarray) -> None:
        heappush(self._heap, ((_MOST - count) << _PAIR_BITS) | pair)
        self._positions[pair] = positions

    def _fill(self) -> bool:
        """Admits waiting pairs until the heap's first count is above all that wait.

        The highest counts are admitted first. Returns False if nothing is left.
        """
        while not self._heap or _MOST - (self._heap[0] >> _PAIR_BITS) < self._floor:
            if not len(self._waiting):
                self._floor = 1
                break
            self._floor, taken = self._waiting.take()
            for pair, count, positions in taken:
                self._push(pair, count, positions)
        return bool(self._heap)


class _Waiting:
    """Entries of low counts, in arrays: pairs, counts, and slices of the arrays of positions."""

    def __init__(self) -> None:
        self._columns: list[tuple[np.ndarray, ...]] = []
        self._positions: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, pairs: PairOccurrences) -> None:
        if len(pairs.pairs):
            owner = np.full(len(pairs.pairs), len(self._positions))
            self._columns.append((pairs.pairs, pairs.counts, pairs.starts, pairs.ends, owner))
            self._positions.append(pairs.positions)

    def add_one(self, pair: int, count: int, positions: np.ndarray) -> None:
        self.add(
            PairOccurrences(
                np.array([pair]),
                np.array([count]),
                np.array([0]),
                np.array([len(positions)]),
                positions,
            )
        )

    def take(self) -> tuple[int, list[tuple[int, int, np.ndarray]]]:
        """The highest counts that wait, as (pair, count, positions), and the least of them.

        All that have that count are among them.
        """
        columns = [np.concatenate(column) for column in zip(*self._columns, strict=True)]
        counts = columns[1]
        most = min(max(_LEAST_ADMITTED, len(counts) // _SHARE_ADMITTED), len(counts))
        floor = int(np.partition(counts, len(counts) - most)[-most])
        high = counts >= floor
        taken = [
            (pair, count, self._positions[owner][start:end])
            for pair, count, start, end, owner in zip(
                *(column[high].tolist() for column in columns), strict=True
            )
        ]
        self._columns = [] if high.all() else [tuple(column[~high] for column in columns)]
        return floor, taken
