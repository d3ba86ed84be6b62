"""The counts of one unit of ingest by source: records read, kept and rejected, edits and notes."""

import json
from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from transforms.contracts.counters import ColumnCounters, SourceCounters
from transforms.sources.columns import ColumnsSeen
from transforms.sources.kept import count_kinds

_WORDS = ("done", "notes", "passed_over")


@dataclass
class IngestCounts:
    """The counts of one unit by source: read = kept + the sum of rejected.

    text_bytes    UTF-8 bytes of kept text
    truncated     kept documents that are incomplete, by reason
    done          edits and other actions of filters in documents that passed them
    notes         notes of readers on documents, kept or not (`RawDocument.notes`)
    passed_over   records that are not documents by their type, such as the requests of a WARC file;
                  they are not in `read`
    columns       requested columns that were found
    kept_columns  values of kept columns by kind of JSON value (`transforms.sources.kept`)
    """

    read: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    text_bytes: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, Counter[str]] = field(default_factory=dict)
    languages: dict[str, Counter[str]] = field(default_factory=dict)
    truncated: dict[str, Counter[str]] = field(default_factory=dict)
    done: dict[str, Counter[str]] = field(default_factory=dict)
    notes: dict[str, Counter[str]] = field(default_factory=dict)
    passed_over: dict[str, Counter[str]] = field(default_factory=dict)
    columns: dict[str, ColumnsSeen] = field(default_factory=dict)
    kept_columns: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)

    def add_kept(self, batch: pa.RecordBatch) -> None:
        sizes = pc.binary_length(batch.column("text")).to_numpy(zero_copy_only=False)
        languages = batch.column("language").cast(pa.string()).to_pylist()
        for source, language, size in zip(
            batch.column("source").cast(pa.string()).to_pylist(), languages, sizes, strict=True
        ):
            self.read[source] += 1
            self.kept[source] += 1
            self.text_bytes[source] += int(size)
            self.languages.setdefault(source, Counter())[language or "unknown"] += 1
        if "truncated" in batch.schema.names and batch.column("truncated").null_count < len(
            batch
        ):  # format 2 has no such column
            for source, reason in zip(
                *(
                    batch.column(name).cast(pa.string()).to_pylist()
                    for name in ("source", "truncated")
                ),
                strict=True,
            ):
                if reason is not None:
                    self.truncated.setdefault(source, Counter())[reason] += 1
        if "kept" in batch.schema.names and batch.column("kept").null_count < len(batch):
            for source, text in zip(
                batch.column("source").cast(pa.string()).to_pylist(),
                batch.column("kept").to_pylist(),
                strict=True,
            ):
                totals = self.kept_columns.setdefault(source, {})
                for name, kinds in count_kinds([text]).items():
                    totals.setdefault(name, Counter()).update(kinds)

    def add_rejects(self, batch: pa.RecordBatch) -> None:
        columns = (
            batch.column(name).cast(pa.string()).to_pylist() for name in ("source", "stage", "rule")
        )
        for source, stage, rule in zip(*columns, strict=True):
            self.read[source] += 1
            self.errors[source] += stage == "read"
            self.rejected.setdefault(source, Counter())[rule] += 1

    def by_source(self) -> dict[str, SourceCounters]:
        """The counters of each source with records."""
        noted = (
            source for name in _WORDS for source, words in getattr(self, name).items() if words
        )
        return {source: self._of(source) for source in sorted({*self.read, *noted})}

    def _of(self, source: str) -> SourceCounters:
        kept = self.kept_columns.get(source)
        return SourceCounters(
            read=self.read[source],
            errors=self.errors[source],
            kept=self.kept[source],
            text_bytes=self.text_bytes[source],
            rejected=dict(self.rejected.get(source, {})),
            languages=dict(self.languages.get(source, {})),
            truncated=dict(self.truncated.get(source, {})),
            done=dict(self.done.get(source, {})),
            notes=dict(self.notes.get(source, {})),
            passed_over=dict(self.passed_over.get(source, {})),
            kept_columns={name: dict(kinds) for name, kinds in sorted(kept.items())}
            if kept
            else None,
        )

    def words(self) -> str:
        """The counts that cannot be computed from the rows of a part, as JSON for its metadata."""
        return json.dumps({name: getattr(self, name) for name in _WORDS}, sort_keys=True)

    def add_words(self, words: str | bytes) -> None:
        """Add the counts that `words` wrote."""
        for name, sources in json.loads(words).items():
            for source, counted in sources.items():
                getattr(self, name).setdefault(source, Counter()).update(counted)

    def columns_seen(self) -> dict[str, ColumnCounters]:
        """The columns of each source's tables; they depend on the division of files into units."""
        return {
            source: ColumnCounters(found=dict(seen.found), names=dict(seen.names))
            for source, seen in sorted(self.columns.items())
        }
