"""`tokenmill export` as a command: equal bytes however they come about, counts that must agree, and refusals."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipeline.commands.export import documents as export_documents
from pipeline.commands.export import tokens as export_tokens
from pipeline.commands.export.documents import Split, Writing, export_unit
from pipeline.commands.export.export import export_run
from pipeline.commands.export.stage import DocumentExportUnit
from pipeline.commands.export.tokens import spread
from pipeline.config.load import load_config
from pipeline.runner.beam import RunnerSettings
from tests.pipeline.runs import NOT_DATA
from transforms import storage
from transforms.contracts.counters import ExportCounters, ExportedCounters
from transforms.contracts.dedup import LINES_KEY
from transforms.contracts.documents import DOCUMENT_SCHEMA
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.dedup.lines.removed_lines import Removal, removed_table
from transforms.errors import ConfigError, UserError
from transforms.export.jsonl import JsonlOptions
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest, split_names
from transforms.export.streams import TokenDocuments


@pytest.fixture(scope="module")
def run(quickstart: Path) -> Path:
    return quickstart / "run"


def export(
    run: Path | str,
    format: str,
    to: Path | str,
    *,
    workers: int = 1,
    overwrite: bool = False,
    **request: Any,
) -> Manifest:
    config = load_config(f"{run}/run.toml")
    settings = RunnerSettings(workers=workers)
    return export_run(
        config,
        ExportRequest(format=format, to=str(to), **request),
        settings,
        Console(quiet=True),
        overwrite=overwrite,
    ).manifest


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_DATA
    }


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_describes_what_is_there_and_counts_what_went_in(
    run: Path, tmp_path: Path, format: str
) -> None:
    manifest = export(run, format, tmp_path / "out")
    assert manifest.files
    assert {name: entry.sha256 for name, entry in manifest.files.items()} == digests(
        tmp_path / "out"
    )
    shards = read_manifest(str(run / "shards")).counters
    for split in ("train", "validation"):
        documents, targets = (
            sum(source[key] for source in shards[split].values())
            for key in ("documents", "targets")
        )
        assert manifest.counters[split] == (
            {"documents": documents}
            | ({} if format in ("parquet", "jsonl") else {"tokens": targets})
        )


@pytest.mark.parametrize(("format", "workers"), [("datatrove", 2), ("parquet", 1)])
def test_an_export_that_was_cut_off_goes_on_and_workers_do_not_matter(
    run: Path, tmp_path: Path, format: str, workers: int
) -> None:
    export(run, format, tmp_path / "once")
    export(run, format, tmp_path / "twice", workers=workers)
    whole = digests(tmp_path / "once")
    assert digests(tmp_path / "twice") == whole
    (tmp_path / "twice" / "manifest.json").unlink()
    gone, stays = sorted(
        name for name in whole if "train" in name and name.endswith((".ds", ".parquet"))
    )[:2]
    (tmp_path / "twice" / gone).unlink()
    (tmp_path / "twice" / Path(gone).parent / ".tmp-left-over").write_text("cut off")
    before = (tmp_path / "twice" / stays).stat().st_mtime_ns
    export(run, format, tmp_path / "twice")
    assert digests(tmp_path / "twice") == whole
    assert (tmp_path / "twice" / stays).stat().st_mtime_ns == before


def test_an_export_is_done_once_and_replaced_only_with_overwrite(
    run: Path, tmp_path: Path, tokenmill: Callable
) -> None:
    arguments = ("export", run, "--format", "llmc", "--to", tmp_path / "out")
    assert (
        "247 documents, 138,093 tokens as llmc"
        in tokenmill(*arguments, "--file-tokens", 70_000).out
    )
    assert "done before" in tokenmill(*arguments, "--file-tokens", 70_000).out
    assert (tmp_path / "out" / "tokens_train_000001.bin").exists()
    assert "128,456" in tokenmill("inspect", tmp_path / "out").out
    refused = tokenmill(*arguments)
    assert refused.status == 1
    assert "options.file_tokens was 70000, is 100000000" in refused.err
    assert "--overwrite" in refused.err
    assert (tmp_path / "out" / "tokens_train_000001.bin").exists()
    assert tokenmill(*arguments, "--overwrite").status == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.bin")) == [
        "tokens_train_000000.bin",
        "tokens_val_000000.bin",
    ]


@pytest.mark.parametrize("what", ["a file of the user's", "a folder of the user's", "a stage"])
def test_a_folder_that_is_no_export_is_never_touched(
    run: Path, tmp_path: Path, tokenmill: Callable, what: str
) -> None:
    folder = tmp_path / "mine"
    if what == "a stage":
        shutil.copytree(run / "shards", folder)
    else:
        place = folder / "thesis" if what == "a folder of the user's" else folder
        place.mkdir(parents=True)
        (place / "thesis.tex").write_text("years of work")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = tokenmill("export", run, "--format", "nanogpt", "--to", folder, "--overwrite")
    assert outcome.status == 1
    assert "is no export" in outcome.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_sources_and_splits_can_be_chosen(run: Path, tmp_path: Path) -> None:
    shards = read_manifest(str(run / "shards")).counters
    manifest = export(
        run, "nanogpt", tmp_path / "tokens", splits=("validation",), sources=("news", "web")
    )
    assert set(manifest.counters) == {"validation"}
    assert manifest.counters["validation"]["documents"] == sum(
        shards["validation"][source]["documents"] for source in ("news", "web")
    )
    assert sorted(name for name in digests(tmp_path / "tokens") if name.endswith(".bin")) == [
        "val.bin"
    ]
    manifest = export(
        run,
        "jsonl",
        tmp_path / "documents",
        sources=("books",),
        options=JsonlOptions(compression="none"),
    )
    rows = [
        json.loads(line)
        for path in (tmp_path / "documents" / "data").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert {row["source"] for row in rows} == {"books"}
    assert len(rows) == sum(split["documents"] for split in manifest.counters.values()) == 8


def test_documents_have_the_split_of_the_shards_whatever_the_configuration_says_now(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "run.toml"
    text = path.read_text()
    path.write_text(text.replace("validation = 0.08", "validation = 0.5"))
    assert path.read_text() != text
    manifest = export(tmp_path / "run", "jsonl", tmp_path / "out")
    shards = read_manifest(str(run / "shards")).counters
    for split, sources in shards.items():
        assert manifest.counters[split]["documents"] == sum(
            source["documents"] for source in sources.values()
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "tfrecord"], "'tfrecord' is not a format"),
        (["--format", "nanogpt", "--split", "test"], "'test' is not a split"),
        (["--format", "nanogpt", "--sources", "web,wep"], "no source 'wep'"),
        (["--format", "parquet", "--sources", "wep"], "no source 'wep'"),
        (["--format", "jsonl", "--compression", "lzma"], "'lzma' is not a compression"),
        (["--format", "nanogpt", "--compression", "zstd"], "nanogpt has no option --compression"),
        (
            ["--format", "megatron", "--sequence-length", "64"],
            "megatron has no option --sequence-length",
        ),
        (["--format", "mds", "--file-tokens", "64"], "mds has no option --file-tokens"),
    ],
)
def test_wrong_usage_is_an_error_of_three_lines(
    run: Path, tmp_path: Path, tokenmill: Callable, arguments: list[str], says: str
) -> None:
    outcome = tokenmill("export", run, "--to", tmp_path / "out", *arguments)
    assert outcome.status == 2
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 3
    assert not (tmp_path / "out").exists()


def test_a_run_without_shards_is_told_what_to_do(
    run: Path, tmp_path: Path, tokenmill: Callable
) -> None:
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("shards"))
    outcome = tokenmill("export", tmp_path / "run", "--format", "nanogpt", "--to", tmp_path / "out")
    assert outcome.status == 1
    assert "tokenmill run CONFIG" in outcome.err
    assert (
        tokenmill(
            "export", tmp_path / "run", "--format", "parquet", "--to", tmp_path / "documents"
        ).status
        == 0
    )


def test_a_lost_document_of_the_shards_fails_the_export(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_tokens.read_documents

    def without_the_last(shard: Any) -> Iterator[TokenDocuments]:
        for batch in whole(shard):
            yield TokenDocuments(
                batch.tokens[: batch.offsets[-2]], batch.offsets[:-1], batch.addresses[:-1]
            )

    monkeypatch.setattr(export_tokens, "read_documents", without_the_last)
    with pytest.raises(
        UserError,
        match=r"the shards hold 230 documents and [\d,]+ tokens with their ends, the export 226",
    ):
        export(run, "nanogpt", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()
    monkeypatch.setattr(export_tokens, "read_documents", whole)
    with pytest.raises(UserError, match="--overwrite"):
        export(run, "nanogpt", tmp_path / "out")
    assert (
        export(run, "nanogpt", tmp_path / "out", overwrite=True).counters["train"]["documents"]
        == 230
    )


def test_a_lost_document_of_a_part_fails_the_export(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_documents.flat_documents
    monkeypatch.setattr(export_documents, "flat_documents", lambda batch: whole(batch.slice(1)))
    with pytest.raises(
        UserError, match=r"\d+ documents are kept of the part, \d+ of them in \w+; \d+ were written"
    ):
        export(run, "parquet", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_split_without_documents_is_an_error(run: Path, tmp_path: Path) -> None:
    shutil.copytree(
        run, tmp_path / "run", ignore=shutil.ignore_patterns("shards")
    )  # which would say what the split is
    config = load_config(f"{tmp_path}/run/run.toml")
    config = replace(config, shards=replace(config.shards, validation=0.0))
    request = ExportRequest(format="parquet", to=str(tmp_path / "out"), splits=("validation",))
    with pytest.raises(UserError, match="no document is left"):
        export_run(config, request, RunnerSettings(workers=1), Console(quiet=True))


def test_texts_come_without_the_lines_that_deduplication_removed(tmp_path: Path) -> None:
    rows = [
        {
            "id": bytes([number]) * 16,
            "source": "web",
            "origin": "a",
            "locator": str(number),
            "text": f"own {number}\nmenu\nlast",
        }
        for number in range(4)
    ]
    pq.write_table(
        pa.Table.from_pylist(rows, schema=DOCUMENT_SCHEMA), tmp_path / "part-00000.parquet"
    )
    drops = pa.table({"row": pa.array([2], pa.uint32())}).replace_schema_metadata(
        {LINES_KEY: b"lines-00000.parquet"}
    )
    pq.write_table(drops, tmp_path / "drops-00000.parquet")
    pq.write_table(
        removed_table([Removal(1, rows[1]["id"], pa.array([1]).to_numpy(), 4)]),
        tmp_path / "lines-00000.parquet",
    )
    unit = DocumentExportUnit(
        part=str(tmp_path / "part-00000.parquet"),
        drops=str(tmp_path / "drops-00000.parquet"),
        documents=3,
        bytes=0,
        files=("data/train-00000.jsonl",),
        splits=("train",),
    )
    request = ExportRequest(
        format="jsonl", to="", splits=("train",), options=JsonlOptions(compression="none")
    )
    report = export_unit(
        str(tmp_path),
        0,
        unit,
        writing=Writing(request=request, split=Split(seed=1, validation=0.0)),
    )
    texts = [
        json.loads(line)["text"]
        for line in (tmp_path / "data" / "train-00000.jsonl").read_text().splitlines()
    ]
    assert texts == ["own 0\nmenu\nlast", "own 1\nlast", "own 3\nmenu\nlast"]
    assert report.counters == ExportCounters(splits={"train": ExportedCounters(documents=3)})


@pytest.mark.parametrize("format", ["megatron", "mds", "jsonl"])
def test_a_store_without_rename_gets_the_same_bytes(run: Path, tmp_path: Path, format: str) -> None:
    export(run, format, tmp_path / "out")
    memory = fsspec.filesystem("memory")
    try:
        memory.put(str(run), "/bucket/run", recursive=True)
        manifest = export("memory://bucket/run", format, "memory://bucket/out")
        assert {
            name: hashlib.sha256(storage.read_bytes(f"memory://bucket/out/{name}")).hexdigest()
            for name in manifest.files
        } == digests(tmp_path / "out")
    finally:
        memory.rm("/bucket", recursive=True)


@pytest.mark.parametrize(
    ("sizes", "aim", "files"),
    [
        ([], 10, []),
        ([3], 10, [0]),
        ([30], 10, [0]),
        ([5, 5, 5, 5], 10, [0, 0, 1, 1]),
        ([5, 5, 5], 10, [0, 0, 1]),
        ([4, 4, 4, 1], 10, [0, 0, 1, 1]),
        ([30, 1, 1, 30], 10, [0, 1, 1, 1]),
        ([1] * 7, 1, list(range(7))),
    ],
)
def test_neighbours_share_files_of_about_one_size(
    sizes: list[int], aim: int, files: list[int]
) -> None:
    assert spread(sizes, aim=aim) == files


def test_split_names() -> None:
    assert split_names("all") == ("train", "validation")
    assert split_names("train") == ("train",)
    with pytest.raises(ConfigError):
        split_names("val")
