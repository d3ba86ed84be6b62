"""Times stages beside datatrove's at the same work, in one run.

    python -m tests.bench.against_datatrove --peer PYTHON --baseline SCRIPT [--repeat 3] [--cases filter,minhash,tokenize]

PYTHON is that of an environment with datatrove, SCRIPT the file `datatrove_baseline.py` of the measurements, which reads the same data.
Ours and the peer's take turns; each run is a process of its own. Times are those that each tool tells of its own stages, without the
imports of its main process. `plain extraction` is resiliparse alone on the same pages, decoded, in one process. `tokenize` goes from
the novels to token files, ours packed, with the same tokenizer on both sides.
"""

import argparse
import functools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from rich.console import Console
from rich.table import Table

from pipeline.terminal import figures_table
from tests.bench.extraction import plain_text
from tests.bench.stages import NEWS, NOVELS, run_child, run_once
from tests.conftest import DATA
from tests.pipeline.runs import STAGES
from transforms.filters.language import bundled_model
from transforms.sources.decoding import decode_html

WEB = f"""\
[sources.web]
kind = "warc"
paths = ["{DATA}/web/pages-*.warc.gz"]
quality = "fineweb"
[language]
keep = ["en"]
"""
CASES = {"filter": (WEB, "documents"), "minhash": (NEWS, "dedup"), "tokenize": (NOVELS, "shards")}


def time_peer(python: str, script: str, stage: str, *options: str) -> float:
    command = [
        python,
        script,
        "--lid",
        bundled_model(),
        "--stages",
        stage,
        "--data",
        str(DATA),
        *options,
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])["seconds"]


def prepare_tokenizer(folder: str) -> Path:
    """Runs the stages before the shards; returns the configuration."""
    path = Path(folder, "bench.toml")
    path.write_text(f'folder = "run"\n{NOVELS}', encoding="utf-8")
    for stage in STAGES[:-1]:
        run_child(path, stage, 2)
    return path


def time_shards(path: Path) -> float:
    shutil.rmtree(path.parent / "run" / "shards", ignore_errors=True)
    return run_child(path, "shards", 2)["seconds"]


def time_plain_extraction() -> float:
    pages = []
    for path in sorted(Path(DATA, "web").glob("pages-*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(
                stream, record_types=WarcRecordType.response, parse_http=True
            ):
                body = record.reader.read()
                pages.append(decode_html(body, charset=record.http_charset).text)
    started = time.perf_counter()
    for page in pages:
        plain_text(page)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    options = parser.parse_args()
    table = figures_table("work", "tokenmill, s", "datatrove, s", "ratio of medians")
    with tempfile.TemporaryDirectory() as folder:
        compare(options, table, folder)
    Console(width=140).print(table)


def compare(options: argparse.Namespace, table: Table, folder: str) -> None:
    for case in options.cases.split(","):
        sources, stage = CASES[case]
        runs: dict[str, Callable[[], float]] = {
            "ours": lambda sources=sources, stage=stage: run_once(sources, stage, 2)["seconds"],
            "peer": lambda case=case: time_peer(options.peer, options.baseline, case),
        }
        if case == "filter":
            runs["plain"] = time_plain_extraction
        if case == "tokenize":
            path = prepare_tokenizer(folder)
            tokenizer = str(path.parent / "run" / "tokenizer" / "tokenizer.json")
            runs["ours"] = functools.partial(time_shards, path)
            runs["peer"] = functools.partial(
                time_peer, options.peer, options.baseline, case, "--tokenizer", tokenizer
            )
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.repeat):
            for name, run in runs.items():
                times[name].append(run())
        medians = {name: statistics.median(values) for name, values in times.items()}
        shown = {
            name: f"{medians[name]:.2f} ({min(values):.2f} to {max(values):.2f})"
            for name, values in times.items()
        }
        table.add_row(
            case, shown["ours"], shown["peer"], f"{medians['peer'] / medians['ours']:.1f}"
        )
        if case == "filter":
            table.add_row(
                "plain extraction",
                shown["plain"],
                "",
                f"{medians['ours'] / medians['plain']:.2f} times as long",
            )


if __name__ == "__main__":
    sys.exit(main())
