"""Finding rows in Parquet files by some columns, and reading whole rows of a few."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage

_BATCH_ROWS = 1 << 16

Test = Callable[[pa.RecordBatch], pa.Array | np.ndarray]
"""n rows of some columns -> bool (n,), null or false where a row does not pass."""


def find_rows(path: str, columns: Sequence[str], test: Test) -> np.ndarray:
    """The numbers of the rows that pass a test of some columns: int64 (n,), rising.

    Reads only these columns.
    """
    matches = [np.zeros(0, np.int64)]
    first = 0
    with storage.open_input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(columns), batch_size=_BATCH_ROWS):
            passed = test(batch)
            passed = passed if isinstance(passed, np.ndarray) else pc.fill_null(passed, False).to_numpy(zero_copy_only=False)
            matches.append(first + np.flatnonzero(passed))
            first += len(batch)
    return np.concatenate(matches)


def read_matches(path: str, columns: Sequence[str], test: Test, *, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The first `limit` rows that pass a test of some columns, and how many rows pass.

    Reads only these columns.
    """
    kept: list[dict[str, Any]] = []
    passed = 0
    with storage.open_input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(columns), batch_size=_BATCH_ROWS):
            matches = batch.filter(pa.array(test(batch)))
            kept += matches.slice(0, limit - len(kept)).to_pylist()
            passed += len(matches)
    return kept, passed


def read_rows_of(path: str, rows: np.ndarray, columns: Sequence[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, its columns) for each of `rows` (int64, rising).

    Row groups without any are not read.
    """
    with storage.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            chosen = rows[slice(*np.searchsorted(rows, [start, end]).tolist())]
            if len(chosen):
                table = file.read_row_group(group, columns=None if columns is None else list(columns)).take(pa.array(chosen - start))
                yield from zip(chosen.tolist(), table.to_pylist(), strict=True)
            start = end


def same(column: str, value: Any) -> Test:
    """A test whether a column has a value, which is of the column's type."""
    return lambda batch: pc.equal(batch.column(column), pa.scalar(value, batch.schema.field(column).type))
