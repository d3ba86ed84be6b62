"""Runs over files that are split: the same documents as from whole files, and the same bytes however the run comes about."""

import gzip
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import pipeline.stages.documents.planning
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.run.state import stage_state, start_stage
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.documents.planning import group_files, plan_documents, split_file
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.run_stages import run_stages
from tests.conftest import PROJECT
from tests.pipeline.corpus import sentences
from tests.pipeline.runs import digests, run
from tests.transforms.sources.test_warc import PAGE, record
from transforms.contracts.manifest import read_manifest
from transforms.errors import ConfigError, UserError
from transforms.ingest.unit import InputFile

UNIT = 16_000
CONFIGURATION = """
seed = 3
folder = "run"
[sources.web]
kind = "warc"
paths = ["web.warc.gz"]
split = {split}
[sources.news]
kind = "jsonl"
paths = ["*.jsonl"]
split = {split}
[sources.tables]
kind = "parquet"
paths = ["a.parquet"]
split = {split}
[language]
threshold = 0
[dedup]
enabled = false
[tokenizer]
vocabulary = 300
[shards]
sequence_length = 64
"""


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.stages.documents.planning, "SMALLEST_UNIT", UNIT)


def write(folder: Path, *, split: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    generator = random.Random(2)
    texts = [sentences(generator, 40) for _ in range(60)]
    (folder / "web.warc.gz").write_bytes(
        b"".join(gzip.compress(record(PAGE.format(text).encode()), mtime=0) for text in texts[:40])
    )
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts[::-1])
    )
    (folder / "b.jsonl").write_text(json.dumps({"text": texts[0]}))
    (folder / "c.jsonl").write_text(json.dumps({"text": texts[1]}))
    pq.write_table(
        pa.table({"text": texts}),
        folder / "a.parquet",
        row_group_size=7,
        compression="none",
        use_dictionary=False,
    )
    path = folder / "tokenmill.toml"
    path.write_text(CONFIGURATION.format(split=str(split).lower()))
    return path


@pytest.fixture(scope="module")
def split_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.stages.documents.planning, "SMALLEST_UNIT", UNIT)
        run(write(folder))
    return folder / "run"


def documents(folder: Path) -> list[tuple]:
    parts = [pq.read_table(part) for part in sorted((folder / "documents").glob("part-*"))]
    return [tuple(row.values()) for part in parts for row in part.to_pylist()]


def test_split_files_give_the_documents_of_whole_ones_in_the_same_order(
    split_run: Path, tmp_path: Path
) -> None:
    run(write(tmp_path, split=False))
    units, whole_units = (
        len(plan_documents("documents", load_config(str(folder / "run.toml"))).units)
        for folder in (split_run, tmp_path / "run")
    )
    assert documents(split_run) == documents(tmp_path / "run")
    assert len(documents(split_run)) == 162
    split, whole = (
        read_manifest(str(folder / "documents")) for folder in (split_run, tmp_path / "run")
    )
    assert split.counters == whole.counters
    assert (units, whole_units) == (len(split.files) // 2, len(whole.files) // 2)
    assert units > 4 * whole_units


def test_two_workers_give_the_same_bytes(split_run: Path, tmp_path: Path) -> None:
    settings = RunnerSettings(workers=2)
    run_stages(
        load_config(str(write(tmp_path))),
        settings,
        stages=[DOCUMENTS],
        progress=StageProgress(Console(quiet=True)),
    )
    made, others = digests(tmp_path / "run"), digests(split_run)
    assert made == {
        name: digest for name, digest in others.items() if name.startswith("documents/")
    }
    assert len(made) > 10


@pytest.mark.parametrize("kill_at", [5, 12, 21])
def test_a_killed_run_resumes_to_the_same_bytes(
    split_run: Path, tmp_path: Path, kill_at: int
) -> None:
    path = write(tmp_path)
    command = [sys.executable, "-m", "tests.pipeline.killer", str(path), str(kill_at), str(UNIT)]
    killed = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert list((tmp_path / "run" / "documents").glob("part-*")) != []
    assert not (tmp_path / "run" / "documents" / "manifest.json").exists()
    run(path)
    assert digests(tmp_path / "run") == digests(split_run)


def test_a_plan_names_each_file_once_and_covers_each_byte_once(tmp_path: Path) -> None:
    plan = plan_documents("documents", load_config(str(write(tmp_path))))
    sizes = {f"{name}: {path.name}": path.stat().st_size for name, path in _files(tmp_path)}
    assert {name: size for name, size, _ in plan.inputs} == sizes
    assert len(plan.inputs) == 5
    pieces = [file for unit in plan.units for file in unit.files]
    for name, path in _files(tmp_path):
        bounds = [
            (piece.start, piece.end or piece.size) for piece in pieces if piece.path == str(path)
        ]
        assert [start for start, _ in bounds] == [0, *(end for _, end in bounds[:-1])], name
        assert bounds[-1][1] == path.stat().st_size
    assert sum(unit.bytes for unit in plan.units) == sum(sizes.values())
    assert all(unit.bytes <= UNIT for unit in plan.units)
    assert any(len(unit.files) > 1 for unit in plan.units)


def _files(folder: Path) -> list[tuple[str, Path]]:
    news = [("news", folder / f"{name}.jsonl") for name in "abc"]
    return [("web", folder / "web.warc.gz"), *news, ("tables", folder / "a.parquet")]


@pytest.mark.parametrize(
    ("size", "aim", "bounds"),
    [
        (0, 10, [(0, None)]),
        (10, 10, [(0, None)]),
        (11, 10, [(0, 5), (5, 11)]),
        (31, 10, [(0, 7), (7, 15), (15, 23), (23, 31)]),
        (31, None, [(0, None)]),
    ],
)
def test_splitting(size: int, aim: int | None, bounds: list) -> None:
    pieces = split_file(InputFile(source="a", path="p", origin="o", size=size), aim=aim)
    assert [(piece.start, piece.end) for piece in pieces] == bounds
    assert sum(piece.bytes for piece in pieces) == size


def test_grouping_keeps_order_and_size() -> None:
    files = [
        InputFile(source="a", path=str(size), origin="o", size=size) for size in (4, 4, 4, 20, 1, 2)
    ]
    assert [[file.size for file in group] for group in group_files(files, aim=10)] == [
        [4, 4],
        [4],
        [20],
        [1, 2],
    ]


def test_split_is_for_kinds_that_can(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        'folder = "run"\n[sources.a]\nkind = "text"\npaths = "a.txt"\nmax_payload_megabytes = 3\n'
    )
    with pytest.raises(ConfigError, match="'max_payload_megabytes' is not for kind 'text'"):
        load_config(str(path))


def test_a_run_divided_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the tool may divide the input otherwise: its parts must not be mixed with these."""
    (tmp_path / "a.jsonl").write_text('{"text": "The river rose in the night."}\n' * 1000)
    (tmp_path / "tokenmill.toml").write_text(
        'folder = "run"\n[sources.news]\nkind = "jsonl"\npaths = ["a.jsonl"]\n'
    )
    config = load_config(str(tmp_path / "tokenmill.toml"))
    start_stage(Run(config.folder).stage("documents"), plan_documents("documents", config))
    monkeypatch.setattr(pipeline.stages.documents.planning, "SMALLEST_UNIT", 4000)
    with pytest.raises(UserError, match="another version of tokenmill made it"):
        stage_state(Run(config.folder).stage("documents"), plan_documents("documents", config))
