"""Stage 2, `dedup`: documents -> which rows to drop, and the document kept in their place."""

from collections.abc import Iterator
from dataclasses import fields, replace

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.dedup import verify
from pipeline.stages.dedup.bounds import check_drop_rate, drop_guard
from pipeline.stages.dedup.estimate import estimate_dedup
from pipeline.stages.dedup.made import settings_of
from pipeline.stages.dedup.planning import check_input, plan_dedup
from pipeline.stages.dedup.report import examine, notes
from pipeline.stages.dedup.tables import DedupView, dedup_sections, recall_section
from pipeline.stages.dedup.units import DedupUnit
from pipeline.stages.dedup.work import find_drops
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.estimate import Estimate, StageInput, Survey
from pipeline.stages.finished import Finished
from pipeline.stages.guard import Guard
from pipeline.stages.stage import ContentCheck, FileContract, Stage
from pipeline.terminal import Section
from transforms import storage
from transforms.contracts.counters import DedupCounters
from transforms.contracts.dedup import (
    CLUSTER_SCHEMA,
    CONTAMINATION_SCHEMA,
    DROP_SCHEMA,
    REMOVED_LINES_SCHEMA,
)
from transforms.contracts.names import CLUSTERS, CONTAMINATION, DROPS, REMOVED_LINES, SIGNATURES
from transforms.dedup.near.bands import expected_recall
from transforms.dedup.near.signatures import signature_schema

_SCHEMAS = {
    DROPS: DROP_SCHEMA,
    REMOVED_LINES: REMOVED_LINES_SCHEMA,
    CONTAMINATION: CONTAMINATION_SCHEMA,
}


class DedupStage(Stage[DedupUnit, DedupCounters]):
    """Finds exact and near duplicates over all documents, and writes which rows to drop.

    Documents are not rewritten: each part gets a Parquet file of drops, with the rule, the kept
    document and their similarity, and later stages skip those rows. Screens (evaluation sets, URLs,
    earlier runs) drop documents before the search; repeated lines are removed after it. Near
    duplicates are found by MinHash signatures in bands and verified by Jaccard similarity. More
    drops than `max_drop_rate` of a source stop the run.
    """

    name = stage_names.DEDUP.name
    unit = DedupUnit
    counters = DedupCounters

    def plan(self, config: Config, run: Run) -> StagePlan[DedupUnit]:
        return plan_dedup(self.name, config, run)

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[DedupUnit],
        *,
        out: str,
    ) -> StageReport[DedupCounters]:
        return find_drops(config, run, settings, plan, out=out)

    def committed_name(self, number: int, unit: DedupUnit) -> str:
        return SIGNATURES.name(unit.part)

    def check_bounds(
        self, config: Config, run: Run, counters: DedupCounters, folder: str, *, write: bool = True
    ) -> None:
        check_drop_rate(config, run, counters, folder, write=write)

    def summary(self, finished: Finished[DedupCounters]) -> str:
        total = finished.counters.total
        return f"{total.documents:,} documents, {total.dropped:,} dropped as duplicates"

    def notes(self, counters: DedupCounters) -> Iterator[str]:
        return notes(counters)

    def check_input(self, config: Config, run: Run, plan: StagePlan[DedupUnit] | None) -> None:
        check_input(config, run, plan)

    def input_of(self, survey: Survey, plan: StagePlan[DedupUnit] | None) -> StageInput:
        known = super().input_of(survey, plan)
        # Each part is a unit, so units are known even before the parts exist.
        return replace(known, units=known.files)

    def surveyed(
        self,
        survey: Survey,
        plan: StagePlan[DedupUnit] | None,
        finished: Finished[DedupCounters] | None,
    ) -> Survey:
        if finished is None:
            return survey
        total = finished.counters.total
        return replace(survey, kept=total.kept / max(total.documents, 1))

    def guards(self, config: Config, counters: DedupCounters | None) -> Iterator[Guard]:
        yield drop_guard(config, counters)

    def estimate(
        self, survey: Survey, plan: StagePlan[DedupUnit] | None, left: list[DedupUnit] | None
    ) -> Estimate:
        return estimate_dedup(survey)

    def view(self, finished: Finished[DedupCounters]) -> DedupView:
        figures = super().view(finished)
        settings = settings_of(finished)
        # A stage's folder may have been copied alone: excerpts need the documents beside it.
        examples = examine(
            finished.folder,
            storage.join(storage.parent(finished.folder.rstrip("/")), DOCUMENTS.name),
        )
        return DedupView(
            **{entry.name: getattr(figures, entry.name) for entry in fields(figures)},
            largest_clusters=examples.largest_clusters,
            samples=examples.samples,
            recall=expected_recall(
                bands=settings.bands, rows=settings.rows, jaccard=settings.jaccard
            ),
        )

    def sections(self, view: DedupView) -> Iterator[Section]:
        yield from dedup_sections(view.heading, view.counters, view)
        yield recall_section(view.recall)

    def content_checks(self) -> tuple[ContentCheck, ...]:
        return (
            ContentCheck("dedup: counts", (DOCUMENTS, self), verify.check_counts),
            ContentCheck("dedup: drops and keepers", (DOCUMENTS, self), verify.check_drops),
            ContentCheck("dedup: groups", (self,), verify.check_groups),
            ContentCheck(
                "dedup: removed lines",
                (DOCUMENTS, self),
                verify.check_lines,
                applies=verify.has_lines,
            ),
        )

    def contract_of(self, name: str, finished: Finished[DedupCounters]) -> FileContract | None:
        if SIGNATURES.matches(name):
            return FileContract(signature_schema(settings_of(finished)), metadata=True)
        if name == CLUSTERS:
            return FileContract(CLUSTER_SCHEMA)
        return next(
            (FileContract(schema) for files, schema in _SCHEMAS.items() if files.matches(name)),
            None,
        )


DEDUP = DedupStage()
