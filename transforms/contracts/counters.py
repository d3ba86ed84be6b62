"""What the stages of a run count: the figures of their manifests. Equal input gives equal counters, whatever machine and workers."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from pydantic import model_validator
from pydantic.dataclasses import dataclass as validated

from transforms.contracts.plain import JsonObject, to_object, to_plain

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class SourceCounters:
    """Records and documents of one source: `read` = `kept` + the sum of `rejected`, by rule.

    `errors`: rejects that could not be read. `text_bytes`: UTF-8 bytes of kept text. `languages`: kept documents by code.
    `truncated`: kept documents that are cut short, by reason. `done`: documents that filters edited, by edit. `notes`: what readers
    noted, by word. `passed_over`: records that are not in `read`, by type. `kept_columns`: {column: {kind of JSON value: documents}}.
    """

    read: int = 0
    errors: int = 0
    kept: int = 0
    text_bytes: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    truncated: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    kept_columns: dict[str, dict[str, int]] | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnCounters:
    """Columns of a source's tables. `found`: those asked for -> records that have them; `names`: those there are -> files or records."""

    found: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DocumentsCounters:
    """The documents stage, by source."""

    sources: dict[str, SourceCounters]

    @property
    def text_bytes(self) -> int:
        return sum(source.text_bytes for source in self.sources.values())

    @property
    def read(self) -> int:
        return sum(source.read for source in self.sources.values())

    @property
    def kept(self) -> int:
        return sum(source.kept for source in self.sources.values())


@validated(frozen=True, kw_only=True)
class DropCounters:
    """Documents of one source, or of all: `documents` = `kept` + `dropped`; `rules`: those dropped by rule, `exact` and `near` always."""

    documents: int
    kept: int
    dropped: int
    rules: dict[str, int]

    def to_plain(self) -> JsonObject:
        return {
            "documents": self.documents,
            "kept": self.kept,
            "dropped": self.dropped,
            **self.rules,
        }

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, values: object) -> object:
        if not isinstance(values, dict) or "rules" in values:
            return values
        own = ("documents", "kept", "dropped")
        return {key: values[key] for key in own} | {
            "rules": {key: value for key, value in values.items() if key not in own}
        }


@dataclass(frozen=True, kw_only=True)
class ContaminationCounters:
    """One evaluation set: its `texts`, those `too_short` to be looked for, its n-grams, the `documents` that share one, and `matches`,
    the n-grams that documents share."""

    texts: int
    too_short: int
    grams: int
    documents: int = 0
    matches: int = 0


@dataclass(frozen=True, kw_only=True)
class EarlierRunCounters:
    """One earlier run: the `kept` documents compared with, `documents` of this run that match one, how many of these are `estimated`."""

    kept: int
    documents: int
    estimated: int


@dataclass(frozen=True, kw_only=True)
class LineCounters:
    """Lines removed: `documents` that lose some, `lines`, and their `characters`."""

    documents: int = 0
    lines: int = 0
    characters: int = 0


@validated(frozen=True, kw_only=True)
class DedupCounters:
    """The dedup stage. Figures that only some configurations have are None in others.

    `similarity`: dropped documents of groups by their similarity to the kept one: lower edge of a bin of 0.02 -> number.
    `components`: groups of duplicates. `candidate_pairs`: distinct pairs compared exactly; `similar_pairs`: those at or above the
    threshold. `oversized_buckets`: buckets in which not all pairs were compared.
    """

    total: DropCounters
    sources: dict[str, DropCounters]
    similarity: dict[str, int]
    components: int
    largest_component: int
    candidate_pairs: int
    similar_pairs: int
    oversized_buckets: int
    oversized_documents: int = 0
    skipped_pairs: int = 0
    contamination: dict[str, ContaminationCounters] | None = None
    earlier_runs: dict[str, EarlierRunCounters] | None = None
    earlier_oversized_buckets: int | None = None
    lines_removed: LineCounters | None = None

    def to_plain(self) -> JsonObject:
        """The total stands beside the other figures, not below a key of its own."""
        rest = (
            (entry.name, getattr(self, entry.name))
            for entry in fields(self)
            if entry.name != "total"
        )
        return {
            **to_object(self.total),
            **{name: to_plain(value) for name, value in rest if value is not None},
        }

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        names = {entry.name for entry in fields(cls)}
        return {"total": {key: value for key, value in values.items() if key not in names}} | {
            key: value for key, value in values.items() if key in names
        }


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Pre-tokens that were too rare to learn from: distinct ones, and how often they occur."""

    pretokens: int
    occurrences: int


@dataclass(frozen=True, kw_only=True)
class PretokenCounters:
    """The table that merges were learned from: distinct `pretokens`, their `occurrences`, the least count of one, and what is left out."""

    minimum_count: int
    pretokens: int
    occurrences: int
    left_out: LeftOut


@dataclass(frozen=True, kw_only=True)
class SampleCounters:
    """The documents that a tokenizer was trained on."""

    documents: int
    text_bytes: int


@dataclass(frozen=True, kw_only=True)
class EncodedCounters:
    """Documents of one source or language, the bytes of their text, and their tokens."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Documents that were encoded and decoded, and those that did not come back equal."""

    documents: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class TokenUse:
    """Tokens of the vocabulary that the measured documents use, and those that they do not."""

    used: int
    unused: int


@dataclass(frozen=True, kw_only=True)
class MeasuredTokenizer:
    """How a tokenizer serves a sample of the corpus. `vocabulary` is that of a tokenizer to compare with."""

    sources: dict[str, EncodedCounters]
    languages: dict[str, EncodedCounters]
    round_trip: RoundTrip
    tokens: TokenUse
    vocabulary: int | None = None


@dataclass(frozen=True, kw_only=True)
class TokenizerCounters:
    """The tokenizer stage: its vocabulary, what it was made from (one of three), how it serves the corpus, and others beside it."""

    vocabulary: int
    measured: MeasuredTokenizer
    counted: PretokenCounters | None = None
    sample: SampleCounters | None = None
    imported: int | None = None
    compared: dict[str, MeasuredTokenizer] | None = None


@dataclass(frozen=True, kw_only=True)
class ShardCounters:
    """Rows of shards. `positions` = `targets` + `padding`; `split_documents`: documents in several pieces; `bytes`: of their text."""

    rows: int = 0
    positions: int = 0
    targets: int = 0
    padding: int = 0
    documents: int = 0
    split_documents: int = 0
    bytes: int = 0

    @property
    def utilisation(self) -> float:
        return self.targets / max(1, self.positions)


@validated(frozen=True, kw_only=True)
class ShardsCounters:
    """The shards stage by split, then by source."""

    splits: dict[str, dict[str, ShardCounters]]

    def to_plain(self) -> JsonObject:
        return to_object(self.splits)

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, values: object) -> object:
        return {"splits": values} if isinstance(values, dict) and "splits" not in values else values

    def of_split(self, split: str) -> ShardCounters:
        """The sum over the sources of a split."""
        return add_counters(ShardCounters(), *self.splits.get(split, {}).values())

    @property
    def total(self) -> ShardCounters:
        return add_counters(ShardCounters(), *(self.of_split(split) for split in self.splits))


@dataclass(frozen=True, kw_only=True)
class ExportedCounters:
    """What one split of an export holds; only exports of shards count tokens."""

    documents: int = 0
    tokens: int | None = None


@validated(frozen=True, kw_only=True)
class ExportCounters:
    """An export by split."""

    splits: dict[str, ExportedCounters]

    def to_plain(self) -> JsonObject:
        return to_object(self.splits)

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, values: object) -> object:
        return {"splits": values} if isinstance(values, dict) and "splits" not in values else values


def add_counters(first: C, *others: C) -> C:
    """The sum of counters of one type, field by field and key by key, keys sorted. What only some have counts as 0 in the others."""
    total = _sum(first, None)
    for other in others:
        total = _sum(total, other)
    return total


def _sum(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return _in_order(right if left is None else left)
    if isinstance(left, int):
        return left + right
    if isinstance(left, dict):
        return {key: _sum(left.get(key), right.get(key)) for key in sorted({*left, *right})}
    return replace(
        left,
        **{
            entry.name: _sum(getattr(left, entry.name), getattr(right, entry.name))
            for entry in fields(left)
        },
    )


def _in_order(counters: Any) -> Any:
    """The same counters with keys sorted."""
    if counters is None or isinstance(counters, int):
        return counters
    if isinstance(counters, dict):
        return {key: _in_order(counters[key]) for key in sorted(counters)}
    return replace(
        counters,
        **{entry.name: _in_order(getattr(counters, entry.name)) for entry in fields(counters)},
    )
