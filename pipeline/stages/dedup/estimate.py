"""Estimates of the dedup stage: time, memory, disk, and the bytes that workers exchange."""

import contextlib
from dataclasses import dataclass

from pipeline.config.schema import Config
from pipeline.runner.beam import RunnerSettings, Work
from pipeline.stages import rates
from pipeline.stages.dedup.work import BYTES_PER_SECOND
from pipeline.stages.estimate import (
    AT_MOST,
    Estimate,
    Survey,
    Volume,
    estimate,
    processes_memory,
    workers_for,
)
from transforms.contracts.plain import JsonObject, to_object, to_plain
from transforms.dedup.near.bands import ExpectedRecall, expected_recall
from transforms.dedup.near.exchange import (
    Exchange,
    band_bytes,
    exact_bytes,
    pass_bytes,
    plan_exchange,
)
from transforms.dedup.near.signatures import signature_bytes
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError
from transforms.memory import COPIES_IN_MEMORY, FIXED_MEMORY, local_memory


@dataclass(frozen=True, kw_only=True)
class ExchangeFigures:
    """How workers exchange hashes, and how many bytes in total and in the largest pass.

    `ranges`: of hash values, the unit of a shuffle. `passes`: over the bands. `exact_passes`: over
    the exact hashes. `star_rounds`: rounds of star contraction, which finds connected components.
    """

    ranges: int
    passes: int
    exact_passes: int
    star_rounds: int
    band_bytes: int
    exact_bytes: int
    largest_pass_bytes: int


@dataclass(frozen=True, kw_only=True)
class PlannedDedup:
    """The search for duplicates before it runs: its recall, and the bytes that workers exchange.

    `documents` and `exchange` are None before the number of documents is known.
    """

    recall: ExpectedRecall
    documents: int | None
    memory_limit_bytes: int | None
    band_bytes_per_document: int
    exact_bytes_per_document: int
    exchange: ExchangeFigures | None

    def to_plain(self) -> JsonObject:
        """One flat JSON object: the figures of `exchange` stand beside the others."""
        return {
            "recall": to_plain(self.recall),
            "documents": self.documents,
            "memory_limit_bytes": self.memory_limit_bytes,
            "band_bytes_per_document": self.band_bytes_per_document,
            "exact_bytes_per_document": self.exact_bytes_per_document,
            **(to_object(self.exchange) if self.exchange else {}),
        }


def estimate_dedup(survey: Survey) -> Estimate:
    """Estimates the whole stage, even if some signatures are committed already.

    Raises ConfigError when `memory_limit` is too small.
    """
    config, settings, volume = survey.config, survey.settings, survey.volume
    notes = [] if volume.measured else [AT_MOST]
    workers = core_seconds = None
    if volume.parts is not None:
        work = Work(units=volume.units, seconds=volume.parts / BYTES_PER_SECOND)
        workers = workers_for(settings, work)
        core_seconds = work.seconds * (config.dedup.enabled + sum(_option_times(config)))
    if not config.dedup.enabled:
        return estimate(
            workers, core_seconds, processes_memory(workers, rates.DEDUP_WORKER_MEMORY), 0.0, notes
        )
    if volume.documents is None:
        per_document = signature_bytes(config.dedup)
        sizes = f"{per_document} bytes on disk for each, memory within memory_limit"
        notes.append(f"memory and disk follow the number of documents: {sizes}")
        return estimate(workers, core_seconds, None, None, notes)
    memory = _dedup_memory(config, settings, volume, workers)
    disk = float(volume.documents * signature_bytes(config.dedup))
    return estimate(
        workers,
        core_seconds,
        memory,
        disk,
        notes,
        alone=volume.documents * rates.DEDUP_DRIVER_SECONDS,
    )


def planned_dedup(survey: Survey) -> PlannedDedup | None:
    """What is known of the search for duplicates before it runs; None if it is disabled.

    With too little memory, `documents` and `exchange` are None. `estimate_dedup` raises that error;
    a finished stage needs no memory.
    """
    config, documents = survey.config.dedup, survey.volume.documents
    if not config.enabled:
        return None
    limit = None if survey.settings.uses_external_runner else local_memory(config.memory_bytes)
    exchange = None
    if documents is not None:
        with contextlib.suppress(ConfigError):
            exchange = exchange_figures(documents, config, memory=limit)
    return PlannedDedup(
        recall=expected_recall(bands=config.bands, rows=config.rows, jaccard=config.jaccard),
        documents=documents if exchange else None,
        memory_limit_bytes=limit,
        band_bytes_per_document=band_bytes(1, config),
        exact_bytes_per_document=exact_bytes(1, config),
        exchange=exchange,
    )


def exchange_figures(documents: int, config: DedupConfig, *, memory: int | None) -> ExchangeFigures:
    """Plans the exchange of the documents' hashes within `memory` bytes; None: no limit.

    Raises ConfigError for too little memory.
    """
    exchange = plan_exchange(documents, config, memory=memory)
    return ExchangeFigures(
        ranges=exchange.ranges,
        passes=exchange.passes,
        exact_passes=exchange.exact_passes,
        star_rounds=exchange.rounds,
        band_bytes=band_bytes(documents, config),
        exact_bytes=exact_bytes(documents, config),
        largest_pass_bytes=pass_bytes(documents, config, exchange),
    )


def _dedup_memory(
    config: Config, settings: RunnerSettings, volume: Volume, workers: int | None
) -> float | None:
    """Peak bytes of driver and workers together; None with an external runner.

    FIXED_MEMORY includes the signatures of a measured part, which a worker holds; smaller parts
    take a proportional share of it.
    """
    if workers is None or volume.documents is None:
        return None
    exchange: Exchange = plan_exchange(
        volume.documents, config.dedup, memory=local_memory(config.dedup.memory_bytes)
    )
    idle = rates.DRIVER_MEMORY + workers * rates.DEDUP_WORKER_MEMORY
    share = min(volume.documents / max(volume.units, 1) / rates.DOCUMENTS_PER_MEASURED_PART, 1.0)
    return (
        idle
        + max(FIXED_MEMORY - idle, 0) * share
        + COPIES_IN_MEMORY * pass_bytes(volume.documents, config.dedup, exchange)
    )


def _option_times(config: Config) -> list[float]:
    """The cost of each enabled option, as a multiple of the search for duplicates."""
    settings = config.dedup
    asked = {
        "urls": settings.urls != "off",
        "against": settings.against,
        "lines": settings.lines,
        "decontaminate": settings.decontaminate,
    }
    return [rates.OPTION_TIMES[name] for name, wanted in asked.items() if wanted]
