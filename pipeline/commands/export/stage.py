"""What all exports are: a stage whose folder the user names, and what inspection shows of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.finished import Finished
from pipeline.stages.stage import Stage, StageView
from pipeline.terminal import Section, figures_table
from transforms.contracts.counters import ExportCounters

BYTES_PER_SECOND = 20e6  # of shards or compressed parts on one core


@dataclass(frozen=True, kw_only=True)
class TokenExportUnit:
    """A group of shards whose documents go into the same files."""

    split: str
    shards: tuple[str, ...]
    bytes: int
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DocumentExportUnit:
    """A part of the documents: its files, the `documents` kept of it, and the file of each split."""

    part: str
    drops: str
    documents: int
    bytes: int
    files: tuple[str, ...]
    splits: tuple[str, ...]


E = TypeVar("E", TokenExportUnit, DocumentExportUnit)


class ExportStage(Stage[E, ExportCounters], Generic[E]):
    """An export as a stage. This class describes one that is finished; those that are made have a request."""

    name = stage_names.EXPORT
    counters = ExportCounters

    def plan(self, config: Config, run: Run) -> StagePlan[E]:
        raise NotImplementedError("an export is planned from a request")

    def execute(
        self, config: Config, run: Run, settings: RunnerSettings, plan: StagePlan[E], *, out: str
    ) -> StageReport[ExportCounters]:
        raise NotImplementedError("an export is made from a request")

    def committed_name(self, number: int, unit: E) -> str:
        return unit.files[0]

    def summary(self, finished: Finished[ExportCounters]) -> str:
        splits = finished.counters.splits.values()
        documents, tokens = (
            sum(split.documents for split in splits),
            sum(split.tokens or 0 for split in splits),
        )
        counted = f"{documents:,} documents" + (f", {tokens:,} tokens" if tokens else "")
        return f"{counted} as {finished.manifest.configuration['format']} in {len(finished.manifest.files)} files"

    def sections(self, view: StageView[ExportCounters]) -> Iterator[Section]:
        table = figures_table("split", "documents", "tokens")
        for split, exported in view.counters.splits.items():
            table.add_row(
                split,
                f"{exported.documents:,}",
                "" if exported.tokens is None else f"{exported.tokens:,}",
            )
        yield Section(view.heading, table)


EXPORT: ExportStage[TokenExportUnit] = ExportStage()
