"""The columns that a source reads: document fields and columns to keep, by name or dotted path.

An existing name takes precedence over a path: `meta.url` is the column `meta.url` if there is one,
otherwise `url` inside `meta`.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIELDS = ("text", "url", "title", "published")
MISSING: Any = object()
"""The value of a path that does not exist; an existing null is None."""
_SHOWN_NAMES = 50


def field_columns(fields: Mapping[Any, str]) -> dict[str, str]:
    """The column of each document field: the mapped one, or the one named like the field."""
    return {name: fields.get(name, name) for name in FIELDS}


def asked_columns(fields: Mapping[Any, str], keep_columns: Sequence[str]) -> list[str]:
    """The columns that the input must have: text, those mapped in `fields`, and those to keep."""
    columns = field_columns(fields)
    return list(
        dict.fromkeys(
            [columns["text"], *(columns[name] for name in FIELDS if name in fields), *keep_columns]
        )
    )


def find_value(record: Any, path: str) -> Any:
    """The value at a dotted path of a JSON value, or MISSING. A number is a list index, from 0."""
    if isinstance(record, dict):
        if path in record:
            return record[path]
        for head, rest in splits(path):
            if head in record and (value := find_value(record[head], rest)) is not MISSING:
                return value
    elif isinstance(record, list):
        head, dot, rest = path.partition(".")
        if head.isdecimal() and head.isascii() and int(head) < len(record):
            return find_value(record[int(head)], rest) if dot else record[int(head)]
    return MISSING


def splits(path: str) -> Iterator[tuple[str, str]]:
    """Split a path at each dot, the longest head first: `a.b.c` -> (`a.b`, `c`), (`a`, `b.c`)."""
    end = path.rfind(".")
    while end > 0:
        yield path[:end], path[end + 1 :]
        end = path.rfind(".", 0, end)


@dataclass
class ColumnsSeen:
    """Counts which of the requested columns the files of one source have.

    found  requested column -> number of files, or ranges of files, that have it
    names  column name, in files that lack a requested column -> the same; at most 50 per file
    """

    found: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)

    def file(self, requested: Iterable[str]) -> "FileColumns":
        """Start a file, or a range of one."""
        requested = tuple(requested)
        for name in requested:
            self.found[name] += 0
        return FileColumns(self, requested)


class FileColumns:
    """The columns of one file or range. `missing`: the requested columns that were not seen yet."""

    def __init__(self, seen: ColumnsSeen, requested: Iterable[str]):
        self._seen = seen
        self.missing = dict.fromkeys(requested)
        self._names: dict[str, None] = {}

    def add_table(self, columns: Iterable[str], names: Iterable[str]) -> None:
        """Add a table: the requested columns it has, and the names of all its columns."""
        self._record_found(columns)
        self._names.update(dict.fromkeys(itertools.islice(names, _SHOWN_NAMES)))

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Add a JSON object. Needed only while `missing` is not empty."""
        self._record_found(
            [name for name in self.missing if find_value(record, name) is not MISSING]
        )
        if self.missing and len(self._names) < _SHOWN_NAMES:
            deep = any("." in name for name in self.missing)
            names = _paths(record) if deep else (str(name) for name in record)
            self._names.update(dict.fromkeys(itertools.islice(names, _SHOWN_NAMES)))

    def close(self) -> None:
        """Count the names of the file if a requested column is missing."""
        if self.missing:
            self._seen.names.update(itertools.islice(self._names, _SHOWN_NAMES))

    def _record_found(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.missing:
                del self.missing[name]
                self._seen.found[name] += 1


def _paths(record: Mapping[str, Any]) -> Iterator[str]:
    """The keys of an object, and the keys of its direct member objects as paths."""
    yield from record
    for name, value in record.items():
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in value)
