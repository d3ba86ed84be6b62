"""Deduplication of the Reuters articles beside datatrove's, in one run.

    python -m tests.bench.dedup_peer --peer PATH_TO_PYTHON --baseline datatrove_baseline.py [--repeat 3]

PATH_TO_PYTHON is that of an environment with datatrove; nothing of it is imported here. Signatures: documents a second of CPU time on
one core, from texts in memory, datatrove's 14 x 8 = 112 values of 5-grams against our 126. Whole: two workers, from JSONL. Ours are the
stages `ingest`, without language identification, which the peer does not do either, and `dedup`; they write Parquet and which rows to drop.
The peer is the baseline script's stage `minhash`, which writes JSONL without duplicates. Seconds are those that each tool tells of its own
stages, and of whole processes from start to end. Runs take turns; medians of the repeats, ratios within one turn.
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

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.folder import Run
from tests.bench.stages import NEWS
from tests.conftest import DATA
from tests.pipeline.runs import stage_manifest
from transforms.dedup.near.minhash import minhash_signatures
from transforms.dedup.near.sign import digest_texts, slices_of_bytes
from transforms.dedup.settings import DedupConfig
from transforms.filters.language import bundled_model

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


def run_process(command: list[str]) -> tuple[float, str]:
    """Seconds of a process from its start to its end, and what it wrote."""
    started = time.perf_counter()
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, out


def run_stage(config: Path, stage: str, command: str) -> tuple[float, float]:
    """Seconds of a stage in a process of its own: what the stage says, and the whole process."""
    seconds, _ = run_process(
        [sys.executable, "-m", "pipeline.cli", command, str(config), "--workers", "2"]
    )
    return stage_manifest(Run(str(config.parent / "run")), stage).seconds, seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "news.toml"
        config.write_text(f'folder = "run"\n{NEWS}[language]\nidentify = false\n', encoding="utf-8")
        documents = folder / "run" / "documents"
        for _ in range(arguments.repeat):
            shutil.rmtree(folder / "run", ignore_errors=True)
            ingest, dedup = (
                run_stage(config, "documents", "ingest"),
                run_stage(config, "dedup", "dedup"),
            )
            peer = run_peer(arguments, folder)
            for kind, number in (("", 0), (", whole processes", 1)):
                _add(figures, f"ingest seconds, ours{kind}", ingest[number])
                _add(figures, f"dedup seconds, ours{kind}", dedup[number])
                _add(figures, f"seconds, datatrove{kind}", peer[number])
            texts = pa.concat_tables(
                pq.read_table(path, columns=["text"]) for path in sorted(documents.glob("part-*"))
            )["text"]
            texts = texts.combine_chunks()
            (folder / "texts.jsonl").write_text(
                "".join(json.dumps(text) + "\n" for text in texts.to_pylist()), encoding="utf-8"
            )
            _add(figures, "signatures/core-second, ours", our_signatures(texts))
            command = [arguments.peer, "-c", PEER_SIGNATURES, str(folder / "texts.jsonl")]
            _add(
                figures,
                "signatures/core-second, datatrove",
                float(subprocess.check_output(command, stderr=subprocess.DEVNULL)),
            )
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, values in figures.items():
        print(f"{name}: {medians[name]:,.1f} ({min(values):,.1f} to {max(values):,.1f})")
    for kind in ("", ", whole processes"):
        peer, ours, ingest = (
            figures[f"{name}{kind}"]
            for name in ("seconds, datatrove", "dedup seconds, ours", "ingest seconds, ours")
        )
        _print_ratio(
            f"from JSONL{kind}", [a / (b + c) for a, b, c in zip(peer, ours, ingest, strict=True)]
        )
        _print_ratio(f"our dedup alone{kind}", [a / b for a, b in zip(peer, ours, strict=True)])
    rates = (figures[f"signatures/core-second, {whose}"] for whose in ("ours", "datatrove"))
    _print_ratio("signatures", [a / b for a, b in zip(*rates, strict=True)])


def _print_ratio(what: str, ratios: list[float]) -> None:
    print(
        f"{what}: {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f})"
    )


def run_peer(arguments: argparse.Namespace, folder: Path) -> tuple[float, float]:
    """The same of the peer: what its script says of its four steps, and the whole process."""
    options = [
        "--lid",
        bundled_model(),
        "--stages",
        "minhash",
        "--workers",
        "2",
        "--data",
        str(DATA),
        "--out",
        str(folder / "peer"),
    ]
    seconds, out = run_process([arguments.peer, arguments.baseline, *options])
    return json.loads(out.splitlines()[-1])["seconds"], seconds


def _add(figures: dict[str, list[float]], name: str, value: float) -> None:
    figures.setdefault(name, []).append(value)


if __name__ == "__main__":
    main()
