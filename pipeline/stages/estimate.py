"""Estimates of a stage's time, memory and disk, from the bytes it reads and measured rates.

No file is opened. A figure that is not known yet is None, and a note says when it will be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.config.schema import Config
from pipeline.stages import rates

if TYPE_CHECKING:  # commands that only read a run import Stage, and must not import Beam
    from pipeline.runner.beam import RunnerSettings, Work

AT_MOST = "at most: what filters and languages reject is not known in advance"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The size of the documents that the later stages read; None: not known yet.

    `text`: bytes of text. `parts`: bytes of the files that hold it, one file per unit. `measured`:
    the figures are from the manifest of finished documents, not expected from the sizes of input
    files.
    """

    text: float | None = None
    parts: float | None = None
    documents: int | None = None
    units: int = 0
    measured: bool = False


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimated cost of a stage.

    `workers`: processes. `core_seconds`: CPU time of one core. `seconds`: wall time on this
    machine. `memory_bytes`: the peak of all processes together. `disk_bytes`: the files that
    remain. None: not known yet, or not a figure of this machine because of an external runner.
    """

    workers: int | None
    core_seconds: float | None
    seconds: float | None
    memory_bytes: float | None
    disk_bytes: float | None
    notes: tuple[str, ...] = ()

    def rounded(self) -> "Estimate":
        """Seconds rounded to a tenth, bytes to integers."""
        return replace(
            self,
            core_seconds=None if self.core_seconds is None else round(self.core_seconds, 1),
            seconds=None if self.seconds is None else round(self.seconds, 1),
            memory_bytes=None if self.memory_bytes is None else round(self.memory_bytes),
            disk_bytes=None if self.disk_bytes is None else round(self.disk_bytes),
        )


@dataclass(frozen=True, kw_only=True)
class SourceInput:
    """What the documents stage reads of a source: files, their bytes, units of work."""

    kind: str
    files: int = 0
    bytes: int = 0
    units: int = 0


@dataclass(frozen=True, kw_only=True)
class StageInput:
    """What a stage reads: units of work, files, and their bytes; None: not known yet.

    `sources`: by source name, for the stage that reads the input; empty for others.
    """

    units: int | None
    files: int
    input_bytes: int | None
    sources: dict[str, SourceInput] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known of a run when a stage is estimated; each earlier stage has added to it.

    `kept`: the share of documents that deduplication keeps. `bytes_per_token`: measured with the
    finished tokenizer; None before.
    """

    config: Config
    settings: "RunnerSettings"
    volume: Volume = Volume()
    kept: float = 1.0
    bytes_per_token: float | None = None


def workers_for(settings: "RunnerSettings", work: "Work") -> int | None:
    """The number of processes that a run starts for this work; None with an external runner."""
    return None if settings.uses_external_runner else settings.processes(work)


def processes_memory(workers: int | None, worker: float) -> float | None:
    """Bytes of the driver and its workers together; `worker`: bytes of one worker."""
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
    """An estimate whose wall time follows from `core_seconds` and `workers`.

    `alone`: seconds in which the driver works and its workers wait.
    """
    seconds = (
        None
        if core_seconds is None or workers is None
        else rates.START_SECONDS + core_seconds / workers + alone
    )
    return Estimate(
        workers=workers,
        core_seconds=core_seconds,
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=disk,
        notes=tuple(notes),
    )
