"""Parquet and Arrow IPC files on a disk and in another file system."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms import storage
from transforms.storage.arrow_files import (
    arrow_writer,
    open_arrow,
    read_metadata,
    read_parquet,
    write_parquet,
)

_TABLE = pa.table(
    {"id": pa.array([b"aa", b"bb"], pa.binary(2)), "value": pa.array([1, 2], pa.int64())}
)


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path) -> str:
    return str(tmp_path) if request.param == "disk" else f"memory://{tmp_path.name}"


def test_parquet(folder: str):
    """Whole, by columns, and the footer; plain columns are uncompressed, without a dictionary."""
    path = storage.join(folder, "table.parquet")
    write_parquet(_TABLE, path, plain=("id",))
    assert read_parquet(path).equals(_TABLE)
    assert read_parquet(path, ["value"]).equals(_TABLE.select(["value"]))
    columns = [read_metadata(path).row_group(0).column(index) for index in range(2)]
    assert [column.compression for column in columns] == ["UNCOMPRESSED", "ZSTD"]
    assert [column.has_dictionary_page for column in columns] == [False, True]
    assert read_metadata(path).num_rows == 2
    with pytest.raises(FileNotFoundError):
        read_parquet(storage.join(folder, "absent.parquet"))


def test_arrow(folder: str):
    path = storage.join(folder, "table.arrow")
    with arrow_writer(path, _TABLE.schema) as writer:
        for batch in _TABLE.to_batches(max_chunksize=1):
            writer.write_batch(batch)
    reader = open_arrow(path)
    assert reader.num_record_batches == 2
    assert reader.get_batch(1).to_pylist() == [{"id": b"bb", "value": 2}]


def test_no_file_is_left_of_a_writer_that_fails(tmp_path):
    def fail(folder: str) -> None:
        with arrow_writer(storage.join(folder, "table.arrow"), _TABLE.schema):
            raise KeyError("failed")

    with pytest.raises(KeyError):
        fail(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    write_parquet(_TABLE, str(tmp_path / "table.parquet"))
    assert pq.read_table(tmp_path / "table.parquet").equals(_TABLE)
