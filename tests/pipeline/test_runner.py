"""The runner: worker processes get their options, failures come back with their cause, other runners can be named."""

import os

import apache_beam as beam
import pytest

from pipeline.runner import RunnerSettings, Work, run_pipeline
from transforms import io
from transforms.errors import UserError

TWO = Work(units=2, seconds=0)


def note_process(number: int, folder: str) -> None:
    io.write_bytes(f"{folder}/{number}", str(os.getpid()).encode())


def fail(number: int) -> None:
    raise ValueError(f"no luck with {number}")


def build(pipeline: beam.Pipeline, folder: str, count: int) -> None:
    _ = pipeline | beam.Create(range(count)) | beam.Reshuffle() | beam.Map(note_process, folder)


def test_two_workers_are_two_other_processes(tmp_path) -> None:
    run_pipeline(lambda pipeline: build(pipeline, str(tmp_path), 50), RunnerSettings(workers=2), TWO)
    processes = {path.read_text() for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 50
    assert len(processes) == 2
    assert str(os.getpid()) not in processes


def test_one_worker_is_this_process(tmp_path) -> None:
    run_pipeline(lambda pipeline: build(pipeline, str(tmp_path), 5), RunnerSettings(workers=1), TWO)
    assert {path.read_text() for path in tmp_path.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_worker_is_an_error_with_its_cause(workers: int) -> None:
    with pytest.raises(UserError, match="a worker failed: ValueError: no luck with 7"):
        run_pipeline(lambda pipeline: pipeline | beam.Create([7]) | beam.Reshuffle() | beam.Map(fail), RunnerSettings(workers=workers), TWO)


def test_beam_arguments_choose_another_runner(tmp_path) -> None:
    settings = RunnerSettings(workers=2, beam_arguments=("--runner=BundleBasedDirectRunner",))
    run_pipeline(lambda pipeline: build(pipeline, str(tmp_path), 5), settings, TWO)
    assert {path.read_text() for path in tmp_path.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize(
    ("workers", "units", "seconds", "cores", "expected"),
    [
        (0, 100, 1e6, 8, 8),
        (0, 3, 1e6, 8, 3),
        (0, 100, 3.9, 8, 1),
        (0, 100, 8.5, 8, 2),
        (5, 100, 0.0, 8, 5),
        (5, 2, 0.0, 8, 2),
        (0, 0, 0.0, 8, 1),
    ],
)
def test_processes(monkeypatch, workers: int, units: int, seconds: float, cores: int, expected: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert RunnerSettings(workers=workers).processes(Work(units=units, seconds=seconds)) == expected
