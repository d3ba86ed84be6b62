"""A run that is asked about its documents: finding them, and what every stage did with each.

Everything is read from single columns of the run's own files; no index is kept.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from pipeline.commands.explain.dedup import explain_dedup, find_groups
from pipeline.commands.explain.explained import (
    ExplainedDocument,
    ExplainedReject,
    ExplainedRow,
    Fate,
    InNoShard,
    Placement,
)
from pipeline.commands.explain.inputs import Inputs
from pipeline.commands.explain.outcomes import ReadAgainOutcome
from pipeline.commands.explain.stored import StoredDocument, StoredReject, StoredRow, kind_of_file
from pipeline.commands.explain.verdicts import DuplicateGroup, KnownBy
from pipeline.run.folder import Run
from pipeline.run.stage_names import STAGE_NAMES
from pipeline.stages.finished import Finished, need, read_finished
from pipeline.stages.tokenizer.made import RunTokenizer, read_tokenizer
from transforms import storage
from transforms.contracts.addresses import address_text, unpack_address
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.contracts.names import PARTS, SIGNALS
from transforms.errors import ConfigError
from transforms.lookup import Test, find_rows, read_rows_of, same
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import open_shard

EXCERPT = 120
_KNOWN_BY = ("source", "origin", "locator", "url", "title", "text")
_NOT_MEASURED = ("id", "source", "language", "language_score", "kept", "characters")
"""Columns of a signals file that no filter measured."""


R = TypeVar("R", bound=StoredRow)


class RowsFile(NamedTuple):
    """A file of the documents stage that holds a part's documents or its rejects."""

    kind: type[StoredRow]
    part: int
    path: str


class _ReadShard(NamedTuple):
    name: str
    split: str
    segments: Segments


class Explainer:
    """A run, as far as its stages are finished."""

    def __init__(self, run: Run):
        self.run = run
        self.stages = read_finished(run)
        self._inputs = (
            Inputs(run, self.stages.documents.manifest) if self.stages.documents else None
        )
        self._tokenizer: RunTokenizer | None = None
        self._last_shard: _ReadShard | None = None

    @property
    def inputs(self) -> Inputs:
        assert self._inputs is not None
        return self._inputs

    @property
    def documents(self) -> Manifest:
        """The manifest of the documents stage, which is finished."""
        return need(self.stages.documents).manifest

    @property
    def is_whole(self) -> bool:
        """Whether the run is finished and its shards were made from its present documents."""
        chain = [stage for stage in self._in_order() if stage is not None]
        follows = (
            after.upstream == before.fingerprint for before, after in itertools.pairwise(chain)
        )
        return len(chain) == len(STAGE_NAMES) and all(follows)

    def _in_order(self) -> tuple[Manifest | None, ...]:
        stages: tuple[Finished[Any] | None, ...] = (
            self.stages.documents,
            self.stages.dedup,
            self.stages.tokenizer,
            self.stages.shards,
        )
        return tuple(None if stage is None else stage.manifest for stage in stages)

    def require_documents(self) -> None:
        """Raises UserError where the documents stage is not finished: then nothing can be said."""
        if self.stages.documents is None:
            read_manifest(self.run.documents)

    def tokenizer_for(self, sha256: str) -> Tokenizer | None:
        """The run's tokenizer, if it is the one of this hash."""
        if self._tokenizer is None and self.stages.tokenizer is not None:
            self._tokenizer = read_tokenizer(self.run)
        return (
            self._tokenizer.tokenizer
            if self._tokenizer and self._tokenizer.sha256 == sha256
            else None
        )

    def stored_row(self, kind: type[R], part: int, row: int) -> R:
        """A document or reject with all its columns. Raises ConfigError where there is none."""
        name = kind.files.name(part)
        entry = self.documents.files.get(name)
        if entry is None or row >= entry.rows:
            what = (
                "there is no such part" if entry is None else f"it has {entry.rows:,} rows, from 0"
            )
            where = storage.join(self.run.documents, f"{name}:{row}")
            raise ConfigError(what, where=where, remedy="name a row of one of RUN/documents' files")
        return next(self.read(kind, part, np.array([row])))

    def read(self, kind: type[R], part: int, rows: np.ndarray) -> Iterator[R]:
        """Rows (int64, rising) of a part of the documents or of its rejects, which are there."""
        for row, values in read_rows_of(
            kind.files.path(self.run.documents, part), rows, kind.columns()
        ):
            yield kind(part=part, row=row, **values)

    def matching_rows(self, columns: Sequence[str], test: Test) -> list[StoredRow]:
        """All documents and rejects of which some columns pass a test, by part, documents first."""
        return [
            row
            for file in self.files()
            for row in self.read(file.kind, file.part, find_rows(file.path, columns, test))
        ]

    def urls(self) -> Iterator[pa.Array]:
        """The URLs of all documents and rejects, a batch at a time."""
        for file in self.files():
            with storage.open_input(file.path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=["url"]):
                    yield batch.column("url")

    def files(self) -> Iterator[RowsFile]:
        """The files of documents and of rejects."""
        for name in self.documents.files:
            if match := kind_of_file(name):
                yield RowsFile(*match, storage.join(self.run.documents, name))

    def explain(
        self, rows: Sequence[StoredRow], *, extract: bool, shard: str = ""
    ) -> list[ExplainedDocument | ExplainedReject]:
        """What every stage did with each of these rows.

        `shard`: the one that is likely to hold them, which is searched first.
        """
        again = self._read_again(rows) if extract and rows else {}
        documents = [row for row in rows if isinstance(row, StoredDocument)]
        addresses = [row.address for row in documents]
        groups = (
            find_groups(self.run, addresses, self.known_by)
            if addresses and self.stages.dedup
            else {}
        )
        explained: list[ExplainedDocument | ExplainedReject] = []
        for row in rows:
            if isinstance(row, StoredReject):
                explained.append(self._explain_reject(row, again.get(row.name)))
            else:
                assert isinstance(row, StoredDocument)
                explained.append(
                    self._explain_document(row, again.get(row.name), groups.get(row.address), shard)
                )
        return explained

    def known_by(self, address: int) -> KnownBy:
        """What a person knows a document by."""
        part, row = unpack_address(address)
        _, values = next(
            read_rows_of(PARTS.path(self.run.documents, part), np.array([row]), _KNOWN_BY)
        )
        return KnownBy(excerpt=_excerpt(values.pop("text")), **values)

    def locate(self, source: str, address: int, *, first: str = "") -> Placement | None:
        """Where the shards hold a document of a source. `first`: the shard to search first."""
        names = [name for name in need(self.stages.shards).manifest.files if f"-{source}-" in name]
        for name in sorted(names, key=lambda name: (name != first, names.index(name))):
            shard = self._read_shard(name)
            stretches = shard.segments.take(shard.segments.document == np.uint64(address))
            if len(stretches):
                rows = stretches.row[np.argsort(stretches.offset)].tolist()
                return Placement(
                    split=shard.split,
                    file=name,
                    rows=tuple(rows),
                    tokens=int(stretches.document_tokens.max()),
                )
        return None

    def _read_shard(self, name: str) -> _ReadShard:
        """The split and the segments of a shard, of which the last is kept."""
        if self._last_shard is None or self._last_shard.name != name:
            with storage.local_copy(storage.join(self.run.shards, name)) as local:
                shard = open_shard(local)
                self._last_shard = _ReadShard(name, shard.info.split, read_segments(shard))
        return self._last_shard

    def _read_again(self, rows: Sequence[StoredRow]) -> dict[str, ReadAgainOutcome]:
        # What it imports takes as long as all the rest.
        from pipeline.commands.explain.reextract import Extractor

        extractor = Extractor(self.inputs)
        outcomes = {row.name: outcome for row, outcome in extractor.read_again(rows)}
        notes = (
            ()
            if all(outcome.state == "equal" for outcome in outcomes.values())
            else extractor.notes()
        )
        return {
            name: ReadAgainOutcome(outcome=outcome, notes=notes)
            for name, outcome in outcomes.items()
        }

    def _explained_row(self, row: StoredRow, fate: Fate) -> ExplainedRow:
        kind = self.inputs.kind(row.part, row.origin, row.source)
        return ExplainedRow(
            fate=fate,
            row=row.name,
            id=row.id.hex(),
            source=row.source,
            source_kind=kind,
            origin=row.origin,
            input=self.inputs.describe(row.part, row.origin),
            locator=row.locator,
            locator_meaning=self.inputs.locator_meaning(kind, row.locator),
            url=row.url,
        )

    def _explain_reject(self, row: StoredReject, again: ReadAgainOutcome | None) -> ExplainedReject:
        return ExplainedReject(
            **vars(self._explained_row(row, "rejected")),
            stage=row.stage,
            rule=row.rule,
            value=row.value,
            threshold=row.threshold,
            detail=row.detail,
            excerpt=row.excerpt,
            signals=self._signals(row),
            read_again=again,
        )

    def _explain_document(
        self,
        row: StoredDocument,
        again: ReadAgainOutcome | None,
        group: DuplicateGroup | None,
        shard: str,
    ) -> ExplainedDocument:
        dedup, placement = None, None
        if self.stages.dedup:
            dedup = explain_dedup(
                self.run, row.address, text=row.text, group=group, describe=self.known_by
            )
        is_dropped = dedup is not None and dedup.is_dropped
        if self.stages.shards and not is_dropped:
            placement = self.locate(row.source, row.address, first=shard) or InNoShard()
        fate: Fate = (
            "dropped"
            if is_dropped
            else "in the shards"
            if isinstance(placement, Placement)
            else "kept"
        )
        return ExplainedDocument(
            **vars(self._explained_row(row, fate)),
            document=address_text(row.address),
            title=row.title,
            published=None if row.published is None else row.published.isoformat(),
            language=row.language,
            language_score=row.language_score,
            declared_language=row.declared_language,
            truncated=row.truncated,
            kept=None if row.kept is None else json.loads(row.kept),
            filters=self.inputs.filters(row.source),
            characters=len(row.text),
            excerpt=_excerpt(row.text),
            signals=self._signals(row),
            dedup=dedup,
            shards=placement,
            not_done=tuple(
                stage.name
                for stage, there in zip(STAGE_NAMES, self._in_order(), strict=True)
                if there is None
            ),
            read_again=again,
        )

    def _signals(self, row: StoredRow) -> dict[str, float] | None:
        """What filters measured of it; None where the run did not write that."""
        name = SIGNALS.name(row.part)
        if name not in self.documents.files:
            return None
        path = storage.join(self.run.documents, name)
        rows = find_rows(path, ["id"], same("id", row.id))
        for _, values in read_rows_of(path, rows):
            return {
                name: value
                for name, value in values.items()
                if name not in _NOT_MEASURED and value is not None
            }
        return None


def _excerpt(text: str) -> str:
    return " ".join(text[: 2 * EXCERPT].split())[:EXCERPT]
