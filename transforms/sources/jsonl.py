"""Source `jsonl`: one JSON object a line (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`); `fields` maps document fields to keys."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from transforms.sources.records import RawDocument, RawReject, Record, clean_text

FIELDS = ("text", "url", "title", "published")
_BLOCK = 1 << 16
_MAX_SECONDS = 1e11
_FORMATS = ("%Y/%m/%d", "%d.%m.%Y")
_MONTHS = {
    name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_WITH_MONTH = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})(?: (\d{1,2}):(\d{1,2}):(\d{1,2})\.\d{1,6})?", re.ASCII)


def parse_date(value: Any) -> int | None:
    """A date as ISO 8601, RFC 2822, seconds since 1970 or a few usual spellings -> seconds, UTC; None if it is none of them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if abs(value) < _MAX_SECONDS else None  # false for nan and inf, and exact for any integer
    if not isinstance(value, str) or not value.strip():
        return None
    value = value.strip()
    readings = [
        datetime.fromisoformat,
        _read_with_month,
        *(lambda text, f=form: datetime.strptime(text, f) for form in _FORMATS),
        parsedate_to_datetime,
    ]
    for read in readings:
        try:
            moment = read(value)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _read_with_month(value: str) -> datetime:
    """`26-FEB-1987` and `26-FEB-1987 15:01:01.79`; strptime takes ten times as long, and asks the locale for the months."""
    found = _WITH_MONTH.fullmatch(value)
    if found is None or (month := _MONTHS.get(found[2].lower())) is None:
        raise ValueError(value)
    hour, minute, second = (int(part or 0) for part in found.groups()[3:])
    return datetime(int(found[3]), month, int(found[1]), hour, minute, second)


def read_jsonl(stream: BinaryIO, *, fields: Mapping[str, str], start: int = 0, end: int | None = None) -> Iterator[Record]:
    """Bytes of a JSON-lines file -> one document or reject a line that is not blank; with a range, of lines that start in it.

    The locator is the offset of the line's first byte in the (decompressed) file. Only a range that starts behind 0 seeks.
    """
    keys = {field: fields.get(field, field) for field in FIELDS}
    following = _next_line(stream, start) if start else 0
    read = stream.readline
    while (end is None or following < end) and (line := read()):
        offset, following = following, following + len(line)
        if not line.strip():
            continue
        excerpt = line[:1000].decode("utf-8", "replace")
        try:
            yield _read_line(line, str(offset), keys, excerpt)
        except Exception as error:  # what nobody foresaw in one line must not cost the file
            yield RawReject(str(offset), "jsonl/unreadable", detail=f"{type(error).__name__}: {error}", excerpt=excerpt)


def _next_line(stream: BinaryIO, start: int) -> int:
    """Moves to the first line that starts at or after a byte, a block at a time, and returns its offset."""
    stream.seek(start - 1)
    offset = start - 1
    while part := stream.readline(_BLOCK):
        offset += len(part)
        if part.endswith(b"\n"):
            break
    return offset


def _read_line(line: bytes, locator: str, keys: dict[str, str], excerpt: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return RawReject(locator, "jsonl/not-json", detail=f"{type(error).__name__}: {error}", excerpt=excerpt)
    if not isinstance(record, dict):
        return RawReject(locator, "jsonl/wrong-type", detail=f"the line is a {type(record).__name__}, not an object", excerpt=excerpt)
    text = record.get(keys["text"])
    if text is None:
        return RawReject(locator, "jsonl/missing-text", detail=f"no field {keys['text']!r}", excerpt=excerpt)
    if not isinstance(text, str):
        detail = f"field {keys['text']!r} is a {type(text).__name__}, not a string"
        return RawReject(locator, "jsonl/wrong-type", detail=detail, excerpt=excerpt)
    text = clean_text(text)
    if not text:
        return RawReject(locator, "extract/empty", "extract", detail=f"field {keys['text']!r} is empty")
    url, title = (record.get(keys[field]) for field in ("url", "title"))
    return RawDocument(
        locator,
        text,
        url=url if isinstance(url, str) else None,
        title=title if isinstance(title, str) else None,
        published=parse_date(record.get(keys["published"])),
    )
