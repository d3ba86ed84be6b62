"""`tokenmill ingest` from names of Common Crawl: over HTTP from a server on this machine, as from a folder."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import parse_config
from pipeline.stages.documents.planning import plan_documents
from tests.file_server import cut_short, reset, serving, status
from tests.pipeline.runs import digests
from tests.transforms.sources.test_ranges import page
from transforms.errors import ConfigError
from transforms.storage import web

CRAWL = "crawl-data/CC-MAIN-2024-22"
CONFIGURATION = """
folder = "{folder}"
{base}
[sources.web]
kind = "warc"
paths = {paths}
[language]
threshold = 0
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A crawl of four files, as Common Crawl lays them out."""
    root = tmp_path / "mirror"
    names = [f"{CRAWL}/segments/1/warc/{number}.warc.gz" for number in range(4)]
    (root / CRAWL / "segments/1/warc").mkdir(parents=True)
    for number, name in enumerate(names):
        (root / name).write_bytes(
            b"".join(gzip.compress(page(10 * number + each, 200), mtime=0) for each in range(5))
        )
    (root / CRAWL / "warc.paths.gz").write_bytes(gzip.compress("\n".join(names).encode()))
    return root


def write(tmp_path: Path, name: str, *, paths: str, base: str = "") -> Path:
    path = tmp_path / f"{name}.toml"
    path.write_text(
        CONFIGURATION.format(
            folder=tmp_path / name, paths=paths, base=f'common_crawl = "{base}"' if base else ""
        )
    )
    return path


def rows(folder: Path) -> list[dict]:
    return [
        row
        for part in sorted((folder / "documents").glob("part-*"))
        for row in pq.read_table(part).to_pylist()
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_over_http_equals_one_from_a_folder(
    tokenmill: Callable, tmp_path: Path, mirror: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Origins and ids too, since both are relative to the root of Common Crawl. The server fails now and then."""
    waited: list[float] = []
    monkeypatch.setattr(web, "sleep", waited.append)
    local = write(tmp_path, "local", paths='"cc:CC-MAIN-2024-22/warc[1:3]"', base="mirror")
    assert tokenmill("ingest", local, "--workers", 1).status == 0
    with serving(mirror) as server:
        faults = [
            status(503),
            reset,
            cut_short(10),
            status(429),
            cut_short(100),
            status(500),
            reset,
        ]
        server.faults.extend(faults if workers == 1 else faults[:4])
        remote = write(tmp_path, "remote", paths='"cc:CC-MAIN-2024-22/warc[1:3]"', base=server.url)
        outcome = tokenmill("ingest", remote, "--workers", workers)
        assert outcome.status == 0, outcome.err
        assert not server.faults
    assert waited
    assert digests(tmp_path / "remote") == digests(tmp_path / "local")
    found = rows(tmp_path / "remote")
    assert {row["origin"] for row in found} == {
        f"{CRAWL}/segments/1/warc/{number}.warc.gz" for number in (1, 2)
    }
    assert len(found) == 10


def test_names_stand_beside_globs(tokenmill: Callable, tmp_path: Path, mirror: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.warc.gz").write_bytes(gzip.compress(page(1, 200)))
    path = write(
        tmp_path, "both", paths='["own/*.warc.gz", "cc:CC-MAIN-2024-22/warc[0]"]', base="mirror"
    )
    outcome = tokenmill("ingest", path)
    assert outcome.status == 0, outcome.err
    assert {row["origin"] for row in rows(tmp_path / "both")} == {
        "a.warc.gz",
        f"{CRAWL}/segments/1/warc/0.warc.gz",
    }


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ('"cc:CC-MAIN-2024-22/warc[x]"', ["neither an index nor a slice", "[0:4]"]),
        ('"cc:2024-22"', ["the form is", "cc:CC-MAIN-2024-22/warc[0:4]"]),
        ('"cc:CC-MAIN-2024-22/wet"', ["kind 'wet', not 'warc'"]),
        ('"cc:CC-MAIN-2024-22/warc[9]"', ["chooses no file: the list has 4"]),
        ('"cc:CC-MAIN-2023-22/warc"', ["there is no list of paths"]),
    ],
)
def test_bad_names_end_before_anything_runs(
    tokenmill: Callable, tmp_path: Path, mirror: Path, paths: str, words: list[str]
) -> None:
    with serving(mirror) as server:
        outcome = tokenmill("ingest", write(tmp_path, "bad", paths=paths, base=server.url))
    assert outcome.status == 2
    assert len(outcome.err.strip().splitlines()) == 3
    assert all(word in outcome.err for word in words), outcome.err


def test_a_server_that_stays_away_stops_the_run_and_the_next_one_goes_on(
    tokenmill: Callable, tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "sleep", lambda _: None)
    with serving(mirror) as server:
        path = write(tmp_path, "run", paths='"cc:CC-MAIN-2024-22/warc"', base=server.url)
        config = parse_config(
            {
                "folder": "x",
                "sources": {"web": {"kind": "warc", "paths": "cc:CC-MAIN-2024-22/warc"}},
                "common_crawl": server.url,
            },
            where="/x",
        )
        plan_documents("documents", config)
        planned = server.requests.total()
        server.requests.clear()

        def late(handler) -> bool:
            return handler.server.requests.total() > planned + 1 and status(503)(handler)

        server.faults.extend([late] * 500)
        failed = tokenmill("ingest", path, "--workers", 1)
        assert failed.status == 1
        assert "503" in failed.err
        assert "6 attempts" in failed.err
        assert len(failed.err.strip().splitlines()) == 3
        assert not (tmp_path / "run" / "documents" / "manifest.json").exists()
        server.faults.clear()
        assert tokenmill("ingest", path, "--workers", 1).status == 0
    assert len(rows(tmp_path / "run")) == 20


def test_two_files_of_one_origin_are_refused(tmp_path: Path, mirror: Path) -> None:
    other = tmp_path / "other" / CRAWL / "segments/1/warc"
    other.mkdir(parents=True)
    (other / "0.warc.gz").write_bytes(gzip.compress(page(1)))
    (tmp_path / "other" / "b.warc.gz").write_bytes(gzip.compress(page(1)))
    paths = [
        f"{tmp_path}/other/b.warc.gz",
        f"{tmp_path}/other/*/*/*/*/*/0.warc.gz",
        "cc:CC-MAIN-2024-22/warc[0]",
    ]
    values = {
        "folder": "x",
        "common_crawl": str(mirror),
        "sources": {"web": {"kind": "warc", "paths": paths}},
    }
    with pytest.raises(ConfigError, match="two files have the origin"):
        plan_documents("documents", parse_config(values, where="/x"))
