"""Whole runs for tests, and what there is to compare of two."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.run.stage_names import STAGE_NAMES
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.all_stages import STAGES as ALL_STAGES
from pipeline.stages.run_stages import run_stages
from pipeline.stages.stage import Stage
from tests.conftest import PROJECT
from transforms.contracts.manifest import Manifest, read_manifest

STAGES = tuple(stage.name for stage in STAGE_NAMES)
NOT_DATA = {"manifest.json", "plan.json"}


def stages_named(names: Iterable[str]) -> list[Stage[Any, Any]]:
    """The stages of these names, in order."""
    wanted = set(names)
    return [stage for stage in ALL_STAGES if stage.name in wanted]


def run(path: Path, *, workers: int = 1, overwrite: bool = False) -> str:
    """Runs all stages of a configuration and returns what was printed: with one worker in this process, else by the command, whose
    worker processes start quickly. This process has threads, so it can have no fork server."""
    if workers > 1:
        command = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "run",
            str(path),
            "--workers",
            str(workers),
            *["--overwrite"] * overwrite,
        ]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
    console = Console(record=True, quiet=False, file=open(os.devnull, "w"), width=200)  # noqa: SIM115
    run_stages(
        load_config(str(path)),
        RunnerSettings(workers=1),
        overwrite=overwrite,
        progress=StageProgress(console),
    )
    return console.export_text()


def stage_manifest(run: Run, stage: str) -> Manifest:
    """The manifest of a finished stage."""
    return read_manifest(run.stage(stage))


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every data file of a run, by its name relative to it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for stage in STAGES
        for path in sorted((folder / stage).rglob("*"))
        if path.is_file() and path.name not in NOT_DATA
    }


def figures(folder: Path) -> dict[str, tuple]:
    """What the manifests say of a run but for times: files and counters of each stage."""
    manifests = {stage: read_manifest(str(folder / stage)) for stage in STAGES}
    return {stage: (manifest.files, manifest.counters) for stage, manifest in manifests.items()}


def copy_input(finished: Path, folder: Path) -> Path:
    """The input of the finished run with the same modification times, and no run yet; returns the configuration."""
    shutil.copytree(
        finished.parent, folder, dirs_exist_ok=True, ignore=lambda _, names: {"run"} & set(names)
    )
    return folder / "tokenmill.toml"
