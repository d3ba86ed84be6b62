"""The finished stages of a run, each with its counters typed."""

from dataclasses import dataclass
from typing import TypeVar

from pipeline.run.folder import Run
from pipeline.stages.stage import Finished
from transforms.contracts.counters import DedupCounters, DocumentsCounters, ShardsCounters, TokenizerCounters

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FinishedStages:
    """A run; None stands for a stage that is not finished."""

    run: Run
    documents: Finished[DocumentsCounters] | None = None
    dedup: Finished[DedupCounters] | None = None
    tokenizer: Finished[TokenizerCounters] | None = None
    shards: Finished[ShardsCounters] | None = None


def need(stage: T | None) -> T:
    """A stage that the caller knows to be finished."""
    assert stage is not None, "the stage is not finished"
    return stage
