"""Counted training beside the reference trainer: seconds of counting and learning, and peak memory, at several sizes of text.

    python -m tests.bench.tokenizer [--vocabulary 32768] [--times 1 4 16] [--fresh]

The text is the 13 novels, the Reuters articles and the declarations of 56 languages in the data folder, so many times over: more text
with the same words, the kindest case for counting. `--fresh` gives each repeat words of its own, the hardest. Every run is a process of
its own, whose peak memory includes one copy of the text (28 MB). Counted training uses one core here, where a stage counts with
all workers; the reference trainer uses all cores.
"""

import argparse
import gzip
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from pipeline.terminal import figures_table
from tests.conftest import DATA
from transforms.tokens.merges import learn_merges
from transforms.tokens.patterns import find_pattern
from transforms.tokens.pretokens import count_pretokens, sort_counts
from transforms.tokens.train import END_OF_TEXT, tokenizer_bytes, tokenizer_of, train_tokenizer

METHODS = ("counted", "reference")


def texts(times: int, *, fresh: bool) -> Iterator[str]:
    """The corpus `times` over; with `fresh`, letters of each further repeat are moved in the alphabet, so that its words are new."""
    once = [
        gzip.decompress(path.read_bytes()).decode("utf-8-sig")
        for path in sorted(Path(DATA, "books").glob("*_*.txt.gz"))
    ]
    for path in sorted(Path(DATA, "news").glob("reuters-0*.jsonl.gz")):
        once += [
            json.loads(line)["text"] for line in gzip.decompress(path.read_bytes()).splitlines()
        ]
    lines = (
        gzip.decompress(Path(DATA, "languages", "udhr.tsv.gz").read_bytes()).decode().splitlines()
    )
    once += [line.split("\t")[-1] for line in lines]
    letters = "abcdefghijklmnopqrstuvwxyz"
    for number in range(times):
        turn = (
            str.maketrans(letters, letters[number % 26 :] + letters[: number % 26]) if fresh else {}
        )
        yield from (text.translate(turn) if turn else text for text in once)


def arrays(times: int, *, fresh: bool) -> Iterator[pa.LargeStringArray]:
    """The same in arrays of about 4 MB, as they come from parts of documents."""
    block: list[str] = []
    size = 0
    for text in texts(times, fresh=fresh):
        block.append(text)
        size += len(text)
        if size > 1 << 22:
            yield pa.array(block, pa.large_string())
            block, size = [], 0
    yield pa.array(block, pa.large_string())


def measure(method: str, *, times: int, vocabulary: int, fresh: bool) -> dict[str, Any]:
    """One training in this process: seconds (of them counting), peak memory in bytes, and the sha256 of the tokenizer."""
    started = time.perf_counter()
    counting = 0.0
    if method == "counted":
        counts = sort_counts(count_pretokens(arrays(times, fresh=fresh), find_pattern("gpt4")))
        counting = time.perf_counter() - started
        pretokens, values = (
            counts.column("pretoken").cast(pa.large_binary()),
            counts.column("count").to_numpy(),
        )
        merges = learn_merges(
            pretokens,
            values,
            vocabulary=vocabulary,
            minimum_frequency=2,
            special_tokens=[END_OF_TEXT],
        )
        tokenizer = tokenizer_of(
            merges, pattern="gpt4", normalization="none", special_tokens=[END_OF_TEXT]
        )
    else:
        tokenizer = train_tokenizer(
            texts(times, fresh=fresh), vocabulary=vocabulary, minimum_frequency=2
        )
    return {
        "seconds": time.perf_counter() - started,
        "counting": counting,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "sha256": hashlib.sha256(tokenizer_bytes(tokenizer)).hexdigest(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vocabulary", type=int, default=32768)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--child", choices=METHODS)
    options = parser.parse_args()
    if options.child:
        print(
            json.dumps(
                measure(
                    options.child,
                    times=options.times[0],
                    vocabulary=options.vocabulary,
                    fresh=options.fresh,
                )
            )
        )
        return
    table = figures_table(
        "text",
        *(f"{method} {what}" for method in METHODS for what in ("s", "MB")),
        "of it counting, s",
        "same tokenizer",
    )
    for times in options.times:
        found = []
        for method in METHODS:
            command = [
                sys.executable,
                "-m",
                "tests.bench.tokenizer",
                "--child",
                method,
                "--times",
                str(times),
            ]
            command += [
                "--vocabulary",
                str(options.vocabulary),
                *(["--fresh"] if options.fresh else []),
            ]
            found.append(
                json.loads(
                    subprocess.run(command, capture_output=True, text=True, check=True).stdout
                )
            )
        megabytes = sum(len(text.encode()) for text in texts(1, fresh=False)) * times / 1e6
        figures = (
            f"{value:.1f}" for each in found for value in (each["seconds"], each["peak"] / 1e6)
        )
        same = "yes" if found[0]["sha256"] == found[1]["sha256"] else "NO"
        table.add_row(f"{megabytes:.0f} MB", *figures, f"{found[0]['counting']:.1f}", same)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
