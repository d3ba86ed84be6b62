"""Progress: what was committed, of how much, at what rate, and how long is left; a bar on a terminal, lines elsewhere."""

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from pipeline import progress as progress_module
from pipeline.progress import StageProgress

SIZES = {"part-00000.parquet": 3_000_000, "part-00001.parquet": 5_000_000}


def shown(folder: Path, *, terminal: bool, until: str) -> str:
    """Commits one of two parts while the stage runs and returns what had been printed when `until` appeared."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=160, color_system=None)
    with StageProgress(console).stage("documents", str(folder), SIZES):
        (folder / "part-00000.parquet").touch()
        (folder / ".tmp-part-00001.parquet").touch()
        limit = time.monotonic() + 10
        while not re.search(until, out.getvalue()):
            assert time.monotonic() < limit, out.getvalue()
    return out.getvalue()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(progress_module, "LINE_SECONDS", 0.0)


def test_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    printed = shown(
        tmp_path,
        terminal=False,
        until=r"documents: 1 of 2 parts, 3\.0 MB, [\d.]+ MB/s, \d+ s left\n",
    )
    assert "\x1b" not in printed
    assert "2 of 2" not in printed


def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    printed = shown(tmp_path, terminal=True, until=r"1/2 parts +3\.0/8\.0 MB")
    assert "documents" in printed
    assert "2/2 parts" not in printed
