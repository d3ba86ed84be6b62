"""Which Beam runner a pipeline runs on, with which options.

Locally that is FnApiRunner: in this process with one worker, else with worker processes. Arguments after `--` choose
any other runner, and then every option is Beam's.

FnApiRunner waits for ever for a worker process that has died, so a run with worker processes is watched from outside.
"""

import contextlib
import difflib
import io
import logging
import os
import re
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import create_runner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.runner.fork_server import ForkServer, bundles_end_at_once, note_pipeline
from transforms.errors import ConfigError, UserError

SECONDS_A_PROCESS = 4.0
SECONDS_A_FORK = 0.5
"""A worker process takes 2 to 4 s to start, 0.2 s by fork; for less work than this each, this process alone is done sooner."""

SECONDS_TO_END = 1.0
"""After a worker's death: if within this time neither the run nor another worker ends, the run waits for the dead one."""

_ERROR_LINE = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)\b: ")
_STEP = re.compile(r" \[while running '.*'\]$")
_QUIET = ("apache_beam", "trafilatura")
_one_at_a_time = threading.RLock()  # what a run changes in this process and puts back would otherwise be put back by another run
_OPTION = re.compile(r"--\w[^=]*")
_OURS = ("direct_num_workers", "direct_running_mode")
_EXIT = re.compile(r"Worker subprocess exited with return code (-?\d+)")
_CRASHED_AT = re.compile(r"^Current thread .*\n  File (.*)", re.MULTILINE)
_INTERRUPTION = "KeyboardInterrupt"
_WORKER_THREAD = "run_worker"
_SIDE_THREADS = (_WORKER_THREAD, "beam_control_read", "read_grpc_client_inputs")


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """`workers`: processes on this machine, 0 = one a core; `beam_arguments`: what stood after `--`; `debug`: tracebacks and Beam's log;

    `fork_server`: where worker processes come from; without one each is a new interpreter.
    """

    workers: int = 0
    beam_arguments: tuple[str, ...] = ()
    debug: bool = False
    fork_server: ForkServer | None = None

    def __post_init__(self) -> None:
        check_beam_arguments(self.beam_arguments)

    @property
    def names_runner(self) -> bool:
        """Whether the arguments of Beam name a runner, so that the work is not this machine's."""
        return bool(_parse(self.beam_arguments).view_as(StandardOptions).runner)

    def processes(self, work: "Work") -> int:
        """Worker processes for some work: never more than units, and of its own accord only as many as pay for their start."""
        seconds = SECONDS_A_FORK if self.fork_server else SECONDS_A_PROCESS
        wanted = self.workers or min(os.cpu_count() or 1, int(work.seconds // seconds))
        return max(1, min(wanted, work.units))


@dataclass(frozen=True, kw_only=True)
class Work:
    """How much a pipeline has to do: units that can go side by side, and about how many seconds one core needs for all."""

    units: int
    seconds: float


def check_beam_arguments(arguments: Sequence[str]) -> None:
    """Raises ConfigError for an argument that means nothing. A runner named by --runner has options of its own, which are left to it."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not _OPTION.match(argument):
            remedy = (
                f"write {before}={argument}"
                if _OPTION.fullmatch(before)
                else "name one configuration; write options of Beam as --name=value"
            )
            raise ConfigError(f"{argument!r} is not an option", where="the arguments after --", remedy=remedy)
    options = _parse(arguments)
    runner = options.view_as(StandardOptions).runner
    if runner:
        _check_runner(runner)
        return
    known = options.get_all_options()
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
    for argument in arguments:
        name = argument[2:].partition("=")[0].replace("-", "_")
        if name in unknown:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"do you mean --{near[0]}?" if near else "leave it out, or name the runner it belongs to with --runner"
            raise ConfigError(f"--{name} is not an option of Beam", where="the arguments after --", remedy=remedy)
        if name in _OURS:
            raise ConfigError(f"--{name} is set by tokenmill", where="the arguments after --", remedy="use --workers, before the --")


def _parse(arguments: Sequence[str]) -> PipelineOptions:
    said = io.StringIO()  # argparse prints what is wrong; the streams are this process's own again after the block
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            options = PipelineOptions(list(arguments))
            options.get_all_options()
    except SystemExit as error:
        wrong = said.getvalue().strip().rpartition("error: ")[2] if error.code else "--help is no option for a run"
        raise ConfigError(wrong, where="the arguments after --", remedy="see Beam's documentation of pipeline options") from None
    return options


def _check_runner(name: str) -> None:
    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise ConfigError(f"--runner={name}: {error}", where="the arguments after --", remedy="name a runner that is installed") from error


class _Options(PipelineOptions):
    """Options whose views are made once: while a graph is built Beam asks for the same few some 500 times, and parses all arguments
    anew each time, 0.2 s in all. Views share their values, so one does for all who ask."""

    def view_as(self, cls: type[PipelineOptions]) -> Any:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


def run_pipeline(build: Callable[[beam.Pipeline], None], settings: RunnerSettings, work: Work) -> None:
    """Builds a pipeline and runs it to its end. Raises UserError with the cause when a worker failed or its process died.

    A process runs one pipeline at a time: another thread's call waits. Loggers, hooks and settings of Beam are afterwards what they were;
    but Beam draws from `random`, and with its old state put back, numbers that the caller's threads drew meanwhile would come again.
    """
    options = _Options(list(settings.beam_arguments))
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
            workers = _Workers(folder, fork_server=settings.fork_server, debug=settings.debug)
            pipeline = _pipeline_with_processes(settings, processes, workers.command())
            run = workers.run
        build(pipeline)
        try:
            run(pipeline)
        except UserError:
            raise
        except Exception as error:
            if _cause(error).endswith(_INTERRUPTION):  # in a worker that is a thread of this process
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


def _pipeline_with_processes(settings: RunnerSettings, processes: int, command: str) -> beam.Pipeline:
    # `--direct_running_mode` is left out on purpose: it would replace the environment below.
    arguments = [f"--direct_num_workers={processes}"]
    if not settings.debug:
        arguments.append("--default_sdk_harness_log_level=ERROR")
    options = _Options([*arguments, *settings.beam_arguments])
    # FnApiRunner gives its worker processes no options unless they come as provision info.
    provision = ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options()))
    )
    environment = SubprocessSDKEnvironment(command_string=command)
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment, provision_info=provision), options=options)


class _Workers:
    """The worker processes of one run. Each has a file named by its process id, with what it wrote to stderr.

    Beam's thread `run_worker` starts a worker, waits for its end, and raises if its exit status is not 0. That reaches nobody but
    `threading.excepthook`, and the thread that runs the pipeline waits on. Therefore that is another thread than the caller's,
    who waits for the first of the two; the other thread is left waiting when a worker has died.
    """

    def __init__(self, folder: str, *, fork_server: ForkServer | None, debug: bool):
        self.fork_server = fork_server
        self.running = Path(folder, "running")
        self.stopped = Path(folder, "stopped")
        self.debug = debug
        self.statuses: list[int] = []
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self.news = threading.Event()
        self.earlier = set(threading.enumerate())
        self.previous_hook = threading.excepthook
        self.running.mkdir()

    def command(self) -> str:
        """The shell command of a worker. It does nothing once the folder is gone, so none starts after `_stop`."""
        folder = shlex.quote(str(self.running))
        new_interpreter = f"{shlex.quote(sys.executable)} -X faulthandler -m apache_beam.runners.worker.sdk_worker_main"
        worker = self.fork_server.command() if self.fork_server else new_interpreter
        return f"[ -d {folder} ] || exit 0; : >{folder}/$$; exec {worker}" + ("" if self.debug else f" 2>>{folder}/$$")

    def run(self, pipeline: beam.Pipeline) -> None:
        """Runs the pipeline to its end, or raises UserError when a worker process dies. No worker outlives the call."""
        hook = self._note_exception
        threading.excepthook = hook
        try:
            threading.Thread(target=self._drive, args=[pipeline], name="tokenmill-pipeline", daemon=True).start()
            self.news.wait()
            if self._ends() and not self._failed_by_a_death():
                if self.error:
                    raise self.error
                return
        finally:
            self._stop()
            if threading.excepthook == hook:
                threading.excepthook = self.previous_hook
        if self.statuses[0] == -signal.SIGINT:
            raise KeyboardInterrupt
        raise self._death(self.statuses[0])

    def _drive(self, pipeline: beam.Pipeline) -> None:
        try:
            _run(pipeline)
        except BaseException as error:
            self.error = error
        finally:
            self.finished.set()
            self.news.set()

    def _note_exception(self, args: threading.ExceptHookArgs) -> None:
        ours = args.thread is not None and args.thread.name in _SIDE_THREADS and args.thread not in self.earlier
        if self.debug or not ours:
            self.previous_hook(args)
        exited = _EXIT.match(str(args.exc_value)) if ours else None
        if exited:
            self.statuses.append(int(exited[1]))
            self.news.set()

    def _ends(self) -> bool:
        """Whether the run ends by itself: a worker that crashes on its way out, when all is done, is no reason to fail."""
        alive = len(self._threads(_WORKER_THREAD))
        while not self.finished.wait(SECONDS_TO_END):
            if len(self._threads(_WORKER_THREAD)) == alive:
                return False
            alive = len(self._threads(_WORKER_THREAD))
        return True

    def _failed_by_a_death(self) -> bool:
        """A broken connection fails the run without a worker's traceback; then the death says more than the error."""
        return bool(self.statuses and self.error and "Traceback" not in str(self.error))

    def _stop(self) -> None:
        self.running.rename(self.stopped)
        if self.finished.is_set():
            return
        for file in self.stopped.iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.name), signal.SIGKILL)
        for thread in self._threads(*_SIDE_THREADS):
            thread.join(SECONDS_TO_END)  # or their last words would come after the hook and the quiet loggers are gone

    def _threads(self, *names: str) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name in names and thread not in self.earlier]

    def _death(self, status: int) -> UserError:
        remedy = "run again to resume; --debug shows all that the worker wrote"
        text = "\n".join(file.read_text(errors="replace") for file in sorted(self.stopped.iterdir()))
        if status == -signal.SIGKILL:
            cause = "killed, perhaps for lack of memory"
            remedy = "run again to resume; use fewer workers (--workers 1) or a machine with more memory"
        elif status < 0:
            crashed = _CRASHED_AT.search(text)
            cause = (signal.strsignal(-status) or "a signal") + (f" at {crashed[1]}" if crashed else "")
        else:
            telling = [line for line in text.splitlines() if _ERROR_LINE.match(line)]
            cause = telling[-1][:500] if telling else "it left of its own accord"
        return UserError(f"a worker process died (exit status {status}: {cause})", where="the pipeline's workers", remedy=remedy)


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
    telling = [line for line in lines if _ERROR_LINE.match(line)]
    if telling:
        return telling[-1][:500]
    return f"{type(error).__name__}: {_STEP.sub('', lines[-1] if lines else '')}"[:500]
