"""Estimates of the tokenizer stage: time, memory and disk."""

from dataclasses import replace

from pipeline.runner.beam import Work
from pipeline.stages import rates
from pipeline.stages.estimate import (
    AT_MOST,
    Estimate,
    Survey,
    estimate,
    processes_memory,
    workers_for,
)
from pipeline.stages.tokenizer.pretokens import BYTES_PER_SECOND
from transforms.contracts.counters import TokenizerCounters


def estimate_tokenizer(survey: Survey) -> Estimate:
    """Estimates the training of a tokenizer, if it is not read from a file, and its measurement."""
    settings, volume, wanted = survey.settings, survey.volume, survey.config.tokenizer
    disk = wanted.vocabulary * rates.TOKENIZER_BYTES_PER_TOKEN
    if volume.text is None or volume.parts is None:
        return estimate(1, None, None, disk, ["known when the documents are"])
    notes = [] if volume.measured else [AT_MOST]
    measured = (
        min(wanted.measure_megabytes * 1e6, volume.text)
        * (1 + len(wanted.compare))
        / rates.MEASURED_BYTES_PER_SECOND
    )
    if wanted.file is not None:
        return estimate(1, measured, rates.DRIVER_MEMORY, disk, notes)
    if wanted.method == "sample":
        sample = min(wanted.sample_megabytes * 1e6, volume.text)
        memory = rates.DRIVER_MEMORY + sample * rates.TRAINER_MEMORY_PER_BYTE
        return estimate(1, sample / rates.TRAINER_BYTES_PER_SECOND + measured, memory, disk, notes)
    counting = volume.text / rates.COUNTED_BYTES_PER_SECOND
    workers = workers_for(
        settings, Work(units=volume.units, seconds=volume.parts / BYTES_PER_SECOND)
    )
    table = volume.text * rates.PRETOKEN_BYTES_PER_BYTE
    alone = measured + table / rates.LEARNED_BYTES_PER_SECOND
    idle = processes_memory(workers, rates.COUNT_WORKER_MEMORY)
    peak = None if idle is None else idle + table * rates.LEARNING_MEMORY_PER_BYTE
    counted = estimate(
        workers, counting, peak, disk + table * rates.PRETOKEN_DISK_PER_BYTE, notes, alone=alone
    )
    return replace(counted, core_seconds=counting + alone)


def measured_bytes_per_token(counters: TokenizerCounters) -> float:
    """Bytes of text per token over all measured documents."""
    sources = counters.measured.sources.values()
    return sum(source.bytes for source in sources) / max(
        sum(source.tokens for source in sources), 1
    )
