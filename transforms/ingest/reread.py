"""Reads the record of a document or reject again, with the same bytes, reader and filters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from transforms.errors import UserError
from transforms.ingest.settings import LanguageConfig, SourceConfig
from transforms.ingest.unit import InputFile, judge_documents, language_screen
from transforms.sources.records import Origin, RawReject, Record, Screen, documents_batch
from transforms.sources.registry import KINDS, read_records

_CONTEXT_LINES = 2
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class ReadAgain:
    """The result of reading a record again.

    A document has `text` after the filters, and all other columns in `values`. A reject has `rule`,
    `stage`, `value`, `threshold` and the rejected `text`, if there was one.
    """

    locator: str
    text: str | None = None
    values: Mapping[str, Any] | None = None
    rule: str | None = None
    stage: str | None = None
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None


def find_records(
    file: InputFile, locators: Sequence[str], settings: SourceConfig, language: LanguageConfig
) -> Iterator[Record]:
    """Find the records of a file, or of its range, by their locators: each once, in any order.

    Where a locator is a byte offset at which the reader can start, only the bytes of that record
    are read. For the others the range is read until all of them are found.
    """
    screen = language_screen(language)
    wanted = set(locators)
    kind = file.kind or settings.kind
    if KINDS[kind].starts_at_locators(file.path):
        for locator in locators:
            offset = int(locator.partition("#")[0]) if locator.partition("#")[0].isdigit() else None
            first = (
                None
                if offset is None
                else _first(replace(file, start=offset, end=offset + 1), locator, settings, screen)
            )
            if first is not None:
                wanted.discard(locator)
                yield first
    if wanted:
        for record in _read(file, settings, screen):
            if record.locator in wanted:
                wanted.discard(record.locator)
                yield record
                if not wanted:
                    return


def _first(
    file: InputFile, locator: str, settings: SourceConfig, screen: Screen | None
) -> Record | None:
    """Read the record at the start of a range.

    None where a damaged neighbour keeps the reader from starting there.
    """
    try:
        return next(
            (record for record in _read(file, settings, screen) if record.locator == locator), None
        )
    except UserError:
        return None


def _read(file: InputFile, settings: SourceConfig, screen: Screen | None) -> Iterator[Record]:
    kind, options = file.kind or settings.kind, settings.reader_options(file.kind)
    return read_records(
        file.path, kind=kind, options=options, start=file.start, end=file.end, screen=screen
    )


def read_again(
    file: InputFile,
    locators: Sequence[str],
    *,
    settings: SourceConfig,
    language: LanguageConfig,
    signals: bool,
) -> Iterator[ReadAgain]:
    """Read records and judge them as ingest does.

    `signals` tells whether the run measured signals; pages are not screened then. Records that are
    no longer in the file are omitted.
    """
    if signals:
        language = replace(language, screen=False)
    documents = []
    for record in find_records(file, locators, settings, language):
        if isinstance(record, RawReject):
            reasons = {
                name: getattr(record, name)
                for name in ("locator", "rule", "stage", "value", "detail")
            }
            yield ReadAgain(text=record.excerpt or None, **reasons)
        else:
            documents.append(record)
    if not documents:
        return
    batch = documents_batch([Origin(file.source, file.origin)] * len(documents), documents)
    judged = judge_documents(batch, filters=settings.quality, language=language, signals=signals)
    for row in judged.kept.to_pylist():
        yield ReadAgain(locator=row["locator"], text=row.pop("text"), values=row)
    texts = {document.locator: document.text for document in documents}
    for row in pa.Table.from_batches(judged.rejects).to_pylist():
        reasons = {
            name: row[name] for name in ("locator", "rule", "stage", "value", "threshold", "detail")
        }
        yield ReadAgain(text=texts[row["locator"]], **reasons)


def first_difference(before: str, now: str) -> str:
    """The lines around the first difference of two texts, as a unified diff.

    Long lines are cut around the difference.
    """
    old, new = before.split("\n"), now.split("\n")
    line = next(
        (
            number
            for number, (left, right) in enumerate(zip(old, new, strict=False))
            if left != right
        ),
        min(len(old), len(new)),
    )
    pair = (old[line : line + 1] or [""])[0], (new[line : line + 1] or [""])[0]
    column = next(
        (number for number, (left, right) in enumerate(zip(*pair, strict=False)) if left != right),
        min(map(len, pair)),
    )
    first = max(0, line - _CONTEXT_LINES)
    context = [f" {_cut(text, 0)}" for text in old[first:line]]
    removed = [f"-{_cut(text, column)}" for text in old[line : line + 1]]
    added = [f"+{_cut(text, column)}" for text in new[line : line + 1]]
    return "\n".join(
        [
            "--- stored",
            "+++ read again",
            f"@@ line {line + 1}, character {column + 1} @@",
            *context,
            *removed,
            *added,
        ]
    )


def _cut(text: str, column: int) -> str:
    first = max(0, column - _SHOWN_CHARACTERS // 2)
    cut = text[first : first + _SHOWN_CHARACTERS]
    return ("…" if first else "") + cut + ("…" if first + len(cut) < len(text) else "")
