"""The four stages in order, and the finished stages of a run."""

from collections.abc import Callable
from typing import Any

from pipeline.run.folder import Run
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.finished import Finished, FinishedStages
from pipeline.stages.shards.stage import SHARDS
from pipeline.stages.stage import Stage
from pipeline.stages.tokenizer.stage import TOKENIZER

STAGES: tuple[Stage[Any, Any], ...] = (DOCUMENTS, DEDUP, TOKENIZER, SHARDS)


def finished_stages(run: Run) -> FinishedStages:
    """Reads the manifests of a run. Raises UserError for a manifest that cannot be read."""
    return read_stages(run, lambda stage: stage.finished_or_none(run))


def read_stages(
    run: Run, read: Callable[[Stage[Any, Any]], Finished[Any] | None]
) -> FinishedStages:
    """The finished stages as `read` returns them, one call per stage."""
    return FinishedStages(
        run=run,
        documents=read(DOCUMENTS),
        dedup=read(DEDUP),
        tokenizer=read(TOKENIZER),
        shards=read(SHARDS),
    )


def in_order(stages: FinishedStages) -> tuple[tuple[Stage[Any, Any], Finished[Any] | None], ...]:
    """Each Stage object with its finished stage, or None, in the order of a run."""
    return (
        (DOCUMENTS, stages.documents),
        (DEDUP, stages.dedup),
        (TOKENIZER, stages.tokenizer),
        (SHARDS, stages.shards),
    )
