"""Stage 1, `documents`: input files -> documents that pass language and quality, and a reject for every other record."""

from collections.abc import Iterator

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.documents import verify
from pipeline.stages.documents.bounds import check_errors, check_kept, passed_over
from pipeline.stages.documents.estimate import estimate_documents
from pipeline.stages.documents.planning import plan_documents
from pipeline.stages.documents.tables import documents_sections
from pipeline.stages.documents.units import DocumentsUnit
from pipeline.stages.documents.work import read_documents
from pipeline.stages.estimate import Estimate, Survey
from pipeline.stages.stage import ContentCheck, FileContract, Finished, Stage, StageView
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
    name = stage_names.DOCUMENTS.name
    unit = DocumentsUnit
    counters = DocumentsCounters

    def plan(self, config: Config, run: Run) -> StagePlan[DocumentsUnit]:
        return plan_documents(self.name, config)

    def execute(
        self, config: Config, run: Run, settings: RunnerSettings, plan: StagePlan[DocumentsUnit], *, out: str
    ) -> StageReport[DocumentsCounters]:
        return read_documents(config, settings, plan, out=out)

    def committed_name(self, number: int, unit: DocumentsUnit) -> str:
        return PARTS.name(number)

    def check_bounds(self, config: Config, run: Run, counters: DocumentsCounters, folder: str, *, write: bool = True) -> None:
        check_errors(config, counters, folder)

    def check_result(self, finished: Finished[DocumentsCounters]) -> None:
        check_kept(finished.counters, finished.folder)

    def summary(self, finished: Finished[DocumentsCounters]) -> str:
        counters = finished.counters
        line = f"{counters.read:,} records read, {counters.kept:,} documents kept, {counters.read - counters.kept:,} rejected"
        types = [] if counters.read else passed_over(counters)
        return line + (f"; passed over by type: {', '.join(f'{name} {number:,}' for name, number in types)}" if types else "")

    def estimate(self, survey: Survey, plan: StagePlan[DocumentsUnit] | None, left: list[DocumentsUnit] | None) -> Estimate:
        return estimate_documents(survey, plan, left or [])

    def sections(self, view: StageView[DocumentsCounters]) -> Iterator[Section]:
        return documents_sections(view)

    def content_checks(self) -> tuple[ContentCheck, ...]:
        return (
            ContentCheck("documents: counts", (self,), verify.check_counts),
            ContentCheck("documents: ids", (self,), verify.check_ids),
        )

    def contract_of(self, name: str, finished: Finished[DocumentsCounters]) -> FileContract | None:
        return next((contract for files, contract in _CONTRACTS.items() if files.matches(name)), None)


DOCUMENTS = DocumentsStage()
