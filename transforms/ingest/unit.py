"""One unit of ingest: files -> records -> language -> quality -> a part of documents, its rejects.

The text of a unit never leaves the process that read it. Batches of at most BATCH_DOCUMENTS
documents or BATCH_CHARACTERS characters pass through the filters, and the kept documents are
written to the part file of the unit.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.documents import DOCUMENT_SCHEMA, EXCERPT_CHARACTERS, REJECT_SCHEMA
from transforms.contracts.plain import to_plain
from transforms.errors import UserError
from transforms.filters.filter import Columns
from transforms.filters.language import (
    identify_language,
    identify_languages,
    judge_language,
    kept_labels,
)
from transforms.filters.registry import judge
from transforms.filters.verdicts import Verdicts
from transforms.ingest.counts import IngestCounts
from transforms.ingest.settings import FilterConfig, LanguageConfig, SourceConfig
from transforms.sources.columns import ColumnsSeen
from transforms.sources.records import (
    Origin,
    RawDocument,
    RawReject,
    RejectedError,
    Screen,
    documents_batch,
    rejects_batch,
)
from transforms.sources.registry import read_records

BATCH_DOCUMENTS = 512
BATCH_CHARACTERS = 8 << 20
ROW_GROUP_BYTES = 16 << 20

SIGNALS_SCHEMA = pa.schema(
    [
        *map(DOCUMENT_SCHEMA.field, ("id", "source", "language", "language_score")),
        pa.field("kept", pa.bool_(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
    ]
)
"""The first columns of a signals file; a column per measured value follows, named by its rule."""

_SCREENED_CHARACTERS = 1000
_SURE = 0.8
_COUNTS = b"tokenmill.counts"
_COLUMNS = b"tokenmill.columns"
_WORTH_SHARING = 0.75
"""Share of kept documents below which a batch is compacted before the next filter.

The tokens of a compacted batch are computed again.
"""


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A file to read, or a range of it.

    source      the name of the source
    path        the path or URL of the file
    origin      its name relative to the source's root
    size        its bytes when it was planned
    start, end  only the records that begin in the bytes [start, end) are read; `end` None is the
                end of the file
    kind        the kind of the file in a source of kind `auto`, else empty
    """

    source: str
    path: str
    origin: str
    size: int
    start: int = 0
    end: int | None = None
    kind: str = ""

    @property
    def bytes(self) -> int:
        return (self.size if self.end is None else self.end) - self.start


def language_screen(settings: LanguageConfig) -> Screen | None:
    """A check that rejects pages by the language of a sample, before main-text extraction.

    Extraction costs far more than the check.
    It raises RejectedError where the sample is with high probability in a language that is not
    kept, as most pages of a crawl are. None where all languages are kept or `screen` is off.
    """
    if not settings.keep or not settings.screen:
        return None

    keep = frozenset(kept_labels(settings.keep, settings.model))

    def screen(text: str) -> None:
        code, score = identify_language(
            text,
            model=settings.model,
            characters=_SCREENED_CHARACTERS,
            lowercase=settings.lowercase,
        )
        if code is not None and code not in keep and score > _SURE:
            raise RejectedError(
                "language/not-kept",
                "language",
                detail=f"{code}, by a sample of the page",
                excerpt=text,
                value=score,
            )

    return screen


def read_unit(
    files: Iterable[InputFile],
    sources: Mapping[str, SourceConfig],
    screen: Screen | None = None,
    *,
    counts: IngestCounts | None = None,
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Read files: yields (documents, rejects) batches in input order.

    The notes of documents, the records passed over and the columns found are added to `counts`.
    Raises UserError for a file whose size is not the planned one.
    """
    counts = counts or IngestCounts()
    documents: list[RawDocument] = []
    rejects: list[RawReject] = []
    origins: tuple[list[Origin], list[Origin]] = ([], [])
    characters = 0
    for file in files:
        origin = Origin(file.source, file.origin)
        source = sources[file.source]
        kind = file.kind or source.kind
        if (size := storage.size(file.path)) != file.size:
            raise UserError(
                f"the file had {file.size} bytes and has {size} now",
                where=file.path,
                remedy="run again once it is complete",
            )
        notes, passed_over = (
            counter.setdefault(file.source, Counter())
            for counter in (counts.notes, counts.passed_over)
        )
        columns = counts.columns.setdefault(file.source, ColumnsSeen())
        for record in read_records(
            file.path,
            kind=kind,
            options=source.reader_options(file.kind),
            start=file.start,
            end=file.end,
            screen=screen,
            passed_over=passed_over,
            columns=columns,
        ):
            if isinstance(record, RawReject):
                rejects.append(record)
                origins[1].append(origin)
            else:
                documents.append(record)
                origins[0].append(origin)
                characters += len(record.text) + len(record.kept or "")
                notes.update(dict(record.notes))
            if len(documents) + len(rejects) >= BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
                yield documents_batch(origins[0], documents), rejects_batch(origins[1], rejects)
                documents, rejects, origins, characters = [], [], ([], []), 0
    if documents or rejects:
        yield documents_batch(origins[0], documents), rejects_batch(origins[1], rejects)


def annotate_languages(batch: pa.RecordBatch, settings: LanguageConfig) -> pa.RecordBatch:
    """Set the columns `language` and `language_score`; without `identify` they are null."""
    if not settings.identify:
        return batch
    codes, scores = identify_languages(
        batch.column("text"),
        model=settings.model,
        characters=settings.characters,
        lowercase=settings.lowercase,
    )
    batch = batch.set_column(
        batch.schema.get_field_index("language"),
        DOCUMENT_SCHEMA.field("language"),
        codes.dictionary_encode(),
    )
    return batch.set_column(
        batch.schema.get_field_index("language_score"),
        DOCUMENT_SCHEMA.field("language_score"),
        pa.array(scores),
    )


def rejects_of(
    batch: pa.RecordBatch, verdicts: Verdicts, *, rows: np.ndarray, stage: str
) -> pa.RecordBatch:
    """The rejects of the documents where bool `rows` is true, from their verdicts."""
    rejected = batch.filter(pa.array(rows))
    columns: dict[str, pa.Array] = {
        name: rejected.column(name) for name in ("id", "source", "origin", "locator", "url")
    }
    columns["stage"] = pa.array([stage] * len(rejected), pa.string()).dictionary_encode()
    columns["rule"] = pa.array(verdicts.rule[rows].tolist(), pa.string()).dictionary_encode()
    columns["value"] = pa.array(verdicts.value[rows], from_pandas=True)
    columns["threshold"] = pa.array(verdicts.threshold[rows].astype(np.float64), from_pandas=True)
    columns["detail"] = pa.nulls(len(rejected), pa.string())
    columns["excerpt"] = pc.utf8_slice_codeunits(
        rejected.column("text"), 0, EXCERPT_CHARACTERS
    ).cast(pa.string())
    return pa.record_batch([columns[item.name] for item in REJECT_SCHEMA], schema=REJECT_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class FilterResult:
    """The result of all filters for a batch of documents.

    kept     the documents that passed all filters
    rejects  a batch of rejects per filter in order, that of the language filter first
    counts   edits and other actions of filters in documents that passed them
    signals  if requested, a row per document of the batch, kept or not, in order
    """

    kept: pa.RecordBatch
    rejects: list[pa.RecordBatch]
    counts: Counter[str]
    signals: pa.RecordBatch | None


def judge_documents(
    batch: pa.RecordBatch,
    *,
    filters: Sequence[FilterConfig],
    language: LanguageConfig,
    signals: bool = False,
) -> FilterResult:
    """Apply the language filter and the quality filters to documents of one source.

    Filters after the one that rejects a document do not measure it, unless it is in a tokenized
    batch with kept ones. With `signals` all filters measure all documents.
    """
    batch = annotate_languages(batch, language)
    everything = batch
    codes, scores = (
        batch.column("language").cast(pa.string()),
        batch.column("language_score").to_numpy(zero_copy_only=False),
    )
    verdicts = judge_language(
        codes, scores, keep=language.keep, threshold=language.threshold, model=language.model
    )
    rejects = [rejects_of(batch, verdicts, rows=~verdicts.keep, stage="language")]
    alive = verdicts.keep
    counts: Counter[str] = Counter()
    measured: dict[str, np.ndarray] = {}
    columns = Columns(batch)
    for item in filters:
        if not signals and alive.sum() < _WORTH_SHARING * len(alive):
            batch = batch.filter(pa.array(alive))
            columns, alive = Columns(batch), np.ones(len(batch), bool)
        if not len(batch):
            break
        verdicts = judge(columns, name=item.name, options=item.options, measure_all=signals)
        rejects.append(rejects_of(batch, verdicts, rows=alive & ~verdicts.keep, stage="quality"))
        alive = alive & verdicts.keep
        measured.update(verdicts.signals)
        counts.update({action: int(done[alive].sum()) for action, done in verdicts.counts.items()})
        if verdicts.text is not None:
            batch = batch.set_column(
                batch.schema.get_field_index("text"), DOCUMENT_SCHEMA.field("text"), verdicts.text
            )
            columns = Columns(batch)
    return FilterResult(
        kept=batch.filter(pa.array(alive)),
        rejects=rejects,
        counts=+counts,
        signals=_signals_batch(everything, alive, measured) if signals else None,
    )


def _signals_batch(
    batch: pa.RecordBatch, kept: np.ndarray, measured: Mapping[str, np.ndarray]
) -> pa.RecordBatch:
    own = [pa.array(kept), pc.utf8_length(batch.column("text")).cast(pa.int64())]
    named = pa.record_batch(
        [*map(batch.column, SIGNALS_SCHEMA.names[:-2]), *own], schema=SIGNALS_SCHEMA
    )
    for name, values in measured.items():
        named = named.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return named


class PartWriter:
    """Writes batches of any size to a Parquet file, in row groups of about ROW_GROUP_BYTES."""

    def __init__(self, path: str, schema: pa.Schema):
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._pending: list[pa.RecordBatch] = []
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._pending.append(batch)
        self.rows += len(batch)
        if sum(pending.nbytes for pending in self._pending) >= ROW_GROUP_BYTES:
            self._flush()

    def close(self, metadata: Mapping[str, str] | None = None) -> None:
        """Finish the file; `metadata` is written to its key-value metadata."""
        self._flush()
        self._writer.add_key_value_metadata(dict(metadata or {}))
        self._writer.close()

    def _flush(self) -> None:
        rows = sum(map(len, self._pending))
        if rows:
            table = pa.Table.from_batches(self._pending).unify_dictionaries()
            self._writer.write_table(table, row_group_size=rows)
        self._pending = []


@dataclass(frozen=True, kw_only=True)
class PartPaths:
    """The files that one unit commits; `signals` is None where none are requested."""

    part: str
    rejects: str
    signals: str | None = None


def ingest_files(
    files: Sequence[InputFile],
    *,
    sources: Mapping[str, SourceConfig],
    language: LanguageConfig,
    paths: PartPaths,
) -> tuple[dict[str, int], IngestCounts]:
    """Read and filter the files of one source, and commit their rejects, signals and part.

    The part is committed last. Returns the rows of each file by its path, and the counts. The same
    files and settings give the same bytes.
    """
    counts = IngestCounts()
    source = files[0].source
    with contextlib.ExitStack() as stack:
        part, rejected = (
            stack.enter_context(storage.atomic_output(path)) for path in (paths.part, paths.rejects)
        )
        documents, rejects = PartWriter(part, DOCUMENT_SCHEMA), PartWriter(rejected, REJECT_SCHEMA)
        signals: list[pa.RecordBatch] = []
        screen = None if paths.signals else language_screen(language)
        for batch, unreadable in read_unit(files, sources, screen, counts=counts):
            judged = judge_documents(
                batch,
                filters=sources[source].quality,
                language=language,
                signals=paths.signals is not None,
            )
            documents.write(judged.kept)
            counts.add_kept(judged.kept)
            counts.done.setdefault(source, Counter()).update(judged.counts)
            signals += [] if judged.signals is None else [judged.signals]
            for reject in (unreadable, *judged.rejects):
                rejects.write(reject)
                counts.add_rejects(reject)
        rejects.close()
        documents.close(
            {
                _COUNTS.decode(): counts.words(),
                _COLUMNS.decode(): json.dumps(to_plain(counts.columns_seen()), sort_keys=True),
            }
        )
        rows = {paths.part: documents.rows, paths.rejects: rejects.rows}
        if paths.signals is not None:
            rows[paths.signals] = _write_signals(
                signals, stack.enter_context(storage.atomic_output(paths.signals))
            )
    return rows, counts


def _write_signals(batches: Sequence[pa.RecordBatch], path: str) -> int:
    """Write signals as one row group and return the number of rows.

    A value that only some batches have is null in the others.
    """
    tables = [SIGNALS_SCHEMA.empty_table(), *(pa.Table.from_batches([batch]) for batch in batches)]
    table = pa.concat_tables(tables, promote_options="default")
    pq.write_table(table.unify_dictionaries(), path, compression="zstd")
    return len(table)


def count_part(paths: PartPaths) -> tuple[dict[str, int], IngestCounts]:
    """Read the result of `ingest_files` back from a committed part."""
    counts = IngestCounts()
    rows = {}
    for path, add, columns in (
        (paths.part, counts.add_kept, ["source", "language", "truncated", "kept", "text"]),
        (paths.rejects, counts.add_rejects, ["source", "stage", "rule"]),
    ):
        with storage.open_input(path) as stream:
            file = pq.ParquetFile(stream)
            rows[path] = file.metadata.num_rows
            counts.add_words(file.metadata.metadata.get(_COUNTS, b"{}"))
            for source, seen in json.loads(file.metadata.metadata.get(_COLUMNS, b"{}")).items():
                counts.columns[source] = ColumnsSeen(
                    found=Counter(seen["found"]), names=Counter(seen["names"])
                )
            for batch in file.iter_batches(columns=columns):
                add(batch)
    if paths.signals is not None:
        with storage.open_input(paths.signals) as stream:
            rows[paths.signals] = pq.ParquetFile(stream).metadata.num_rows
    return rows, counts
