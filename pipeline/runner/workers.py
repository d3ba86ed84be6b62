"""The worker processes of a pipeline on this machine, watched: FnApiRunner waits for ever for one that has died."""

import contextlib
import os
import re
import shlex
import signal
import sys
import threading
from pathlib import Path

import apache_beam as beam

from pipeline.runner.beam_compat import SIDE_THREADS, WORKER_EXITED, WORKER_THREAD
from pipeline.runner.fork_server import ForkServer
from pipeline.runner.worker import CPU_SECONDS_FILE
from transforms.errors import UserError

SECONDS_TO_END = 1.0
"""After a worker's death: if within this time neither the run nor another worker ends, the run waits for the dead one."""

ERROR_LINE = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)\b: ")
_CRASHED_AT = re.compile(r"^Current thread .*\n  File (.*)", re.MULTILINE)


class WorkerProcesses:
    """The worker processes of one run. Each has a file named by its process id, with what it wrote to stderr.

    Beam's thread `run_worker` starts a worker, waits for its end, and raises if its exit status is not 0. That reaches nobody but
    `threading.excepthook`, and the thread that runs the pipeline waits on. Therefore that is another thread than the caller's,
    who waits for the first of the two; the other thread is left waiting when a worker has died.
    """

    def __init__(self, folder: str, *, fork_server: ForkServer | None, debug: bool):
        self.fork_server = fork_server
        self.running = Path(folder, "running")
        self.cpu_seconds = Path(folder, "cpu-seconds")
        self.stopped = Path(folder, "stopped")
        self.debug = debug
        self.statuses: list[int] = []
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self.news = threading.Event()
        self.earlier = set(threading.enumerate())
        self.previous_hook = threading.excepthook
        self.running.mkdir()
        self.cpu_seconds.mkdir()

    def command(self) -> str:
        """The shell command of a worker. It does nothing once the folder is gone, so none starts after `_stop`."""
        folder, seconds = (shlex.quote(str(path)) for path in (self.running, self.cpu_seconds))
        new_interpreter = f"{shlex.quote(sys.executable)} -X faulthandler -m pipeline.runner.worker"
        worker = self.fork_server.command() if self.fork_server else new_interpreter
        noted = f"export {CPU_SECONDS_FILE}={seconds}/$$"
        return f"[ -d {folder} ] || exit 0; : >{folder}/$$; {noted}; exec {worker}" + (
            "" if self.debug else f" 2>>{folder}/$$"
        )

    def used_seconds(self) -> float:
        """CPU seconds of the workers that have ended by themselves: all of them when the run is over."""
        return sum(float(file.read_text() or 0) for file in self.cpu_seconds.iterdir())

    def run(self, pipeline: beam.Pipeline) -> None:
        """Runs the pipeline to its end, or raises UserError when a worker process dies. No worker outlives the call."""
        hook = self._note_exception
        threading.excepthook = hook
        try:
            threading.Thread(
                target=self._drive, args=[pipeline], name="tokenmill-pipeline", daemon=True
            ).start()
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
            pipeline.run().wait_until_finish()
        except BaseException as error:
            self.error = error
        finally:
            self.finished.set()
            self.news.set()

    def _note_exception(self, args: threading.ExceptHookArgs) -> None:
        ours = (
            args.thread is not None
            and args.thread.name in SIDE_THREADS
            and args.thread not in self.earlier
        )
        if self.debug or not ours:
            self.previous_hook(args)
        exited = WORKER_EXITED.match(str(args.exc_value)) if ours else None
        if exited:
            self.statuses.append(int(exited[1]))
            self.news.set()

    def _ends(self) -> bool:
        """Whether the run ends by itself: a worker that crashes on its way out, when all is done, is no reason to fail."""
        alive = len(self._threads(WORKER_THREAD))
        while not self.finished.wait(SECONDS_TO_END):
            if len(self._threads(WORKER_THREAD)) == alive:
                return False
            alive = len(self._threads(WORKER_THREAD))
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
        for thread in self._threads(*SIDE_THREADS):
            thread.join(
                SECONDS_TO_END
            )  # or their last words would come after the hook and the quiet loggers are gone

    def _threads(self, *names: str) -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            if thread.name in names and thread not in self.earlier
        ]

    def _death(self, status: int) -> UserError:
        remedy = "run again to resume; --debug shows all that the worker wrote"
        text = "\n".join(
            file.read_text(errors="replace") for file in sorted(self.stopped.iterdir())
        )
        if status == -signal.SIGKILL:
            cause = "killed, perhaps for lack of memory"
            remedy = (
                "run again to resume; use fewer workers (--workers 1) or a machine with more memory"
            )
        elif status < 0:
            crashed = _CRASHED_AT.search(text)
            cause = (signal.strsignal(-status) or "a signal") + (
                f" at {crashed[1]}" if crashed else ""
            )
        else:
            errors = [line for line in text.splitlines() if ERROR_LINE.match(line)]
            cause = errors[-1][:500] if errors else "it left of its own accord"
        return UserError(
            f"a worker process died (exit status {status}: {cause})",
            where="the pipeline's workers",
            remedy=remedy,
        )
