"""Packing documents into rows of T + 1 tokens: cut, fit, and lay out. The contract is that of `transforms.tokens.shards`.

A document's stream is `[EOT] + tokens`, followed by a closing EOT that the next document's opening EOT or padding provides.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from transforms.tokens.encode import Encoded
from transforms.words import mix64

_BLOCK_TOKENS = 1 << 20


@dataclass(frozen=True, eq=False)
class Pieces:
    """Stretches of documents, each of which goes into one row whole. Arrays of shape (pieces,).

    document  index of the document
    offset    first token in the document's stream
    length    tokens
    ends      the stretch ends its document
    """

    document: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True, eq=False)
class PackedRows:
    """Rows ready to be written.

    tokens          uint32 (rows, T + 1)
    segment_offsets int32 (rows + 1,): the segments of row r are [segment_offsets[r], segment_offsets[r + 1])
    start, piece    int32 (segments,): position in the row; index into `pieces`
    pieces          the stretches
    bytes           int32 (rows,): UTF-8 bytes that the predicted tokens stand for
    targets         int64 (rows,): targets that are not masked
    """

    tokens: np.ndarray
    segment_offsets: np.ndarray
    start: np.ndarray
    piece: np.ndarray
    pieces: Pieces
    bytes: np.ndarray
    targets: np.ndarray


def cut_documents(token_counts: np.ndarray, *, sequence_length: int) -> Pieces:
    """Token counts, int64 (documents,) -> pieces in document order.

    A stream of at most T tokens is one piece. A longer one is cut into pieces of T + 1 tokens that overlap by one, which
    fill a row each, and a last piece of 1 to T tokens; so each token and the closing EOT is a target exactly once.
    """
    streams = token_counts.astype(np.int64) + 1
    per_document = np.maximum(-(-streams // sequence_length), 1)
    document = np.repeat(np.arange(len(streams)), per_document)
    index = np.arange(len(document)) - np.repeat(np.cumsum(per_document) - per_document, per_document)
    offset = index * sequence_length
    ends = index == per_document[document] - 1
    length = np.where(ends, streams[document] - offset, sequence_length + 1)
    return Pieces(document, offset, length, ends)


def fit_best(weights: np.ndarray, *, capacity: int) -> tuple[np.ndarray, int]:
    """Best-fit decreasing: weights, int64 (items,) of 1 to `capacity` -> the row of each item, int64 (items,), and the number of rows.

    Each item, heaviest first (ties in order), goes into the fullest row that has room. O(n log n): rows stand on one stack
    for each room left, and the bits of `rooms` say which stacks hold any.
    """
    row_of = np.zeros(len(weights), np.int64)
    stacks: list[list[int]] = [[] for _ in range(capacity + 1)]
    rooms = 0
    rows = 0
    for item in np.argsort(-weights, kind="stable").tolist():
        weight = int(weights[item])
        fitting = rooms >> weight
        if fitting:
            room = weight + (fitting & -fitting).bit_length() - 1
            row = stacks[room].pop()
            if not stacks[room]:
                rooms &= ~(1 << room)
        else:
            room, row = capacity, rows
            rows += 1
        left = room - weight
        row_of[item] = row
        if left:
            stacks[left].append(row)
            rooms |= 1 << left
    return row_of, rows


def pack_best_fit(encoded: Encoded, *, sequence_length: int, end_of_text: int, token_bytes: np.ndarray, seed: int) -> PackedRows:
    """Documents -> rows, best-fit decreasing, the rows in an order shuffled by `seed`. Equal input gives equal rows."""
    pieces = cut_documents(np.diff(encoded.offsets), sequence_length=sequence_length)
    starts_document = pieces.offset == 0
    # A last piece that follows another needs an EOT of its own before it, which closes that other.
    weights = np.minimum(pieces.length + ~starts_document, sequence_length)
    row_of, rows = fit_best(weights, capacity=sequence_length)
    row_of = _shuffled(rows, seed)[row_of]
    order = np.lexsort((np.arange(len(row_of)), starts_document, row_of))
    row_of = row_of[order]
    segment_offsets = np.searchsorted(row_of, np.arange(rows + 1)).astype(np.int32)
    first = np.zeros(len(order), bool)
    first[segment_offsets[:-1]] = True
    separators = (~starts_document[order] & ~first).astype(np.int64)
    ends = np.cumsum(pieces.length[order] + separators)
    begins = ends - pieces.length[order]
    starts = begins - np.repeat((begins - separators)[segment_offsets[:-1]], np.diff(segment_offsets))

    stream, stream_offsets = _streams(encoded, end_of_text)
    source = stream_offsets[pieces.document[order]] + pieces.offset[order]
    lengths = pieces.length[order]
    tokens = np.full((rows, sequence_length + 1), end_of_text, np.uint32)
    piece_bytes = _lay_out(stream, source, lengths, tokens.reshape(-1), row_of * (sequence_length + 1) + starts, token_bytes)
    piece_targets = lengths - 1 + pieces.ends[order]
    return PackedRows(
        tokens=tokens,
        segment_offsets=segment_offsets,
        start=starts.astype(np.int32),
        piece=order.astype(np.int32),
        pieces=pieces,
        bytes=_sum_rows(piece_bytes, segment_offsets).astype(np.int32),
        targets=_sum_rows(piece_targets, segment_offsets),
    )


def _lay_out(
    stream: np.ndarray, source: np.ndarray, lengths: np.ndarray, tokens: np.ndarray, target: np.ndarray, token_bytes: np.ndarray
) -> np.ndarray:
    """Copies each piece, `lengths` tokens from `source` in the stream, to `target` in `tokens`: returns the bytes of its targets.

    The first token of a piece is no target of it. A block of pieces at a time: an index of all tokens would be several
    times as large as the tokens.
    """
    piece_bytes = np.zeros(len(lengths), np.int64)
    ends = np.cumsum(lengths)
    edges = np.searchsorted(ends, np.arange(0, int(ends[-1]) + _BLOCK_TOKENS, _BLOCK_TOKENS)) if len(ends) else np.zeros(1, np.int64)
    for first, last in itertools.pairwise(np.unique([*edges, len(lengths)]).tolist()):
        block = lengths[first:last]
        offsets = np.cumsum(block) - block
        within = np.arange(int(block.sum())) - np.repeat(offsets, block)
        found = stream[np.repeat(source[first:last], block) + within]
        tokens[np.repeat(target[first:last], block) + within] = found
        bytes_of = token_bytes[found]
        bytes_of[offsets] = 0
        piece_bytes[first:last] = np.add.reduceat(bytes_of, offsets, dtype=np.int64)
    return piece_bytes


def _shuffled(rows: int, seed: int) -> np.ndarray:
    """A permutation of row numbers that depends on nothing but the seed and their count."""
    keys = mix64(np.arange(rows, dtype=np.uint64) ^ mix64(np.array([seed], np.uint64)))
    permutation = np.empty(rows, np.int64)
    permutation[np.argsort(keys, kind="stable")] = np.arange(rows)
    return permutation


def _streams(encoded: Encoded, end_of_text: int) -> tuple[np.ndarray, np.ndarray]:
    """All documents' streams one after the other, and where each begins."""
    counts = np.diff(encoded.offsets)
    stream_offsets = encoded.offsets[:-1] + np.arange(len(counts))
    stream = np.empty(len(encoded.ids) + len(counts), np.uint32)
    stream[stream_offsets] = end_of_text
    body = np.ones(len(stream), bool)
    body[stream_offsets] = False
    stream[body] = encoded.ids
    return stream, stream_offsets


def _sum_rows(values: np.ndarray, segment_offsets: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return sums[segment_offsets[1:]] - sums[segment_offsets[:-1]]
