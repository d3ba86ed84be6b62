"""The rows of a shard: segments as arrays, and which tokens are targets.

They are read by the contract of `transforms.tokens.shards`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.tokens.shards import MappedShard


@dataclass(frozen=True, eq=False)
class Segments:
    """Stretches of documents in the order of the rows.

    Arrays of shape (segments,): int64, but `document` uint64 and `ends` bool.

    row, start, length   where in the shard
    document, offset     which document (address), and the index of the stretch's first token in
                         the document's stream `[EOT] + tokens`
    ends                 the stretch ends its document
    """

    row: np.ndarray
    start: np.ndarray
    length: np.ndarray
    document: np.ndarray
    offset: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def take(self, chosen: np.ndarray) -> "Segments":
        """Those at some indices, or where a mask is true."""
        return Segments(
            *(
                getattr(self, name)[chosen]
                for name in ("row", "start", "length", "document", "offset", "ends")
            )
        )

    @property
    def targets(self) -> np.ndarray:
        """How many targets each has: int64 (segments,)."""
        return self.length - 1 + self.ends

    @property
    def document_tokens(self) -> np.ndarray:
        """Tokens of the document up to the end of the stretch, EOT not counted.

        Of a stretch that `ends` its document these are all of the document's.
        """
        return self.offset + self.length - 1


def read_segments(shard: MappedShard, rows: slice | None = None) -> Segments:
    """The segments of a shard, or of a range of its rows; `row` counts from the shard's first."""
    first, last, _ = (rows or slice(None)).indices(len(shard))
    column = shard.table.column("segments").slice(first, last - first)
    sizes = pc.list_value_length(column).to_numpy().astype(np.int64)
    flat = pa.concat_arrays(
        [chunk.flatten() for chunk in column.chunks] or [pa.array([], column.type.value_type)]
    )
    columns = {
        name: flat.field(name).to_numpy(zero_copy_only=False)
        for name in ("start", "length", "document", "token_offset", "ends")
    }
    return Segments(
        row=np.repeat(np.arange(first, last), sizes),
        start=columns["start"].astype(np.int64),
        length=columns["length"].astype(np.int64),
        document=columns["document"],
        offset=columns["token_offset"],
        ends=columns["ends"],
    )


def count_covered(segments: Segments, *, first: int, rows: int, width: int) -> np.ndarray:
    """In how many segments each position is: int16 (rows, width), of the rows from `first` on.

    Segments must not reach beyond their rows.
    """
    return _count(
        segments.row - first,
        segments.start,
        segments.start + segments.length,
        rows=rows,
        width=width,
    )


def target_mask(segments: Segments, *, first: int, rows: int, width: int) -> np.ndarray:
    """Which tokens are targets that are not masked, at the position of the predicted token.

    bool (rows, width).
    """
    ends = segments.start + segments.length + segments.ends
    return _count(segments.row - first, segments.start + 1, ends, rows=rows, width=width) > 0


def _count(
    row: np.ndarray, begin: np.ndarray, end: np.ndarray, *, rows: int, width: int
) -> np.ndarray:
    """How many of the ranges [begin, end) of rows each position is in."""
    # +1 where a range begins, -1 where it ends: the running sum counts the ranges at each position.
    changes = np.zeros((rows, width + 1), np.int16)
    np.add.at(changes, (row, begin), 1)
    np.add.at(changes, (row, end), -1)
    return np.cumsum(changes, axis=1, dtype=np.int16)[:, :width]
