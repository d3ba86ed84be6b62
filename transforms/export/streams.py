"""A shard's rows -> its documents' tokens, reassembled from their pieces.

Packing cuts documents and shuffles rows (`transforms.tokens.shards`); other trainers read streams
of whole documents. A document never spans shards, so one shard at a time is enough.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transforms.arrays import lengths_of, starts_run, to_offsets
from transforms.errors import UserError
from transforms.tokens.shards import MappedShard

_BLOCK_TOKENS = 1 << 20


class TokenDocuments(NamedTuple):
    """n documents in the order of their addresses.

    tokens     uint16 or uint32 (tokens,): all of them one after the other, without end-of-text
    offsets    int64 (n + 1,): document i is tokens[offsets[i] : offsets[i + 1]]
    addresses  uint64 (n,)
    """

    tokens: np.ndarray
    offsets: np.ndarray
    addresses: np.ndarray


def read_documents(shard: MappedShard) -> Iterator[TokenDocuments]:
    """All documents of a shard by address, at least one and about a million tokens at a time.

    Raises UserError when a token of a document is missing or there twice.
    """
    pieces = _pieces(shard)
    _check_whole(pieces, shard)
    chunks = list(shard.token_chunks())
    first_rows = to_offsets(lengths_of(chunks))
    chunk_of = np.searchsorted(first_rows, pieces.row, side="right") - 1
    row_in_chunk = pieces.row - first_rows[chunk_of]
    begins = np.append(np.flatnonzero(pieces.first), len(pieces.row))
    # The first token of a piece is the opening end-of-text, or the last token of the piece before
    # it.
    totals = to_offsets(pieces.length - 1)
    dtype = shard.info.token_dtype
    for first, last in _blocks(totals[begins]):
        chosen = slice(int(begins[first]), int(begins[last]))
        base = totals[chosen.start]
        tokens = np.empty(int(totals[chosen.stop] - base), dtype)
        places = (chunk_of, row_in_chunk, pieces.start, pieces.length, totals - base)
        for chunk, row, start, length, at in zip(
            *(column[chosen].tolist() for column in places), strict=True
        ):
            tokens[at : at + length - 1] = chunks[chunk][row, start + 1 : start + length]
        yield TokenDocuments(
            tokens, totals[begins[first : last + 1]] - base, pieces.document[begins[first:last]]
        )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The segments of a shard by (document, token_offset): arrays (pieces,), with the row of each.

    `first`: whether the piece is the first of its document.
    """

    row: np.ndarray
    start: np.ndarray
    length: np.ndarray
    document: np.ndarray
    token_offset: np.ndarray
    ends: np.ndarray
    first: np.ndarray


def _pieces(shard: MappedShard) -> _Pieces:
    rows, columns = [np.zeros(0, np.int64)], []
    first_row = 0
    for chunk in shard.table.column("segments").chunks:
        rows.append(
            np.repeat(
                np.arange(first_row, first_row + len(chunk)), np.diff(chunk.offsets.to_numpy())
            )
        )
        columns.append(chunk.flatten())
        first_row += len(chunk)
    names = ("start", "length", "document", "token_offset", "ends")
    types = (np.int64, np.int64, np.uint64, np.int64, np.bool_)
    start, length, document, token_offset, ends = (
        np.concatenate(
            [
                np.zeros(0, dtype),
                *(column.field(name).to_numpy(zero_copy_only=False) for column in columns),
            ]
        )
        for name, dtype in zip(names, types, strict=True)
    )
    order = np.lexsort((token_offset, document))
    document = document[order]
    first = starts_run(document)
    return _Pieces(
        np.concatenate(rows)[order],
        start[order],
        length[order],
        document,
        token_offset[order],
        ends[order],
        first,
    )


def _check_whole(pieces: _Pieces, shard: MappedShard) -> None:
    """Raises UserError unless the pieces of each document join to the whole.

    A piece begins at the last token of the one before it, the first at 0; the last ends its
    document.
    """
    expected = np.zeros(len(pieces.row), np.int64)
    expected[1:] = np.where(pieces.first[1:], 0, (pieces.token_offset + pieces.length - 1)[:-1])
    last = np.append(pieces.first[1:], True)[: len(pieces.row)]
    broken = np.flatnonzero((pieces.token_offset != expected) | (pieces.ends != last))
    if len(broken):
        document, offset = int(pieces.document[broken[0]]), int(pieces.token_offset[broken[0]])
        raise UserError(
            f"document {document} is not whole: tokens around its {offset}th are missing or twice",
            where=shard.path,
            remedy="make the shards again with `tokenmill shards`",
        )


def _blocks(totals: np.ndarray) -> Iterator[tuple[int, int]]:
    """Divides n items, by running totals int64 (n + 1,), into ranges of about `_BLOCK_TOKENS`.

    Ranges are (first, last), in order.
    """
    edges = np.searchsorted(totals, np.arange(0, int(totals[-1]), _BLOCK_TOKENS))
    yield from itertools.pairwise(np.unique([0, *edges.tolist(), len(totals) - 1]).tolist())
