"""Fixtures that all tests share. Nothing here needs a network or a GPU."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from pipeline.cli import main
from transforms.plugins import load_plugins

# Two processes test on two cores, and threads that share a core wait for each other longer than small models compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("no-times", deadline=None)  # no test asserts a time: machines are shared
settings.load_profile("no-times")

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TOKENMILL_DATA", PROJECT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real data are skipped, and say why, where the data folder is absent."""
    if DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no real data at {DATA}; set TOKENMILL_DATA")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(absent)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Binary parameters have the parameter's name as id: gzip holds the time, and each worker process collects at a time of its own."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which Pythons the wheel was installed for (tests/install)."""
    reports = [
        report
        for outcome in ("passed", "skipped")
        for report in terminalreporter.stats.get(outcome, ())
    ]
    pythons = [
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "Python"
    ]
    if pythons:
        terminalreporter.write_line(f"bare installations: Python {', '.join(sorted(set(pythons)))}")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real inputs; only for tests marked `real_data`."""
    return DATA


@pytest.fixture(autouse=True)
def _no_plugins_left() -> Iterator[None]:
    """A configuration's plugins stay loaded until another is read: the filters and kinds of one test would be the next one's, too."""
    yield
    load_plugins(())


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def tokenmill(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Outcome]]:
    """Runs `tokenmill ARGUMENTS` as the console script does, in this process: its exit status and what it printed."""

    def command(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tokenmill", *map(str, arguments)])
        monkeypatch.setenv("OMP_WAIT_POLICY", os.environ.get("OMP_WAIT_POLICY", "passive"))
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Outcome(status, *capfd.readouterr())

    level = logging.getLogger().level
    yield command
    logging.getLogger().setLevel(level)  # `main` sets it for its own process
