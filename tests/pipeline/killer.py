"""Runs `tokenmill run CONFIG` in this process and kills it with SIGKILL at its N-th commit of a file.

    python -m tests.pipeline.killer CONFIG N [BYTES]

Odd N: before the rename, so that a temporary file is left; even N: right after it. N = 0 only counts: prints the number
of commits of a whole run. BYTES: the smallest unit of ingest, so that small files are split.
"""

import os
import signal
import sys

import pipeline.stages.documents.planning
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages


def main(path: str, kill_at: int) -> None:
    from rich.console import Console

    commits = 0
    rename = os.replace

    def counted(source: str, target: str) -> None:
        nonlocal commits
        commits += 1
        if commits == kill_at and kill_at % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)
        if commits == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = counted
    run_stages(
        load_config(path), RunnerSettings(workers=1), progress=StageProgress(Console(quiet=True))
    )
    print(commits)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        pipeline.stages.documents.planning.SMALLEST_UNIT = int(sys.argv[3])
    main(sys.argv[1], int(sys.argv[2]))
