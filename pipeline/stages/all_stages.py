"""The stages of a run, in order, and those of a run that are finished."""

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
    """Reads the manifests of a run. Raises UserError for one that cannot be read."""
    return read_stages(run, lambda stage: stage.finished_or_none(run))


def read_stages(
    run: Run, read: Callable[[Stage[Any, Any]], Finished[Any] | None]
) -> FinishedStages:
    """What `read` gives for each stage."""
    return FinishedStages(
        run=run,
        documents=read(DOCUMENTS),
        dedup=read(DEDUP),
        tokenizer=read(TOKENIZER),
        shards=read(SHARDS),
    )


def in_order(stages: FinishedStages) -> tuple[tuple[Stage[Any, Any], Finished[Any] | None], ...]:
    """Each stage of a run beside what is there of it."""
    return (
        (DOCUMENTS, stages.documents),
        (DEDUP, stages.dedup),
        (TOKENIZER, stages.tokenizer),
        (SHARDS, stages.shards),
    )
