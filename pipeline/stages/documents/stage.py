"""Stage 1, `documents`: input files -> documents, and a reject for every other record."""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.documents import verify
from pipeline.stages.documents.bounds import check_errors, check_kept, error_guard, passed_over
from pipeline.stages.documents.estimate import (
    documents_input,
    estimate_documents,
    expected_volume,
    volume_of,
)
from pipeline.stages.documents.planning import plan_documents
from pipeline.stages.documents.tables import documents_sections
from pipeline.stages.documents.units import DocumentsUnit
from pipeline.stages.documents.work import read_documents
from pipeline.stages.estimate import Estimate, StageInput, Survey
from pipeline.stages.finished import Finished
from pipeline.stages.guard import Guard
from pipeline.stages.stage import ContentCheck, FileContract, Stage, StageView
from pipeline.terminal import Section
from transforms.contracts.counters import DocumentsCounters
from transforms.contracts.documents import DOCUMENT_SCHEMA, REJECT_SCHEMA
from transforms.contracts.names import PARTS, REJECTS, SIGNALS
from transforms.ingest.unit import SIGNALS_SCHEMA

_CONTRACTS = {
    PARTS: FileContract(DOCUMENT_SCHEMA),
    REJECTS: FileContract(REJECT_SCHEMA),
    SIGNALS: FileContract(SIGNALS_SCHEMA, open=True),
}


class DocumentsStage(Stage[DocumentsUnit, DocumentsCounters]):
    """Reads the sources, extracts text, and keeps documents of the wanted languages and quality.

    A unit is a group of files, or ranges of files, of one source. It becomes one part: Parquet
    files of documents, of rejects with their rules, and of signals if `signals` is set. Every
    record read is either kept or rejected. Rates of unreadable records above `max_error_rate` stop
    the run.
    """

    name = stage_names.DOCUMENTS.name
    unit = DocumentsUnit
    counters = DocumentsCounters

    def plan(self, config: Config, run: Run) -> StagePlan[DocumentsUnit]:
        return plan_documents(self.name, config)

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[DocumentsUnit],
        *,
        out: str,
    ) -> StageReport[DocumentsCounters]:
        return read_documents(config, settings, plan, out=out)

    def committed_name(self, number: int, unit: DocumentsUnit) -> str:
        return PARTS.name(number)

    def check_bounds(
        self,
        config: Config,
        run: Run,
        counters: DocumentsCounters,
        folder: str,
        *,
        write: bool = True,
    ) -> None:
        check_errors(config, counters, folder)

    def check_result(self, finished: Finished[DocumentsCounters]) -> None:
        check_kept(finished.counters, finished.folder)

    def summary(self, finished: Finished[DocumentsCounters]) -> str:
        counters = finished.counters
        rejected = counters.read - counters.kept
        line = (
            f"{counters.read:,} records read, {counters.kept:,} documents kept, "
            f"{rejected:,} rejected"
        )
        types = [] if counters.read else passed_over(counters)
        return line + (
            f"; passed over by type: {', '.join(f'{name} {number:,}' for name, number in types)}"
            if types
            else ""
        )

    def input_of(self, survey: Survey, plan: StagePlan[DocumentsUnit] | None) -> StageInput:
        return documents_input(survey.config, plan.units if plan else [])

    def surveyed(
        self,
        survey: Survey,
        plan: StagePlan[DocumentsUnit] | None,
        finished: Finished[DocumentsCounters] | None,
    ) -> Survey:
        volume = (
            volume_of(finished)
            if finished
            else expected_volume(survey.config, plan.units if plan else [])
        )
        return replace(survey, volume=volume)

    def guards(self, config: Config, counters: DocumentsCounters | None) -> Iterator[Guard]:
        yield error_guard(config, counters)

    def estimate(
        self,
        survey: Survey,
        plan: StagePlan[DocumentsUnit] | None,
        left: list[DocumentsUnit] | None,
    ) -> Estimate:
        return estimate_documents(survey, plan, left or [])

    def sections(self, view: StageView[DocumentsCounters]) -> Iterator[Section]:
        return documents_sections(view)

    def content_checks(self) -> tuple[ContentCheck, ...]:
        return (
            ContentCheck("documents: counts", (self,), verify.check_counts),
            ContentCheck("documents: ids", (self,), verify.check_ids),
        )

    def contract_of(self, name: str, finished: Finished[DocumentsCounters]) -> FileContract | None:
        return next(
            (contract for files, contract in _CONTRACTS.items() if files.matches(name)), None
        )


DOCUMENTS = DocumentsStage()
