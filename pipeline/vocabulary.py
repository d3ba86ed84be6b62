"""Stage 3, `tokenizer`: a deterministic sample of the deduplicated documents -> a byte-level BPE tokenizer."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipeline.config import Config, stage_values
from pipeline.run import Run, StagePlan, file_entry, stage_manifest
from pipeline.runner import RunnerSettings
from pipeline.units import UnitReport
from transforms import io
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.tokens.encode import encode_texts, load_tokenizer, token_byte_lengths
from transforms.tokens.train import tokenizer_files, train_tokenizer

STAGE = "tokenizer"
MEASURED_CHARACTERS = 500_000


def plan_vocabulary(config: Config, run: Run) -> StagePlan:
    return StagePlan(
        stage=STAGE,
        configuration=stage_values(config, "tokenizer", "seed") | {"sequence_length": config.shards.sequence_length},
        upstream=stage_manifest(run, "dedup").fingerprint,
        units=[],
    )


def execute_vocabulary(config: Config, run: Run, settings: RunnerSettings, plan: StagePlan) -> UnitReport:
    """Trains the tokenizer in this process: the sample bounds its time and memory, whatever the size of the corpus."""
    started = time.process_time()
    counters = stage_manifest(run, "documents").counters["sources"]
    total = sum(source["text_bytes"] for source in counters.values())
    share = config.tokenizer.sample_megabytes * 1e6 / max(total, 1)
    drawn: Counter[str] = Counter()
    tokenizer = train_tokenizer(
        _count(sample_texts(run, share=share, seed=config.seed), drawn),
        vocabulary=config.tokenizer.vocabulary,
        minimum_frequency=config.tokenizer.minimum_frequency,
    )
    if not drawn["documents"]:
        raise UserError("the sample for the tokenizer is empty", where=run.stage("documents"), remedy="raise tokenizer.sample_megabytes")
    folder = run.stage(STAGE)
    names = tokenizer_files(tokenizer, sequence_length=config.shards.sequence_length)
    for name, data in names.items():
        io.write_bytes(io.join(folder, name), data)
    measured = measure_tokenizer(run, names["tokenizer.json"], share=share, seed=config.seed)
    return UnitReport(
        files={name: file_entry(io.join(folder, name), 0) for name in names},
        counters={
            "vocabulary": tokenizer.get_vocab_size(),
            "sample": {"documents": drawn["documents"], "text_bytes": drawn["bytes"]},
            "measured": measured,
        },
        cpu_seconds=time.process_time() - started,
    )


def kept_parts(run: Run) -> Iterator[tuple[int, str, str]]:
    """(part number, part file, drops file) of a deduplicated run, in order."""
    for name in sorted(stage_manifest(run, "documents").files):
        if name.startswith("part-"):
            number = name.removeprefix("part-").removesuffix(".parquet")
            yield int(number), io.join(run.stage("documents"), name), io.join(run.stage("dedup"), f"drops-{number}.parquet")


def sample_rows(run: Run, *, share: float, seed: int) -> Iterator[pa.RecordBatch]:
    """Kept documents whose hash of the id falls into `share`, in the order of parts and rows."""
    for _, part, drops in kept_parts(run):
        for _, batch in read_kept(part, drops, columns=["id", "source", "language", "text"]):
            yield batch.filter(pa.array(share_mask(seeded_hash(batch.column("id"), seed=seed, purpose="tokenizer-sample"), share)))


def sample_texts(run: Run, *, share: float, seed: int) -> Iterator[str]:
    for batch in sample_rows(run, share=share, seed=seed):
        yield from batch.column("text").to_pylist()


def measure_tokenizer(run: Run, data: bytes, *, share: float, seed: int) -> dict[str, Any]:
    """Documents, bytes and tokens by source and language, on the first MEASURED_CHARACTERS characters of each in the sample."""
    tokenizer = load_tokenizer(data, path=io.join(run.stage(STAGE), "tokenizer.json"))
    lengths = token_byte_lengths(tokenizer)
    found: dict[str, dict[str, Counter[str]]] = {"sources": {}, "languages": {}}
    for batch in sample_rows(run, share=share, seed=seed):
        for kind, column in (("sources", "source"), ("languages", "language")):
            labels = batch.column(column).cast(pa.string()).to_pylist()
            for label, text in zip(labels, batch.column("text").to_pylist(), strict=True):
                counts = found[kind].setdefault(label or "unknown", Counter())
                room = MEASURED_CHARACTERS - counts["characters"]
                if room > 0:
                    ids = encode_texts(tokenizer, [text[:room]]).ids
                    counts.update(documents=1, characters=min(len(text), room), bytes=int(lengths[ids].sum()), tokens=len(ids))
    return {kind: {label: dict(counts) for label, counts in sorted(labels.items())} for kind, labels in found.items()}


def _count(texts: Iterator[str], drawn: Counter[str]) -> Iterator[str]:
    for text in texts:
        drawn["documents"] += 1
        drawn["bytes"] += len(text.encode())
        yield text
