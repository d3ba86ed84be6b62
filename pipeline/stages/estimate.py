"""About how long a stage takes, how much memory and how much disk: arithmetic on what it reads and measured rates, nothing is opened.

A figure that cannot be known yet is None, and a note says what it waits for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config.schema import Config
from pipeline.run.folder import StagePlan
from pipeline.runner.beam import RunnerSettings, Work
from pipeline.runner.units import plan_work
from pipeline.stages import rates
from pipeline.stages.dedup import stage as dedup
from pipeline.stages.documents import stage as ingest
from pipeline.stages.shards import stage as shards
from pipeline.stages.tokenizer import pretokens
from transforms.contracts.manifest import Manifest
from transforms.dedup.near.exchange import (
    COPIES_IN_MEMORY,
    FIXED_MEMORY,
    Exchange,
    band_bytes,
    exact_bytes,
    local_memory,
    pass_bytes,
    plan_exchange,
)
from transforms.dedup.tables import signature_bytes
from transforms.sources.kind import InputRate
from transforms.sources.registry import KINDS

_AT_MOST = "at most: what filters and languages leave out cannot be known before"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What the stages after the first read: bytes of `text` and of `parts`, number of `documents` and of `units`; None: not known yet.

    `measured`: from the manifest of finished documents, and not from the sizes of input files.
    """

    text: float | None
    parts: float | None
    documents: int | None
    units: int
    measured: bool


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`workers` processes, `core_seconds` of one core, `seconds` on this machine, `memory` bytes of all processes together at the peak,
    `disk` bytes of what stays. With a runner of another name workers, seconds and memory are not this machine's and None."""

    workers: int | None
    core_seconds: float | None
    seconds: float | None
    memory: float | None
    disk: float | None
    notes: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "workers": self.workers,
            "core_seconds": _rounded(self.core_seconds),
            "seconds": _rounded(self.seconds),
            "memory_bytes": None if self.memory is None else round(self.memory),
            "disk_bytes": None if self.disk is None else round(self.disk),
            "notes": list(self.notes),
        }


def volume_of(manifest: Manifest) -> Volume:
    """What a finished documents stage holds."""
    sources = manifest.counters["sources"].values()
    parts = [entry.bytes for name, entry in manifest.files.items() if name.startswith("part-")]
    return Volume(
        text=sum(source["text_bytes"] for source in sources),
        parts=sum(parts),
        documents=sum(source["kept"] for source in sources),
        units=len(parts),
        measured=True,
    )


def expected_volume(config: Config, units: Sequence[Mapping[str, Any]]) -> Volume:
    """What the units of ingest will hold at most: filters and languages that are not kept make it less."""
    sizes = _sizes(units)
    found = [(size, _input_rate(config, *key)) for key, size in sizes.items()]
    known = all(rate for _, rate in found)
    return Volume(
        text=sum(size * rate.text for size, rate in found if rate) if known else None,
        parts=sum(size * rate.parts for size, rate in found if rate) if known else None,
        documents=None,
        units=len(units),
        measured=False,
    )


def estimate_documents(config: Config, settings: RunnerSettings, left: Sequence[Mapping[str, Any]], *, plan: StagePlan) -> Estimate:
    """Of the units of ingest that are `left`, of a plan."""
    core_seconds = disk = 0.0
    unknown: set[tuple[str, str]] = set()
    for (source, kind, packed), size in _sizes(left).items():
        rate = _input_rate(config, source, kind, packed)
        if rate is None:
            unknown.add((source, kind or config.sources[source].kind))
            continue
        core_seconds += size / rate.bytes_per_second
        core_seconds += size * rate.text / rates.FILTERED_BYTES_PER_SECOND if config.sources[source].quality else 0
        disk += size * (rate.parts + rate.rejects)
    notes = [f"no rate is known for kind {kind!r}: source {source!r} is not counted" for source, kind in sorted(unknown)]
    notes = [*plan.notes, *notes]
    if any(source.quality for source in config.sources.values()) or config.language.keep:
        notes.append(_AT_MOST)
    workers = _workers(settings, plan_work(plan, bytes_a_second=ingest.BYTES_A_SECOND))
    memory = _processes_memory(workers, rates.INGEST_WORKER_MEMORY)
    if unknown and unknown == {(source, kind or config.sources[source].kind) for source, kind, _ in _sizes(left)}:
        return _estimate(workers, None, memory, None, notes)
    return _estimate(workers, core_seconds, memory, disk, notes)


def estimate_dedup(config: Config, settings: RunnerSettings, volume: Volume) -> Estimate:
    """Of the whole stage; signatures that are there already are not taken off. Raises ConfigError where the memory is too little."""
    notes = [] if volume.measured else [_AT_MOST]
    workers = core_seconds = None
    if volume.parts is not None:
        work = Work(units=volume.units, seconds=volume.parts / dedup.BYTES_A_SECOND)
        workers = _workers(settings, work)
        core_seconds = work.seconds * (config.dedup.enabled + sum(_option_times(config)))
    if not config.dedup.enabled:
        return _estimate(workers, core_seconds, _processes_memory(workers, rates.DEDUP_WORKER_MEMORY), 0.0, notes)
    if volume.documents is None:
        a_document = signature_bytes(config.dedup)
        notes.append(f"memory and disk follow the number of documents: {a_document} bytes on disk for each, and memory within memory_limit")
        return _estimate(workers, core_seconds, None, None, notes)
    memory = _dedup_memory(config, settings, volume, workers)
    disk = float(volume.documents * signature_bytes(config.dedup))
    return _estimate(workers, core_seconds, memory, disk, notes, alone=volume.documents * rates.DEDUP_DRIVER_SECONDS)


def estimate_tokenizer(config: Config, settings: RunnerSettings, volume: Volume) -> Estimate:
    """Of learning a tokenizer, from the counts of the whole corpus or from a sample, or of taking one from a file; and of measuring it."""
    wanted = config.tokenizer
    disk = wanted.vocabulary * rates.TOKENIZER_BYTES_PER_TOKEN
    if volume.text is None or volume.parts is None:
        return _estimate(1, None, None, disk, ["known when the documents are"])
    notes = [] if volume.measured else [_AT_MOST]
    measured = min(wanted.measure_megabytes * 1e6, volume.text) * (1 + len(wanted.compare)) / rates.MEASURED_BYTES_PER_SECOND
    if wanted.file is not None:
        return _estimate(1, measured, rates.DRIVER_MEMORY, disk, notes)
    if wanted.method == "sample":
        sample = min(wanted.sample_megabytes * 1e6, volume.text)
        memory = rates.DRIVER_MEMORY + sample * rates.TRAINER_MEMORY_PER_BYTE
        return _estimate(1, sample / rates.TRAINER_BYTES_PER_SECOND + measured, memory, disk, notes)
    counting = volume.text / rates.COUNTED_BYTES_PER_SECOND
    workers = _workers(settings, Work(units=volume.units, seconds=volume.parts / pretokens.BYTES_A_SECOND))
    table = volume.text * rates.PRETOKEN_BYTES_PER_BYTE
    alone = measured + table / rates.LEARNED_BYTES_PER_SECOND
    found = _estimate(
        workers, counting, _processes_memory(workers, rates.COUNT_WORKER_MEMORY), disk + table * rates.PRETOKEN_DISK_PER_BYTE, notes
    )
    seconds = None if found.seconds is None else found.seconds + alone
    peak = None if found.memory is None else found.memory + table * rates.LEARNING_MEMORY_PER_BYTE
    return replace(found, core_seconds=counting + alone, seconds=seconds, memory=peak)


def estimate_shards(
    config: Config,
    settings: RunnerSettings,
    volume: Volume,
    left: Sequence[Mapping[str, Any]] | None,
    *,
    plan: StagePlan | None,
    kept: float,
    bytes_a_token: float | None,
) -> Estimate:
    """Of the shards that are `left`, of a plan; both None before the tokenizer is there. `kept`: the share of documents that
    deduplication leaves; `bytes_a_token`: what the tokenizer was measured at, None if it is not there yet."""
    if volume.text is None:
        return _estimate(None, None, None, None, ["known when the documents are"])
    notes = [] if volume.measured else [_AT_MOST]
    if bytes_a_token is None:
        bytes_a_token = rates.TEXT_BYTES_PER_TOKEN
        notes.append(f"{bytes_a_token} bytes of text a token, as in English; known when the tokenizer is there")
    text = volume.text * kept
    work = Work(units=volume.units, seconds=text / shards.BYTES_A_SECOND)
    if plan is not None and left is not None:
        work = plan_work(plan, bytes_a_second=shards.BYTES_A_SECOND)
        text *= sum(unit["bytes"] for unit in left) / max(sum(unit["bytes"] for unit in plan.units), 1)
    workers = _workers(settings, work)
    disk = text / bytes_a_token * (2 if config.tokenizer.vocabulary <= 1 << 16 else 4) * rates.SHARD_OVERHEAD
    memory = _processes_memory(workers, rates.SHARDS_WORKER_MEMORY)
    return _estimate(workers, text / rates.SHARDS_BYTES_PER_SECOND, memory, disk, notes)


def exchange_values(config: Config, settings: RunnerSettings, documents: int | None) -> dict[str, Any]:
    """In how many ranges and passes hashes cross, and how many bytes; for an unknown number of documents the bytes of one.

    Raises ConfigError where the memory is too little.
    """
    limit = None if settings.names_runner else local_memory(config.dedup)
    a_document = {"band_bytes_a_document": band_bytes(1, config.dedup), "exact_bytes_a_document": exact_bytes(1, config.dedup)}
    if documents is None or not config.dedup.enabled:
        return {"documents": None, "memory_limit_bytes": limit, **a_document}
    exchange = plan_exchange(documents, config.dedup, memory=limit)
    return {
        "documents": documents,
        "memory_limit_bytes": limit,
        **a_document,
        "ranges": exchange.ranges,
        "passes": exchange.passes,
        "exact_passes": exchange.exact_passes,
        "star_rounds": exchange.rounds,
        "band_bytes": band_bytes(documents, config.dedup),
        "exact_bytes": exact_bytes(documents, config.dedup),
        "largest_pass_bytes": pass_bytes(documents, config.dedup, exchange),
    }


def _dedup_memory(config: Config, settings: RunnerSettings, volume: Volume, workers: int | None) -> float | None:
    """What a pass takes in driver and workers, and each worker for its part; that was measured with parts of 100,000 documents."""
    if workers is None or volume.documents is None:
        return None
    exchange: Exchange = plan_exchange(volume.documents, config.dedup, memory=local_memory(config.dedup))
    idle = rates.DRIVER_MEMORY + workers * rates.DEDUP_WORKER_MEMORY
    share = min(volume.documents / max(volume.units, 1) / rates.DOCUMENTS_PER_MEASURED_PART, 1.0)
    return idle + max(FIXED_MEMORY - idle, 0) * share + COPIES_IN_MEMORY * pass_bytes(volume.documents, config.dedup, exchange)


def _option_times(config: Config) -> list[float]:
    settings = config.dedup
    asked = {"urls": settings.urls != "off", "against": settings.against, "lines": settings.lines, "decontaminate": settings.decontaminate}
    return [rates.OPTION_TIMES[name] for name, wanted in asked.items() if wanted]


def _sizes(units: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, bool], int]:
    """(source, kind of the files where the source is of several, whether they are compressed) -> bytes to read."""
    sizes: dict[tuple[str, str, bool], int] = {}
    for unit in units:
        for file in unit["files"]:
            key = file["source"], file.get("kind", ""), file["path"].endswith(rates.PACKED)
            sizes[key] = sizes.get(key, 0) + (file["size"] if file["end"] is None else file["end"] - file["start"])
    return sizes


def _input_rate(config: Config, source: str, kind: str, packed: bool) -> InputRate | None:
    return KINDS[kind or config.sources[source].kind].rates.get(packed)


def _workers(settings: RunnerSettings, work: Work) -> int | None:
    return None if settings.names_runner else settings.processes(work)


def _processes_memory(workers: int | None, worker: float) -> float | None:
    return None if workers is None else rates.DRIVER_MEMORY + workers * worker


def _estimate(
    workers: int | None,
    core_seconds: float | None,
    memory: float | None,
    disk: float | None,
    notes: Sequence[str],
    *,
    alone: float = 0.0,
) -> Estimate:
    """`alone`: seconds in which the driver works and workers wait."""
    seconds = None if core_seconds is None or workers is None else rates.START_SECONDS + core_seconds / workers + alone
    return Estimate(workers=workers, core_seconds=core_seconds, seconds=seconds, memory=memory, disk=disk, notes=tuple(notes))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
