"""About what the dedup stage takes, and how much it exchanges."""

from dataclasses import dataclass

from pipeline.config.schema import Config
from pipeline.runner.beam import RunnerSettings, Work
from pipeline.stages import rates
from pipeline.stages.dedup.work import BYTES_PER_SECOND
from pipeline.stages.estimate import AT_MOST, Estimate, Survey, Volume, estimate, processes_memory, workers_for
from transforms.dedup.near.exchange import COPIES_IN_MEMORY, Exchange, band_bytes, exact_bytes, pass_bytes, plan_exchange
from transforms.dedup.near.signatures import signature_bytes
from transforms.memory import FIXED_MEMORY, local_memory


@dataclass(frozen=True, kw_only=True)
class ExchangeFigures:
    """Hash ranges, passes over bands and over exact hashes, rounds of star contraction; bytes that cross, in all and in one pass."""

    ranges: int
    passes: int
    exact_passes: int
    star_rounds: int
    band_bytes: int
    exact_bytes: int
    largest_pass_bytes: int


@dataclass(frozen=True, kw_only=True)
class PlannedExchange:
    """What is exchanged between workers. `figures` are known when the number of documents is."""

    documents: int | None
    memory_limit_bytes: int | None
    band_bytes_per_document: int
    exact_bytes_per_document: int
    figures: ExchangeFigures | None = None


def estimate_dedup(survey: Survey) -> Estimate:
    """Of the whole stage; signatures that are there already are not taken off. Raises ConfigError where the memory is too little."""
    config, settings, volume = survey.config, survey.settings, survey.volume
    notes = [] if volume.measured else [AT_MOST]
    workers = core_seconds = None
    if volume.parts is not None:
        work = Work(units=volume.units, seconds=volume.parts / BYTES_PER_SECOND)
        workers = workers_for(settings, work)
        core_seconds = work.seconds * (config.dedup.enabled + sum(_option_times(config)))
    if not config.dedup.enabled:
        return estimate(workers, core_seconds, processes_memory(workers, rates.DEDUP_WORKER_MEMORY), 0.0, notes)
    if volume.documents is None:
        a_document = signature_bytes(config.dedup)
        notes.append(f"memory and disk follow the number of documents: {a_document} bytes on disk for each, and memory within memory_limit")
        return estimate(workers, core_seconds, None, None, notes)
    memory = _dedup_memory(config, settings, volume, workers)
    disk = float(volume.documents * signature_bytes(config.dedup))
    return estimate(workers, core_seconds, memory, disk, notes, alone=volume.documents * rates.DEDUP_DRIVER_SECONDS)


def planned_exchange(config: Config, settings: RunnerSettings, documents: int | None) -> PlannedExchange:
    """In how many ranges and passes hashes cross, and how many bytes; for an unknown number of documents the bytes of one.

    Raises ConfigError where the memory is too little.
    """
    limit = None if settings.uses_external_runner else local_memory(config.dedup.memory_bytes)
    bands, exact = band_bytes(1, config.dedup), exact_bytes(1, config.dedup)
    if documents is None or not config.dedup.enabled:
        return PlannedExchange(documents=None, memory_limit_bytes=limit, band_bytes_per_document=bands, exact_bytes_per_document=exact)
    exchange = plan_exchange(documents, config.dedup, memory=limit)
    return PlannedExchange(
        documents=documents,
        memory_limit_bytes=limit,
        band_bytes_per_document=bands,
        exact_bytes_per_document=exact,
        figures=ExchangeFigures(
            ranges=exchange.ranges,
            passes=exchange.passes,
            exact_passes=exchange.exact_passes,
            star_rounds=exchange.rounds,
            band_bytes=band_bytes(documents, config.dedup),
            exact_bytes=exact_bytes(documents, config.dedup),
            largest_pass_bytes=pass_bytes(documents, config.dedup, exchange),
        ),
    )


def _dedup_memory(config: Config, settings: RunnerSettings, volume: Volume, workers: int | None) -> float | None:
    """What a pass takes in driver and workers, and each worker for its part; that was measured with parts of 100,000 documents."""
    if workers is None or volume.documents is None:
        return None
    exchange: Exchange = plan_exchange(volume.documents, config.dedup, memory=local_memory(config.dedup.memory_bytes))
    idle = rates.DRIVER_MEMORY + workers * rates.DEDUP_WORKER_MEMORY
    share = min(volume.documents / max(volume.units, 1) / rates.DOCUMENTS_A_MEASURED_PART, 1.0)
    return idle + max(FIXED_MEMORY - idle, 0) * share + COPIES_IN_MEMORY * pass_bytes(volume.documents, config.dedup, exchange)


def _option_times(config: Config) -> list[float]:
    settings = config.dedup
    asked = {"urls": settings.urls != "off", "against": settings.against, "lines": settings.lines, "decontaminate": settings.decontaminate}
    return [rates.OPTION_TIMES[name] for name, wanted in asked.items() if wanted]
