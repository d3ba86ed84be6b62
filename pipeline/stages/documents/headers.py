"""Checks that the columns a source asks for exist; the error lists the columns that do."""

import difflib
from collections.abc import Sequence

from pipeline.stages.documents.listing import SourceFile
from pipeline.terminal import largest_first
from transforms import storage
from transforms.contracts.counters import ColumnCounters
from transforms.errors import ConfigError, UserError
from transforms.ingest.settings import SourceConfig
from transforms.sources.columns import asked_columns
from transforms.sources.registry import KINDS

_OPENED = 16
"""A source of at most this many tables has its headers read before anything runs.

With more files, missing columns show in the counts of the finished stage (`check_columns`).
"""
_SHOWN = 20


def check_headers(name: str, source: SourceConfig, files: Sequence[SourceFile]) -> None:
    """Raises ConfigError when no table of a source has a column that the source asks for.

    Reads headers until all columns have been seen: one file in the usual case. Unreadable files are
    left to their reader, which reports them; so are JSON files, which have no header.
    """
    tables = [file for file in files if KINDS[file.kind or source.kind].has_columns]
    if (
        not tables
        or len(tables) > _OPENED
        or any(KINDS[file.kind or source.kind].header is None for file in tables)
    ):
        tables = []
    missing = dict.fromkeys(asked_columns(source.fields, source.keep_columns))
    there: dict[str, None] = {}
    for file in tables:
        header = _header(file, source)
        there.update(dict.fromkeys(header))
        missing = {column: None for column in missing if column not in header}
        if not missing:
            return
    if there:
        what, remedy = _message(name, source, next(iter(missing)), list(there))
        raise ConfigError(what, where=tables[0].info.path, remedy=remedy)


def _header(file: SourceFile, source: SourceConfig) -> list[str]:
    kind = KINDS[file.kind or source.kind]
    assert kind.header is not None
    try:
        with (
            storage.open_input(file.info.path)
            if kind.decompresses
            else storage.open_decompressed(file.info.path) as stream
        ):
            return kind.header(stream, **source.reader_options(file.kind))
    except UserError:
        raise
    except Exception:
        return []


def check_columns(
    name: str, source: SourceConfig, seen: ColumnCounters | None, folder: str
) -> None:
    """Raises UserError when no record of a source had a column that the source asks for.

    `seen`: the columns that the stage counted; None for a source without tables.
    """
    if seen is None:
        return
    there = [column for column, _ in largest_first(seen.names)]
    missing = [
        column
        for column in asked_columns(source.fields, source.keep_columns)
        if seen.found.get(column) == 0
    ]
    if missing and there:
        what, remedy = _message(name, source, missing[0], there)
        raise UserError(what, where=folder, remedy=f"{remedy}; then run again with --overwrite")


def _message(name: str, source: SourceConfig, column: str, there: Sequence[str]) -> tuple[str, str]:
    """The text of the error and its remedy; `there`: the columns that exist."""
    field = next((field for field, mapped in source.fields.items() if mapped == column), None)
    if field:
        asked = f"fields.{field} = {column!r}"
    elif column in source.keep_columns:
        asked = f"keep_columns names {column!r}"
    else:
        asked = f"the text is looked for in {column!r}"
    listed = ", ".join(map(repr, there[:_SHOWN])) + (
        f", … ({len(there)} in all)" if len(there) > _SHOWN else ""
    )
    what = f"sources.{name}: {asked}, and no file has that column; there are {listed}"
    near = (
        difflib.get_close_matches(column, there, n=1)
        or [other for other in there if other.casefold() == column.casefold()][:1]
    )
    hint = f"; did you mean {near[0]!r}?" if near else ""
    key = (
        f"fields = {{ {field or 'text'} = … }}"
        if field or column not in source.keep_columns
        else "keep_columns"
    )
    return what + hint, f"name one of them in {key}"
