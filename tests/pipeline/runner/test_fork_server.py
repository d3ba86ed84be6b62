"""The fork server: its workers work, fail, die and are interrupted as new interpreters do, and none is left."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pipeline.runner.fork_server import SUPPORTED, fork_server
from tests.conftest import PROJECT

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="this system does not fork")


def run_forked(function: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.pipeline.runner.forked", function, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def processes_left(folder: Path) -> list[str]:
    """Command lines with the folder's name, once they had a while to end."""
    for _ in range(200):
        listed = subprocess.run(
            ["ps", "-wweo", "args="], capture_output=True, text=True, check=True
        ).stdout
        left = [line for line in listed.splitlines() if str(folder) in line]
        if not left:
            break
        time.sleep(0.05)
    return left


def test_workers_are_two_other_processes(tmp_path) -> None:
    found = run_forked("note", tmp_path)
    driver = (tmp_path / "driver").read_text()
    processes = [path.read_text() for path in tmp_path.iterdir() if path.name != "driver"]
    assert json.loads(found.stdout) == "done", found.stderr
    assert len(processes) == 20
    assert len(set(processes)) == 2
    assert driver not in processes
    assert processes_left(tmp_path) == []


def test_collections_pass_over_what_the_imports_made(tmp_path) -> None:
    found = run_forked("note-frozen", tmp_path)
    during, after = json.loads(found.stdout)
    workers = [int(path.read_text()) for path in tmp_path.iterdir() if path.name != "driver"]
    assert len(workers) == 20, found.stderr
    assert min(*workers, during) > 100_000
    assert after == 0


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        ("fail", "a worker failed: ValueError: no luck with"),
        ("kill", "a worker process died (exit status -9: killed, perhaps for lack of memory)"),
        ("crash", "a worker process died (exit status -11: Segmentation fault at "),
        ("leave", "a worker process died (exit status 3: it left of its own accord)"),
        ("interrupt", "interrupted"),
        ("interrupt-driver", "interrupted"),
    ],
)
def test_failures_and_deaths_are_told_and_no_process_is_left(
    tmp_path, function: str, outcome: str
) -> None:
    found = run_forked(function, tmp_path)
    assert json.loads(found.stdout).startswith(outcome), found.stderr
    assert processes_left(tmp_path) == []


def test_no_process_outlives_a_driver_that_was_killed(tmp_path) -> None:
    assert run_forked("kill-driver", tmp_path).returncode == -9
    assert processes_left(tmp_path) == []


def test_a_long_path_to_the_temporary_folder_means_no_fork_server(tmp_path, monkeypatch) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with fork_server() as server:
        assert server is None


def test_objects_that_a_caller_has_frozen_stay_frozen() -> None:
    start = "import gc; gc.freeze(); from pipeline.runner.fork_server import fork_server"
    code = (
        f"{start}\nwith fork_server() as server:\n    assert server\nprint(gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 1000
