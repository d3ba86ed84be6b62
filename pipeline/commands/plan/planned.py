"""What `tokenmill plan` says of a run. These types are also its JSON: `to_plain` writes them."""

from dataclasses import dataclass
from typing import Literal

from pipeline.stages.dedup.estimate import PlannedDedup
from pipeline.stages.estimate import Estimate, SourceInput, StageInput
from pipeline.stages.guard import Guard
from transforms.contracts.manifest import Manifest
from transforms.contracts.plain import JsonObject, to_object, to_plain
from transforms.errors import UserError

PlannedState = Literal["done", "resumes", "to do", "refused", "not reached"]


@dataclass(frozen=True, kw_only=True)
class Took:
    """What a finished stage took; `disk_bytes`: of its files."""

    seconds: float
    core_seconds: float
    disk_bytes: int

    @classmethod
    def of(cls, manifest: Manifest) -> "Took":
        disk_bytes = sum(entry.bytes for entry in manifest.files.values())
        return cls(
            seconds=manifest.seconds, core_seconds=manifest.cpu_seconds, disk_bytes=disk_bytes
        )


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The error with which a run would stop at a stage."""

    what: str
    where: str
    remedy: str

    @classmethod
    def of(cls, error: UserError) -> "Refusal":
        return cls(what=error.what, where=error.where, remedy=error.remedy)


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage of a plan. Its state decides which of the other fields it has.

    `took`: of a stage that is done. `estimate`: of one that is to do or resumes; the latter has
    `units_done`, the number of committed units. `refused`: of one at which a run would stop. `input`:
    of all but those that are not reached.
    """

    state: PlannedState
    took: Took | None = None
    units_done: int | None = None
    estimate: Estimate | None = None
    refused: Refusal | None = None
    input: StageInput | None = None

    def to_plain(self) -> JsonObject:
        """One flat object with the keys of this state."""
        values: JsonObject = {"state": self.state}
        if self.took is not None:
            values["took"] = to_plain(self.took)
        if self.units_done is not None:
            values["units_done"] = self.units_done
        if self.estimate is not None:
            values |= to_object(self.estimate)
        if self.refused is not None:
            values["refused"] = to_plain(self.refused)
        if self.input is not None:
            values |= {
                "units": self.input.units,
                "files": self.input.files,
                "input_bytes": self.input.input_bytes,
            }
        return values


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What stops a run, and the rules that drop documents or lines in addition to duplicates."""

    bounds: tuple[Guard, ...]
    screens: tuple[str, ...]
    lines: bool

    def to_plain(self) -> JsonObject:
        """Each bound stands below its key of the configuration."""
        return {
            **{guard.key: to_plain(guard) for guard in self.bounds},
            "screens": to_plain(self.screens),
            "lines": self.lines,
        }


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of the stages that are left to do: the sums of what is known, and the highest memory.

    `unknown`: figures that a stage lacks. `free_disk_bytes`: where the run's folder is or would be;
    None for an object store.
    """

    seconds: float
    core_seconds: float
    memory_bytes: float
    disk_bytes: float
    unknown: tuple[str, ...]
    free_disk_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """What a run would read and do.

    `path`: its folder. `stages`, `sources`: by name. `dedup`: None without a search for duplicates.
    """

    kind: str = "plan"
    path: str
    stages: dict[str, PlannedStage]
    sources: dict[str, SourceInput]
    dedup: PlannedDedup | None
    guards: Guards
    total: Totals
