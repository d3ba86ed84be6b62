"""Finding rows in Parquet files by some columns, and reading whole rows of a few."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage

_BATCH_ROWS = 1 << 16

Test = Callable[[pa.RecordBatch], pa.Array | np.ndarray]
"""n rows of some columns -> bool (n,), null or false where a row does not pass."""


def find_rows(path: str, columns: Sequence[str], test: Test) -> np.ndarray:
    """The numbers of the rows that pass a test of some columns: int64 (n,), ascending.

    Reads only these columns.
    """
    matches = [np.zeros(0, np.int64)]
    first = 0
    with storage.open_input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(
            columns=list(columns), batch_size=_BATCH_ROWS
        ):
            passed = test(batch)
            passed = (
                passed
                if isinstance(passed, np.ndarray)
                else pc.fill_null(passed, False).to_numpy(zero_copy_only=False)
            )
            matches.append(first + np.flatnonzero(passed))
            first += len(batch)
    return np.concatenate(matches)


def read_matches(
    path: str, columns: Sequence[str], test: Test, *, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The first `limit` rows that pass a test of some columns, and how many rows pass.

    Reads only these columns.
    """
    kept: list[dict[str, Any]] = []
    passed = 0
    with storage.open_input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(
            columns=list(columns), batch_size=_BATCH_ROWS
        ):
            matches = batch.filter(pa.array(test(batch)))
            kept += matches.slice(0, limit - len(kept)).to_pylist()
            passed += len(matches)
    return kept, passed


def read_rows_of(
    path: str, rows: np.ndarray, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, its columns) for each of `rows` (int64, ascending).

    Row groups without any are not read.
    """
    with storage.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            chosen = rows[slice(*np.searchsorted(rows, [start, end]).tolist())]
            if len(chosen):
                table = file.read_row_group(
                    group, columns=None if columns is None else list(columns)
                ).take(pa.array(chosen - start))
                yield from zip(chosen.tolist(), table.to_pylist(), strict=True)
            start = end


def same(column: str, value: Any) -> Test:
    """A test whether a column has a value, which is of the column's type."""
    return lambda batch: pc.equal(
        batch.column(column), pa.scalar(value, batch.schema.field(column).type)
    )


class KeptRows(NamedTuple):
    """Rows of one part: their numbers in it, int64 (n,), and n rows of the columns asked for."""

    rows: np.ndarray
    batch: pa.RecordBatch


def read_rows(
    part_path: str, dropped: np.ndarray, *, columns: Sequence[str], rows: range | None = None
) -> Iterator[KeptRows]:
    """A part's documents without the rows `dropped` (int64 (n,)), batch by batch in row order.

    `rows`: only these; row groups without any of them are not read.
    """
    with storage.open_input(part_path) as stream:
        file = pq.ParquetFile(stream)
        groups, first = _groups_of(file.metadata, rows)
        for batch in file.iter_batches(columns=list(columns), batch_size=4096, row_groups=groups):
            numbers = np.arange(first, first + len(batch))
            kept = ~np.isin(numbers, dropped, assume_unique=True)
            if rows is not None:
                kept &= (numbers >= rows.start) & (numbers < rows.stop)
            first += len(batch)
            yield KeptRows(numbers[kept], batch.filter(pa.array(kept)))


def _groups_of(metadata: pq.FileMetaData, rows: range | None) -> tuple[list[int], int]:
    """The row groups that hold some of the rows, and the first row of the first group.

    All row groups if `rows` is None.
    """
    ends = np.cumsum(
        [0, *(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))]
    )
    if rows is None:
        return list(range(metadata.num_row_groups)), 0
    groups = np.flatnonzero((ends[1:] > rows.start) & (ends[:-1] < rows.stop)).tolist()
    return groups, int(ends[groups[0]]) if groups else 0
