"""The command line, in this process."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from pipeline.cli import main


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def tokenmill(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `tokenmill ARGUMENTS` as the console script does and returns its exit status and what it printed."""

    def command(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tokenmill", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Outcome(status, *capfd.readouterr())

    return command
