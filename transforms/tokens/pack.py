"""Packing documents into rows of T + 1 tokens: cut, fit, and lay out.

The contract is that of `transforms.tokens.shards`.

A document's stream is `[EOT] + tokens`, followed by a closing EOT that the next document's opening
EOT or padding provides.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from transforms.arrays import join_ranges, to_offsets
from transforms.tokens.encode import Encoded
from transforms.words import mix64

Packing = Literal["best-fit", "concat"]

_BLOCK_TOKENS = 1 << 17
_WORD = 1024
_DOCUMENT_ORDER = 0x5851F42D4C957F2D  # makes the order of documents independent of that of rows


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

    tokens          (rows, T + 1), of the type of the ids
    segment_offsets int32 (rows + 1,): the segments of row r are [segment_offsets[r],
        segment_offsets[r + 1])
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

    A stream of at most T tokens is one piece. A longer one is cut into pieces of T + 1 tokens that
    overlap by one, which fill a row each, and a last piece of 1 to T tokens; so each token and the
    closing EOT is a target exactly once.
    """
    streams = token_counts.astype(np.int64) + 1
    per_document = np.maximum(-(-streams // sequence_length), 1)
    document = np.repeat(np.arange(len(streams)), per_document)
    index = join_ranges(np.zeros_like(per_document), per_document)
    offset = index * sequence_length
    ends = index == per_document[document] - 1
    length = np.where(ends, streams[document] - offset, sequence_length + 1)
    return Pieces(document, offset, length, ends)


def fit_best(weights: np.ndarray, *, capacity: int) -> tuple[np.ndarray, int]:
    """Best-fit decreasing.

    Weights, int64 (items,) of 1 to `capacity` -> the row of each item, int64 (items,), and the
    number of rows.

    Each item, heaviest first (ties in order), goes into the fullest row that has room. O(n log n):
    rows stand on one stack for each room left; bits say which stacks hold any, in words of `_WORD`
    bits, and which words are not zero.
    """
    row_of = np.zeros(len(weights), np.int64)
    stacks: defaultdict[int, list[int]] = defaultdict(list)
    words = [0] * (capacity // _WORD + 1)
    not_zero = 0
    rows = 0
    order = np.argsort(-weights, kind="stable")
    for item, weight in zip(order.tolist(), weights[order].tolist(), strict=True):
        word, bit = divmod(weight, _WORD)
        if fitting := words[word] >> bit:
            room = weight + _lowest_bit(fitting)
        elif later := not_zero >> word + 1:
            word += 1 + _lowest_bit(later)
            room = word * _WORD + _lowest_bit(words[word])
        else:
            room = capacity
        if stacks[room]:
            row = stacks[room].pop()
            if not stacks[room]:
                words[word] ^= 1 << room % _WORD
                if not words[word]:
                    not_zero ^= 1 << word
        else:
            row, rows = rows, rows + 1
        row_of[item] = row
        if left := room - weight:
            stacks[left].append(row)
            words[left // _WORD] |= 1 << left % _WORD
            not_zero |= 1 << left // _WORD
    return row_of, rows


def _lowest_bit(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def pack_documents(
    encoded: Encoded,
    *,
    packing: Packing,
    sequence_length: int,
    end_of_text: int,
    token_bytes: np.ndarray,
    seed: int,
) -> PackedRows:
    """Documents -> rows in an order shuffled by `seed`. Equal input gives equal rows."""
    place = {"best-fit": _place_best_fit, "concat": _place_in_turn}[packing]
    placed = place(np.diff(encoded.offsets), sequence_length, seed)
    pieces, order = placed.pieces, placed.order
    row_of = _shuffled(placed.rows, seed)[placed.row]
    by_row = np.argsort(row_of, kind="stable")
    row_of, order, starts = row_of[by_row], order[by_row], placed.start[by_row]
    segment_offsets = np.searchsorted(row_of, np.arange(placed.rows + 1)).astype(np.int32)

    stream, stream_offsets = _streams(encoded, end_of_text)
    source = stream_offsets[pieces.document[order]] + pieces.offset[order]
    lengths = pieces.length[order]
    tokens = np.full((placed.rows, sequence_length + 1), end_of_text, stream.dtype)
    piece_bytes = _lay_out(
        stream,
        source,
        lengths,
        tokens.reshape(-1),
        row_of * (sequence_length + 1) + starts,
        token_bytes,
    )
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


@dataclass(frozen=True, eq=False)
class _Placed:
    """Where pieces lie. Arrays of shape (pieces,), row by row, in each row by their start.

    order  index into `pieces`
    row    the row
    start  first position in it
    rows   how many rows there are
    """

    pieces: Pieces
    order: np.ndarray
    row: np.ndarray
    start: np.ndarray
    rows: int


def _place_best_fit(token_counts: np.ndarray, sequence_length: int, seed: int) -> _Placed:
    """Each piece whole in one row, best-fit decreasing.

    After Ding et al. (2024), "Fewer Truncations Improve Language Modeling".
    """
    pieces = cut_documents(token_counts, sequence_length=sequence_length)
    starts_document = pieces.offset == 0
    # A last piece that follows another needs an EOT of its own before it, which closes that other.
    weights = np.minimum(pieces.length + ~starts_document, sequence_length)
    row_of, rows = fit_best(weights, capacity=sequence_length)
    order = np.lexsort((np.arange(len(row_of)), starts_document, row_of))
    row_of = row_of[order]
    first_of_row = np.searchsorted(row_of, np.arange(rows))
    is_first = np.zeros(len(order), bool)
    is_first[first_of_row] = True
    separators = (~starts_document[order] & ~is_first).astype(np.int64)
    ends = np.cumsum(pieces.length[order] + separators)
    begins = ends - pieces.length[order]
    start = begins - (begins - separators)[first_of_row][row_of]
    return _Placed(pieces, order, row_of, start, rows)


def _place_in_turn(token_counts: np.ndarray, sequence_length: int, seed: int) -> _Placed:
    """Documents one after the other in an order shuffled by `seed`, cut wherever a row ends.

    Only the last row has padding.
    """
    in_turn = np.argsort(_shuffled(len(token_counts), seed ^ _DOCUMENT_ORDER), kind="stable")
    streams = token_counts[in_turn].astype(np.int64) + 1
    ends_at = np.cumsum(streams)
    starts_at = ends_at - streams
    # Targets of a document are the places starts_at + 1 .. ends_at; row r predicts the places r * T
    # + 1 .. r * T + T.
    first_row, last_row = starts_at // sequence_length, (ends_at - 1) // sequence_length
    count = last_row - first_row + 1
    of = np.repeat(np.arange(len(streams)), count)
    row = join_ranges(first_row, count)
    begin = np.maximum(starts_at[of], row * sequence_length)
    last_target = np.minimum(ends_at[of], (row + 1) * sequence_length)
    ends = last_target == ends_at[of]
    pieces = Pieces(in_turn[of], begin - starts_at[of], last_target - begin + ~ends, ends)
    rows = int(last_row[-1]) + 1 if len(streams) else 0
    return _Placed(pieces, np.arange(len(of)), row, begin - row * sequence_length, rows)


def _lay_out(
    stream: np.ndarray,
    source: np.ndarray,
    lengths: np.ndarray,
    tokens: np.ndarray,
    target: np.ndarray,
    token_bytes: np.ndarray,
) -> np.ndarray:
    """Copies each piece from the stream into the rows; returns the bytes of its targets.

    A piece is `lengths` tokens from `source` in the stream, copied to `target` in `tokens`. The
    first token of a piece is no target of it. A block of pieces at a time: an index of all tokens
    would be several times as large as the tokens.
    """
    piece_bytes = np.zeros(len(lengths), np.int64)
    ends = np.cumsum(lengths)
    edges = (
        np.searchsorted(ends, np.arange(0, int(ends[-1]) + _BLOCK_TOKENS, _BLOCK_TOKENS))
        if len(ends)
        else np.zeros(1, np.int64)
    )
    for first, last in itertools.pairwise(np.unique([*edges, len(lengths)]).tolist()):
        block = lengths[first:last]
        offsets = to_offsets(block)[:-1]
        found = stream[join_ranges(source[first:last], block)]
        tokens[join_ranges(target[first:last], block)] = found
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
    stream = np.empty(len(encoded.ids) + len(counts), encoded.ids.dtype)
    stream[stream_offsets] = end_of_text
    body = np.ones(len(stream), bool)
    body[stream_offsets] = False
    stream[body] = encoded.ids
    return stream, stream_offsets


def _sum_rows(values: np.ndarray, segment_offsets: np.ndarray) -> np.ndarray:
    sums = to_offsets(values)
    return sums[segment_offsets[1:]] - sums[segment_offsets[:-1]]
