"""Speed and memory of the token formats of `tokenmill export`: one made-up shard, each format in a process of its own.

    python -m tests.bench.export [--tokens 30000000]

Documents have lengths as on the web (log-normal, median 600 tokens), rows 2,048. Seconds are those of writing and of counting
what was written, in one process without Beam; memory is the largest private memory (RssAnon), by samples every 0.02 s: mapped
pages of the shard are not in it.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from pipeline.terminal import figures_table
from tests.training.small_shards import small_info
from transforms.export.formats import Group, TokenFormat
from transforms.export.mds import MdsOptions
from transforms.export.registry import FORMATS
from transforms.export.streams import read_documents
from transforms.tokens.encode import Encoded
from transforms.tokens.shards import ShardWriter, open_shard
from transforms.tokens.windows import pack_checked

VOCABULARY, LENGTH = 32_768, 2048


def make_shard(path: str, tokens: int) -> None:
    draw = np.random.default_rng(5)
    lengths = np.maximum(1, draw.lognormal(np.log(600), 1.0, tokens // 900).astype(np.int64))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    encoded = Encoded(draw.integers(1, VOCABULARY, int(offsets[-1]), np.uint32), offsets)
    info = small_info(vocabulary_size=VOCABULARY, sequence_length=LENGTH)
    packed = pack_checked(encoded, info, token_bytes=np.ones(VOCABULARY, np.int32), seed=1)
    with ShardWriter(path, info) as writer:
        writer.write(packed, np.arange(len(lengths), dtype=np.uint64))


def export_shard(name: str, path: str, folder: str) -> None:
    """Prints the tokens and the seconds of writing and of counting."""
    known = FORMATS[name]
    assert isinstance(known, TokenFormat)
    shard = open_shard(path)
    options = MdsOptions(sequence_length=LENGTH) if name == "mds" else known.options()
    group = Group(split="train", source="web", index=0, positions=len(shard) * LENGTH)
    files = [str(Path(folder, name)) for name in known.names(group, options)]
    for file in files:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    known.write(files, read_documents(shard), shard.info, options)
    written = time.perf_counter()
    tokens = known.count(files, shard.info, options).tokens
    print(tokens, written - started, time.perf_counter() - written)


def private_memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=30_000_000)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        export_shard(*options.child)
        return
    table = figures_table(
        "format", "write, s", "million tokens/s", "count, s", "private memory, MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "shard.arrow"))
        make_shard(path, options.tokens)
        for name in (name for name, known in FORMATS.items() if isinstance(known, TokenFormat)):
            command = [
                sys.executable,
                "-m",
                "tests.bench.export",
                "--child",
                name,
                path,
                str(Path(folder, name)),
            ]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            largest = 0
            while process.poll() is None:
                largest = max(largest, private_memory(process.pid))
                time.sleep(0.02)
            assert process.stdout is not None
            tokens, write, count = map(float, process.stdout.read().split())
            table.add_row(
                name,
                f"{write:.2f}",
                f"{tokens / write / 1e6:.0f}",
                f"{count:.2f}",
                f"{largest / 1e6:.0f}",
            )
        size = Path(path).stat().st_size
    console = Console(width=100)
    console.print(f"one shard: {tokens / 1e6:.1f} million tokens, {size / 1e6:.0f} MB")
    console.print(table)


if __name__ == "__main__":
    main()
