"""The runner: worker processes get their options, failures and deaths come back with their cause, other runners can be named."""

import atexit
import ctypes
import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import WorkerOptions
from apache_beam.runners.worker.statesampler import StateSampler

from pipeline.runner.beam import RunnerSettings, Work, run_pipeline
from pipeline.runner.fork_server import ForkServer
from transforms import storage
from transforms.errors import ConfigError, UserError

TWO = Work(units=2, seconds=0)


def note_process(number: int, folder: str) -> None:
    storage.write_bytes(f"{folder}/{number}", str(os.getpid()).encode())


def fail(number: int) -> None:
    raise ValueError(f"no luck with {number}")


def kill_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash_worker() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(3)


def interrupt_driver() -> None:
    os.kill(os.getppid(), signal.SIGINT)


def interrupt_worker() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def act_or_be_busy(number: int, folder: str, act: Callable[..., None], *arguments: Any) -> None:
    """The first of two processes acts, once the second is busy."""
    try:
        os.mkdir(f"{folder}/first")
    except FileExistsError:
        os.mkdir(f"{folder}/second")
    else:
        while not os.path.exists(f"{folder}/second"):
            time.sleep(0.01)
        act(*arguments)
    time.sleep(60)


def crash_on_the_way_out(number: int, folder: str) -> None:
    atexit.register(os._exit, 5)
    atexit.register(storage.write_bytes, f"{folder}/{os.getpid()}", b"crashed")


def note_options(number: int, folder: str) -> None:
    storage.write_bytes(f"{folder}/{number}", os.environ["PIPELINE_OPTIONS"].encode())


def spread(count: int) -> beam.PTransform:
    return beam.Create(range(count)) | beam.Reshuffle()


def run_two(function: Callable[..., None], *arguments: Any) -> None:
    """Runs a function over enough numbers that each of two processes gets some."""
    step = beam.Map(function, *arguments)
    run_pipeline(lambda pipeline: pipeline | spread(20) | step, RunnerSettings(workers=2), TWO)


@pytest.fixture
def side_errors(monkeypatch) -> list[threading.ExceptHookArgs]:
    """What threads tell of their end in place of a traceback on stderr."""
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    return errors


def workers_left() -> list[str]:
    processes = subprocess.run(
        ["ps", "-wweo", "ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=1) for line in processes.splitlines()]
    return [
        line[1] for line in lines if line[0] == str(os.getpid()) and "sdk_worker_main" in line[1]
    ]


def build(pipeline: beam.Pipeline, folder: str, count: int) -> None:
    _ = pipeline | spread(count) | beam.Map(note_process, folder)


def test_two_workers_are_two_other_processes(tmp_path) -> None:
    run_pipeline(
        lambda pipeline: build(pipeline, str(tmp_path), 50), RunnerSettings(workers=2), TWO
    )
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
        run_pipeline(
            lambda pipeline: pipeline | beam.Create([7]) | beam.Reshuffle() | beam.Map(fail),
            RunnerSettings(workers=workers),
            TWO,
        )
    assert workers_left() == []


@pytest.mark.parametrize(
    ("act", "what", "remedy"),
    [
        (kill_worker, r"\(exit status -9: killed, perhaps for lack of memory\)", "--workers 1"),
        (
            crash_worker,
            r"\(exit status -11: Segmentation fault at .*ctypes.* in string_at\)",
            "--debug",
        ),
        (leave, r"\(exit status 3: it left of its own accord\)", "--debug"),
    ],
)
def test_the_death_of_a_worker_ends_the_run_and_the_other_worker(
    tmp_path, side_errors, act, what: str, remedy: str
) -> None:
    with pytest.raises(UserError, match=f"a worker process died {what}") as raised:
        run_two(act_or_be_busy, str(tmp_path), act)
    assert remedy in raised.value.remedy
    assert workers_left() == []
    assert threading.excepthook == side_errors.append
    assert side_errors == []


@pytest.mark.parametrize("act", [interrupt_driver, interrupt_worker])
def test_an_interruption_leaves_no_worker(tmp_path, side_errors, act) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_two(act_or_be_busy, str(tmp_path), act)
    assert workers_left() == []
    assert threading.excepthook == side_errors.append
    assert side_errors == []


def test_a_worker_may_crash_when_all_is_done(tmp_path, side_errors) -> None:
    run_two(crash_on_the_way_out, str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2
    assert workers_left() == []
    assert side_errors == []


def test_beam_arguments_choose_another_runner(tmp_path) -> None:
    settings = RunnerSettings(workers=2, beam_arguments=("--runner=BundleBasedDirectRunner",))
    run_pipeline(lambda pipeline: build(pipeline, str(tmp_path), 5), settings, TWO)
    assert {path.read_text() for path in tmp_path.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (
            ["other.toml", "--runner=BundleBasedDirectRunner"],
            "'other.toml' is not an option",
            "name one configuration",
        ),
        (
            ["--runner", "DirectRunner"],
            "'DirectRunner' is not an option",
            "write --runner=DirectRunner",
        ),
        (["-x"], "'-x' is not an option", "--name=value"),
        (["--", "--nonsense"], "'--' is not an option", "--name=value"),
        (["--runer=DataflowRunner"], "--runer is not an option of Beam", "do you mean --runner?"),
        (["--nonsense"], "--nonsense is not an option of Beam", "--runner"),
        (
            ["--experiments=a", "--temp-locatoin=b"],
            "--temp_locatoin is not an option of Beam",
            "do you mean --temp_location?",
        ),
        (
            ["--sdk_worker_parallelism=1", "--direct_num_workers=2"],
            "--direct_num_workers is set by tokenmill",
            "--workers",
        ),
        (
            ["--direct_running_mode=multi_processing"],
            "--direct_running_mode is set by tokenmill",
            "--workers",
        ),
        (
            ["--direct_runner_bundle_repeat=x"],
            "argument --direct_runner_bundle_repeat: invalid int value: 'x'",
            "documentation",
        ),
        (["--help"], "--help is no option for a run", "documentation"),
        (
            ["--runner=NoSuchRunner"],
            "--runner=NoSuchRunner: Unexpected pipeline runner",
            "installed",
        ),
        (["--runner=no.such.Runner"], "--runner=no.such.Runner: No module named 'no'", "installed"),
    ],
)
def test_arguments_that_mean_nothing_are_wrong_usage(
    capfd, arguments: list[str], what: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        RunnerSettings(beam_arguments=tuple(arguments))
    assert raised.value.what.startswith(what)
    assert remedy in raised.value.remedy
    assert raised.value.exit_code == 2
    assert "usage:" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--experiments=a", "--experiments=b", "--max_cache_memory_usage_mb=7"],
        ["--runner=BundleBasedDirectRunner", "--own=1"],
    ],
)
def test_arguments_that_mean_something_are_accepted(arguments: list[str]) -> None:
    assert RunnerSettings(beam_arguments=tuple(arguments)).beam_arguments == tuple(arguments)


@pytest.mark.parametrize("workers", [1, 2])
def test_beam_arguments_reach_the_pipeline(workers: int) -> None:
    seen: list[int] = []
    settings = RunnerSettings(workers=workers, beam_arguments=("--max_cache_memory_usage_mb=7",))

    def note(pipeline: beam.Pipeline) -> None:
        seen.append(pipeline.options.view_as(WorkerOptions).max_cache_memory_usage_mb)
        _ = pipeline | beam.Create([1])

    run_pipeline(note, settings, TWO)
    assert seen == [7]


def test_beam_arguments_reach_the_worker_processes(tmp_path) -> None:
    arguments = ("--max_cache_memory_usage_mb=7", "--default_sdk_harness_log_level=CRITICAL")
    settings = RunnerSettings(workers=2, beam_arguments=arguments)
    run_pipeline(
        lambda pipeline: (
            pipeline
            | beam.Create([0, 1])
            | beam.Reshuffle()
            | beam.Map(note_options, str(tmp_path))
        ),
        settings,
        TWO,
    )
    options = json.loads((tmp_path / "0").read_text())
    assert int(options["beam:option:max_cache_memory_usage_mb:v1"]) == 7
    assert options["beam:option:default_sdk_harness_log_level:v1"] == "CRITICAL"


@pytest.mark.parametrize(
    ("workers", "units", "seconds", "cores", "expected", "forked"),
    [
        (0, 100, 1e6, 8, 8, 8),
        (0, 3, 1e6, 8, 3, 3),
        (0, 100, 3.9, 8, 1, 7),
        (0, 100, 8.5, 8, 2, 8),
        (0, 100, 0.4, 8, 1, 1),
        (5, 100, 0.0, 8, 5, 5),
        (5, 2, 0.0, 8, 2, 2),
        (0, 0, 0.0, 8, 1, 1),
    ],
)
def test_processes(
    monkeypatch, workers: int, units: int, seconds: float, cores: int, expected: int, forked: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert RunnerSettings(workers=workers).processes(Work(units=units, seconds=seconds)) == expected
    assert (
        RunnerSettings(workers=workers, fork_server=ForkServer("")).processes(
            Work(units=units, seconds=seconds)
        )
        == forked
    )


def log_at_all_loggers(number: int) -> None:
    logging.getLogger("somebody").warning("a caller's logger")
    logging.warning("the root logger")
    logging.getLogger("apache_beam.somewhere").critical("not heard")


def process_settings() -> list[object]:
    loggers = [logging.getLogger(name) for name in (None, "apache_beam", "trafilatura")]
    return [
        *((logger.level, tuple(logger.filters), logger.disabled) for logger in loggers),
        StateSampler.__init__.__defaults__,
        threading.excepthook,
    ]


def test_a_run_silences_beam_and_nobody_else(caplog) -> None:
    before = process_settings()
    run_pipeline(
        lambda pipeline: pipeline | spread(1) | beam.Map(log_at_all_loggers),
        RunnerSettings(workers=1),
        TWO,
    )
    heard = [record.message for record in caplog.records]
    assert "a caller's logger" in heard
    assert "the root logger" in heard
    assert "not heard" not in heard
    assert [record for record in caplog.records if "apache_beam" in record.pathname] == []
    assert process_settings() == before


def test_runs_in_two_threads_leave_the_process_as_it_was(tmp_path) -> None:
    before = process_settings()
    arguments = (
        lambda pipeline: pipeline | spread(2) | beam.Map(note_process, str(tmp_path)),
        RunnerSettings(workers=1),
        TWO,
    )
    threads = [threading.Thread(target=run_pipeline, args=arguments) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process_settings() == before
    assert len(list(tmp_path.iterdir())) == 2
