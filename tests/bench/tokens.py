"""Documents to shards beside raw tiktoken, and the memory of it: Reuters and the novels, once and ten times over.

    python -m tests.bench.tokens [--times 10] [--repeat 3] [--sequence-length 2048]

Raw is tiktoken's `encode_ordinary_batch` with the same vocabulary over the same texts, which are in memory: two threads of one
process, and two processes with half of the texts each; the faster counts. The stage reads Parquet, encodes, packs, writes and
hashes with two workers; its seconds are those from its plan to its manifest, start-up included, and once more those that the
text beyond the first copy took. Memory is the largest resident set of any process, by samples every 0.1 s.
"""

import argparse
import json
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import tiktoken
from rich.console import Console

from pipeline.config.load import load_config
from pipeline.terminal import figures_table
from tests.bench.memory import run_measured
from tests.bench.stages import NEWS, NOVELS, run_child
from transforms.tokens.tiktoken_vocabulary import tiktoken_vocabulary

BEFORE = ("documents", "dedup", "tokenizer")


def prepare(folder: Path, sequence_length: int) -> Path:
    """Runs all stages before the shards; returns the configuration."""
    path = folder / "once.toml"
    path.write_text(
        f'folder = "run"\n{NEWS}{NOVELS}[shards]\nsequence_length = {sequence_length}\n',
        encoding="utf-8",
    )
    for stage in BEFORE:
        run_child(path, stage, 2)
    return path


def multiply(path: Path, times: int) -> Path:
    """The same run with every part `times` times: files are linked, plans and manifests written anew. Returns the configuration."""
    run, out = path.parent / "run", path.parent / f"run-{times}"
    shutil.copytree(run / "tokenizer", out / "tokenizer")
    parts = len(list((run / "documents").glob("part-*")))
    for stage, prefix in (("documents", "part"), ("dedup", "drops")):
        (out / stage).mkdir()
        manifest = json.loads((run / stage / "manifest.json").read_text(encoding="utf-8"))
        files = {}
        for copy in range(times):
            for part in range(parts):
                name, source = (
                    f"{prefix}-{number:05d}.parquet" for number in (copy * parts + part, part)
                )
                (out / stage / name).hardlink_to(run / stage / source)
                files[name] = manifest["files"][source]
        manifest["files"] = files
        for counts in manifest["counters"]["sources"].values():
            counts.update(
                {key: value * times for key, value in counts.items() if isinstance(value, int)}
            )
        plan = json.loads((run / stage / "plan.json").read_text(encoding="utf-8"))
        plan["units"] *= times
        for name, values in (("manifest.json", manifest), ("plan.json", plan)):
            (out / stage / name).write_text(json.dumps(values), encoding="utf-8")
    copied = path.with_name(f"{times}.toml")
    copied.write_text(
        path.read_text(encoding="utf-8").replace('"run"', f'"run-{times}"'), encoding="utf-8"
    )
    return copied


def read_texts(path: Path) -> list[str]:
    parts = sorted((path.parent / "run" / "documents").glob("part-*"))
    return [
        text for part in parts for text in pq.read_table(part, columns=["text"])["text"].to_pylist()
    ]


def raw_encoding(path: Path) -> tiktoken.Encoding:
    vocabulary = tiktoken_vocabulary(
        (path.parent / "run" / "tokenizer" / "tokenizer.json").read_bytes()
    )
    ranks = {token: rank for rank, token in enumerate(vocabulary.tokens)}
    return tiktoken.Encoding(
        "raw", pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={}
    )


def time_threads(encoding: tiktoken.Encoding, texts: list[str]) -> float:
    started = time.perf_counter()
    encoding.encode_ordinary_batch(texts, num_threads=2)
    return time.perf_counter() - started


def time_processes(encoding: tiktoken.Encoding, texts: list[str]) -> float:
    """The slower of two forked processes, each of which times its own half of the bytes."""
    halves: list[list[str]] = [[], []]
    sizes = [0, 0]
    for text in sorted(texts, key=len, reverse=True):
        smaller = sizes.index(min(sizes))
        halves[smaller].append(text)
        sizes[smaller] += len(text)
    context = multiprocessing.get_context("fork")
    together, results = context.Barrier(2), context.Queue()

    def encode(half: list[str]) -> None:
        together.wait()
        started = time.perf_counter()
        encoding.encode_ordinary_batch(half, num_threads=1)
        results.put(time.perf_counter() - started)

    processes = [context.Process(target=encode, args=(half,)) for half in halves]
    for process in processes:
        process.start()
    seconds = max(results.get() for _ in processes)
    for process in processes:
        process.join()
    return seconds


def run_shards(path: Path) -> tuple[dict[str, Any], int]:
    """The stage's figures, and bytes of the largest process."""
    shutil.rmtree(Path(load_config(str(path)).folder) / "shards", ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "tests.bench.stages",
        "--child",
        str(path),
        "shards",
        "--workers",
        "2",
    ]
    out, largest = run_measured(command)
    return json.loads(out.splitlines()[-1]), largest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sequence-length", type=int, default=2048)
    parser.add_argument("--folder", help="keep what is prepared here, and use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        once = folder / "once.toml"
        if not once.exists():
            prepare(folder, options.sequence_length)
        many = folder / f"{options.times}.toml"
        if not many.exists():
            multiply(once, options.times)
        texts, encoding = read_texts(once), raw_encoding(once)
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        seconds: dict[str, list[float]] = {"threads": [], "processes": [], "once": [], "many": []}
        memory = {"once": 0, "many": 0}
        for _ in range(options.repeat):
            seconds["threads"].append(time_threads(encoding, texts))
            seconds["processes"].append(time_processes(encoding, texts))
            for name, path in (("once", once), ("many", many)):
                figures, largest = run_shards(path)
                seconds[name].append(figures["seconds"])
                memory[name] = max(memory[name], largest)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    raw = megabytes / min(median["threads"], median["processes"])
    beyond = median["many"] - median["once"]
    table = figures_table(
        "two cores", "text, MB", "seconds", "MB/s", "of raw", "largest process, MB"
    )
    for label, size, taken, largest in (
        ("raw tiktoken, two threads", megabytes, median["threads"], 0),
        ("raw tiktoken, two processes", megabytes, median["processes"], 0),
        ("shards, once", megabytes, median["once"], memory["once"]),
        (
            f"shards, {options.times} times",
            megabytes * options.times,
            median["many"],
            memory["many"],
        ),
        ("what is beyond once", megabytes * (options.times - 1), beyond, 0),
    ):
        rate = size / taken
        table.add_row(
            label,
            f"{size:.1f}",
            f"{taken:.2f}",
            f"{rate:.1f}",
            f"{rate / raw:.0%}",
            f"{largest / 1e6:.0f}" if largest else "",
        )
    Console(width=110).print(table)
    print(
        json.dumps(
            {"seconds": seconds, "megabytes": megabytes, "times": options.times, "memory": memory}
        )
    )


if __name__ == "__main__":
    main()
