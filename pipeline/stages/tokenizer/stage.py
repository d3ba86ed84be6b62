"""Stage 3, `tokenizer`: kept documents -> a byte-level BPE tokenizer, trained or from a file."""

from collections.abc import Iterator
from dataclasses import fields, replace

from pipeline.config.schema import Config
from pipeline.run import stage_names
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.estimate import Estimate, Survey
from pipeline.stages.finished import Finished
from pipeline.stages.stage import ContentCheck, Stage
from pipeline.stages.tokenizer import verify
from pipeline.stages.tokenizer.estimate import estimate_tokenizer, measured_bytes_per_token
from pipeline.stages.tokenizer.made import longest_tokens
from pipeline.stages.tokenizer.planning import NoUnit, plan_tokenizer
from pipeline.stages.tokenizer.tables import TokenizerView, describe_origin, tokenizer_sections
from pipeline.stages.tokenizer.work import make_tokenizer
from pipeline.terminal import Section
from transforms import storage
from transforms.contracts.counters import TokenizerCounters
from transforms.contracts.names import TOKENIZER as TOKENIZER_FILE
from transforms.tokens.encode import load_tokenizer


class TokenizerStage(Stage[NoUnit, TokenizerCounters]):
    """Trains a byte-level BPE tokenizer on the kept documents, or checks and copies a given one.

    The method `counted` counts the pre-tokens of the whole corpus and learns merges from the
    counts; `sample` runs the reference trainer on a sample. Either way the tokenizer is measured on
    a sample of documents, beside those that it is compared with, and must restore each text
    exactly. The plan has no units: an interrupted count resumes pass by pass.
    """

    name = stage_names.TOKENIZER.name
    unit = NoUnit
    counters = TokenizerCounters
    has_rows = False

    def plan(self, config: Config, run: Run) -> StagePlan[NoUnit]:
        return plan_tokenizer(self.name, config, run)

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[NoUnit],
        *,
        out: str,
    ) -> StageReport[TokenizerCounters]:
        return make_tokenizer(config, run, settings, plan, out=out)

    def committed_name(self, number: int, unit: NoUnit) -> str:
        return TOKENIZER_FILE

    def summary(self, finished: Finished[TokenizerCounters]) -> str:
        return describe_origin(finished.counters)

    def surveyed(
        self,
        survey: Survey,
        plan: StagePlan[NoUnit] | None,
        finished: Finished[TokenizerCounters] | None,
    ) -> Survey:
        return (
            replace(survey, bytes_per_token=measured_bytes_per_token(finished.counters))
            if finished
            else survey
        )

    def estimate(
        self, survey: Survey, plan: StagePlan[NoUnit] | None, left: list[NoUnit] | None
    ) -> Estimate:
        return estimate_tokenizer(survey)

    def view(self, finished: Finished[TokenizerCounters]) -> TokenizerView:
        figures = super().view(finished)
        path = storage.join(finished.folder, TOKENIZER_FILE)
        tokenizer = load_tokenizer(storage.read_bytes(path), path=path, end_of_text=None)
        return TokenizerView(
            **{entry.name: getattr(figures, entry.name) for entry in fields(figures)},
            longest_tokens=longest_tokens(tokenizer),
        )

    def sections(self, view: TokenizerView) -> Iterator[Section]:
        return tokenizer_sections(view)

    def content_checks(self) -> tuple[ContentCheck, ...]:
        return (ContentCheck("tokenizer: vocabulary", (self,), verify.check_vocabulary),)


TOKENIZER = TokenizerStage()
