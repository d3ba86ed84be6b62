"""Whether a shard keeps the contract of `transforms.tokens.shards`: its rows, and its documents."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from transforms.arrays import join_ranges, starts_run
from transforms.tokens.rows import Segments, count_covered, read_segments, target_mask
from transforms.tokens.shards import MappedShard

_BLOCK_TOKENS = 1 << 21


class Fault(NamedTuple):
    """What is wrong with some rows (int64) or documents (addresses, uint64) of a shard."""

    what: str
    where: np.ndarray


def row_faults(shard: MappedShard, token_lengths: np.ndarray) -> Iterator[Fault]:
    """Faults inside rows: ids, segments, end-of-text tokens, padding, the column `bytes`.

    Holds a block of rows at a time. `token_lengths`: UTF-8 bytes of each token, int (vocabulary,).
    """
    segments = read_segments(shard)
    octets = shard.table.column("bytes").to_numpy()
    bounds = np.searchsorted(segments.row, np.arange(len(shard) + 1))
    first = 0
    for chunk in shard.token_chunks():
        step = max(1, _BLOCK_TOKENS // chunk.shape[1])
        for start in range(0, len(chunk), step):
            block = chunk[start : start + step]
            of_block = segments.take(np.arange(bounds[first], bounds[first + len(block)]))
            yield from _block_faults(
                block, of_block, first, shard, token_lengths, octets[first : first + len(block)]
            )
            first += len(block)


def _block_faults(
    tokens: np.ndarray,
    segments: Segments,
    first: int,
    shard: MappedShard,
    token_lengths: np.ndarray,
    octets: np.ndarray,
) -> Iterator[Fault]:
    rows, width = tokens.shape
    end_of_text = shard.info.end_of_text
    unknown = tokens.max(axis=1) >= len(token_lengths)
    yield _rows("ids beyond the vocabulary", first + np.flatnonzero(unknown))
    inside = (
        (segments.start >= 0)
        & (segments.length >= 1)
        & (segments.start + segments.length + segments.ends <= width)
    )
    yield _rows("a segment does not lie inside its row", segments.row[~inside])
    segments = segments.take(inside)
    covered = count_covered(segments, first=first, rows=rows, width=width)
    yield _rows("segments overlap", first + np.flatnonzero((covered > 1).any(axis=1)))
    yield _rows(
        "tokens outside segments are no end of text",
        first + np.flatnonzero(((covered == 0) & (tokens != end_of_text)).any(axis=1)),
    )
    row = segments.row - first
    begins = segments.offset == 0
    opening = tokens[row[begins], segments.start[begins]]
    yield _rows(
        "a document does not begin with an end of text",
        segments.row[begins][opening != end_of_text],
    )
    closing = tokens[row[segments.ends], (segments.start + segments.length)[segments.ends]]
    yield _rows(
        "no end of text closes a document", segments.row[segments.ends][closing != end_of_text]
    )
    known = np.where(tokens < len(token_lengths), tokens, 0)
    counted = np.where(
        target_mask(segments, first=first, rows=rows, width=width), token_lengths[known], 0
    ).sum(axis=1)
    yield _rows(
        "`bytes` is not the sum over the targets",
        first + np.flatnonzero((counted != octets) & ~unknown),
    )


def _rows(what: str, rows: np.ndarray) -> Fault:
    return Fault(what, np.unique(rows))


def document_order(segments: Segments) -> Segments:
    """The same by document, and inside a document in the order of its stream."""
    return segments.take(np.lexsort((segments.offset, segments.document)))


def document_faults(ordered: Segments) -> Iterator[Fault]:
    """Faults of documents: each token, and the end, must be a target exactly once.

    `ordered`: the segments in the order of `document_order`.
    """
    count = len(ordered)
    new = starts_run(ordered.document)
    last = np.ones(count, bool)
    last[:-1] = new[1:]
    yield _documents("its beginning is missing", ordered.document[new & (ordered.offset != 0)])
    # A piece begins with the last token of the piece before it.
    expected = np.zeros(count, np.int64)
    expected[1:] = (ordered.offset + ordered.length - 1)[:-1]
    follows = ~new & ~np.concatenate([[False], ordered.ends[:-1]])[:count]
    yield _documents(
        "tokens are missing between two pieces",
        ordered.document[follows & (ordered.offset > expected)],
    )
    yield _documents(
        "tokens are there twice", ordered.document[follows & (ordered.offset < expected)]
    )
    yield _documents("it goes on after its end", ordered.document[ordered.ends & ~last])
    yield _documents("its end is missing", ordered.document[last & ~ordered.ends])


def _documents(what: str, addresses: np.ndarray) -> Fault:
    return Fault(what, np.unique(addresses))


class DocumentTokens:
    """The tokens of a shard's documents, without the end-of-text tokens.

    Holds the shard's tokens.
    """

    def __init__(self, shard: MappedShard, ordered: Segments):
        self._flat = np.concatenate(
            [np.zeros(0, np.uint16), *(chunk.reshape(-1) for chunk in shard.token_chunks())]
        )
        self._begin = ordered.row * (shard.info.sequence_length + 1) + ordered.start + 1
        self._length = ordered.length - 1
        self._document = ordered.document
        self.documents = np.unique(ordered.document)

    def of(self, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of some documents of the shard.

        Args:
            documents: addresses, uint64 (n,), ascending.

        Returns:
            The ids, one document after the other, and how many each document has, int64 (n,).
        """
        first, last = (
            np.searchsorted(self._document, documents),
            np.searchsorted(self._document, documents, side="right"),
        )
        pieces = join_ranges(first, last - first)
        lengths = self._length[pieces]
        ids = self._flat[join_ranges(self._begin[pieces], lengths)]
        counts = np.zeros(len(documents), np.int64)
        np.add.at(counts, np.repeat(np.arange(len(documents)), last - first), lengths)
        return ids, counts
