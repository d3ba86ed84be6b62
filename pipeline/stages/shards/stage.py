"""Stage 4, `shards`: deduplicated documents + tokenizer -> packed token shards, one source and one split a file."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.config.schema import Config
from pipeline.run.folder import Run, StagePlan, file_entry, read_plan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import UnitReport, plan_work, run_units
from pipeline.stages.shards.division import STAGE, part_sizes
from transforms import storage
from transforms.arrays import slices_of_bytes
from transforms.contracts.addresses import pack_address
from transforms.contracts.names import shard_name
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.tokens.encode import end_of_text_id, load_tokenizer, token_byte_lengths
from transforms.tokens.encoders import ChosenEncoder, choose_encoder
from transforms.tokens.shards import MappedShard, ShardInfo, ShardWriter, open_shard
from transforms.tokens.train import tokenizer_sha256
from transforms.tokens.windows import WindowPacker

BYTES_A_SECOND = 8e6  # of text on one core
SPLITS = ("train", "validation")
_BATCH_BYTES = 2 << 20
_SAMPLE_CHARACTERS = 100_000
_EXCERPT_CHARACTERS = 2_000


def execute_shards(config: Config, run: Run, settings: RunnerSettings, plan: StagePlan) -> UnitReport:
    """Runs the units that are not committed yet. Raises UserError unless the shards hold every document that stays."""
    work = functools.partial(_shard_unit, config=config, tokenizer_path=storage.join(run.stage("tokenizer"), "tokenizer.json"))
    report = run_units(run.stage(STAGE), work, settings, plan_work(plan, bytes_a_second=BYTES_A_SECOND))
    kept = sum(part.kept for parts in part_sizes(run, sequence_length=config.shards.sequence_length).values() for part in parts)
    found = sum(counts["documents"] for sources in report.counters.values() for counts in sources.values())
    if found != kept:
        raise UserError(f"{kept} documents stay and {found} are in shards", where=run.stage(STAGE), remedy="report this as a defect")
    return report


def sample_texts(units: list[dict[str, Any]]) -> list[str]:
    """Beginnings of documents of each source, at most _SAMPLE_CHARACTERS in all: what encoders are compared on."""
    first_units = {unit["source"]: unit for unit in reversed(units)}
    room = _SAMPLE_CHARACTERS // max(1, len(first_units))
    return [text for unit in first_units.values() for text in _excerpts(unit, room)]


def _excerpts(unit: dict[str, Any], room: int) -> Iterator[str]:
    for _, path, _, first, end in unit["parts"]:
        for _, batch in read_kept(path, None, columns=["text"], rows=range(first, end)):
            for text in batch.column("text"):
                yield (excerpt := text.as_py()[: min(room, _EXCERPT_CHARACTERS)])
                room -= len(excerpt)
                if room <= 0:
                    return


class _Tokenizer(NamedTuple):
    """What a unit needs of a tokenizer."""

    sha256: str
    end_of_text: int
    token_bytes: np.ndarray
    chosen: ChosenEncoder


@functools.lru_cache(maxsize=1)
def _open_tokenizer(data: bytes, path: str, end_of_text: str, folder: str) -> _Tokenizer:
    """Opens a tokenizer.json once for all units of a worker. The stage's plan says on which texts encoders are compared."""
    tokenizer = load_tokenizer(data, path=path, end_of_text=end_of_text)
    chosen = choose_encoder(data, tokenizer, sample=sample_texts(read_plan(folder)["units"]))
    return _Tokenizer(tokenizer_sha256(data), end_of_text_id(tokenizer, end_of_text), token_byte_lengths(tokenizer), chosen)


def _shard_unit(folder: str, number: int, unit: dict[str, Any], *, config: Config, tokenizer_path: str) -> UnitReport:
    names = {split: shard_name(split, unit["source"], unit["index"], unit["of"]) for split in SPLITS}
    paths = {split: storage.join(folder, name) for split, name in names.items()}
    tokenizer = _open_tokenizer(storage.read_bytes(tokenizer_path), tokenizer_path, config.tokenizer.end_of_text, folder)
    if not all(storage.exists(path) for path in paths.values()):
        _write_unit(unit, paths, config=config, tokenizer=tokenizer)
    files, counters = {}, {}
    for split, path in paths.items():
        with storage.local_copy(path) as local:
            shard = open_shard(local)
            counters[split] = {unit["source"]: count_shard(shard)}
            files[names[split]] = file_entry(path, len(shard))
    details = {"encoder": {"name": tokenizer.chosen.name, "reason": tokenizer.chosen.reason}}
    return UnitReport(files=files, counters=counters, details=details)


def _write_unit(unit: dict[str, Any], paths: dict[str, str], *, config: Config, tokenizer: _Tokenizer) -> None:
    with contextlib.ExitStack() as stack:
        packers = {}
        for split, path in paths.items():
            info = ShardInfo(
                tokenizer_sha256=tokenizer.sha256,
                vocabulary_size=len(tokenizer.token_bytes),
                end_of_text=tokenizer.end_of_text,
                sequence_length=config.shards.sequence_length,
                packing=config.shards.packing,
                source=unit["source"],
                split=split,
                seed=config.seed,
            )
            writer = stack.enter_context(ShardWriter(stack.enter_context(storage.atomic_output(path)), info))
            packers[split] = WindowPacker(info, shard=unit["index"], token_bytes=tokenizer.token_bytes, write=writer.write)
        for split, addresses, texts in _read_splits(unit["parts"], config=config):
            packers[split].add(tokenizer.chosen.encode(texts), addresses)
        for packer in packers.values():
            packer.flush()


def _read_splits(parts: list[list[Any]], *, config: Config) -> Iterator[tuple[str, np.ndarray, list[str]]]:
    """(split, addresses, texts) of the kept documents, in order, some megabytes at a time."""
    for part, path, drops, first, end in parts:
        for rows, batch in read_kept(path, drops, columns=["id", "text"], rows=range(first, end)):
            held_out = share_mask(seeded_hash(batch.column("id"), seed=config.seed, purpose="validation"), config.shards.validation)
            for split, mask in zip(SPLITS, (~held_out, held_out), strict=True):
                texts, numbers = batch.column("text").filter(pa.array(mask)), rows[mask]
                for begin, stop in slices_of_bytes(texts, _BATCH_BYTES):
                    yield split, pack_address(part, numbers[begin:stop]), texts.slice(begin, stop - begin).to_pylist()


def count_shard(shard: MappedShard) -> dict[str, int]:
    """Rows, positions, targets, documents, documents in several pieces, and bytes of a shard."""
    segments = shard.table.column("segments").combine_chunks().flatten()
    lengths, ends, offsets = (segments.field(name).to_numpy(zero_copy_only=False) for name in ("length", "ends", "token_offset"))
    positions = len(shard) * shard.info.sequence_length
    targets = int(lengths.sum() - len(lengths) + ends.sum())
    return {
        "rows": len(shard),
        "positions": positions,
        "targets": targets,
        "padding": positions - targets,
        "documents": int(ends.sum()),
        "split_documents": int((ends & (offsets > 0)).sum()),
        "bytes": int(shard.table.column("bytes").to_numpy().astype(np.int64).sum()),
    }
