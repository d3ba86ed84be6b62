"""Stage 4, `shards`: deduplicated documents + tokenizer -> packed token shards, one source and one split a file."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from pipeline.config import Config, stage_values
from pipeline.run import Run, StagePlan, file_entry, read_plan, stage_manifest
from pipeline.runner import RunnerSettings
from pipeline.units import UnitReport, plan_work, run_units
from pipeline.vocabulary import kept_parts
from transforms import io
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.documents import pack_address
from transforms.errors import UserError
from transforms.tokens.encode import Encoded, encode_texts, end_of_text_id, load_tokenizer, token_byte_lengths
from transforms.tokens.pack import PackedRows, pack_best_fit
from transforms.tokens.shards import MappedShard, ShardInfo, open_shard, write_shard
from transforms.tokens.train import tokenizer_sha256

STAGE = "shards"
BYTES_A_SECOND = 1e6  # of compressed parts on one core
SPLITS = ("train", "validation")
_SMALLEST_SHARD = 1 << 20
_SHARDS = 16


def plan_shards(config: Config, run: Run) -> StagePlan:
    """Groups neighbouring parts of one source into shards by the size of their files: compressed text is about as large as its tokens."""
    manifest = stage_manifest(run, "documents")
    unit_sources = [unit["files"][0]["source"] for unit in read_plan(run.stage("documents"))["units"]]
    total = sum(entry.bytes for name, entry in manifest.files.items() if name.startswith("part-"))
    aim = min(max(total // _SHARDS, _SMALLEST_SHARD), int(config.shards.shard_megabytes * 1e6))
    groups: list[dict[str, Any]] = []
    for number, path, drops in kept_parts(run):
        source, size = unit_sources[number], manifest.files[io.join(path).rsplit("/", 1)[-1]].bytes
        if not groups or groups[-1]["source"] != source or groups[-1]["bytes"] + size > aim:
            groups.append({"source": source, "bytes": 0, "parts": []})
        groups[-1]["bytes"] += size
        groups[-1]["parts"].append([number, path, drops])
    for source in set(unit_sources):
        own = [group for group in groups if group["source"] == source]
        for index, group in enumerate(own):
            group |= {"index": index, "of": len(own)}
    return StagePlan(
        stage=STAGE,
        configuration=stage_values(config, "shards", "seed"),
        upstream=stage_manifest(run, "tokenizer").fingerprint,
        units=groups,
    )


def execute_shards(config: Config, run: Run, settings: RunnerSettings, plan: StagePlan) -> UnitReport:
    work = functools.partial(_shard_unit, config=config, tokenizer_path=io.join(run.stage("tokenizer"), "tokenizer.json"))
    return run_units(run.stage(STAGE), work, settings, plan_work(plan, bytes_a_second=BYTES_A_SECOND))


def shard_name(split: str, source: str, index: int, of: int) -> str:
    return f"{split}-{source}-{index:05d}-of-{of:05d}.arrow"


class _Split(NamedTuple):
    """Encoded documents of one split and their addresses, uint64 (documents,)."""

    encoded: Encoded
    addresses: np.ndarray


def _shard_unit(folder: str, number: int, unit: dict[str, Any], *, config: Config, tokenizer_path: str) -> UnitReport:
    names = {split: shard_name(split, unit["source"], unit["index"], unit["of"]) for split in SPLITS}
    paths = {split: io.join(folder, name) for split, name in names.items()}
    data = io.read_bytes(tokenizer_path)
    lengths = token_byte_lengths(tokenizer := load_tokenizer(data, path=tokenizer_path, end_of_text=config.tokenizer.end_of_text))
    if not all(io.exists(path) for path in paths.values()):
        _write_unit(unit, paths, config=config, tokenizer=tokenizer, sha256=tokenizer_sha256(data), lengths=lengths)
    files, counters = {}, {}
    for split, path in paths.items():
        with io.local_copy(path) as local:
            shard = open_shard(local)
            counters[split] = {unit["source"]: count_shard(shard)}
            files[names[split]] = file_entry(path, len(shard))
    return UnitReport(files=files, counters=counters)


def _write_unit(
    unit: dict[str, Any], paths: dict[str, str], *, config: Config, tokenizer: Tokenizer, sha256: str, lengths: np.ndarray
) -> None:
    end_of_text = end_of_text_id(tokenizer, config.tokenizer.end_of_text)
    for split, documents in _encode_splits(unit["parts"], config=config, tokenizer=tokenizer).items():
        info = ShardInfo(
            tokenizer_sha256=sha256,
            vocabulary_size=len(lengths),
            end_of_text=end_of_text,
            sequence_length=config.shards.sequence_length,
            packing=config.shards.packing,
            source=unit["source"],
            split=split,
            seed=config.seed,
        )
        packed = pack_documents(documents.encoded, info=info, lengths=lengths, seed=config.seed + unit["index"])
        with io.atomic_output(paths[split]) as temporary:
            write_shard(temporary, packed, documents.addresses, info)


def pack_documents(encoded: Encoded, *, info: ShardInfo, lengths: np.ndarray, seed: int) -> PackedRows:
    """Packs, and checks that no target was lost: each document of n tokens must give n + 1. Raises UserError otherwise."""
    packed = pack_best_fit(encoded, sequence_length=info.sequence_length, end_of_text=info.end_of_text, token_bytes=lengths, seed=seed)
    expected = len(encoded.ids) + len(encoded.offsets) - 1
    if int(packed.targets.sum()) != expected:
        raise UserError(
            f"{expected} targets went into packing and {int(packed.targets.sum())} came out",
            where=info.source,
            remedy="report this as a defect",
        )
    return packed


def _encode_splits(parts: list[list[Any]], *, config: Config, tokenizer: Tokenizer) -> dict[str, _Split]:
    ids: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    counts: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    addresses: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for split, part, rows, texts in _read_splits(parts, config=config):
        encoded = encode_texts(tokenizer, texts)
        ids[split].append(encoded.ids)
        counts[split].append(np.diff(encoded.offsets))
        addresses[split].append(pack_address(part, rows))
    return {
        split: _Split(
            Encoded(
                np.concatenate([np.zeros(0, np.uint32), *ids[split]]),
                np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts[split]])),
            ),
            np.concatenate([np.zeros(0, np.uint64), *addresses[split]]),
        )
        for split in SPLITS
    }


def _read_splits(parts: list[list[Any]], *, config: Config) -> Iterator[tuple[str, int, np.ndarray, list[str]]]:
    """(split, part, row numbers, texts) of the kept documents, in order."""
    for part, path, drops in parts:
        for rows, batch in read_kept(path, drops, columns=["id", "text"]):
            held_out = share_mask(seeded_hash(batch.column("id"), seed=config.seed, purpose="validation"), config.shards.validation)
            for split, mask in (("train", ~held_out), ("validation", held_out)):
                if mask.any():
                    yield split, part, rows[mask], batch.column("text").filter(pa.array(mask)).to_pylist()


def count_shard(shard: MappedShard) -> dict[str, int]:
    """Rows, positions, targets, documents, documents in several pieces, and bytes of a shard."""
    segments = shard.table.column("segments").combine_chunks().flatten()
    lengths, ends, offsets = (segments.field(name).to_numpy(zero_copy_only=False) for name in ("length", "ends", "token_offset"))
    return {
        "rows": len(shard),
        "positions": len(shard) * shard.info.sequence_length,
        "targets": int(lengths.sum() - len(lengths) + ends.sum()),
        "documents": int(ends.sum()),
        "split_documents": int((ends & (offsets > 0)).sum()),
        "bytes": int(shard.table.column("bytes").to_numpy().astype(np.int64).sum()),
    }
