"""Runs, ranges and columns, against lists of Python."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.arrays import (
    binary_rows,
    blocks_of,
    empty_batch,
    first_of_run,
    gather,
    join_ranges,
    lengths_of,
    rows_to_binary,
    run_edges,
    run_starts,
    slices_of_bytes,
    split_by,
    starts_run,
    to_batch,
    to_offsets,
    unique_pairs,
)

_rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=12)
_SCHEMA = pa.schema([pa.field("id", pa.binary(8)), pa.field("value", pa.int64())])


@given(_rows)
def test_runs_are_those_of_groupby(rows: list[tuple[int, int]]):
    """Of several columns together, and of one."""
    columns = np.array(rows, np.int64).reshape(-1, 2).T
    sizes = [len(list(group)) for _, group in itertools.groupby(rows)]
    firsts = [sum(sizes[:index]) for index in range(len(sizes))]
    assert run_starts(*columns).tolist() == firsts
    assert first_of_run(starts_run(*columns)).tolist() == [
        first for first, size in zip(firsts, sizes, strict=True) for _ in range(size)
    ]
    sizes = [len(list(group)) for _, group in itertools.groupby(first for first, _ in rows)]
    assert run_edges(columns[0]).tolist() == [0, *itertools.accumulate(sizes)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=8))
def test_ranges_one_after_the_other(ranges: list[tuple[int, int]]):
    starts, sizes = np.array(ranges, np.int64).reshape(-1, 2).T
    assert join_ranges(starts, sizes).tolist() == [
        start + index for start, size in ranges for index in range(size)
    ]
    assert to_offsets(sizes).tolist() == [0, *itertools.accumulate(size for _, size in ranges)]


@given(_rows)
def test_pairs_once_and_sorted(rows: list[tuple[int, int]]):
    first, second = unique_pairs(*np.array(rows, np.int64).reshape(-1, 2).T)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == sorted(set(rows))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), max_size=12))
def test_split_keeps_the_order_of_rows(rows: list[tuple[int, int]]):
    batch = to_batch(
        _SCHEMA,
        pa.array([bytes(8)] * len(rows), pa.binary(8)),
        np.array([value for _, value in rows], np.int64),
    )
    divided = list(split_by(np.array([number for number, _ in rows], np.int64), batch))
    assert [number for number, _ in divided] == sorted({number for number, _ in rows})
    for number, part in divided:
        assert part.column("value").to_pylist() == [
            value for other, value in rows if other == number
        ]


def test_columns_of_several_batches():
    batches = [
        to_batch(_SCHEMA, rows_to_binary(np.full((2, 8), number, np.uint8)), np.arange(2))
        for number in (1, 2)
    ]
    columns = gather([*batches, empty_batch(_SCHEMA)], _SCHEMA)
    assert columns["value"].tolist() == [0, 1, 0, 1]
    assert columns["id"][:, 0].tolist() == [1, 1, 2, 2]
    assert gather([], _SCHEMA)["id"].shape == (0, 8)


def test_as_many_columns_as_the_schema_has():
    with pytest.raises(ValueError, match="zip"):
        to_batch(_SCHEMA, np.arange(2))


def test_lengths():
    assert lengths_of(["", "ab", "c"]).tolist() == [0, 2, 1]
    assert lengths_of([]).dtype == np.int64


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 12))
def test_blocks_cover_all_and_are_bounded(sizes: list[int], limit: int):
    blocks = list(blocks_of(np.array(sizes, np.int64), limit))
    assert [index for start, end in blocks for index in range(start, end)] == list(
        range(len(sizes))
    )
    assert all(sum(sizes[start + 1 : end]) < limit for start, end in blocks)


@given(st.lists(st.text(max_size=9), max_size=12), st.integers(1, 20))
def test_slices_of_bytes(texts: list[str], limit: int):
    slices = list(slices_of_bytes(pa.array(texts, pa.large_string()), limit))
    assert [index for start, end in slices for index in range(start, end)] == list(
        range(len(texts))
    )
    for start, end in slices:
        assert end == start + 1 or sum(len(text.encode()) for text in texts[start:end]) <= limit


@given(st.integers(0, 5), st.integers(0, 5))
def test_binary_round_trip_of_slices(start: int, length: int):
    column = pa.array([bytes([number]) * 16 for number in range(10)], pa.binary(16)).slice(
        start, length
    )
    assert rows_to_binary(binary_rows(column)).equals(column)
