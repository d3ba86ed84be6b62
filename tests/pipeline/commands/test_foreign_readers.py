"""Shards in other tools' readers: tokens, segments and types come through as they were written."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest

from transforms.contracts.manifest import read_manifest

NAMES = ["tokens", "segments", "bytes"]


@pytest.fixture(scope="module")
def paths(quickstart: Path) -> list[str]:
    return sorted(map(str, (quickstart / "run" / "shards").glob("train-*.arrow")))


@pytest.fixture(scope="module")
def table(paths: list[str]) -> pa.Table:
    """All train rows, read with pyarrow alone."""
    return pa.concat_tables(
        [
            pa.ipc.open_file(pa.memory_map(path)).read_all().replace_schema_metadata()
            for path in paths
        ]
    )


def matrix(table: pa.Table) -> np.ndarray:
    return np.concatenate(
        [chunk.flatten().to_numpy().reshape(len(chunk), -1) for chunk in table["tokens"].chunks]
    )


def test_pyarrow_reads_single_files_and_folders(
    paths: list[str], table: pa.Table, quickstart: Path
) -> None:
    single = pa.ipc.open_file(pa.memory_map(paths[0]))
    assert single.schema.metadata[b"tokenmill.split"] == b"train"
    assert single.schema.field("tokens").type == pa.list_(
        pa.field("item", pa.uint16(), nullable=False), 257
    )
    dataset = pyarrow.dataset.dataset(paths, format="ipc")
    assert dataset.to_table().to_pylist() == table.to_pylist()
    folder = pyarrow.dataset.dataset(
        str(quickstart / "run" / "shards"), format="ipc", exclude_invalid_files=True
    )
    assert folder.count_rows() == sum(
        entry.rows for entry in read_manifest(str(quickstart / "run" / "shards")).files.values()
    )


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets(
    paths: list[str],
    table: pa.Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    streaming: bool,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import List, Value, load_dataset

    rows = load_dataset(
        "arrow",
        data_files={"train": paths},
        split="train",
        cache_dir=str(tmp_path),
        streaming=streaming,
    )
    assert rows.features["tokens"] == List(Value("uint16"), length=257)
    assert rows.features["segments"].feature["document"] == Value("uint64")
    assert list(rows) == table.to_pylist()


def test_polars(paths: list[str], table: pa.Table) -> None:
    import polars

    for frame in (polars.read_ipc(paths), polars.scan_ipc(paths).collect()):
        assert frame.schema["tokens"] == polars.Array(polars.UInt16, 257)
        assert frame.columns == NAMES
        assert (frame["tokens"].to_numpy() == matrix(table)).all()
        assert frame["segments"].to_list() == table["segments"].to_pylist()


def test_duckdb(table: pa.Table, quickstart: Path) -> None:
    import duckdb

    folder = str(quickstart / "run" / "shards")
    with duckdb.connect() as database:
        database.register("train_rows", table)
        database.register(
            "shards", pyarrow.dataset.dataset(folder, format="ipc", exclude_invalid_files=True)
        )
        assert (
            database.sql("select * from train_rows").to_arrow_table().select(NAMES).to_pylist()
            == table.to_pylist()
        )
        (kinds,) = database.sql(
            "select distinct typeof(tokens), typeof(segments[1].document) from shards"
        ).fetchall()
        pieces = "select unnest(segments) as piece from shards"
        found = database.sql(
            f"select piece.document, sum(piece.length - 1) + 1 from ({pieces}) group by all"
        ).fetchall()
    assert kinds == ("USMALLINT[257]", "UBIGINT")
    sources = [
        source for split in read_manifest(folder).counters.values() for source in split.values()
    ]
    assert len(found) == sum(source["documents"] for source in sources)
    assert sum(targets for _, targets in found) == sum(source["targets"] for source in sources)


def test_numpy_views_do_not_copy(paths: list[str], table: pa.Table) -> None:
    """What docs/export.md hands to tf.data."""
    mapped = pa.memory_map(paths[0])
    column = pa.ipc.open_file(mapped).read_all()["tokens"]
    before = pa.total_allocated_bytes()
    views = [
        chunk.flatten().to_numpy(zero_copy_only=True).reshape(len(chunk), -1)
        for chunk in column.chunks
    ]
    assert pa.total_allocated_bytes() == before
    assert not any(view.flags.owndata or view.flags.writeable for view in views)
    assert (np.concatenate(views) == matrix(table)[: sum(map(len, views))]).all()
