"""The counters of the stages, as written to their manifests.

Equal input gives equal counters, on any machine and with any number of workers.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from pydantic import model_validator
from pydantic.dataclasses import dataclass as validated

from transforms.contracts.plain import JsonObject, to_object, to_plain

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class SourceCounters:
    """Records and documents of one source: `read` = `kept` + the sum of `rejected`.

    rejected      by rule
    errors        rejects that could not be read
    text_bytes    UTF-8 bytes of kept text
    languages     kept documents by language code
    truncated     kept documents that are incomplete, by reason
    done          edits and other actions of filters, by name
    notes         notes of readers, by name
    passed_over   records that are not in `read`, by type
    kept_columns  {column: {kind of JSON value: documents}}
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
    """The columns of a source's tables.

    found  requested column -> records that have it
    names  existing column -> files or records that have it
    """

    found: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DocumentsCounters:
    """The counters of the documents stage, by source."""

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
    """Documents of one source, or of all: `documents` = `kept` + `dropped`.

    `rules` are the dropped documents by rule; `exact` and `near` are always present.
    """

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
        names = ("documents", "kept", "dropped")
        return {key: values[key] for key in names} | {
            "rules": {key: value for key, value in values.items() if key not in names}
        }


@dataclass(frozen=True, kw_only=True)
class ContaminationCounters:
    """Matches of one evaluation set.

    texts      its texts
    too_short  texts that are too short to be matched
    grams      its n-grams
    documents  documents of the corpus that share an n-gram with it
    matches    n-grams that documents share
    """

    texts: int
    too_short: int
    grams: int
    documents: int = 0
    matches: int = 0


@dataclass(frozen=True, kw_only=True)
class EarlierRunCounters:
    """Matches with one earlier run.

    kept       its kept documents
    documents  documents of this run that match one of them
    estimated  those of them whose similarity is estimated
    """

    kept: int
    documents: int
    estimated: int


@dataclass(frozen=True, kw_only=True)
class LineCounters:
    """Removed lines: the `documents` that lose lines, the `lines`, and their `characters`."""

    documents: int = 0
    lines: int = 0
    characters: int = 0


@validated(frozen=True, kw_only=True)
class DedupCounters:
    """The counters of the dedup stage; those that a configuration does not have are None.

    similarity         dropped documents by their similarity to the kept duplicate: lower edge of a
                       bin of 0.02 -> documents
    components         groups of duplicates
    candidate_pairs    distinct pairs that were compared exactly
    similar_pairs      pairs at or above the threshold
    oversized_buckets  buckets in which not all pairs were compared
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
        """Convert to JSON values; the counters of `total` are merged into the object."""
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
    """Pre-tokens that are too rare for training: distinct ones, and their occurrences."""

    pretokens: int
    occurrences: int


@dataclass(frozen=True, kw_only=True)
class PretokenCounters:
    """The table that merges were learned from.

    minimum_count  the least count of a pre-token in it
    pretokens      distinct pre-tokens
    occurrences    the sum of their counts
    left_out       rarer pre-tokens
    """

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
    """Documents of one source or language, the UTF-8 bytes of their text, and their tokens."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Documents that were encoded and decoded, and those that differ afterwards (`failed`)."""

    documents: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class TokenUse:
    """Tokens of the vocabulary that occur in the measured documents, and those that do not."""

    used: int
    unused: int


@dataclass(frozen=True, kw_only=True)
class MeasuredTokenizer:
    """Measurements of a tokenizer on a sample of the corpus.

    `vocabulary` is the size of the vocabulary of a tokenizer that is compared with the trained one.
    """

    sources: dict[str, EncodedCounters]
    languages: dict[str, EncodedCounters]
    round_trip: RoundTrip
    tokens: TokenUse
    vocabulary: int | None = None


@dataclass(frozen=True, kw_only=True)
class TokenizerCounters:
    """The counters of the tokenizer stage.

    One of `counted` (trained from counts), `sample` (trained on a sample) and `imported` is set.
    `measured` is the tokenizer on the corpus; `compared` are other tokenizers by name.
    """

    vocabulary: int
    measured: MeasuredTokenizer
    counted: PretokenCounters | None = None
    sample: SampleCounters | None = None
    imported: int | None = None
    compared: dict[str, MeasuredTokenizer] | None = None


@dataclass(frozen=True, kw_only=True)
class ShardCounters:
    """Rows of shards: `positions` = `targets` + `padding`, all in tokens.

    `split_documents` are documents in several pieces; `bytes` are UTF-8 bytes of the text.
    """

    rows: int = 0
    positions: int = 0
    targets: int = 0
    padding: int = 0
    documents: int = 0
    split_documents: int = 0
    bytes: int = 0

    @property
    def utilisation(self) -> float:
        """The share of positions that are targets."""
        return self.targets / max(1, self.positions)


@validated(frozen=True, kw_only=True)
class ShardsCounters:
    """The counters of the shards stage by split, then by source."""

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
        """The sum over all splits and sources."""
        return add_counters(ShardCounters(), *(self.of_split(split) for split in self.splits))


@dataclass(frozen=True, kw_only=True)
class ExportedCounters:
    """The documents and tokens of one split of an export; only exports of shards count tokens."""

    documents: int = 0
    tokens: int | None = None


@validated(frozen=True, kw_only=True)
class ExportCounters:
    """The counters of an export by split."""

    splits: dict[str, ExportedCounters]

    def to_plain(self) -> JsonObject:
        return to_object(self.splits)

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, values: object) -> object:
        return {"splits": values} if isinstance(values, dict) and "splits" not in values else values


def add_counters(first: C, *others: C) -> C:
    """Add counters of one type, field by field and key by key; keys are sorted.

    A field or key that only some of them have counts as 0 in the others.
    """
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
