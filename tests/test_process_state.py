"""A program that calls the packages keeps its process as it was: nothing is set, replaced or left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.process_state import differences, modules_of, packages


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "tests.process_state", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_every_module_changes_nothing(found: dict[str, dict]) -> None:
    assert found["imports"] == {}


def test_importing_any_package_first_changes_nothing(found: dict[str, dict]) -> None:
    """Environment, signal handlers, loggers, limits of csv, exception hooks, paths, filters of warnings, and all else of `snapshot`."""
    assert found["alone"] == {}


def test_packages_are_found() -> None:
    assert {"pipeline", "pipeline.config", "transforms.sources", "training"} <= set(packages())


def test_running_every_stage_and_reading_its_results_changes_nothing(
    found: dict[str, dict],
) -> None:
    found["use"].pop("random", None)  # Beam draws from it (pipeline/runner.py, `run_pipeline`)
    assert found["use"] == {}


def test_differences_are_seen() -> None:
    before = {"a": 1, "b": {"x": 1, "y": 2}, "c": [1]}
    assert differences(before, {"a": 2, "b": {"x": 1, "z": 3}, "c": [1]}) == {
        "a": [1, 2],
        "b: y": [2, None],
        "b: z": [None, 3],
    }


def test_all_modules_are_imported() -> None:
    files = {
        path
        for package in ("pipeline", "transforms", "training")
        for path in Path(PROJECT, package).rglob("*.py")
    }
    assert len(list(modules_of())) == len(files)
