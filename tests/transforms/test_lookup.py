"""Finding rows of Parquet files by a column, and reading them alone."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.lookup import find_rows, read_matches, read_rows_of, same


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("lookup") / "a.parquet"
    rows = np.arange(1000)
    columns = {
        "number": rows % 7,
        "name": [None if row % 5 == 0 else f"n{row}" for row in rows],
        "id": [bytes([row % 250]) * 4 for row in rows],
    }
    pq.write_table(
        pa.table(columns | {"id": pa.array(columns["id"], pa.binary(4))}), path, row_group_size=130
    )
    return str(path)


def test_rows_are_found_over_all_row_groups(table: str) -> None:
    assert find_rows(table, ["number"], same("number", 3)).tolist() == [
        row for row in range(1000) if row % 7 == 3
    ]
    assert find_rows(table, ["name"], same("name", "n777")).tolist() == [777]
    assert find_rows(table, ["id"], same("id", b"\x07\x07\x07\x07")).tolist() == [7, 257, 507, 757]
    assert find_rows(table, ["name"], same("name", "n5")).tolist() == []
    assert find_rows(
        table, ["number"], lambda batch: batch.column("number").to_numpy() > 5
    ).tolist() == [*range(6, 1000, 7)]


def test_matches_are_limited_and_counted(table: str) -> None:
    found, number = read_matches(table, ["number", "name"], same("number", 3), limit=2)
    assert (found, number) == ([{"number": 3, "name": "n3"}, {"number": 3, "name": None}], 143)
    assert read_matches(table, ["number"], same("number", 9), limit=2) == ([], 0)


def test_rows_are_read_with_their_numbers(table: str) -> None:
    rows = np.array([0, 129, 130, 131, 999])
    assert [(row, values["number"]) for row, values in read_rows_of(table, rows, ["number"])] == [
        (row, row % 7) for row in rows.tolist()
    ]
    assert next(read_rows_of(table, rows[:1])) == (0, {"number": 0, "name": None, "id": bytes(4)})
    assert list(read_rows_of(table, rows[:0])) == []
