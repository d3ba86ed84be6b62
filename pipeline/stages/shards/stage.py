"""Stage 4, `shards`: kept documents + tokenizer -> packed token shards."""

from collections.abc import Iterator

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.estimate import Estimate, Survey
from pipeline.stages.finished import Finished
from pipeline.stages.shards import verify
from pipeline.stages.shards.division import plan_shards
from pipeline.stages.shards.estimate import estimate_shards
from pipeline.stages.shards.made import encoder_of
from pipeline.stages.shards.tables import shards_sections
from pipeline.stages.shards.units import ShardUnit
from pipeline.stages.shards.work import write_shards
from pipeline.stages.stage import ContentCheck, Stage, StageView
from pipeline.stages.tokenizer.stage import TOKENIZER
from pipeline.terminal import Section
from transforms.contracts.counters import ShardsCounters


class ShardsStage(Stage[ShardUnit, ShardsCounters]):
    """Encodes the kept documents and packs their tokens into rows of fixed length.

    A unit is a range of a source's documents. It becomes two shards, one per split: a document
    belongs to `validation` or to `train` by a seeded hash of its id. Shards never mix sources, so
    that training can weight them. After the last unit, the shards must hold every kept document.
    """

    name = stage_names.SHARDS.name
    unit = ShardUnit
    counters = ShardsCounters

    def plan(self, config: Config, run: Run) -> StagePlan[ShardUnit]:
        return plan_shards(self.name, config, run)

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[ShardUnit],
        *,
        out: str,
    ) -> StageReport[ShardsCounters]:
        return write_shards(config, run, settings, plan, out=out)

    def committed_name(self, number: int, unit: ShardUnit) -> str:
        return unit.name("validation")

    def summary(self, finished: Finished[ShardsCounters]) -> str:
        counters, total = finished.counters, finished.counters.total
        rows = ", ".join(
            f"{counters.of_split(split).rows:,} {split} rows" for split in counters.splits
        )
        encoder = encoder_of(finished.manifest.details)
        note = f", {encoder.note}" if encoder else ""
        return f"{rows}, {total.targets:,} tokens, utilisation {total.utilisation:.1%}{note}"

    def estimate(
        self, survey: Survey, plan: StagePlan[ShardUnit] | None, left: list[ShardUnit] | None
    ) -> Estimate:
        return estimate_shards(survey, plan, left)

    def sections(self, view: StageView[ShardsCounters]) -> Iterator[Section]:
        return shards_sections(view)

    def content_checks(self) -> tuple[ContentCheck, ...]:
        return (
            ContentCheck("shards: headers, counts", (TOKENIZER, self), verify.check_headers),
            ContentCheck("shards: rows", (TOKENIZER, self), verify.check_rows),
            ContentCheck("shards: documents whole, once", (self,), verify.check_documents),
            ContentCheck("shards: splits disjoint", (DOCUMENTS, DEDUP, self), verify.check_splits),
            ContentCheck("shards: text", (DOCUMENTS, DEDUP, TOKENIZER, self), verify.check_text),
        )


SHARDS = ShardsStage()
