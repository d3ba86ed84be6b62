"""Runs that several files of tests look at; not to be changed."""

from pathlib import Path

import pytest
from rich.console import Console

from pipeline.config import load_config
from pipeline.progress import StageProgress
from pipeline.quickstart import write_quickstart
from pipeline.runner import RunnerSettings
from pipeline.stages import run_stages


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the quickstart with all stages run in this process."""
    folder = tmp_path_factory.mktemp("quickstart")
    config = load_config(write_quickstart(str(folder)))
    run_stages(config, RunnerSettings(workers=1), progress=StageProgress(Console(quiet=True)))
    return folder
