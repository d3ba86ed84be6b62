"""Source `jsonl`: JSON objects, one per line, in one array, or one after the other.

Files: `.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.json`. `fields` maps document fields to keys, or to
dotted paths into nested values.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from transforms.clean_text import clean_text
from transforms.sources.columns import (
    MISSING,
    ColumnsSeen,
    asked_columns,
    field_columns,
    find_value,
)
from transforms.sources.dates import parse_date
from transforms.sources.json_stream import Broken, decode_value, read_values
from transforms.sources.kept import kept_text
from transforms.sources.kind import COMPRESSIONS, InputRate, Ranges, SourceKind
from transforms.sources.options import NO_FIELDS, FieldsOption, KeepColumnsOption
from transforms.sources.records import RawDocument, RawReject, Record

_BLOCK = 1 << 16
_EXCERPT = 1000
_NO_LINES = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*(?:[\]{]|\Z)|\{[ \t]*\r?\n)")
"""The start of a file that is not JSON lines: an array of objects, or an object on many lines."""
_BEGINS = re.compile(r"\s*(?:\{\s*(?:\"|\})|\[\s*(?:\{|\]))")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_jsonl(
    stream: BinaryIO,
    *,
    fields: FieldsOption = NO_FIELDS,
    keep_columns: KeepColumnsOption = (),
    start: int = 0,
    end: int | None = None,
    columns: ColumnsSeen | None = None,
) -> Iterator[Record]:
    """Read a JSON file -> one document or reject per object; blank lines are skipped.

    With a range, the lines that start in it. The locator is the byte offset of the object, or of
    its line, in the decompressed file. A file whose objects are not on their own lines belongs to
    the range that starts at 0. Only a range that starts after 0 seeks.
    """
    seen = (columns or ColumnsSeen()).file(asked_columns(fields, keep_columns))
    reader = _Reader(fields, keep_columns)
    try:
        for locator, value, excerpt in _values(stream, start, end):
            try:
                if seen.missing and isinstance(value, dict):
                    seen.add_record(value)
                yield reader.record(value, locator, excerpt)
            except Exception as error:
                # An unexpected error in one line must not end the file.
                yield RawReject(
                    locator,
                    "jsonl/unreadable",
                    detail=f"{type(error).__name__}: {error}",
                    excerpt=_excerpt(excerpt),
                )
    finally:
        seen.close()


_Value = tuple[str, Any, str | bytes]
"""A locator, the value or the reason why it is none (Broken), and an excerpt or the line."""


def _excerpt(excerpt: str | bytes) -> str:
    return excerpt[:_EXCERPT].decode("utf-8", "replace") if isinstance(excerpt, bytes) else excerpt


def _values(stream: BinaryIO, start: int, end: int | None) -> Iterator[_Value]:
    if start:
        stream.seek(0)
        if not _NO_LINES.match(_first_line(stream)):
            yield from _line_values(stream, b"", _next_line(stream, start), end)
        return
    if end == 0:
        return
    head = _first_line(stream)
    if head.startswith(_UTF16):
        yield "0", Broken("the file begins with the mark of UTF-16; JSON lines are UTF-8"), ""
    elif _NO_LINES.match(head):
        for offset, value, excerpt in read_values(stream, head):
            yield str(offset), value, excerpt
    else:
        yield from _line_values(stream, head, 0, end)


def _first_line(stream: BinaryIO) -> bytes:
    """The start of a file up to its first line that is not blank, or at most one block.

    All ranges of a file determine its format by this.
    """
    head = stream.readline(_BLOCK)
    while (
        not head.removeprefix(codecs.BOM_UTF8).strip()
        and len(head) < _BLOCK
        and (more := stream.readline(_BLOCK))
    ):
        head += more
    return head


def _line_values(
    stream: BinaryIO, head: bytes, following: int, end: int | None
) -> Iterator[_Value]:
    """Yield the values of the lines from an offset on.

    `head` was already read from the stream and may end inside a line.
    """
    if head and not head.endswith(b"\n"):
        head += stream.readline()
    read = stream.readline
    waiting = _split_lines(head)[::-1]
    while (end is None or following < end) and (line := waiting.pop() if waiting else read()):
        offset, following = following, following + len(line)
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield from _irregular_line(line, offset, error)
        else:
            yield str(offset), value, line


def _split_lines(data: bytes) -> list[bytes]:
    """Split into lines as `readline` does: a lone carriage return does not end a line."""
    return [part + b"\n" for part in data.split(b"\n")[:-1]] + (
        [last] if (last := data.split(b"\n")[-1]) else []
    )


def _next_line(stream: BinaryIO, start: int) -> int:
    """Move to the first line that starts at or after a byte, in blocks -> its offset."""
    stream.seek(start - 1)
    offset = start - 1
    while part := stream.readline(_BLOCK):
        offset += len(part)
        if part.endswith(b"\n"):
            break
    return offset


def _irregular_line(line: bytes, offset: int, error: Exception) -> Iterator[_Value]:
    """Yield the values of a line that is not one JSON value.

    It has several objects, or an integer with more digits than Python parses, or is invalid.
    """
    broken = Broken(f"{type(error).__name__}: {error}")
    if not isinstance(error, json.JSONDecodeError):
        try:
            yield str(offset), decode_value(line.decode("utf-8-sig"), 0)[0], line
        except (ValueError, RecursionError):
            yield str(offset), broken, line
    elif (
        error.msg == "Extra data"
        and error.doc[: error.pos].rstrip().endswith("}")
        and error.doc[error.pos :].startswith("{")
    ):
        yield from _objects_of_line(error.doc, offset)
    else:
        yield str(offset), broken, line


def _objects_of_line(text: str, offset: int) -> Iterator[_Value]:
    position = 0
    while position < len(text):
        excerpt = text[position : position + _EXCERPT]
        try:
            value, stop = decode_value(text, position)
        except (ValueError, RecursionError) as error:
            yield str(offset), Broken(f"{type(error).__name__}: {error}"), excerpt
            return
        yield str(offset), value, excerpt
        stop += len(text[stop:]) - len(text[stop:].lstrip())
        offset += len(text[position:stop].encode())
        position = stop


class _Reader:
    """Converts JSON values to documents and rejects."""

    def __init__(self, fields: FieldsOption, keep_columns: Sequence[str]):
        self._keys = field_columns(fields)
        self._keep = tuple(keep_columns)

    def record(self, value: Any, locator: str, excerpt: str | bytes) -> Record:
        if isinstance(value, Broken):
            return RawReject(
                locator, "jsonl/not-json", detail=str(value), excerpt=_excerpt(excerpt)
            )
        if not isinstance(value, dict):
            detail = f"the value is a {type(value).__name__}, not an object"
            return RawReject(locator, "jsonl/wrong-type", detail=detail, excerpt=_excerpt(excerpt))
        text = _find(value, self._keys["text"])
        if text is None:
            keys = ", ".join(map(repr, list(value)[:20])) or "none"
            detail = f"no field {self._keys['text']!r}; there are {keys}"
            return RawReject(
                locator, "jsonl/missing-text", detail=detail, excerpt=_excerpt(excerpt)
            )
        if not isinstance(text, str):
            detail = f"field {self._keys['text']!r} is a {type(text).__name__}, not a string"
            return RawReject(locator, "jsonl/wrong-type", detail=detail, excerpt=_excerpt(excerpt))
        text = clean_text(text)
        if not text:
            return RawReject(
                locator, "extract/empty", "extract", detail=f"field {self._keys['text']!r} is empty"
            )
        url, title = (_find(value, self._keys[field]) for field in ("url", "title"))
        return RawDocument(
            locator,
            text,
            url=url if isinstance(url, str) else None,
            title=title if isinstance(title, str) else None,
            published=parse_date(_find(value, self._keys["published"])),
            kept=self._kept(value) if self._keep else None,
        )

    def _kept(self, value: dict[str, Any]) -> str | None:
        kept = {
            name: item for name in self._keep if (item := find_value(value, name)) is not MISSING
        }
        return kept_text(kept) if kept else None


def _find(value: dict[str, Any], path: str) -> Any:
    item = value.get(path, MISSING)
    if item is MISSING and "." in path:
        item = find_value(value, path)
    return None if item is MISSING else item


JSONL = SourceKind(
    name="jsonl",
    read=read_jsonl,
    locator="byte offset of the line in the file, decompressed",
    suffixes=(".jsonl", ".ndjson", ".jsonlines", ".jl", ".json"),
    begins=lambda head: _BEGINS.match(head.text) is not None,
    ranges=Ranges(
        of="line", files="uncompressed jsonl", except_suffixes=COMPRESSIONS, start_at_locators=True
    ),
    rates={
        True: InputRate(bytes_per_second=1.5e6, text=2.31, parts=1.10),
        False: InputRate(bytes_per_second=4.3e6, text=0.85, parts=0.41),
    },
)
