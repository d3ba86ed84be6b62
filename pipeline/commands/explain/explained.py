"""What `tokenmill explain` says, typed: JSON is made of it by `to_plain`, tables by `tables`.

Fields have the names of the JSON keys. A field with a default of None is left out where it is None.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipeline.commands.explain.inputs import InputState
from pipeline.commands.explain.outcomes import ReadAgainOutcome
from pipeline.commands.explain.segments import Segment
from pipeline.commands.explain.verdicts import DedupVerdict
from transforms.contracts.plain import JsonObject

Fate: TypeAlias = Literal["kept", "dropped", "in the shards", "rejected"]


@dataclass(frozen=True, kw_only=True)
class ExplainedRow:
    """What is said of documents and rejects alike.

    `row`: FILE:ROW in the documents stage. The fields after it: where the record was read.
    """

    fate: Fate
    row: str
    id: str
    source: str
    source_kind: str
    origin: str
    input: InputState
    locator: str
    locator_meaning: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The shard that holds a document, and how many tokens the document has.

    `rows`: those of the shard that hold it, in the order of the document.
    """

    split: str
    file: str
    rows: tuple[int, ...]
    tokens: int


class InNoShard:
    """The shards stage is finished and holds no token of a document that was kept. null in JSON."""

    def to_plain(self) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class ExplainedDocument(ExplainedRow):
    """A document. `document`: its address; `kept`: its kept columns; `filters`: those it passed.

    `signals`: what filters measured, if the run wrote that. `dedup` and `shards` are None where the
    stage is not finished, and `shards` of a dropped document. `not_done`: the stages that are not
    finished.
    """

    document: str
    title: str | None
    published: str | None
    language: str | None
    language_score: float | None
    declared_language: str | None
    truncated: str | None
    kept: JsonObject | None
    filters: tuple[str, ...]
    characters: int
    excerpt: str
    signals: dict[str, float] | None = None
    dedup: DedupVerdict | None = None
    shards: Placement | InNoShard | None = None
    not_done: tuple[str, ...]
    read_again: ReadAgainOutcome | None = None


@dataclass(frozen=True, kw_only=True)
class ExplainedReject(ExplainedRow):
    """A record that the documents stage rejected: by which rule, and the beginning of its text.

    `stage`: the step of the documents stage that rejected it.
    """

    stage: str
    rule: str
    value: float | None
    threshold: float | None
    detail: str | None
    excerpt: str | None
    signals: dict[str, float] | None = None
    read_again: ReadAgainOutcome | None = None


@dataclass(frozen=True, kw_only=True)
class ExplainedMatches:
    """The documents and rejects that were asked for.

    `near`: if there are none, the URLs of the run that are most like the one asked for.
    """

    kind: str = "documents"
    path: str
    asked: str | None = None
    found: tuple[ExplainedDocument | ExplainedReject, ...]
    near: tuple[str, ...] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.found


@dataclass(frozen=True, kw_only=True)
class ExplainedShardRow:
    """A row of a shard.

    `targets`: tokens it predicts. `bytes`: of their text. `outside_segments`: separators, padding.
    `documents`: those of its segments, by address. `note`: what cannot be said, as the run is not
    beside the shard or is another one.
    """

    kind: str = "row"
    path: str
    row: int
    rows: int
    source: str
    split: str
    sequence_length: int
    targets: int
    bytes: int
    outside_segments: int
    note: str | None
    segments: list[Segment]
    documents: dict[str, ExplainedDocument]

    @property
    def is_empty(self) -> bool:
        return False


Explanation: TypeAlias = ExplainedMatches | ExplainedShardRow
