"""How a command starts: by module, with its version, and without PyTorch where it needs none."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from pipeline.cli import app
from tests.conftest import PROJECT
from tests.pipeline.corpus import write_corpus

NEED_TORCH = {"train", "evaluate", "generate"}
READING_AND_WRITING = [
    ["init", "new.toml"],
    ["plan", "tokenmill.toml"],
    ["documents", "tokenmill.toml", "--workers", "2"],
    ["dedup", "tokenmill.toml", "--dry-run"],
    ["dedup", "tokenmill.toml"],
    ["tokenizer", "tokenmill.toml"],
    ["shards", "tokenmill.toml"],
    ["run", "tokenmill.toml"],
    ["inspect", "run"],
    ["explain", "run/shards/train-news-00000-of-00001.arrow:0", "--extract"],
    ["verify", "run"],
    ["export", "run", "--format", "nanogpt", "--to", "nanogpt"],
    ["export", "run", "--format", "parquet", "--to", "parquet"],
    ["quickstart", "--folder", "demo", "--no-train"],
]
"""Every command that needs no PyTorch, in an order in which they follow each other."""


def run_module(*arguments: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_version_is_the_projects(tokenmill: Callable) -> None:
    stated = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    outcome = tokenmill("--version")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"tokenmill {stated}\n", "")


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    done = run_module("pipeline", "--version", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tokenmill ")
    failed = run_module("pipeline", "inspect", "absent", folder=tmp_path)
    assert failed.returncode == 2
    assert failed.stderr.startswith("tokenmill: there is no such file or folder\n")


def test_every_command_is_listed_here() -> None:
    assert {command[0] for command in READING_AND_WRITING} | NEED_TORCH == {
        name for name, command in typer.main.get_command(app).commands.items() if not command.hidden
    }


def test_commands_that_need_no_pytorch_do_not_import_it(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    done = run_module(
        "tests.pipeline.without_torch", json.dumps(READING_AND_WRITING), folder=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "demo" / "run" / "shards" / "manifest.json").exists()


@pytest.mark.parametrize("command", sorted(NEED_TORCH))
def test_an_import_of_pytorch_is_noticed(finished: Path, command: str) -> None:
    done = run_module("tests.pipeline.without_torch", json.dumps([[command, str(finished)]]))
    assert done.returncode == 1
    assert "TorchImported" in done.stderr
