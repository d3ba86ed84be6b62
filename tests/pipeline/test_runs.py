"""Whole runs: equal bytes however they come about, counts that add up, and refusals instead of mixtures."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from pipeline.run.state import start_stage
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.documents.stage import DOCUMENTS
from tests.conftest import PROJECT
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import NOT_DATA, STAGES, copy_input, digests, figures, run
from transforms import storage
from transforms.contracts.addresses import pack_address
from transforms.contracts.manifest import read_manifest
from transforms.contracts.names import DROPS
from transforms.errors import UserError
from transforms.tokens.shards import open_shard


def test_counts_add_up_and_manifests_describe_the_files(finished: Path) -> None:
    manifests = {stage: read_manifest(str(finished / stage)) for stage in STAGES}
    for stage, manifest in manifests.items():
        assert set(manifest.files) | NOT_DATA == {
            path.name for path in (finished / stage).iterdir()
        }
        for name, entry in manifest.files.items():
            data = (finished / stage / name).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry.bytes, entry.sha256)
    sources = manifests["documents"].counters["sources"]
    assert sources["news"]["rejected"] == {"jsonl/wrong-type": 3, "gopher/too-few-words": 1}
    assert sources["news"]["read"] == sources["news"]["kept"] + 4 == 63
    assert sources["books"]["kept"] == sources["books"]["read"] == 4
    dedup = manifests["dedup"].counters
    assert (dedup["exact"], dedup["near"]) == (2, 1)
    shards = manifests["shards"].counters
    documents = sum(source["documents"] for split in shards.values() for source in split.values())
    assert documents == dedup["documents"] - dedup["dropped"]
    for name in ("part", "rejects"):
        rows = sum(
            pq.read_metadata(path).num_rows
            for path in (finished / "documents").glob(f"{name}-*.parquet")
        )
        assert rows == sum(
            entry.rows
            for file, entry in manifests["documents"].files.items()
            if file.startswith(name)
        )
    assert (manifests["dedup"].upstream, manifests["tokenizer"].upstream) == (
        manifests["documents"].fingerprint,
        manifests["dedup"].fingerprint,
    )


def test_dropped_documents_are_in_no_shard(finished: Path) -> None:
    dropped = {
        pack_address(DROPS.number(path.name), row)
        for path in (finished / "dedup").glob("drops-*.parquet")
        for row in pq.read_table(path, columns=["row"])["row"].to_pylist()
    }
    packed = [
        segment["document"]
        for path in (finished / "shards").glob("*.arrow")
        for row in open_shard(str(path)).table["segments"].to_pylist()
        for segment in row
        if segment["ends"]
    ]
    assert len(packed) == len(set(packed))
    assert len(dropped) == 3
    assert dropped.isdisjoint(packed)


def test_two_worker_processes_give_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    path = copy_input(finished, tmp_path)
    run(path, workers=2)
    assert digests(tmp_path / "run") == digests(finished)
    assert figures(tmp_path / "run") == figures(finished)


def test_cpu_seconds_are_those_of_workers_too(finished: Path, tmp_path: Path) -> None:
    """One process does all, or two workers do most of it: the driver alone takes a third."""
    path = copy_input(finished, tmp_path)
    run(path, workers=2)
    for stage in STAGES:
        alone, together = (
            read_manifest(str(folder / stage)).cpu_seconds
            for folder in (finished, tmp_path / "run")
        )
        assert together > 0.6 * alone, stage


def test_a_second_run_does_nothing(finished: Path) -> None:
    before = {
        path: path.stat().st_mtime_ns
        for path in finished.rglob("*")
        if path.is_file() and path.name != "run.toml"
    }
    printed = run(finished.parent / "tokenmill.toml")
    assert printed.count("done before") == 4
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("share", [0.04, 0.2, 0.45, 0.65, 0.8, 0.97])
def test_a_killed_run_resumes_to_the_same_bytes(
    finished: Path, tmp_path: Path, share: float, commits: int
) -> None:
    path = copy_input(finished, tmp_path)
    kill_at = max(1, round(share * commits))
    killed = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.killer", str(path), str(kill_at)],
        cwd=PROJECT,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not all((tmp_path / "run" / stage / "manifest.json").exists() for stage in STAGES)
    run(path)
    assert digests(tmp_path / "run") == digests(finished)
    assert figures(tmp_path / "run") == figures(finished)
    assert {file.name for file in (tmp_path / "run").rglob("*") if ".tmp-" in file.name} == set()


@pytest.fixture(scope="session")
def commits(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many files a whole run commits."""
    path = copy_input(finished, tmp_path_factory.mktemp("counted"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.killer", str(path), "0"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    return int(done.stdout)


def test_worker_processes_killed_with_their_run_resume_to_the_same_bytes(
    finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    command = [sys.executable, "-m", "pipeline.cli", "run", str(path), "--workers", "2"]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and not list(tmp_path.glob("run/documents/part-*")):
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "run" / "shards" / "manifest.json").exists()
    run(path)
    assert digests(tmp_path / "run") == digests(finished)


@pytest.mark.parametrize(
    ("old", "new", "stage", "change"),
    [
        ("threshold = 0.3", "threshold = 0.2", "documents", "language.threshold was 0.3, is 0.2"),
        (
            "vocabulary = 400",
            "vocabulary = 420",
            "tokenizer",
            "tokenizer.vocabulary was 400, is 420",
        ),
        (
            "sequence_length = 64",
            "sequence_length = 32",
            "shards",
            "shards.sequence_length was 64, is 32",
        ),
        ("validation = 0.2", "validation = 0.3", "shards", "shards.validation was 0.2, is 0.3"),
    ],
)
def test_another_configuration_is_refused_and_names_what_changed(
    finished: Path, tmp_path: Path, old: str, new: str, stage: str, change: str
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    path.write_text(path.read_text().replace(old, new))
    before = digests(tmp_path / "run")
    with pytest.raises(UserError, match="made from something else") as caught:
        run(path)
    assert change in str(caught.value)
    assert stage in caught.value.where
    assert digests(tmp_path / "run") == before
    assert load_config(str(tmp_path / "run" / "run.toml")) == replace(
        load_config(str(finished / "run.toml")), folder=str(tmp_path / "run")
    )


def test_other_input_is_refused_and_overwrite_makes_it_again(
    finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    news = tmp_path / "input" / "news-0.jsonl"
    news.write_text(news.read_text() + '{"text": 7}\n')
    with pytest.raises(UserError, match=r"input news: news-0.jsonl is another \(1 of 7 files\)"):
        run(path)
    run(path, overwrite=True)
    manifest = read_manifest(str(tmp_path / "run" / "documents"))
    assert manifest.counters["sources"]["news"]["rejected"]["jsonl/wrong-type"] == 4
    changed = {
        name
        for name, digest in digests(tmp_path / "run").items()
        if digest != digests(finished)[name]
    }
    assert changed == {"documents/rejects-00000.parquet"}


def test_guards_do_not_count_as_another_configuration(finished: Path, tmp_path: Path) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    path.write_text(
        path.read_text().replace("max_error_rate = 0.2", "max_error_rate = 0.5")
        + "\n[dedup]\nmax_drop_rate = 0.9\n"
    )
    assert run(path).count("done before") == 4


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("max_error_rate = 0.2", "max_error_rate = 0.01", "more than max_error_rate"),
        (
            "[language]",
            "[dedup]\nmax_drop_rate = 0.01\n[language]",
            "more than dedup.max_drop_rate",
        ),
    ],
)
def test_guards_hold_for_stages_that_are_done_too(
    finished: Path, tmp_path: Path, old: str, new: str, what: str
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=what):
        run(path)


def test_a_damaged_manifest_is_refused_and_overwrite_mends_it(
    finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "tokenizer" / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="the manifest is not JSON"):
        run(path)
    run(path, overwrite=True)
    assert digests(tmp_path / "run") == digests(finished)


def test_an_error_of_the_system_stops_the_run_and_the_next_one_is_whole(
    finished: Path, tmp_path: Path, monkeypatch
) -> None:
    """A failing disk is no property of the input: no reject may stand for it in a committed part."""
    path = copy_input(finished, tmp_path)
    opened = storage.open_input

    def failing(name: str):
        if name.endswith("book2.txt"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        return opened(name)

    with monkeypatch.context() as patch:
        patch.setattr("transforms.storage.files.open_input", failing)
        with pytest.raises(UserError, match="Input/output error"):
            run(path)
    run(path)
    assert digests(tmp_path / "run") == digests(finished)


def test_input_that_changes_while_it_is_read_stops_the_run(tmp_path: Path) -> None:
    path = write_corpus(tmp_path)
    config = load_config(str(path))
    plan = DOCUMENTS.plan(config, Run(config.folder))
    start_stage(str(tmp_path / "run" / "documents"), plan)
    (tmp_path / "input" / "news-0.jsonl").write_text("{}")
    with pytest.raises(UserError, match="bytes and has 2 now"):
        DOCUMENTS.execute(
            config,
            Run(config.folder),
            RunnerSettings(workers=1),
            plan,
            out=str(tmp_path / "run" / "documents"),
        )


def test_file_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = write_corpus(tmp_path)
    (tmp_path / "input" / "books" / "book0.txt").rename(
        tmp_path / "input" / "books" / os.fsdecode(b"b\xff.txt")
    )
    run(path)
    origins = {
        origin
        for part in tmp_path.glob("run/documents/part-*")
        for origin in pq.read_table(part)["origin"].to_pylist()
    }
    assert "b\\xff.txt" in origins


def test_too_many_errors_stop_the_run_before_anything_reads_the_documents(tmp_path: Path) -> None:
    path = write_corpus(tmp_path)
    path.write_text(path.read_text().replace("max_error_rate = 0.2", "max_error_rate = 0.01"))
    with pytest.raises(
        UserError, match=r"3 of 63 records of source 'news' could not be read.*jsonl/wrong-type 3"
    ):
        run(path)
    assert not (tmp_path / "run" / "documents" / "manifest.json").exists()
    path.write_text(path.read_text().replace("max_error_rate = 0.01", "max_error_rate = 0.2"))
    run(path)


def test_a_source_that_would_lose_too_much_stops_the_run(tmp_path: Path) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nmax_drop_rate = 0.01\n")
    with pytest.raises(
        UserError,
        match=r"3 of 59 documents of source 'news' would be dropped as duplicates \(2 exact, 1 near\)",
    ):
        run(path)
    assert not (tmp_path / "run" / "dedup" / "manifest.json").exists()


def test_without_dedup_nothing_is_dropped(tmp_path: Path) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nenabled = false\n")
    run(path)
    counters = read_manifest(str(tmp_path / "run" / "dedup")).counters
    assert (counters["documents"], counters["dropped"]) == (63, 0)


@pytest.mark.parametrize("damage", ["missing", "shorter", "other bytes"])
def test_a_finished_stage_that_is_damaged_is_refused_and_overwrite_mends_it(
    finished: Path, tmp_path: Path, damage: str
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    shard = next((tmp_path / "run" / "shards").glob("train-news-*"))
    data = shard.read_bytes()
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(data[:-1] if damage == "shorter" else data[:-1] + bytes([data[-1] ^ 1]))
    if (
        damage != "other bytes"
    ):  # which take a reading of every file: `tokenmill verify` does that, and --overwrite
        with pytest.raises(UserError, match="a finished stage is damaged"):
            run(path)
    run(path, overwrite=True)
    assert digests(tmp_path / "run") == digests(finished)


def test_one_stage_alone_is_refused_when_those_before_it_were_made_from_something_else(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("shards"))
    kept = (tmp_path / "run" / "run.toml").read_bytes()
    path.write_text(path.read_text().replace("seed = 3", "seed = 3\nsignals = true"))
    for command in (["shards"], ["shards", "--overwrite"], ["dedup"], ["dedup", "--dry-run"]):
        outcome = tokenmill(command[0], path, *command[1:])
        assert outcome.status == 1
        assert "signals was false, is true" in outcome.err, command
    assert (tmp_path / "run" / "run.toml").read_bytes() == kept
    assert not (tmp_path / "run" / "shards").exists()


def test_one_stage_alone_needs_no_input_that_is_gone(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("shards"))
    shutil.rmtree(tmp_path / "input")
    outcome = tokenmill("shards", path)
    assert outcome.status == 0, outcome.err
    assert digests(tmp_path / "run") == digests(finished)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_says_how_it_goes_on(
    finished: Path, tmp_path: Path, workers: int
) -> None:
    path = copy_input(finished, tmp_path)
    command = [sys.executable, "-m", "pipeline.cli", "run", str(path), "--workers", str(workers)]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not list((tmp_path / "run").glob("documents/part-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert printed.splitlines()[-3].startswith("tokenmill: interrupted"), printed
    run(path)
    assert digests(tmp_path / "run") == digests(finished)


def test_a_folder_with_signs_of_globs_and_urls_in_its_name(finished: Path, tmp_path: Path) -> None:
    path = copy_input(finished, tmp_path)
    path.write_text(path.read_text().replace('folder = "run"', 'folder = "run [a] #%23?"'))
    run(path)
    assert digests(tmp_path / "run [a] #%23?") == digests(finished)
