"""About how long a stage takes, how much memory and how much disk: arithmetic on what it reads and measured rates, nothing is opened.

A figure that cannot be known yet is None, and a note says what it waits for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.schema import Config
from pipeline.runner.beam import RunnerSettings, Work
from pipeline.stages import rates

AT_MOST = "at most: what filters and languages leave out cannot be known before"


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


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known of a run when a stage is estimated. `kept`: the share of documents that deduplication leaves; `bytes_per_token`: what
    the tokenizer was measured at, None if it is not there yet."""

    config: Config
    settings: RunnerSettings
    volume: Volume
    kept: float = 1.0
    bytes_per_token: float | None = None


def workers_for(settings: RunnerSettings, work: Work) -> int | None:
    return None if settings.uses_external_runner else settings.processes(work)


def processes_memory(workers: int | None, worker: float) -> float | None:
    return None if workers is None else rates.DRIVER_MEMORY + workers * worker


def estimate(
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
