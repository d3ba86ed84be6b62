"""Measures the dedup stage on a synthetic corpus of many short documents, of which the near-duplicates are known.

    python -m tests.bench.scale [--documents 2000000] [--workers 2] [--folder FOLDER] [--config KEY=VALUE ...] [--json FILE]

The corpus is a finished `documents` stage, written as ingest would: equal for equal arguments, on every machine. Documents are 30 to
90 words drawn from a vocabulary of 50,000 with Zipf's frequencies. Every fifth group of ten holds one planted near-duplicate (one word
of the one before replaced) and one exact copy. The stage runs in a process of its own; memory is the proportional set size of that
process and all its workers together, the highest of samples every 0.2 s.
"""

import argparse
import contextlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from pipeline.commands.plan.plan import plan_run
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.run.state import file_entry, finish_stage, start_stage
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.fork_server import expected_server, fork_server
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.documents.planning import plan_documents
from pipeline.stages.run_stages import run_stages
from transforms.contracts.addresses import pack_address
from transforms.contracts.documents import DOCUMENT_SCHEMA
from transforms.contracts.manifest import FileEntry, read_manifest

VOCABULARY = 50_000
DOCUMENTS_A_PART = 100_000
SHORTEST, LONGEST = 30, 90
PERIOD, NEAR, COPY = 50, 10, 20
"""Of every 50 documents one is a near-duplicate and one an exact copy of the document before it."""


def write_corpus(folder: Path, documents: int, *, settings: str = "") -> Path:
    """Writes a run whose `documents` stage is finished; returns its configuration. `settings`: lines of the table [dedup]."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (
        folder / "input.jsonl"
    ).exists():  # its modification time is in the fingerprint of a corpus that is used again
        (folder / "input.jsonl").write_text("{}\n", encoding="utf-8")
    path = folder / "scale.toml"
    path.write_text(
        f'folder = "run"\n[sources.web]\nkind = "jsonl"\npaths = ["input.jsonl"]\n[dedup]\n{settings}\n[tokenizer]\n',
        encoding="utf-8",
    )
    config = load_config(str(path))
    out = Run(config.folder).stage("documents")
    if (Path(out) / "manifest.json").exists():
        return path
    plan = plan_documents("documents", config)
    start_stage(out, plan)
    files: dict[str, FileEntry] = {}
    text_bytes = 0
    for part, start in enumerate(range(0, documents, DOCUMENTS_A_PART)):
        table = make_part(part, min(DOCUMENTS_A_PART, documents - start))
        name = f"part-{part:05d}.parquet"
        pq.write_table(table, Path(out) / name, compression="zstd", row_group_size=32_768)
        files[name] = file_entry(str(Path(out) / name), table.num_rows)
        text_bytes += table["text"].nbytes
    web = {
        "read": documents,
        "errors": 0,
        "kept": documents,
        "text_bytes": text_bytes,
        "rejected": {},
        "languages": {"unknown": documents},
        "done": {},
    }
    finish_stage(
        out, plan, files=files, counters={"sources": {"web": web}}, seconds=0.0, cpu_seconds=0.0
    )
    return path


def make_part(part: int, count: int) -> pa.Table:
    """Documents of one part: PERIOD, NEAR and COPY say which are like the one before."""
    generator = np.random.default_rng([7, part])
    words = pa.array([_word(number) for number in range(VOCABULARY)])
    lengths = generator.integers(SHORTEST, LONGEST, count)
    position = np.arange(count) % PERIOD
    planted = np.flatnonzero((position == NEAR) | (position == COPY))
    lengths[planted] = lengths[planted - 1]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    chosen = np.exp(generator.random(offsets[-1]) * np.log(VOCABULARY)).astype(
        np.int64
    )  # density 1/rank
    for document in planted.tolist():
        start, end = offsets[document], offsets[document + 1]
        chosen[start:end] = chosen[start - (end - start) : start]
        if position[document] == NEAR:
            chosen[end - 1] = VOCABULARY - 1 - chosen[end - 1] // 2
    lists = pa.LargeListArray.from_arrays(
        pa.array(offsets), words.take(pa.array(chosen % VOCABULARY))
    )
    texts = pa.compute.binary_join(lists, " ").cast(pa.large_string())
    numbers = pack_address(part, np.arange(count))
    ids = np.zeros((count, 2), np.uint64)
    ids[:, 0], ids[:, 1] = numbers * np.uint64(0x9E3779B97F4A7C15), numbers
    columns = {
        "id": pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(ids)]),
        "source": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(count, np.int32)), pa.array(["web"])
        ),
        "origin": pa.array(["synthetic"]).take(pa.array(np.zeros(count, np.int64))),
        "locator": pa.array(numbers).cast(pa.string()),
        "text": texts,
    }
    arrays = [columns.get(field.name, pa.nulls(count, field.type)) for field in DOCUMENT_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=DOCUMENT_SCHEMA)


def _word(number: int) -> str:
    letters = ""
    while True:
        number, digit = divmod(number, 26)
        letters += chr(97 + digit)
        if not number:
            return letters + "etaoin"[len(letters) % 6 :][: 2 + len(letters)]


def measure(path: Path, workers: int) -> dict[str, Any]:
    """Runs the dedup stage in a process of its own and says what it took and found."""
    shutil.rmtree(path.parent / "run" / "dedup", ignore_errors=True)
    planned, _ = plan_run(
        load_config(str(path)), RunnerSettings(workers=workers, fork_server=expected_server())
    )
    estimate = planned.stages[DEDUP.name].estimate
    assert estimate is not None
    assert planned.dedup is not None
    assert planned.dedup.exchange is not None
    command = [
        sys.executable,
        "-m",
        "tests.bench.scale",
        "--child",
        str(path),
        "--workers",
        str(workers),
    ]
    started = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command)
    with watch_memory(process.pid) as highest:
        status = process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.monotonic() - started
    if status:
        sys.exit(status)
    manifest = read_manifest(str(path.parent / "run" / "dedup"))
    counters = manifest.counters
    return {
        "documents": counters["documents"],
        "text_megabytes": read_manifest(str(path.parent / "run" / "documents")).counters["sources"][
            "web"
        ]["text_bytes"]
        / 1e6,
        "seconds": manifest.seconds,
        "process_seconds": round(seconds, 1),
        "user_seconds": round(after.ru_utime - before.ru_utime, 1),
        "system_seconds": round(after.ru_stime - before.ru_stime, 1),
        "planned": {
            key: getattr(estimate, key)
            for key in ("seconds", "core_seconds", "memory_bytes", "disk_bytes")
        }
        | {
            key: getattr(planned.dedup.exchange, key)
            for key in ("ranges", "passes", "exact_passes")
        },
        "disk_gigabytes": round(sum(entry.bytes for entry in manifest.files.values()) / 1e9, 2),
        "peak_gigabytes": round(highest["all"] / 1e9, 2),
        "peak_driver_gigabytes": round(highest["driver"] / 1e9, 2),
        "peak_worker_gigabytes": round(highest["worker"] / 1e9, 2),
        **{name: counters[name] for name in counters if name != "sources"},
    }


@contextlib.contextmanager
def watch_memory(pid: int) -> Iterator[dict[str, int]]:
    """Yields the highest memory, in bytes, of a process (`driver`), of one that descends from it (`worker`) and of `all` together."""
    highest = {"all": 0, "driver": 0, "worker": 0}
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=(pid, done, highest))
    thread.start()
    try:
        yield highest
    finally:
        done.set()
        thread.join()


def _watch(pid: int, done: threading.Event, highest: dict[str, int]) -> None:
    while not done.wait(0.2):
        sizes = {process: _memory(process) for process in process_tree(pid)}
        workers = [size for process, size in sizes.items() if process != pid]
        for name, value in (
            ("all", sum(sizes.values())),
            ("driver", sizes.get(pid, 0)),
            ("worker", max(workers, default=0)),
        ):
            highest[name] = max(highest[name], value)


def process_tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for process in found:
        found += children.get(process, [])
    return found


def _memory(pid: int) -> int:
    """Bytes of a process's memory, pages that it shares with others divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def run_child(path: str, workers: int) -> None:
    config = load_config(path)
    with fork_server() as server:
        settings = RunnerSettings(workers=workers, fork_server=server)
        run_stages(
            config,
            settings,
            stages=[DEDUP],
            overwrite=True,
            progress=StageProgress(Console(quiet=True)),
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep the corpus here and use it again; a temporary folder when not given",
    )
    parser.add_argument(
        "--config", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the table [dedup]"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_child(arguments.child, arguments.workers)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        path = write_corpus(folder, arguments.documents, settings="\n".join(arguments.config))
        figures = json.dumps(measure(path, arguments.workers), indent=2)
    print(figures)
    if arguments.json:
        arguments.json.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
