"""The source kinds by name. A new kind is one file with a reader and one line here.

A reader is a generator function: a binary stream (already decompressed unless `compressed`) and the kind's own options
as keywords -> documents and rejects in file order. It catches what can go wrong with one record and yields a reject.
"""

import errno
import inspect
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import zstandard

from transforms import storage
from transforms.sources.columns import ColumnsSeen
from transforms.sources.delimited import csv_header, read_csv
from transforms.sources.epub import read_epub
from transforms.sources.feed import read_feed
from transforms.sources.html_files import read_html
from transforms.sources.jsonl import read_jsonl
from transforms.sources.markdown import read_markdown
from transforms.sources.records import RawReject, Record, Screen, binary_detail, is_failure
from transforms.sources.tables import arrow_names, parquet_names, read_arrow, read_parquet
from transforms.sources.text import read_text
from transforms.sources.warc import read_warc
from transforms.sources.wet import read_wet
from transforms.sources.wikipedia import read_wikipedia


@dataclass(frozen=True, kw_only=True)
class SourceKind:
    """`options`: the configuration keys that the reader takes. `compressed`: the reader decompresses by itself.

    `splits`: ends of file names, of which the reader can read a range of bytes (`start`, `end`); `unsplit`: of which it cannot.
    `at_offsets`: a record's locator begins with the byte that it begins at, so that a range of that byte reads it alone.
    `screens`: the reader takes a `screen`. `passes_over`: it takes a Counter `passed_over`, to which it adds each record that is no
    document by its type.
    `screens`: the reader takes a `screen`. `counts_columns`: it takes `columns`, to say which of those asked for there are.
    `names`: a stream and the kind's own options -> the columns of a table, from its header alone.
    `suffixes`: ends of the names of a plugin's files, for folders; those of the others are in `transforms.sources.file_kinds`.
    `plugin`: a user's own, whose other keyword-only parameters stand in the source's table `options`.
    """

    read: Callable[..., Iterator[Record]]
    options: tuple[str, ...] = ()
    compressed: bool = False
    splits: tuple[str, ...] = ()
    unsplit: tuple[str, ...] = ()
    at_offsets: bool = False
    screens: bool = False
    passes_over: bool = False
    counts_columns: bool = False
    names: Callable[..., list[str]] | None = None
    suffixes: tuple[str, ...] = ()
    plugin: bool = False

    def own_options(self) -> dict[str, inspect.Parameter]:
        """A plugin's keyword-only parameters that are no keys of the configuration."""
        parameters = inspect.signature(self.read).parameters.values() if self.plugin else ()
        return {item.name: item for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY and item.name not in self.options}

    def can_split(self, path: str) -> bool:
        """Whether ranges of a file can be read apart: each record then belongs to the range that it begins in."""
        return path.endswith(self.splits) and not path.endswith(self.unsplit)

    def starts_at_locators(self, path: str) -> bool:
        """Whether one record of a file can be read without those before it."""
        return self.at_offsets and self.can_split(path)


KINDS: dict[str, SourceKind] = {
    "warc": SourceKind(
        read=read_warc,
        options=("extractor", "max_payload_megabytes", "truncated", "output", "links"),
        compressed=True,
        splits=(".gz",),
        at_offsets=True,
        screens=True,
        passes_over=True,
    ),
    "wet": SourceKind(read=read_wet, options=("truncated",), compressed=True, splits=(".gz",), at_offsets=True, passes_over=True),
    "html": SourceKind(read=read_html, options=("extractor", "output", "links"), screens=True),
    "text": SourceKind(read=read_text, options=("reflow",)),
    "markdown": SourceKind(read=read_markdown, options=("links",)),
    "epub": SourceKind(read=read_epub, options=("output", "links"), compressed=True),
    "jsonl": SourceKind(
        read=read_jsonl,
        options=("fields", "keep_columns"),
        splits=("",),
        unsplit=(".gz", ".bz2", ".zst"),
        at_offsets=True,
        counts_columns=True,
    ),
    "csv": SourceKind(read=read_csv, options=("fields", "keep_columns", "delimiter"), counts_columns=True, names=csv_header),
    "parquet": SourceKind(
        read=read_parquet,
        options=("fields", "keep_columns"),
        compressed=True,
        splits=("",),
        counts_columns=True,
        names=parquet_names,
    ),
    "arrow": SourceKind(read=read_arrow, options=("fields", "keep_columns"), counts_columns=True, names=arrow_names),
    "feed": SourceKind(read=read_feed),
    "wikipedia": SourceKind(read=read_wikipedia, options=("output", "links")),
}


_FORMAT_ERRORS = (EOFError, zlib.error, zstandard.ZstdError)


def read_records(
    path: str,
    *,
    kind: str,
    options: Mapping[str, Any],
    start: int = 0,
    end: int | None = None,
    screen: Screen | None = None,
    passed_over: Counter[str] | None = None,
    columns: ColumnsSeen | None = None,
) -> Iterator[Record]:
    """Reads one file, or the records of it that begin in the bytes [start, end) where its kind can be split.

    Bytes that break the file's format cost the rest of it, or of the range: reject `read/broken-file`. `screen` is for the kinds that
    take one, and so is `passed_over`, which is given the number of records of each type that holds no documents. `columns` learns
    which columns there are, of the kinds that have some.

    An error of the system (no such file, no permission, a failing disk or network) is no property of the input: it is
    raised, and the same run may succeed later. Such an OSError has an errno, one of a format has none.
    """
    source = KINDS[kind]
    last = None
    more: dict[str, Any] = {"start": start, "end": end} if start or end is not None else {}
    if source.screens:
        more["screen"] = screen
    if source.passes_over:
        more["passed_over"] = passed_over
    if source.counts_columns:
        more["columns"] = columns
    try:
        with storage.open_input(path) if source.compressed else storage.open_decompressed(path) as stream:
            for record in source.read(stream, **options, **more):
                last = record.locator
                yield _checked(record, kind)
    except BaseException as error:
        if not _is_of_format(error):
            raise
        after = f"after record {last}" if last is not None else f"at byte {start}" if start else "at its start"
        where = last or (f"byte {start}" if start else "start")
        yield RawReject(f"{where}+", "read/broken-file", detail=f"{type(error).__name__} {after}: {error}")


def _checked(record: Record, kind: str) -> Record:
    """The one check of every kind that what it read is text. Stage `extract` where pages are told from other files first, else `read`."""
    if isinstance(record, RawReject) or (detail := binary_detail(record.text)) is None:
        return record
    return RawReject(record.locator, f"{kind}/not-text", "extract" if kind in ("warc", "wet") else "read", detail=detail, url=record.url)


def _is_of_format(error: BaseException) -> bool:
    """Whether bytes that break a format, and no system or program, are what an exception is about."""
    if not isinstance(error, Exception):
        return is_failure(error)
    if isinstance(error, OSError):
        return error.errno is None or _is_bad_seek(error)
    return isinstance(error, _FORMAT_ERRORS)


def _is_bad_seek(error: OSError) -> bool:
    """A damaged directory or footer points to where no file can be: of the input, though a local file answers with an errno.

    s3fs gives the same errno to whatever the server refuses, with words of its own.
    """
    return error.errno == errno.EINVAL and error.strerror == os.strerror(errno.EINVAL)
