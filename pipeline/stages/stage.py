"""What a stage is: one object that plans it, runs it, checks it and describes it. Commands loop over stages and compare no names."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import pyarrow as pa

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan, U
from pipeline.run.state import is_finished
from pipeline.stages.estimate import StageInput
from pipeline.stages.finished import Finished, FinishedStages
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.contracts.plain import JsonObject, from_plain

if TYPE_CHECKING:  # commands that only read a run need no Beam
    from pipeline.runner.beam import RunnerSettings
    from pipeline.runner.units import StageReport
    from pipeline.stages.check import Check
    from pipeline.stages.estimate import Estimate, Survey
    from pipeline.stages.guard import Guard
    from pipeline.terminal import Section

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class StageView(Generic[C]):
    """A finished stage as `tokenmill inspect` shows it: the figures of its manifest. Stages that show more have a class of their own."""

    kind: str
    path: str
    fingerprint: str
    files: int
    bytes: int
    seconds: float
    cpu_seconds: float
    counters: C
    details: JsonObject | None = None

    @property
    def heading(self) -> str:
        return f"{self.kind}: {self.files} files, {self.bytes / 1e6:.1f} MB, {self.seconds:.1f} s"


class FileContract(NamedTuple):
    """The columns of a file. `open`: others may follow them. `metadata`: the schema's metadata must be equal, too."""

    schema: pa.Schema
    open: bool = False
    metadata: bool = False

    def is_kept_by(self, schema: pa.Schema) -> bool:
        """Whether a Parquet file with this schema keeps the contract."""
        if self.open:
            return schema.names[: len(self.schema)] == self.schema.names
        return schema.equals(_in_parquet(self.schema), check_metadata=self.metadata)


def _in_parquet(schema: pa.Schema) -> pa.Schema:
    """A schema as it comes back from Parquet, which knows no seconds."""
    seconds, milliseconds = pa.timestamp("s", tz="UTC"), pa.timestamp("ms", tz="UTC")
    fields = [field.with_type(milliseconds) if field.type == seconds else field for field in schema]
    return pa.schema(fields, schema.metadata)


class ContentCheck(NamedTuple):
    """A check of what files hold. `needs`: the stages whose files must be whole for it to mean anything."""

    name: str
    needs: "tuple[Stage[Any, Any], ...]"
    run: "Callable[[FinishedStages, Check], None]"
    applies: "Callable[[FinishedStages], bool]" = lambda checked: True


class Stage(ABC, Generic[U, C]):
    """A step of a run, or an export: a plan of units, the files that they commit, and what is counted.

    `name` is that of its command, of its folder and in messages. `unit`: the type of its plan's units. `counters`: that of its manifest.
    """

    name: str
    unit: type[U]
    counters: type[C]
    has_rows = True
    """Whether the stage's files have rows and columns."""

    @abstractmethod
    def plan(self, config: Config, run: Run) -> StagePlan[U]:
        """What the stage would do. Raises UserError when the stage before it is not finished, ConfigError for unusable input."""

    @abstractmethod
    def execute(
        self, config: Config, run: Run, settings: "RunnerSettings", plan: StagePlan[U], *, out: str
    ) -> "StageReport[C]":
        """Runs the units that are not committed yet. `out`: the folder, which exists and holds the plan."""

    @abstractmethod
    def committed_name(self, number: int, unit: U) -> str:
        """The file whose presence says that a unit is done."""

    @abstractmethod
    def summary(self, finished: Finished[C]) -> str:
        """One line about the finished stage."""

    def folder(self, run: Run) -> str:
        return run.stage(self.name)

    def finished(self, run: Run) -> Finished[C]:
        """The finished stage of a run. Raises UserError where it is not finished."""
        return self.described(read_manifest(self.folder(run)), self.folder(run))

    def finished_or_none(self, run: Run) -> Finished[C] | None:
        return self.finished(run) if is_finished(self.folder(run)) else None

    def described(self, manifest: Manifest, folder: str) -> Finished[C]:
        """A manifest of this stage, its counters typed."""
        return Finished(folder, manifest, from_plain(self.counters, manifest.counters))

    def check_bounds(
        self, config: Config, run: Run, counters: C, folder: str, *, write: bool = True
    ) -> None:
        """Raises UserError, before the stage counts as finished, when counters pass a bound of the configuration.

        `write`: whether a report that the message names is written.
        """

    def check_result(self, finished: Finished[C]) -> None:
        """Raises UserError when nothing can be made of what the finished stage left."""

    def notes(self, counters: C) -> Iterator[str]:
        """What a person has to be told in words, even if they ask for no tables."""
        yield from ()

    # What `tokenmill plan` asks, stage by stage. `plan`: None where the stage before it is not finished.

    def check_input(self, config: Config, run: Run, plan: StagePlan[U] | None) -> None:
        """Raises UserError or ConfigError for what would stop the stage as soon as it starts."""

    def input_of(self, survey: "Survey", plan: StagePlan[U] | None) -> StageInput:
        """What the stage reads; by default the parts of the documents."""
        parts = survey.volume.parts
        return StageInput(
            units=None if plan is None else len(plan.units),
            files=survey.volume.units,
            input_bytes=None if parts is None else round(parts),
        )

    def surveyed(
        self, survey: "Survey", plan: StagePlan[U] | None, finished: Finished[C] | None
    ) -> "Survey":
        """A survey of the run before the stage -> one with what the stage left, or will leave."""
        return survey

    def guards(self, config: Config, counters: C | None) -> "Iterator[Guard]":
        """The bounds of `check_bounds`. `counters`: of a finished stage that passed them, or None."""
        yield from ()

    def estimate(
        self, survey: "Survey", plan: StagePlan[U] | None, left: list[U] | None
    ) -> "Estimate":
        """About what the stage takes. `left`: the units that are not committed, None without a plan."""
        raise NotImplementedError

    # What commands show of a finished stage.

    def view(self, finished: Finished[C]) -> StageView[C]:
        """What `tokenmill inspect` shows of the finished stage."""
        manifest = finished.manifest
        return StageView(
            kind=self.name,
            path=finished.folder,
            fingerprint=manifest.fingerprint,
            files=len(manifest.files),
            bytes=sum(entry.bytes for entry in manifest.files.values()),
            seconds=manifest.seconds,
            cpu_seconds=manifest.cpu_seconds,
            counters=finished.counters,
            details=manifest.details or None,
        )

    @abstractmethod
    def sections(self, view: Any) -> "Iterator[Section]":
        """The tables of a view that this stage made."""

    def content_checks(self) -> tuple[ContentCheck, ...]:
        """What `tokenmill verify` checks of this stage beside files, columns and rows."""
        return ()

    def contract_of(self, name: str, finished: Finished[C]) -> FileContract | None:
        """What the columns of a file of the stage must be; None for a file that no contract names."""
        return None
