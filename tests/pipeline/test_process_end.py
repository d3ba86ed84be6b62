"""How a command's process ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

AT_WORK = """\
import io, time
import pyarrow as pa
import pyarrow.csv as csv

class Slow(io.RawIOBase):
    reads = 0
    def readable(self):
        return True
    def read(self, size=-1):
        self.reads += 1
        time.sleep(0.5 * (self.reads > 1))
        return b"a,b\\n1,2\\n" if self.reads < 4 else b""

def command():
    global reader
    reader = csv.open_csv(pa.PythonFile(Slow(), mode="r"), read_options=csv.ReadOptions(block_size=8))
    print("complete", end="")
"""
"""A thread of Arrow reads ahead from a Python file while the command ends."""

THREADS = """\
import atexit, tempfile, threading, time, weakref
from concurrent.futures import ThreadPoolExecutor

class Held:
    pass

held = Held()
weakref.finalize(held, print, "finalized")
atexit.register(print, "exit function")
pool = ThreadPoolExecutor(1)

def command():
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    pool.submit(lambda: (time.sleep(0.4), print("pool")))
    print("command")
"""


def run(
    code: str, end: str = "run_and_leave(command)", **options: object
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        f"from pipeline.process_end import run_and_leave\n{code}\n{end}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": ""}
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, env=environment, text=True, timeout=60, check=False, **settings)


def test_a_thread_of_arrow_that_still_reads_does_not_abort_the_process() -> None:
    done = run(AT_WORK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "complete", "")


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="from Python 3.14 on such threads are left alone"
)
def test_pythons_own_end_aborts_it() -> None:
    done = run(AT_WORK, "command()")
    assert (done.returncode, done.stdout) == (-6, "complete")


def test_threads_are_awaited_and_exit_functions_run() -> None:
    done = run(THREADS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n") == [
        "command",
        "thread",
        "pool",
        "exit function",
        "finalized",
        "",
    ]
    assert run(THREADS, "command()").stdout == done.stdout


@pytest.mark.parametrize(
    ("stop", "status", "said"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(True)", 1, ""),
        ("sys.exit(2)", 2, ""),
        ("sys.exit(-1)", 255, ""),
        ("sys.exit('a reason')", 1, "a reason\n"),
        ("raise KeyError('key')", 1, "KeyError: 'key'\n"),
        ("raise KeyboardInterrupt", 130, "KeyboardInterrupt\n"),
    ],
)
def test_the_status_is_that_of_the_command(stop: str, status: int, said: str) -> None:
    done = run(f"import sys\ndef command():\n    print('out', end='')\n    {stop}")
    assert (done.returncode, done.stdout) == (status, "out")
    assert done.stderr == said or (
        done.stderr.startswith("Traceback") and done.stderr.endswith(said)
    )


def test_output_that_cannot_be_written_is_said() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = run("def command():\n    print('out')", stdout=full)
    assert done.returncode == 120
    lines = done.stderr.splitlines()
    assert lines[0].startswith("tokenmill: cannot write: ")
    assert lines[1:] == [
        "  where: standard output",
        "  do: mend that, then run the same command again",
    ]


def test_a_reader_that_has_gone_away_is_no_news() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        done = run("def command():\n    print('out')", stdout=gone)
    assert (done.returncode, done.stderr) == (120, "")


def test_a_process_without_standard_streams_ends_too() -> None:
    assert run("import sys\ndef command():\n    sys.stdout = sys.stderr = None").returncode == 0


def test_the_module_ends_as_the_console_script_does(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "pipeline.cli", "inspect", str(tmp_path / "absent")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tokenmill: there is no such file or folder\n")
