"""The source kinds by name, and the reader of their files.

A new kind is one file that ends with its `SourceKind` (transforms.sources.kind) and one line here.
"""

import errno
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import zstandard

from transforms import storage
from transforms.clean_text import binary_detail
from transforms.registered import registered
from transforms.sources.columns import ColumnsSeen
from transforms.sources.kind import SourceKind
from transforms.sources.options import SourceOption
from transforms.sources.records import RawReject, Record, Screen, is_failure

# The kinds, in the order in which messages list them.
# ruff: noqa: F401
# isort: off
from transforms.sources.warc import WARC
from transforms.sources.wet import WET
from transforms.sources.html_files import HTML_FILES
from transforms.sources.text import TEXT
from transforms.sources.markdown import MARKDOWN
from transforms.sources.epub import EPUB
from transforms.sources.jsonl import JSONL
from transforms.sources.delimited import CSV
from transforms.sources.tables import PARQUET
from transforms.sources.tables import ARROW
from transforms.sources.feed import FEED
from transforms.sources.wikipedia import WIKIPEDIA
# isort: on

KINDS: dict[str, SourceKind] = registered(globals().values(), SourceKind)

_FORMAT_ERRORS = (EOFError, zlib.error, zstandard.ZstdError)


def options_of(kinds: Iterable[SourceKind]) -> dict[str, SourceOption]:
    """The options of several kinds by name.

    Raises ValueError if two kinds define an option differently.
    """
    options: dict[str, SourceOption] = {}
    for kind in kinds:
        for name, option in kind.options.items():
            if options.setdefault(name, option) != option:
                raise ValueError(
                    f"option {name!r} of source kind {kind.name!r} "
                    "differs from that of another kind"
                )
    return options


TABLE_OPTIONS = options_of(KINDS.values())
"""Every reader option that a source's table may have."""


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
    """Read a file, or the records that begin in the bytes [start, end) if its kind has ranges.

    Args:
        path: a file on any file system.
        kind: a name of KINDS.
        options: the reader's options, as keywords.
        start, end: a byte range; the whole file by default.
        screen: rejects a page before its main text is extracted; ignored by kinds without it.
        passed_over: counts the skipped records by type.
        columns: counts the columns, for kinds that have columns.

    Yields:
        Documents and rejects in file order. A format error ends the file, or the range, with one
        reject `read/broken-file`.

    Raises:
        OSError: a system error (no such file, no permission, a failing disk or network). It is not
            a property of the input, and the same run may succeed later. It has an errno; an
            OSError about the format has none.
    """
    source = KINDS[kind]
    last = None
    keywords: dict[str, int | Screen | Counter[str] | ColumnsSeen | None] = {}
    if start or end is not None:
        keywords |= {"start": start, "end": end}
    for name, value in (("screen", screen), ("passed_over", passed_over), ("columns", columns)):
        if source.takes(name):
            keywords[name] = value
    try:
        with (
            storage.open_input(path)
            if source.decompresses
            else storage.open_decompressed(path) as stream
        ):
            for record in source.read(stream, **options, **keywords):
                last = record.locator
                yield _reject_binary(record, source)
    except BaseException as error:
        if not _is_format_error(error):
            raise
        after = (
            f"after record {last}"
            if last is not None
            else f"at byte {start}"
            if start
            else "at its start"
        )
        where = last or (f"byte {start}" if start else "start")
        yield RawReject(
            f"{where}+", "read/broken-file", detail=f"{type(error).__name__} {after}: {error}"
        )


def _reject_binary(record: Record, kind: SourceKind) -> Record:
    """Reject a document of any kind that is not text."""
    if isinstance(record, RawReject) or (detail := binary_detail(record.text)) is None:
        return record
    return RawReject(
        record.locator,
        f"{kind.name}/not-text",
        "extract" if kind.mixed else "read",
        detail=detail,
        url=record.url,
    )


def _is_format_error(error: BaseException) -> bool:
    """Whether an exception is about the format of the input, and not about system or program."""
    if not isinstance(error, Exception):
        return is_failure(error)
    if isinstance(error, OSError):
        return error.errno is None or _is_bad_seek(error)
    return isinstance(error, _FORMAT_ERRORS)


def _is_bad_seek(error: OSError) -> bool:
    """Whether a damaged directory or footer led to an invalid offset.

    That is an error of the input, although local files report it with an errno. s3fs uses the same
    errno for all refusals of the server, with other messages.
    """
    return error.errno == errno.EINVAL and error.strerror == os.strerror(errno.EINVAL)
