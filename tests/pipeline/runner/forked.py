"""A process with a fork server that runs one function in two workers: `python -m tests.pipeline.runner.forked FUNCTION FOLDER`.

Prints what came of it, as JSON.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path

from pipeline.runner.beam import RunnerSettings, run_pipeline
from pipeline.runner.fork_server import fork_server
from tests.pipeline.runner import test_runner as functions
from transforms.errors import UserError


def signal_driver(number: signal.Signals, folder: str) -> None:
    os.kill(int(Path(folder, "driver").read_text()), number)


def note_frozen(number: int, folder: str) -> None:
    Path(folder, str(number)).write_text(str(gc.get_freeze_count()))


def main(function: str, folder: str) -> None:
    Path(folder, "driver").write_text(str(os.getpid()))
    steps = {
        "note": (functions.note_process, folder),
        "note-frozen": (note_frozen, folder),
        "fail": (functions.fail,),
        "kill": (functions.act_or_be_busy, folder, functions.kill_worker),
        "crash": (functions.act_or_be_busy, folder, functions.crash_worker),
        "leave": (functions.act_or_be_busy, folder, functions.leave),
        "interrupt": (functions.act_or_be_busy, folder, functions.interrupt_worker),
        "interrupt-driver": (
            functions.act_or_be_busy,
            folder,
            signal_driver,
            signal.SIGINT,
            folder,
        ),
        "kill-driver": (functions.act_or_be_busy, folder, signal_driver, signal.SIGKILL, folder),
    }
    step = functions.beam.Map(*steps[function])
    outcome: object = "done"
    with fork_server() as server:
        settings = RunnerSettings(workers=2, fork_server=server)
        try:
            run_pipeline(
                lambda pipeline: pipeline | functions.spread(20) | step, settings, functions.TWO
            )
        except UserError as error:
            outcome = error.what
        except KeyboardInterrupt:
            outcome = "interrupted"
        during = gc.get_freeze_count()
    if function == "note-frozen":
        outcome = [during, gc.get_freeze_count()]
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(*sys.argv[1:])
