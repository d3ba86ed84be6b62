"""What deduplication did with a document: kept or dropped, its group, the lines it lost."""

from dataclasses import dataclass, fields
from typing import TypeAlias

from transforms.contracts.plain import JsonObject, to_object, to_plain


@dataclass(frozen=True, kw_only=True)
class KnownBy:
    """What a person knows a document by: where it was read, and the beginning of its text."""

    source: str
    origin: str
    locator: str
    url: str | None = None
    title: str | None = None
    excerpt: str

    @property
    def name(self) -> str:
        return self.url or f"{self.source} {self.origin} {self.locator}"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A document that deduplication kept."""

    verdict: str = "kept"


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A document that was dropped, by which rule.

    `other`: the earlier run, or the evaluation set, that it matches.
    """

    verdict: str = "dropped"
    rule: str
    similarity: float | None
    other: str | None
    keeper: "Keeper | None"


Verdict: TypeAlias = Kept | Dropped


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The document in favour of which another was dropped. `document`: its address.

    `known_by` and `then`, the verdict on it, are None where it is in an earlier run; `then` also
    where drops form a cycle.
    """

    document: str | None
    id: str
    known_by: KnownBy | None = None
    then: Verdict | None = None

    def to_plain(self) -> JsonObject:
        known_by = {} if self.known_by is None else to_object(self.known_by)
        then = {} if self.then is None else {"then": to_plain(self.then)}
        return {"document": self.document, "id": self.id, **known_by, **then}


@dataclass(frozen=True, kw_only=True)
class DroppedMember:
    """A document of a group that was dropped in favour of the explained one; their similarity."""

    document: str
    similarity: float
    known_by: KnownBy

    def to_plain(self) -> JsonObject:
        return {
            "document": self.document,
            "similarity": self.similarity,
            **to_object(self.known_by),
        }


_GROUP_KEYS = {"kept": "stay", "dropped": "went_for_it", "members": "went"}
"""Fields of a group that have another name in JSON."""


@dataclass(frozen=True, kw_only=True)
class DuplicateGroup:
    """The group of duplicates of a document: how many `documents` it has, how many were `kept`.

    `dropped`: how many were dropped in favour of this document. `members`: the first of these.
    """

    documents: int
    kept: int
    dropped: int
    members: tuple[DroppedMember, ...]

    def to_plain(self) -> JsonObject:
        return {
            _GROUP_KEYS.get(entry.name, entry.name): to_plain(getattr(self, entry.name))
            for entry in fields(self)
        }


@dataclass(frozen=True, kw_only=True)
class RemovedLine:
    """A line that was removed from the document, by its number from 0."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class EvaluationMatch:
    """An evaluation set that shares `grams` n-grams with the document; `excerpt`: where."""

    set: str
    grams: int
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class DedupVerdict:
    """What deduplication did with a document."""

    verdict: Verdict
    group: DuplicateGroup | None
    lines: tuple[RemovedLine, ...]
    evaluation_texts: tuple[EvaluationMatch, ...]

    @property
    def is_dropped(self) -> bool:
        return isinstance(self.verdict, Dropped)

    def to_plain(self) -> JsonObject:
        """The verdict's keys stand beside the others. What is null or empty is left out."""
        rest = {"group": self.group, "lines": self.lines, "evaluation_texts": self.evaluation_texts}
        return {
            key: value
            for key, value in {**to_object(self.verdict), **to_object(rest)}.items()
            if value not in (None, [])
        }
