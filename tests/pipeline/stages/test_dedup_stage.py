"""The dedup stage against what goes wrong outside it: parts that are not what they were, a full disk, strange texts."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages
from tests.bench.long_document import write_run
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import stages_named
from transforms.contracts.manifest import read_manifest
from transforms.errors import UserError


def run(path: Path, *stages: str) -> None:
    settings = RunnerSettings(workers=1)
    run_stages(
        load_config(str(path)),
        settings,
        stages=stages_named(stages),
        progress=StageProgress(Console(quiet=True)),
    )


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a configuration whose documents are done; not to be changed."""
    folder = tmp_path_factory.mktemp("ingested")
    run(write_corpus(folder), "documents")
    return folder


@pytest.fixture
def path(ingested: Path, tmp_path: Path) -> Path:
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tokenmill.toml"


def digests(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.parquet"))}


def test_a_part_that_is_missing_or_another(path: Path):
    part = path.parent / "run/documents/part-00001.parquet"
    whole = part.read_bytes()
    part.unlink()
    with pytest.raises(UserError, match="a part of the documents is missing; the manifest says"):
        run(path, "dedup")
    part.write_bytes(whole[:-1])
    with pytest.raises(
        UserError,
        match=f"a part of the documents has {len(whole) - 1:,} bytes; the manifest says {len(whole):,}",
    ):
        run(path, "dedup")
    assert not list((path.parent / "run/dedup").glob("*.parquet"))
    part.write_bytes(whole)
    run(path, "dedup")
    assert read_manifest(str(path.parent / "run/dedup")).counters["dropped"] == 3


def test_documents_of_another_fingerprint(path: Path):
    run(path, "dedup")
    manifest = path.parent / "run/documents/manifest.json"
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**values, "fingerprint": "0" * 64}))
    with pytest.raises(UserError, match="the stage before it was made again"):
        run(path, "dedup")


def test_signatures_of_other_documents(path: Path):
    """What lies in the folder from an unfinished run and does not fit a part is refused, not used."""
    run(path, "dedup")
    out = path.parent / "run/dedup"
    (out / "manifest.json").unlink()
    file = out / "signatures-00000.parquet"
    table = pq.read_table(file)
    pq.write_table(table.slice(1), file)
    with pytest.raises(
        UserError, match=f"these signatures are of {len(table) - 1} documents, not of {len(table)}"
    ):
        run(path, "dedup")


def test_a_disk_that_fills_up(path: Path):
    """No file may grow beyond 6,000 bytes, which the configuration fits into:
    an error that says so, nothing half-written, and a later run ends as if nothing had been."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); "
        "from pipeline.cli import main; sys.argv = ['tokenmill', 'dedup', sys.argv[1], '--workers', '1']; main()"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert stopped.returncode == 1
    assert "File too large" in stopped.stderr
    assert "run again to resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    out = path.parent / "run/dedup"
    assert not (out / "manifest.json").exists()
    for name in digests(out):
        pq.read_table(out / name)
    run(path, "dedup")
    resumed = digests(out)
    shutil.rmtree(out)
    run(path, "dedup")
    assert digests(out) == resumed
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 6000


def test_the_order_of_sources_decides_addresses_and_nothing_else(
    path: Path, tmp_path_factory: pytest.TempPathFactory
):
    """Sources the other way round: other parts and rows, and the same documents go because of the same others. Ties fall by id."""
    run(path, "dedup")
    folder = tmp_path_factory.mktemp("turned")
    shutil.copytree(path.parent / "input", folder / "input")
    text = path.read_text()
    start, middle, end = (
        text.index(table) for table in ("[sources.news]", "[sources.books]", "[language]")
    )
    turned = folder / "tokenmill.toml"
    turned.write_text(text[:start] + text[middle:end] + text[start:middle] + text[end:])
    run(turned, "documents", "dedup")
    found = []
    for place in (path.parent / "run", folder / "run"):
        drops = [
            drop
            for part in sorted((place / "dedup").glob("drops-*"))
            for drop in pq.read_table(part).to_pylist()
        ]
        found.append(
            sorted(
                (drop["id"], drop["rule"], drop["keeper_id"], drop["similarity"]) for drop in drops
            )
        )
        found.append(sorted((drop["keeper"], drop["row"]) for drop in drops))
    assert found[0] == found[2]
    assert len(found[0]) == 3
    assert found[1] != found[3]


def test_documents_as_long_as_a_library(tmp_path: Path):
    """Texts beyond the size that goes through whole, among texts of no and one word: found by what they share, and nothing else goes."""
    path, similarity = write_run(tmp_path, 4.6)
    assert (tmp_path / "run/documents/part-00000.parquet").stat().st_size > 1_000_000
    run(path, "dedup")
    drops = [
        drop
        for part in (0, 1)
        for drop in pq.read_table(tmp_path / f"run/dedup/drops-{part:05d}.parquet").to_pylist()
    ]
    assert [(drop["rule"], round(drop["similarity"], 6)) for drop in drops] == [
        ("dedup/near", round(similarity, 6)),
        ("dedup/exact", 1.0),
    ]
    assert read_manifest(str(tmp_path / "run/dedup")).counters["kept"] == 4


def test_little_memory_means_more_passes_and_the_same_bytes(path: Path):
    run(path, "dedup")
    out = path.parent / "run/dedup"
    expected = digests(out)
    shutil.rmtree(out)
    path.write_text(path.read_text() + '\n[dedup]\nmemory_limit = "0.02 MB"\n')
    run(path, "dedup")
    assert digests(out) == expected


def test_inspect_says_what_the_bands_promise(path: Path, tokenmill):
    run(path, "dedup")
    shown = tokenmill("inspect", path.parent / "run/dedup").out
    assert "21 bands of 6 rows; 0.9983 at the threshold" in " ".join(shown.split())
    assert "0 oversized buckets, in which 0 pairs were not compared" in " ".join(shown.split())
    values = json.loads(tokenmill("inspect", path.parent / "run/dedup", "--json").out)
    assert values["recall"]["curve"][7] == [0.8, pytest.approx(1 - (1 - 0.8**6) ** 21)]
