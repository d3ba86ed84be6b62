"""The work of the shards stage: encodes kept documents and writes packed token shards."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan, read_units
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport, UnitJob, plan_work, run_units
from pipeline.stages.shards.division import part_sizes
from pipeline.stages.shards.units import PartRows, ShardUnit
from transforms import storage
from transforms.arrays import slices_of_bytes
from transforms.contracts.addresses import pack_address
from transforms.contracts.counters import ShardCounters, ShardsCounters
from transforms.contracts.plain import JsonObject
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.tokens.encode import end_of_text_id, load_tokenizer, token_byte_lengths
from transforms.tokens.encoders import ChosenEncoder, choose_encoder
from transforms.tokens.shards import MappedShard, ShardInfo, ShardWriter, open_shard
from transforms.tokens.train import tokenizer_sha256
from transforms.tokens.windows import WindowPacker

# Text on one core.
BYTES_PER_SECOND = 8e6
SPLITS = ("train", "validation")
_BATCH_BYTES = 2 << 20
_SAMPLE_CHARACTERS = 100_000
_EXCERPT_CHARACTERS = 2_000


def write_shards(
    config: Config, run: Run, settings: RunnerSettings, plan: StagePlan[ShardUnit], *, out: str
) -> StageReport[ShardsCounters]:
    """Runs the units that are not committed yet; reports the files and counters of all units.

    Raises UserError unless the shards hold as many documents as deduplication keeps.
    """
    work = functools.partial(_shard_unit, config=config, tokenizer_path=run.tokenizer_file)
    job = UnitJob(folder=out, unit=ShardUnit, work=work, none=ShardsCounters(splits={}))
    report = run_units(job, settings, plan_work(plan, bytes_per_second=BYTES_PER_SECOND))
    kept = sum(
        part.kept
        for parts in part_sizes(run, sequence_length=config.shards.sequence_length).values()
        for part in parts
    )
    written = report.counters.total.documents
    if written != kept:
        raise UserError(
            f"{kept} documents are kept and {written} are in shards",
            where=out,
            remedy="report this as a defect",
        )
    return report


def sample_texts(units: list[ShardUnit]) -> list[str]:
    """Beginnings of documents of each source, on which encoders are compared.

    They have at most about _SAMPLE_CHARACTERS in all.
    """
    first_units = {unit.source: unit for unit in reversed(units)}
    room = _SAMPLE_CHARACTERS // max(1, len(first_units))
    return [text for unit in first_units.values() for text in _excerpts(unit, room)]


def _excerpts(unit: ShardUnit, room: int) -> Iterator[str]:
    for _, path, _, first, end in unit.parts:
        for _, batch in read_kept(path, None, columns=["text"], rows=range(first, end)):
            for text in batch.column("text"):
                yield (excerpt := text.as_py()[: min(room, _EXCERPT_CHARACTERS)])
                room -= len(excerpt)
                if room <= 0:
                    return


class _Tokenizer(NamedTuple):
    """What a unit needs of a tokenizer.

    `end_of_text`: the id of the end-of-text token. `token_bytes`: bytes of each token, by id.
    """

    sha256: str
    end_of_text: int
    token_bytes: np.ndarray
    chosen: ChosenEncoder


@functools.lru_cache(maxsize=1)
def _open_tokenizer(data: bytes, path: str, end_of_text: str, folder: str) -> _Tokenizer:
    """Opens a tokenizer.json once for all units of a worker, and chooses its encoder.

    All workers compare encoders on the same texts, which the plan in `folder` decides.
    """
    tokenizer = load_tokenizer(data, path=path, end_of_text=end_of_text)
    chosen = choose_encoder(data, tokenizer, sample=sample_texts(read_units(folder, ShardUnit)))
    return _Tokenizer(
        tokenizer_sha256(data),
        end_of_text_id(tokenizer, end_of_text),
        token_byte_lengths(tokenizer),
        chosen,
    )


def _shard_unit(
    folder: str, number: int, unit: ShardUnit, *, config: Config, tokenizer_path: str
) -> StageReport[ShardsCounters]:
    """Writes the shards of a unit unless they are committed, and counts what they hold."""
    paths = {split: storage.join(folder, unit.name(split)) for split in SPLITS}
    tokenizer = _open_tokenizer(
        storage.read_bytes(tokenizer_path), tokenizer_path, config.tokenizer.end_of_text, folder
    )
    if not all(storage.exists(path) for path in paths.values()):
        _write_unit(unit, paths, config=config, tokenizer=tokenizer)
    files, counters = {}, {}
    for split, path in paths.items():
        with storage.local_copy(path) as local:
            shard = open_shard(local)
            counters[split] = {unit.source: count_shard(shard)}
            files[unit.name(split)] = file_entry(path, len(shard))
    details: JsonObject = {
        "encoder": {"name": tokenizer.chosen.name, "reason": tokenizer.chosen.reason}
    }
    return StageReport(files=files, counters=ShardsCounters(splits=counters), details=details)


def _write_unit(
    unit: ShardUnit, paths: dict[str, str], *, config: Config, tokenizer: _Tokenizer
) -> None:
    """Packs the unit's documents into one shard per split; both are committed at the end."""
    with contextlib.ExitStack() as stack:
        packers = {}
        for split, path in paths.items():
            info = ShardInfo(
                tokenizer_sha256=tokenizer.sha256,
                vocabulary_size=len(tokenizer.token_bytes),
                end_of_text=tokenizer.end_of_text,
                sequence_length=config.shards.sequence_length,
                packing=config.shards.packing,
                source=unit.source,
                split=split,
                seed=config.seed,
            )
            writer = stack.enter_context(
                ShardWriter(stack.enter_context(storage.atomic_output(path)), info)
            )
            packers[split] = WindowPacker(
                info, shard=unit.index, token_bytes=tokenizer.token_bytes, write=writer.write
            )
        for split, addresses, texts in _read_splits(unit.parts, config=config):
            packers[split].add(tokenizer.chosen.encode(texts), addresses)
        for packer in packers.values():
            packer.flush()


def _read_splits(
    parts: Sequence[PartRows], *, config: Config
) -> Iterator[tuple[str, np.ndarray, list[str]]]:
    """(split, addresses, texts) of the kept documents, in order, about 2 MiB of text at a time.

    `addresses`: uint64 (n,), n texts.
    """
    for part, path, drops, first, end in parts:
        for rows, batch in read_kept(path, drops, columns=["id", "text"], rows=range(first, end)):
            held_out = share_mask(
                seeded_hash(batch.column("id"), seed=config.seed, purpose="validation"),
                config.shards.validation,
            )
            for split, mask in zip(SPLITS, (~held_out, held_out), strict=True):
                texts, numbers = batch.column("text").filter(pa.array(mask)), rows[mask]
                for begin, stop in slices_of_bytes(texts, _BATCH_BYTES):
                    yield (
                        split,
                        pack_address(part, numbers[begin:stop]),
                        texts.slice(begin, stop - begin).to_pylist(),
                    )


def count_shard(shard: MappedShard) -> ShardCounters:
    """Counts what a shard holds, from its segments.

    A segment of a document's n tokens predicts n - 1 of them, and the end-of-text token if the
    document ends in it. The other positions of a row are padding.
    """
    segments = shard.table.column("segments").combine_chunks().flatten()
    lengths, ends, offsets = (
        segments.field(name).to_numpy(zero_copy_only=False)
        for name in ("length", "ends", "token_offset")
    )
    positions = len(shard) * shard.info.sequence_length
    targets = int(lengths.sum() - len(lengths) + ends.sum())
    return ShardCounters(
        rows=len(shard),
        positions=positions,
        targets=targets,
        padding=positions - targets,
        documents=int(ends.sum()),
        split_documents=int((ends & (offsets > 0)).sum()),
        bytes=int(shard.table.column("bytes").to_numpy().astype(np.int64).sum()),
    )
