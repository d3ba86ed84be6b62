"""Measures the dedup stage on documents that are as long as a library: time, memory, and whether what is found is right.

    python -m tests.bench.long_document [--megabytes 200] [--workers 1]

Two documents of so many megabytes of made words, of which the second has every hundredth word replaced in its last tenth, two short texts
of which one is a copy, an empty text and one of one word. The expected Jaccard similarity follows from the construction. The stage runs
in a process of its own; memory is the proportional set size of it and its workers, the highest of samples every 0.2 s.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from pipeline.run.state import file_entry, finish_stage, start_stage
from pipeline.stages.documents.planning import plan_documents
from tests.bench.scale import watch_memory
from tests.transforms.dedup.small_corpora import write_documents
from transforms.contracts.manifest import read_manifest

NGRAM = 5
_WORD_BYTES = 8
_EVERY, _LAST = 100, 0.1


def long_texts(megabytes: float) -> tuple[str, str, float]:
    """Two texts of distinct words and their Jaccard similarity: each replaced word changes NGRAM shingles of either text."""
    count = int(megabytes * 1e6 / _WORD_BYTES)
    words = np.char.mod("%07d", np.arange(count)).tolist()
    changed = range(count - int(_LAST * count), count - NGRAM, _EVERY)
    first = " ".join(words)
    for number in changed:
        words[number] = f"x{number:06x}"
    other = NGRAM * len(changed)
    shingles = count - NGRAM + 1
    return first, " ".join(words), (shingles - other) / (shingles + other)


def write_run(folder: Path, megabytes: float) -> tuple[Path, float]:
    """A run whose `documents` stage is finished, in two parts; returns its configuration and the similarity of the long texts."""
    first, second, similarity = long_texts(megabytes)
    (folder / "input.jsonl").write_text("{}\n", encoding="utf-8")
    path = folder / "long.toml"
    settings = "max_drop_rate = 1.0"
    path.write_text(
        f'folder = "run"\n[sources.web]\nkind = "jsonl"\npaths = ["input.jsonl"]\n[dedup]\n{settings}\n',
        encoding="utf-8",
    )
    config = load_config(str(path))
    plan = plan_documents("documents", config)
    documents = Run(config.folder).stage("documents")
    start_stage(documents, plan)
    short = "a short text that has a copy of itself beside the long ones"
    parts: list[list[str | dict[str, Any]]] = [[short, first, "", "one"], [second, short.upper()]]
    write_documents(Path(documents), parts)
    files = {
        f"part-{part:05d}.parquet": file_entry(f"{documents}/part-{part:05d}.parquet", len(rows))
        for part, rows in enumerate(parts)
    }
    text_bytes = len(first) + len(second) + 2 * len(short) + 3
    web = {
        "read": 6,
        "errors": 0,
        "kept": 6,
        "text_bytes": text_bytes,
        "rejected": {},
        "languages": {"unknown": 6},
        "done": {},
    }
    finish_stage(
        documents,
        plan,
        files=files,
        counters={"sources": {"web": web}},
        seconds=0.0,
        cpu_seconds=0.0,
    )
    return path, similarity


def measure(folder: Path, megabytes: float, workers: int) -> dict[str, Any]:
    path, similarity = write_run(folder, megabytes)
    shutil.rmtree(folder / "run" / "dedup", ignore_errors=True)
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "dedup", str(path), "--workers", str(workers)]
    )
    with watch_memory(process.pid) as highest:
        status = process.wait()
    if status:
        sys.exit(status)
    out = folder / "run" / "dedup"
    drops = [
        drop
        for part in (0, 1)
        for drop in pq.read_table(out / f"drops-{part:05d}.parquet").to_pylist()
    ]
    manifest = read_manifest(str(out))
    return {
        "megabytes": megabytes,
        "seconds": manifest.seconds,
        "process_seconds": round(time.monotonic() - started, 1),
        "peak_gigabytes": round(highest["all"] / 1e9, 2),
        "expected_similarity": round(similarity, 6),
        "drops": [(drop["rule"], round(drop["similarity"], 6)) for drop in drops],
        "kept": manifest.counters["kept"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name), arguments.megabytes, arguments.workers), indent=2))


if __name__ == "__main__":
    main()
