"""Estimates of the documents stage, and of the documents that later stages will read."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config.schema import Config
from pipeline.run.plan import StagePlan
from pipeline.runner.units import plan_work
from pipeline.stages import rates
from pipeline.stages.documents.units import DocumentsUnit
from pipeline.stages.documents.work import BYTES_PER_SECOND
from pipeline.stages.estimate import (
    AT_MOST,
    Estimate,
    SourceInput,
    StageInput,
    Survey,
    Volume,
    estimate,
    processes_memory,
    workers_for,
)
from pipeline.stages.finished import Finished
from transforms.contracts.counters import DocumentsCounters
from transforms.contracts.names import PARTS
from transforms.sources.kind import InputRate
from transforms.sources.registry import KINDS


def volume_of(documents: Finished[DocumentsCounters]) -> Volume:
    """The size of the documents of a finished stage, from its manifest."""
    parts = [entry.bytes for name, entry in documents.manifest.files.items() if PARTS.matches(name)]
    return Volume(
        text=documents.counters.text_bytes,
        parts=sum(parts),
        documents=documents.counters.kept,
        units=len(parts),
        measured=True,
    )


def expected_volume(config: Config, units: Sequence[DocumentsUnit]) -> Volume:
    """Upper bound of the documents of these units: filters and languages may reject some.

    Text and parts are None when the rate of any file kind is unknown.
    """
    rated = [(size, _input_rate(config, *key)) for key, size in _sizes(units).items()]
    known = all(rate for _, rate in rated)
    return Volume(
        text=sum(size * rate.text for size, rate in rated if rate) if known else None,
        parts=sum(size * rate.parts for size, rate in rated if rate) if known else None,
        units=len(units),
    )


def documents_input(config: Config, units: Sequence[DocumentsUnit]) -> StageInput:
    """Files, bytes and units by source; a file that is read in several ranges counts once."""
    sources = {name: SourceInput(kind=source.kind) for name, source in config.sources.items()}
    sizes = {(file.source, file.path): file.size for unit in units for file in unit.files}
    for (name, _), size in sizes.items():
        source = sources[name]
        sources[name] = replace(source, files=source.files + 1, bytes=source.bytes + size)
    for unit in units:
        sources[unit.source] = replace(sources[unit.source], units=sources[unit.source].units + 1)
    return StageInput(
        units=len(units), files=len(sizes), input_bytes=sum(sizes.values()), sources=sources
    )


def estimate_documents(
    survey: Survey, plan: StagePlan[DocumentsUnit] | None, left: Sequence[DocumentsUnit]
) -> Estimate:
    """Estimates the units that are `left` of a plan, from the rate of each file kind.

    Sources of a kind without a rate are left out, with a note; if all are, time and disk are None.
    """
    assert plan is not None, "the first stage has a plan before anything runs"
    config = survey.config
    core_seconds = disk = 0.0
    unknown: set[tuple[str, str]] = set()
    for (source, kind, packed), size in _sizes(left).items():
        rate = _input_rate(config, source, kind, packed)
        if rate is None:
            unknown.add((source, kind or config.sources[source].kind))
            continue
        core_seconds += size / rate.bytes_per_second
        core_seconds += (
            size * rate.text / rates.FILTERED_BYTES_PER_SECOND
            if config.sources[source].quality
            else 0
        )
        disk += size * (rate.parts + rate.rejects)
    notes = list(plan.notes)
    for source, kind in sorted(unknown):
        notes.append(f"no rate is known for kind {kind!r}: source {source!r} is not counted")
    if any(source.quality for source in config.sources.values()) or config.language.keep:
        notes.append(AT_MOST)
    workers = workers_for(survey.settings, plan_work(plan, bytes_per_second=BYTES_PER_SECOND))
    memory = processes_memory(workers, rates.INGEST_WORKER_MEMORY)
    if unknown and unknown == {
        (source, kind or config.sources[source].kind) for source, kind, _ in _sizes(left)
    }:
        return estimate(workers, None, memory, None, notes)
    return estimate(workers, core_seconds, memory, disk, notes)


def _sizes(units: Sequence[DocumentsUnit]) -> dict[tuple[str, str, bool], int]:
    """{(source, kind, whether the files are compressed): bytes to read}.

    The kind is empty unless files of the source have kinds of their own.
    """
    sizes: dict[tuple[str, str, bool], int] = {}
    for unit in units:
        for file in unit.files:
            key = file.source, file.kind, file.path.endswith(rates.PACKED)
            sizes[key] = sizes.get(key, 0) + file.bytes
    return sizes


def _input_rate(config: Config, source: str, kind: str, packed: bool) -> InputRate | None:
    return KINDS[kind or config.sources[source].kind].rates.get(packed)
