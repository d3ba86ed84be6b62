"""Times each stage on real data: seconds, documents/s, MB/s and peak memory, as a table and as JSON.

    python -m tests.bench.stages [--repeat 3] [--workers 0] [--json FILE]

Every run is a process of its own on a fresh folder; the median of the repeats is shown. Times are those of the stage,
from its plan to its manifest, starting Beam included. Peak memory is that of the largest process.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.fork_server import fork_server
from pipeline.stages.run_stages import run_stages
from pipeline.terminal import figures_table
from tests.conftest import DATA
from tests.pipeline.runs import STAGES, stage_manifest, stages_named

WEB = f"""\
[sources.web]
kind = "warc"
paths = ["{DATA}/web/pages-*.warc.gz"]
quality = ["gopher"]
[language]
keep = ["en"]
"""
NEWS = f"""\
[sources.news]
kind = "jsonl"
paths = ["{DATA}/news/reuters-*.jsonl.gz"]
fields = {{ published = "date" }}
"""
NOVELS = f"""\
[sources.novels]
kind = "text"
paths = ["{DATA}/books/*_*.txt.gz"]
[tokenizer]
vocabulary = 16384
"""
CASES = (
    ("ingest three WARCs, English, gopher", WEB, "documents"),
    ("ingest Reuters", NEWS, "documents"),
    ("dedup Reuters", NEWS, "dedup"),
    ("tokenizer from the novels", NOVELS, "tokenizer"),
    ("shards of the novels", NOVELS, "shards"),
)


def run_once(sources: str, stage: str, workers: int) -> dict[str, Any]:
    """Runs all stages up to one, each in a process of its own, and measures the last."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(f'folder = "run"\n{sources}', encoding="utf-8")
        return [run_child(path, name, workers) for name in STAGES[: STAGES.index(stage) + 1]][-1]


def run_child(path: Path, stage: str, workers: int) -> dict[str, Any]:
    """Runs one stage of a configuration in a process of its own and measures it."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.stages",
        "--child",
        str(path),
        stage,
        "--workers",
        str(workers),
    ]
    return json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    )


def measure_child(path: str, stage: str, workers: int) -> dict[str, Any]:
    """Runs one stage in this process and says what it took."""
    config = load_config(path)
    with fork_server() as server:
        settings = RunnerSettings(workers=workers, fork_server=server)
        run_stages(
            config,
            settings,
            stages=stages_named([stage]),
            progress=StageProgress(Console(quiet=True)),
        )
    manifest = stage_manifest(Run(config.folder), stage)
    documents = stage_manifest(Run(config.folder), "documents").counters["sources"].values()
    largest = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    text = sum(source["text_bytes"] for source in documents)
    return {
        "seconds": manifest.seconds,
        "cpu_seconds": manifest.cpu_seconds,
        "documents": sum(
            source["read" if stage == "documents" else "kept"] for source in documents
        ),
        "megabytes": (_input_bytes(path) if stage == "documents" else text) / 1e6,
        "peak_memory_megabytes": largest / 1024,
    }


def _input_bytes(path: str) -> int:
    return sum(
        unit["bytes"]
        for unit in json.loads((Path(path).parent / "run" / "documents" / "plan.json").read_text())[
            "units"
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--child", nargs=2, metavar=("CONFIG", "STAGE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure_child(*arguments.child, arguments.workers)))
        return
    if not DATA.is_dir():
        sys.exit(f"no real data at {DATA}; set TOKENMILL_DATA")
    table = figures_table("stage", "seconds", "from", "to", "documents/s", "MB/s", "peak MB")
    figures = []
    for name, sources, stage in CASES:
        runs = [run_once(sources, stage, arguments.workers) for _ in range(arguments.repeat)]
        seconds = statistics.median(run["seconds"] for run in runs)
        figure = {
            "stage": name,
            "cores": os.cpu_count(),
            "seconds": seconds,
            "all_seconds": [run["seconds"] for run in runs],
            "documents_per_second": runs[0]["documents"] / seconds,
            "megabytes_per_second": runs[0]["megabytes"] / seconds,
            "peak_memory_megabytes": max(run["peak_memory_megabytes"] for run in runs),
        }
        figures.append(figure)
        print(json.dumps(figure), flush=True)
        least, most = min(figure["all_seconds"]), max(figure["all_seconds"])
        rates = (
            f"{figure['documents_per_second']:,.0f}",
            f"{figure['megabytes_per_second']:.1f}",
            f"{figure['peak_memory_megabytes']:.0f}",
        )
        table.add_row(name, f"{seconds:.1f}", f"{least:.1f}", f"{most:.1f}", *rates)
    Console(width=120).print(table)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
