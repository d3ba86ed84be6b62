"""A finished stage, and the finished stages of a run, with typed counters."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.run.folder import Run
from pipeline.run.state import is_finished
from transforms.contracts.counters import (
    DedupCounters,
    DocumentsCounters,
    ShardsCounters,
    TokenizerCounters,
)
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.contracts.names import NumberedFiles
from transforms.contracts.plain import from_plain

C = TypeVar("C")
T = TypeVar("T")


@dataclass(frozen=True)
class Finished(Generic[C]):
    """A finished stage: its folder, its manifest, and the manifest's counters as a dataclass."""

    folder: str
    manifest: Manifest
    counters: C

    def paths(self, files: NumberedFiles) -> dict[int, str]:
        """Paths of one kind of the stage's files, by part number, in order."""
        return {part: files.path(self.folder, part) for part in files.numbers(self.manifest.files)}


@dataclass(frozen=True, kw_only=True)
class FinishedStages:
    """A run and its stages; None stands for a stage that is not finished."""

    run: Run
    documents: Finished[DocumentsCounters] | None = None
    dedup: Finished[DedupCounters] | None = None
    tokenizer: Finished[TokenizerCounters] | None = None
    shards: Finished[ShardsCounters] | None = None


def need(stage: T | None) -> T:
    """A stage that the caller knows to be finished: narrows the type, and asserts."""
    assert stage is not None, "the stage is not finished"
    return stage


def read_finished(run: Run) -> FinishedStages:
    """The finished stages of a run, read without the Stage objects.

    Importing those takes longer than a command that only reads. Raises UserError for a manifest
    that cannot be read.
    """
    return FinishedStages(
        run=run,
        documents=_finished_or_none(run.documents, DocumentsCounters),
        dedup=_finished_or_none(run.dedup, DedupCounters),
        tokenizer=_finished_or_none(run.tokenizer, TokenizerCounters),
        shards=_finished_or_none(run.shards, ShardsCounters),
    )


def _finished_or_none(folder: str, counters: type[C]) -> Finished[C] | None:
    if not is_finished(folder):
        return None
    manifest = read_manifest(folder)
    return Finished(folder, manifest, from_plain(counters, manifest.counters))
