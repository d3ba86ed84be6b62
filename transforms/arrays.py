"""Array utilities that all packages share: runs, ranges and offsets, and columns of Arrow in numpy.

Shapes are written as in `uint64 (n,)`. Nothing here reads a file.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Runs: stretches of neighbouring rows that are equal. Sorting turns groups into runs, and then
# one comparison of each row with the row before it finds all groups without a Python loop.


def starts_run(*columns: np.ndarray) -> np.ndarray:
    """Which rows differ from the row before them in any column.

    (n,) each -> bool (n,), true for the first row.
    """
    starts = np.ones(len(columns[0]), bool)
    starts[1:] = columns[0][1:] != columns[0][:-1]
    for column in columns[1:]:
        starts[1:] |= column[1:] != column[:-1]
    return starts


def run_starts(*columns: np.ndarray) -> np.ndarray:
    """The first row of each run: (n,) each -> int64 (runs,)."""
    return np.flatnonzero(starts_run(*columns))


def run_edges(column: np.ndarray) -> np.ndarray:
    """The first row of each run and the number of rows.

    (n,) -> int64 (runs + 1,), so run i is [edges[i], edges[i + 1]).
    """
    edges = np.ones(len(column) + 1, bool)
    edges[1:-1] = column[1:] != column[:-1]
    # Without rows the only edge is the end.
    return np.flatnonzero(edges)


def first_of_run(starts: np.ndarray) -> np.ndarray:
    """For each row the first row of its run: bool (n,), as `starts_run` gives it -> int64 (n,)."""
    # Row numbers where runs start and 0 elsewhere; the running maximum carries each start through
    # its run.
    return np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))


# Ranges: consecutive numbers, given by where they start and how many there are.


def lengths_of(items: Sequence[Sized]) -> np.ndarray:
    """The length of each item: int64 (n,)."""
    return np.fromiter(map(len, items), np.int64, len(items))


def to_offsets(sizes: np.ndarray) -> np.ndarray:
    """Sizes (n,) -> offsets int64 (n + 1,): item i lies in [offsets[i], offsets[i + 1])."""
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def join_ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The numbers of n ranges, one range after the other: int64 (n,) each -> int64 (sum of sizes,).

    Range i is starts[i], starts[i] + 1, …, starts[i] + sizes[i] - 1. As an index it gathers
    variable-length items of a flat array; it takes 8 bytes for each element gathered.
    """
    offsets = to_offsets(sizes)
    # Element j of the result is starts[i] + j - offsets[i], of the last i with offsets[i] <= j.
    return np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])


def blocks_of(sizes: np.ndarray, limit: int) -> Iterator[tuple[int, int]]:
    """Cuts items of these sizes, int64 (n,), into blocks [start, end).

    The sizes of a block sum to less than `limit` without its first item.
    """
    block = (np.cumsum(sizes) - 1) // limit
    edges = np.flatnonzero(np.diff(block, prepend=-2, append=np.iinfo(np.int64).max))
    return zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def unique_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorts pairs by (first, second) and removes repeats.

    Two arrays (n,) -> two arrays of one length.
    """
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = starts_run(first, second)
    return first[new], second[new]


# Arrow columns and numpy arrays.


def binary_rows(column: pa.Array) -> np.ndarray:
    """A fixed-size binary column without nulls, (n,) of width w -> uint8 (n, w), not copied."""
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], np.uint8) if len(column) else np.zeros(0, np.uint8)
    return data[column.offset * width : (column.offset + len(column)) * width].reshape(
        len(column), width
    )


def rows_to_binary(rows: np.ndarray) -> pa.Array:
    """uint8 (n, w) -> a fixed-size binary column (n,) of width w."""
    rows = np.ascontiguousarray(rows)
    return pa.Array.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)])


def key_columns(keys: np.ndarray) -> list[np.ndarray]:
    """Binary keys as columns for `np.lexsort`: uint8 (n, multiple of 8) -> uint64 (n,) each.

    The most significant column is the last.
    """
    words = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
    return list(words.T[::-1])


def to_batch(schema: pa.Schema, *columns: pa.Array | np.ndarray) -> pa.RecordBatch:
    """A record batch of columns in the order of the schema.

    Arrow arrays are taken as they are, numpy arrays by the field's type.
    """
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A record batch without rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def to_numpy(column: pa.ChunkedArray) -> np.ndarray:
    """A column without nulls, (n,) -> uint8 (n, width) for fixed-size binary, else (n,)."""
    array = column.combine_chunks()
    return (
        binary_rows(array)
        if pa.types.is_fixed_size_binary(column.type)
        else array.to_numpy(zero_copy_only=False)
    )


def gather(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> dict[str, np.ndarray]:
    """The columns of several batches, concatenated, by name; see `to_numpy`."""
    table = pa.Table.from_batches(batches, schema=schema).combine_chunks()
    return {name: to_numpy(table.column(name)) for name in schema.names}


def split_by(numbers: np.ndarray, batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Divides a batch by a number for each row, int (n,): one batch for each number, ascending.

    Rows keep their order. The batches are slices of one sorted copy.
    """
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    batch = batch.take(pa.array(order))
    for start, end in itertools.pairwise(run_edges(numbers).tolist()):
        yield int(numbers[start]), batch.slice(start, end - start)


def slices_of_bytes(texts: pa.Array, limit: int) -> Iterator[tuple[int, int]]:
    """Cuts a column of texts into slices [start, end) of at most `limit` bytes of UTF-8.

    A longer text is a slice of its own.
    """
    ends = np.cumsum(pc.binary_length(texts).to_numpy())
    start = 0
    while start < len(texts):
        before = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, before + limit, side="right")), start + 1)
        yield start, end
        start = end
