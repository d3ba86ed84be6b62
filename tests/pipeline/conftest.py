"""Runs that several files of tests look at; not to be changed."""

from pathlib import Path

import pytest
from rich.console import Console

from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.quickstart import write_quickstart
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import run


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the quickstart with all stages run in this process."""
    folder = tmp_path_factory.mktemp("quickstart")
    config = load_config(write_quickstart(str(folder)))
    run_stages(config, RunnerSettings(workers=1), progress=StageProgress(Console(quiet=True)))
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, made in this process; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    run(write_corpus(folder))
    return folder / "run"
