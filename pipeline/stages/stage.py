"""The `Stage` object: plans, runs, checks and describes one stage of a run.

The four stages are documents, dedup, tokenizer and shards (`pipeline.stages.all_stages`); exports
are stages too. A stage reads finished stages and writes one folder. Its plan divides the work into
units, each unit commits its files atomically, and a manifest written last makes the stage finished
(`pipeline.run.state`). Commands loop over stages and never compare a stage's name with a literal.
"""

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
    """A finished stage as `tokenmill inspect` shows it: the figures of its manifest.

    Stages that show more subclass it. `seconds` is wall time, `cpu_seconds` the CPU time of driver
    and workers together.
    """

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
        """The title of the first table: name, files, size and duration."""
        return f"{self.kind}: {self.files} files, {self.bytes / 1e6:.1f} MB, {self.seconds:.1f} s"


class FileContract(NamedTuple):
    """The columns of a file.

    `open`: further columns may follow. `metadata`: the schema's metadata must be equal as well.
    """

    schema: pa.Schema
    open: bool = False
    metadata: bool = False

    def is_kept_by(self, schema: pa.Schema) -> bool:
        """Whether a Parquet file with this schema keeps the contract.

        An open contract compares column names only.
        """
        if self.open:
            return schema.names[: len(self.schema)] == self.schema.names
        return schema.equals(_in_parquet(self.schema), check_metadata=self.metadata)


def _in_parquet(schema: pa.Schema) -> pa.Schema:
    """A schema as it is read back from Parquet, which stores seconds as milliseconds."""
    seconds, milliseconds = pa.timestamp("s", tz="UTC"), pa.timestamp("ms", tz="UTC")
    fields = [field.with_type(milliseconds) if field.type == seconds else field for field in schema]
    return pa.schema(fields, schema.metadata)


class ContentCheck(NamedTuple):
    """A check of the contents of a stage's files.

    `needs`: the stages whose files must be undamaged for the result to mean anything. `applies`:
    False where the run has nothing to check.
    """

    name: str
    needs: "tuple[Stage[Any, Any], ...]"
    run: "Callable[[FinishedStages, Check], None]"
    applies: "Callable[[FinishedStages], bool]" = lambda checked: True


class Stage(ABC, Generic[U, C]):
    """A step of a run, or an export: a plan of units, the files that they commit, and counters.

    `name` is the name of its command and of its folder, and its name in messages. `unit` is the
    type of a unit of its plan, `counters` the type of its manifest's counters.
    """

    name: str
    unit: type[U]
    counters: type[C]
    has_rows = True
    """Whether the stage's files have rows and columns."""

    @abstractmethod
    def plan(self, config: Config, run: Run) -> StagePlan[U]:
        """The units of work, and the fingerprint of all that decides the stage's bytes.

        Raises UserError when the stage before it is not finished, ConfigError for unusable input.
        """

    @abstractmethod
    def execute(
        self, config: Config, run: Run, settings: "RunnerSettings", plan: StagePlan[U], *, out: str
    ) -> "StageReport[C]":
        """Runs the units that are not committed yet and reports files, counters and details.

        `out`: the folder, which exists and holds the plan.
        """

    @abstractmethod
    def committed_name(self, number: int, unit: U) -> str:
        """The file whose presence marks unit `number` as done, relative to the folder."""

    @abstractmethod
    def summary(self, finished: Finished[C]) -> str:
        """One line about the finished stage."""

    def folder(self, run: Run) -> str:
        """The folder of the stage in a run."""
        return run.stage(self.name)

    def finished(self, run: Run) -> Finished[C]:
        """The finished stage of a run. Raises UserError if it is not finished."""
        return self.described(read_manifest(self.folder(run)), self.folder(run))

    def finished_or_none(self, run: Run) -> Finished[C] | None:
        """The finished stage of a run; None if it is not finished."""
        return self.finished(run) if is_finished(self.folder(run)) else None

    def described(self, manifest: Manifest, folder: str) -> Finished[C]:
        """A manifest of this stage -> the finished stage with typed counters."""
        return Finished(folder, manifest, from_plain(self.counters, manifest.counters))

    def check_bounds(
        self, config: Config, run: Run, counters: C, folder: str, *, write: bool = True
    ) -> None:
        """Raises UserError when counters exceed a bound of the configuration.

        Runs before the manifest is written, so that no later stage reads the result. `write`:
        whether to write the report that the message names.
        """

    def check_result(self, finished: Finished[C]) -> None:
        """Raises UserError when later stages cannot use the result, for instance an empty one."""

    def notes(self, counters: C) -> Iterator[str]:
        """Sentences that are printed even if no tables are asked for."""
        yield from ()

    # `tokenmill plan` calls these in the order of the stages.
    # `plan` is None while the stage before is not finished.

    def check_input(self, config: Config, run: Run, plan: StagePlan[U] | None) -> None:
        """Raises UserError or ConfigError for input on which the stage would fail at its start."""

    def input_of(self, survey: "Survey", plan: StagePlan[U] | None) -> StageInput:
        """Units, files and bytes that the stage reads; by default the parts of the documents."""
        parts = survey.volume.parts
        return StageInput(
            units=None if plan is None else len(plan.units),
            files=survey.volume.units,
            input_bytes=None if parts is None else round(parts),
        )

    def surveyed(
        self, survey: "Survey", plan: StagePlan[U] | None, finished: Finished[C] | None
    ) -> "Survey":
        """Adds to a survey what the stage wrote, or what it is expected to write.

        The next stage is estimated from the result.
        """
        return survey

    def guards(self, config: Config, counters: C | None) -> "Iterator[Guard]":
        """The bounds that `check_bounds` enforces.

        `counters`: those of the finished stage, which passed them; None before.
        """
        yield from ()

    def estimate(
        self, survey: "Survey", plan: StagePlan[U] | None, left: list[U] | None
    ) -> "Estimate":
        """Estimates the stage's time, memory and disk.

        `left`: the units that are not committed; None without a plan.
        """
        raise NotImplementedError

    # `tokenmill inspect` and `tokenmill verify` call these on finished stages.

    def view(self, finished: Finished[C]) -> StageView[C]:
        """The figures that `tokenmill inspect` shows of the finished stage."""
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
        """The tables of a view that `view` of this stage returned."""

    def content_checks(self) -> tuple[ContentCheck, ...]:
        """The checks of `tokenmill verify` for this stage, beyond files, columns and row counts."""
        return ()

    def contract_of(self, name: str, finished: Finished[C]) -> FileContract | None:
        """The contract of a file of the stage, by file name; None for a file without one."""
        return None
