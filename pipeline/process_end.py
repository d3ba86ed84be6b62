"""The end of a command's process, without the finalization of the interpreter."""

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn, TextIO

_OUTPUT_LOST = 120  # Python's own status for it
_INTERRUPTED = 130


def run_and_leave(command: Callable[[], object]) -> NoReturn:
    """Runs a command and ends the process with the status that it would have had.

    Threads are awaited, exit functions run and output is written as at any end of Python. But the interpreter is not taken down: until
    Python 3.14 a thread of a library that asks for the interpreter at that moment is killed, and in C++ that aborts the process. Arrow's
    threads do so when they let go of a Python file after reading it: complete output, then status -6.
    """
    try:
        command()
        status = 0
    except SystemExit as stop:
        status = _status(stop.code)
    except BaseException as error:
        traceback.print_exc()
        status = _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(_written(status))


def _status(code: object) -> int:
    """The status of `sys.exit(code)`."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _written(status: int) -> int:
    """Writes what waits in the buffers. Status 120 where that fails, with three lines unless the reader has just gone away."""
    try:
        _flush(sys.stdout)
    except BrokenPipeError:
        status = _OUTPUT_LOST
    except OSError as error:
        status = _OUTPUT_LOST
        what = error.strerror or str(error)
        sys.stderr.write(
            f"tokenmill: cannot write: {what}\n  where: standard output\n  do: mend that, then run the same command again\n"
        )
    try:
        _flush(sys.stderr)
    except OSError:
        status = status or _OUTPUT_LOST
    return status


def _flush(stream: TextIO | None) -> None:
    """None: the process was started without the stream."""
    if stream is not None and not stream.closed:
        stream.flush()
