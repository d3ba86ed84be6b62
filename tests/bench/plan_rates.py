"""Measures what stages cost per byte that they read: `pipeline/stages/rates.py` and `SourceKind.rates`.

    python -m tests.bench.plan_rates [--repeat 3] [--only rates | checks] [--json FILE]

`tokenmill plan` estimates with these constants.

Rates: the documents stage reads each kind of source, compressed and uncompressed, with language
identification and without filters, in one worker. Web pages are those of three WARC files, tables
are the Reuters articles written again; kinds without real data have no rate. Then the later stages
read all of it together. CPU seconds are medians of the repeats. Memory is the proportional set size
of all processes.

Checks: each stage of the real-data example is planned and then run, with two workers.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator, WarcRecordType
from rich.console import Console

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from pipeline.run.plan import read_units
from pipeline.stages.all_stages import STAGES
from pipeline.stages.documents.estimate import volume_of
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.terminal import figures_table
from tests.bench.scale import watch_memory
from tests.conftest import DATA, PROJECT
from transforms.contracts.manifest import Manifest
from transforms.contracts.names import PARTS, REJECTS, NumberedFiles

Row: TypeAlias = dict[str, str | float]
"""A row of a table of figures, by column."""

KINDS = {
    "warc .gz": ('kind = "warc"', f"{DATA}/web/pages-*.warc.gz"),
    "warc": ('kind = "warc"', "unpacked/*.warc"),
    "html": ('kind = "html"', "html/*.html"),
    "text .gz": ('kind = "text"', f"{DATA}/books/*_*.txt.gz"),
    "text": ('kind = "text"', "unpacked/*.txt"),
    "jsonl .gz": ('kind = "jsonl"', f"{DATA}/news/reuters-*.jsonl.gz"),
    "jsonl": ('kind = "jsonl"', "unpacked/*.jsonl"),
    "csv": ('kind = "csv"', "tables/news.csv"),
    "parquet": ('kind = "parquet"', "tables/news.parquet"),
}


def unpack(folder: Path) -> None:
    """Writes the real data again, uncompressed, as pages and as tables."""
    for name in ("unpacked", "html", "tables"):
        (folder / name).mkdir()
    for pattern in ("web/pages-*.warc.gz", "books/*_*.txt.gz", "news/reuters-*.jsonl.gz"):
        for path in DATA.glob(pattern):
            (folder / "unpacked" / path.name.removesuffix(".gz")).write_bytes(
                gzip.decompress(path.read_bytes())
            )
    for number, page in enumerate(_pages()):
        (folder / "html" / f"{number}.html").write_bytes(page)
    rows = [
        json.loads(line)
        for path in sorted((folder / "unpacked").glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    table = pa.table({name: [row.get(name) for row in rows] for name in ("id", "title", "text")})
    pq.write_table(table, folder / "tables" / "news.parquet", compression="zstd")
    pyarrow.csv.write_csv(table, folder / "tables" / "news.csv")


def _pages() -> Iterator[bytes]:
    for path in sorted(DATA.glob("web/pages-*.warc.gz")):
        with open(path, "rb") as stream:
            for record in ArchiveIterator(
                stream, record_types=WarcRecordType.response, parse_http=True
            ):
                yield record.reader.read()


def run_stage(path: Path, command: str, *, workers: int = 1) -> dict[str, int]:
    """Runs a stage in a process of its own; its peak memory in bytes."""
    arguments = [
        sys.executable,
        "-m",
        "pipeline.cli",
        command,
        str(path),
        "--workers",
        str(workers),
    ]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    with watch_memory(process.pid) as highest:
        status = process.wait()
    if status:
        sys.exit(status)
    return highest


def documents_rates(folder: Path, repeat: int) -> Iterator[Row]:
    """The documents stage, by kind of source."""
    for label, (kind, paths) in KINDS.items():
        path = folder / f"{label.replace(' .', '-')}.toml"
        path.write_text(
            f'folder = "runs/{path.stem}"\nmax_error_rate = 1.0\n[sources.all]\n{kind}\npaths = ["{paths}"]\n',
            encoding="utf-8",
        )
        run = Run(load_config(str(path)).folder)
        seconds, memory = [], []
        for _ in range(repeat):
            subprocess.run(["rm", "-rf", run.folder], check=True)
            memory.append(run_stage(path, DOCUMENTS.name)["all"])
            seconds.append(DOCUMENTS.finished(run).manifest.cpu_seconds)
        finished = DOCUMENTS.finished(run)
        counted = finished.counters.sources["all"]
        size = sum(unit.bytes for unit in read_units(finished.folder, DOCUMENTS.unit))
        yield {
            "kind": label,
            "megabytes": size / 1e6,
            "megabytes_per_second": size / 1e6 / statistics.median(seconds),
            "text": counted.text_bytes / size,
            "parts": _bytes_of(finished.manifest, PARTS) / size,
            "rejects": _bytes_of(finished.manifest, REJECTS) / size,
            "documents": counted.kept,
            "peak_megabytes": max(memory) / 1e6,
        }


def stage_rates(folder: Path) -> Iterator[Row]:
    """The later stages on the novels, the Reuters articles and all web pages."""
    path = folder / "all.toml"
    sources = "".join(
        f'[sources.{name.split()[0]}]\n{kind}\npaths = ["{paths}"]\n'
        for name, (kind, paths) in KINDS.items()
        if name.endswith(".gz")
    )
    path.write_text(
        f'folder = "runs/all"\n{sources}[shards]\nsequence_length = 1024\n', encoding="utf-8"
    )
    run = Run(load_config(str(path)).folder)
    run_stage(path, DOCUMENTS.name)
    volume = volume_of(DOCUMENTS.finished(run))
    assert volume.parts is not None
    assert volume.text is not None
    for stage in STAGES[1:]:
        memory = run_stage(path, stage.name)["all"]
        manifest = stage.finished(run).manifest
        yield {
            "stage": stage.name,
            "part_megabytes": volume.parts / 1e6,
            "text_megabytes": volume.text / 1e6,
            "cpu_seconds": manifest.cpu_seconds,
            "seconds": manifest.seconds,
            "peak_megabytes": memory / 1e6,
            "disk_megabytes": _bytes_of(manifest) / 1e6,
        }


def checks(folder: Path) -> Iterator[Row]:
    """Each stage of the real-data example: what was planned just before, and what it took."""
    path = folder / "checked.toml"
    text = (PROJECT / "docs" / "examples" / "real-data.toml").read_text("utf-8")
    path.write_text(
        text.replace("../../runs/real-data", "runs/checked").replace(
            "../../../shared/data", str(DATA)
        ),
        encoding="utf-8",
    )
    run = Run(load_config(str(path)).folder)
    for stage in STAGES:
        planning = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "plan",
            str(path),
            "--json",
            "--workers",
            "2",
        ]
        planned = json.loads(subprocess.check_output(planning, stderr=subprocess.DEVNULL))[
            "stages"
        ][stage.name]
        memory = run_stage(path, stage.name, workers=2)["all"]
        manifest = stage.finished(run).manifest
        yield {
            "stage": stage.name,
            "planned seconds": planned["seconds"],
            "seconds": manifest.seconds,
            "planned MB of memory": planned["memory_bytes"] / 1e6,
            "MB of memory": memory / 1e6,
            "planned MB on disk": planned["disk_bytes"] / 1e6,
            "MB on disk": _bytes_of(manifest) / 1e6,
        }


def _bytes_of(manifest: Manifest, files: NumberedFiles | None = None) -> int:
    """Bytes of the files of a stage: of all, or of those of one kind."""
    return sum(
        entry.bytes
        for name, entry in manifest.files.items()
        if files is None or files.matches(name)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=("rates", "checks"))
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no real data at {DATA}; set TOKENMILL_DATA")
    measured: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.only != "checks":
            unpack(folder)
            measured |= {
                "kinds": list(documents_rates(folder, arguments.repeat)),
                "stages": list(stage_rates(folder)),
            }
        if arguments.only != "rates":
            measured["checks"] = list(checks(folder))
    for rows in measured.values():
        table = figures_table(*rows[0])
        for row in rows:
            table.add_row(
                *(value if isinstance(value, str) else f"{value:,.3f}" for value in row.values())
            )
        Console(width=140).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
