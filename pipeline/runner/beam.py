"""Which Beam runner a pipeline runs on, with which options.

Locally that is FnApiRunner: in this process with one worker, else with worker processes. Arguments after `--` choose
any other runner, and then every option is Beam's.
"""

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.runner.arguments import check_beam_arguments, parse_arguments
from pipeline.runner.beam_compat import (
    STEP_SUFFIX,
    CachedOptions,
    bundles_end_at_once,
    runner_with_processes,
)
from pipeline.runner.fork_server import ForkServer, note_pipeline
from pipeline.runner.workers import ERROR_LINE, WorkerProcesses
from transforms.errors import UserError

SECONDS_PER_PROCESS = 4.0
SECONDS_PER_FORK = 0.5
"""A worker process takes 2 to 4 s to start, 0.2 s by fork; for less work than this each, this process alone is done sooner."""

_QUIET = ("apache_beam", "trafilatura")
_INTERRUPTION = "KeyboardInterrupt"
_one_at_a_time = (
    threading.RLock()
)  # what a run changes in this process and puts back would otherwise be put back by another run
_worker_seconds = [0.0]


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """How pipelines run. `workers`: processes on this machine, 0 = as many as speed the stage up, at most one per core.

    `beam_arguments`: what stood after `--`. `debug`: tracebacks and Beam's log. `fork_server`: where worker processes come from;
    without one each is a new interpreter.
    """

    workers: int = 0
    beam_arguments: tuple[str, ...] = ()
    debug: bool = False
    fork_server: ForkServer | None = None

    def __post_init__(self) -> None:
        check_beam_arguments(self.beam_arguments)

    @property
    def uses_external_runner(self) -> bool:
        """Whether the arguments of Beam name a runner, so that the work is not this machine's."""
        return bool(parse_arguments(self.beam_arguments).view_as(StandardOptions).runner)

    def processes(self, work: "Work") -> int:
        """Worker processes for some work: never more than units, and by default only as many as speed it up."""
        seconds = SECONDS_PER_FORK if self.fork_server else SECONDS_PER_PROCESS
        wanted = self.workers or min(os.cpu_count() or 1, int(work.seconds // seconds))
        return max(1, min(wanted, work.units))


@dataclass(frozen=True, kw_only=True)
class Work:
    """How much a pipeline has to do: units that can go side by side, and about how many seconds one core needs for all."""

    units: int
    seconds: float


def note_worker_seconds(seconds: float) -> None:
    """Adds CPU seconds that workers outside this process took."""
    _worker_seconds.append(_worker_seconds.pop() + seconds)


def cpu_seconds() -> float:
    """CPU seconds of this process and of all workers of its pipelines so far. On another runner only of what units report."""
    return time.process_time() + _worker_seconds[0]


def run_pipeline(
    build: Callable[[beam.Pipeline], None], settings: RunnerSettings, work: Work
) -> None:
    """Builds a pipeline and runs it to its end. Raises UserError with the cause when a worker failed or its process died.

    A process runs one pipeline at a time: another thread's call waits. Loggers, hooks and settings of Beam are afterwards what they were;
    but Beam draws from `random`, and with its old state put back, numbers that the caller's threads drew meanwhile would come again.
    """
    options = CachedOptions(list(settings.beam_arguments))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_one_at_a_time)
        note_pipeline()
        stack.enter_context(bundles_end_at_once())
        if not settings.debug:
            stack.enter_context(_quiet_logs())
        processes = settings.processes(work)
        run = _run
        if options.view_as(StandardOptions).runner:
            pipeline = beam.Pipeline(options=options)
        elif processes == 1:
            pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenmill-workers-"))
            workers = WorkerProcesses(
                folder, fork_server=settings.fork_server, debug=settings.debug
            )
            pipeline = _pipeline_with_processes(settings, processes, workers.command())
            stack.callback(lambda: note_worker_seconds(workers.used_seconds()))
            run = workers.run
        build(pipeline)
        try:
            run(pipeline)
        except UserError:
            raise
        except Exception as error:
            if _cause(error).endswith(
                _INTERRUPTION
            ):  # in a worker that is a thread of this process
                raise KeyboardInterrupt from error
            if settings.debug:
                raise
            raise UserError(
                f"a worker failed: {_cause(error)}",
                where="the pipeline's workers",
                remedy="run again to resume; --debug shows the traceback",
            ) from error


def _run(pipeline: beam.Pipeline) -> None:
    pipeline.run().wait_until_finish()


def _pipeline_with_processes(
    settings: RunnerSettings, processes: int, command: str
) -> beam.Pipeline:
    # `--direct_running_mode` is left out on purpose: it would replace the environment below.
    arguments = [f"--direct_num_workers={processes}"]
    if not settings.debug:
        arguments.append("--default_sdk_harness_log_level=ERROR")
    options = CachedOptions([*arguments, *settings.beam_arguments])
    return beam.Pipeline(runner=runner_with_processes(command, options), options=options)


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    """Silences Beam, and libraries that log what rejects say; other loggers of this process, a caller's too, stay as they are."""
    loggers = [logging.getLogger(name) for name in _QUIET]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)  # a worker that is interrupted logs that at CRITICAL
    logging.getLogger().addFilter(_not_of_beam)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(_not_of_beam)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _not_of_beam(record: logging.LogRecord) -> bool:
    """Whether a record that was logged at the root logger itself is not Beam's, which does that here and there."""
    return "apache_beam" not in record.pathname


def _cause(error: BaseException) -> str:
    """What went wrong in a worker: the last error that the traceback in Beam's message names, or else the error itself."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line for line in lines if ERROR_LINE.match(line)]
    if errors:
        return errors[-1][:500]
    return f"{type(error).__name__}: {STEP_SUFFIX.sub('', lines[-1] if lines else '')}"[:500]
