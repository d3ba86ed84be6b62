"""Memory of ingest against the size of its input: the web pages of the data folder once and ten times over.

    python -m tests.bench.memory [--times 10]

Each run is a process of its own with its workers; the largest resident set of any of its processes, by samples every 0.1 s.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from pipeline.terminal import figures_table
from tests.bench.against_datatrove import WEB
from tests.bench.scale import process_tree
from tests.conftest import DATA


def resident(pid: int) -> int:
    """Bytes of memory of a process; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:"))


def run_measured(command: list[str]) -> tuple[str, int]:
    """Runs a command: what it printed, and the bytes of the largest of its processes."""
    with tempfile.TemporaryFile("w+") as out, subprocess.Popen(command, stdout=out) as process:
        largest = 0
        while process.poll() is None:
            largest = max([largest, *map(resident, process_tree(process.pid))])
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"the run ended with {process.returncode}")
        out.seek(0)
        return out.read(), largest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    table = figures_table("input", "MB", "workers", "largest process, MB")
    archives = sorted(Path(DATA, "web").glob("pages-*.warc.gz"))
    for times in (1, options.times):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "pages.warc.gz")
            with archive.open("wb") as file:
                for _ in range(times):
                    for path in archives:
                        file.write(path.read_bytes())
            for workers in (1, 2):
                configuration = Path(folder, f"{workers}.toml")
                configuration.write_text(
                    f'folder = "run-{workers}"\n{WEB.replace(f"{DATA}/web/pages-*.warc.gz", str(archive))}'
                )
                command = [
                    sys.executable,
                    "-m",
                    "pipeline.cli",
                    "ingest",
                    str(configuration),
                    "--workers",
                    str(workers),
                ]
                _, largest = run_measured(command)
                table.add_row(
                    f"{times} times",
                    f"{archive.stat().st_size / 1e6:.0f}",
                    str(workers),
                    f"{largest / 1e6:.0f}",
                )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
