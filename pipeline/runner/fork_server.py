"""Worker processes by fork, in a tenth of a second: a new interpreter takes one to two seconds to import Beam.

A fork server is a copy of this process, made after the imports and before gRPC or a file system has a thread. It waits at a Unix
socket; for each worker that Beam starts it makes a copy of itself. What Beam starts, and waits for, is `_CLIENT`: a bare
interpreter that asks the server for a worker, hands over its environment and its streams, and ends as the worker ends.

Used on Linux only: on macOS system libraries do not survive a fork, Windows has none.
"""

import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import selectors
import shlex
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pipeline.runner.worker import run_worker

SUPPORTED = sys.platform == "linux"

_CLIENT = """\
import json, os, signal, socket, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
socket.send_fds(server, [b"w"], [0, 1, 2])
server.sendall(json.dumps([dict(os.environ), os.getcwd()]).encode() + b"\\n")
status = int(server.recv(64) or 1)
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -status)
sys.exit(status)
"""
_STREAMS = 3
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_pipelines: list[int] = []


@dataclass(frozen=True)
class ForkServer:
    """A running fork server, reached at the Unix socket `address`."""

    address: str

    def command(self) -> str:
        """The shell command that is one worker process: it ends with the worker's exit status or signal, and the worker with it."""
        return " ".join(map(shlex.quote, (sys.executable, "-I", "-S", "-c", _CLIENT, self.address)))


@contextlib.contextmanager
def fork_server() -> Iterator[ForkServer | None]:
    """Starts a fork server for the length of a block; None where there can be none.

    None also where this process has other threads already, or had gRPC's, which Python does not see: a copy would have their locks
    without them. Server and workers end with the block, or with this process, however it ends.
    """
    if not SUPPORTED or _pipelines or threading.active_count() > 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tokenmill-fork-") as folder:
        address = os.path.join(folder, "socket")
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(address)
        except OSError:  # a long path to the temporary folder, or a file system without sockets
            listener.close()
            yield None
            return
        listener.listen()
        ours, theirs = socket.socketpair()
        sys.stdout.flush()  # or the copies would write what is waiting once more
        sys.stderr.flush()
        # What the imports made stays. A collection would look through all of it, 0.2 s, and in each worker copy it first.
        # Objects that a caller has frozen could not be told from ours at the end, so where there are any, none is added.
        freezes = gc.get_freeze_count() == 0
        if freezes:
            gc.freeze()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _serve(listener, theirs)
        listener.close()
        theirs.close()
        try:
            yield ForkServer(address)
        finally:
            if freezes:
                gc.unfreeze()
            ours.close()
            os.waitpid(pid, 0)


def expected_server() -> ForkServer | None:
    """What a command of its own would have, without starting it: how many workers pay depends on how they start."""
    return ForkServer("") if SUPPORTED else None


def note_pipeline() -> None:
    """A pipeline runs in this process, with gRPC's threads: there is no new fork server from here on."""
    _pipelines.append(os.getpid())


class _Server:
    """Clients and their workers: a worker is killed when its client is gone, a client is told how its worker ended."""

    def __init__(self, listener: socket.socket, owner: socket.socket):
        self.listener, self.owner = listener, owner
        self.selector = selectors.DefaultSelector()
        self.workers: dict[int, tuple[int, socket.socket]] = {}

    def run(self) -> None:
        """Until the owner is gone."""
        self.selector.register(self.owner, selectors.EVENT_READ, None)
        self.selector.register(self.listener, selectors.EVENT_READ, self._start)
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                key.data()

    def end(self) -> None:
        for pid, _ in self.workers.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _start(self) -> None:
        client, _ = self.listener.accept()
        try:
            streams, environment, folder = _receive(client)
        except (OSError, ValueError):  # a client that was killed while it asked
            client.close()
            return
        pid = os.fork()
        if pid == 0:
            self.selector.close()
            for inherited in (
                self.listener,
                self.owner,
                client,
                *(other for _, other in self.workers.values()),
            ):
                inherited.close()
            _become_worker(streams, environment, folder)
        for stream in streams:
            os.close(stream)
        handle = os.pidfd_open(pid)
        self.workers[handle] = (pid, client)
        self.selector.register(handle, selectors.EVENT_READ, lambda: self._ended(handle))
        self.selector.register(client, selectors.EVENT_READ, lambda: self._kill(pid, client))

    def _kill(self, pid: int, client: socket.socket) -> None:
        if client.fileno() < 0:  # both ended at once, and the worker's end was seen first
            return
        self.selector.unregister(client)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _ended(self, handle: int) -> None:
        pid, client = self.workers.pop(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.selector.unregister(handle)
        with contextlib.suppress(KeyError):
            self.selector.unregister(client)
        os.close(handle)
        with contextlib.suppress(OSError):
            client.sendall(str(status).encode())
        client.close()


def _serve(listener: socket.socket, owner: socket.socket) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what an interrupt means
    server = _Server(listener, owner)
    try:
        server.run()
    finally:
        server.end()
        os._exit(0)


def _receive(client: socket.socket) -> tuple[list[int], dict[str, str], str]:
    """What a client sends: its streams, its environment and its working folder."""
    _, streams, _, _ = socket.recv_fds(client, 1, _STREAMS)
    text = b""
    while not text.endswith(b"\n"):
        if not (more := client.recv(1 << 16)):
            raise ValueError("the client is gone")
        text += more
    environment, folder = json.loads(text)
    return streams, environment, folder


def _become_worker(streams: list[int], environment: dict[str, str], folder: str) -> NoReturn:
    status = 1
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv[:] = ["worker"]
        faulthandler.enable(2)
        run_worker()
        status = 0
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
