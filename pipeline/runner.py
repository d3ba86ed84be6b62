"""Which Beam runner a pipeline runs on, with which options.

Locally that is FnApiRunner: in this process with one worker, else with worker processes. Arguments after `--` choose
any other runner, and then every option is Beam's.
"""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from transforms.errors import UserError

SECONDS_A_PROCESS = 4.0
"""A worker process takes 2 to 4 s to start; for less work than this each, this process alone is done sooner."""

_ERROR_LINE = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)\b: ")
_STEP = re.compile(r" \[while running '.*'\]$")
_QUIET = ("apache_beam", "root")


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """`workers`: processes on this machine, 0 = one a core; `beam_arguments`: what stood after `--`; `debug`: tracebacks and Beam's log."""

    workers: int = 0
    beam_arguments: tuple[str, ...] = ()
    debug: bool = False

    def processes(self, work: "Work") -> int:
        """Worker processes for some work: never more than units, and of its own accord only as many as pay for their start."""
        wanted = self.workers or min(os.cpu_count() or 1, int(work.seconds // SECONDS_A_PROCESS))
        return max(1, min(wanted, work.units))


@dataclass(frozen=True, kw_only=True)
class Work:
    """How much a pipeline has to do: units that can go side by side, and about how many seconds one core needs for all."""

    units: int
    seconds: float


def run_pipeline(build: Callable[[beam.Pipeline], None], settings: RunnerSettings, work: Work) -> None:
    """Builds a pipeline and runs it to its end. Raises UserError with the cause when a worker failed."""
    options = PipelineOptions(list(settings.beam_arguments))
    with contextlib.ExitStack() as stack:
        if not settings.debug:
            stack.enter_context(_quiet_logs())
        if options.view_as(StandardOptions).runner:
            pipeline = beam.Pipeline(options=options)
        else:
            log = stack.enter_context(tempfile.NamedTemporaryFile(prefix="tokenmill-workers-", suffix=".log", mode="r"))
            pipeline = _local_pipeline(settings, settings.processes(work), log.name)
        build(pipeline)
        try:
            pipeline.run().wait_until_finish()
        except UserError:
            raise
        except Exception as error:
            if settings.debug:
                raise
            raise UserError(
                f"a worker failed: {_cause(error)}",
                where="the pipeline's workers",
                remedy="run again to resume; --debug shows the traceback",
            ) from error


def _local_pipeline(settings: RunnerSettings, processes: int, log: str) -> beam.Pipeline:
    if processes == 1:
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    # `--direct_running_mode` is left out on purpose: it would replace the environment below.
    arguments = [f"--direct_num_workers={processes}", *settings.beam_arguments]
    if not settings.debug:
        arguments.append("--default_sdk_harness_log_level=ERROR")
    options = PipelineOptions(arguments)
    # FnApiRunner gives its worker processes no options unless they come as provision info.
    provision = ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options()))
    )
    command = f'"{sys.executable}" -m apache_beam.runners.worker.sdk_worker_main'
    if not settings.debug:
        command += f' 2>>"{log}"'
    environment = SubprocessSDKEnvironment(command_string=command)
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment, provision_info=provision), options=options)


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    loggers = [logging.getLogger(None if name == "root" else name) for name in _QUIET]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """What went wrong in a worker: the last error that the traceback in Beam's message names, or else the error itself."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if _ERROR_LINE.match(line)]
    if telling:
        return telling[-1][:500]
    return f"{type(error).__name__}: {_STEP.sub('', lines[-1] if lines else '')}"[:500]
