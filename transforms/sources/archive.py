"""Read the records of a WARC file, including a damaged one.

Each record is read, skipped because of its type, or rejected with a reason. A record with a wrong
Content-Length, or in a damaged gzip member, is one reject: reading continues at the next place
where a record begins. Format: WARC/1.1 (ISO 28500:2017) and common deviations from it: other
versions, bare line feeds, blank lines.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from transforms.sources.content import Barrier, Content
from transforms.sources.members import find_member
from transforms.sources.mime import sniff
from transforms.sources.records import RawReject, Record, is_failure, is_of_system

_VERSION = re.compile(rb"WARC/\d{1,3}\.\d{1,3}[ \t]*\r?\n", re.IGNORECASE)
_NEXT = re.compile(
    rb"WARC/\d{1,3}\.\d{1,3}[ \t]{0,9}\r?\n(?i:WARC-|Content-)[A-Za-z-]{1,60}[ \t]{0,9}:"
)
"""Start of a record at an unexpected place.

It may stand in the middle of a line, where one writer stopped and another continued.
"""
# Maximum number of bytes that _NEXT can match.
_LONGEST_START = 128
_BLANK_LINE = re.compile(rb"\n\r?\n")
_LINE_END = re.compile(rb"\r*\n")
_LONGEST_HEADER = 8 << 20
_BLOCK = 1 << 16
_BLANK = b"\r\n\0"
_CLOSING = (b"\r\n\r\n", b"\n\n")
KNOWN_TYPES = frozenset(
    (
        "warcinfo",
        "response",
        "resource",
        "request",
        "metadata",
        "revisit",
        "conversion",
        "continuation",
    )
)


@dataclass(frozen=True, kw_only=True)
class ArchiveRecord:
    """A whole record.

    `headers` has names in lowercase and the first value of each. `block` is None for a block that
    is longer than the reader's `largest`.
    """

    type: str
    headers: dict[str, str]
    length: int
    block: bytes | None
    locator: str
    url: str | None


ReadRecord = Callable[[ArchiveRecord], Record]
"""Turns a record into a document or a reject."""


@dataclass
class _Locators:
    """Locators: the file offset of a record or its gzip member.

    Further results from the same offset get a number: `1234`, `1234#1`, `1234#2`.
    """

    offset: int = -1
    count: int = 0

    def name(self, offset: int) -> str:
        self.count = self.count + 1 if offset == self.offset else 0
        self.offset = offset
        return f"{offset}#{self.count}" if self.count else str(offset)


@dataclass
class _Reader:
    content: Content
    types: Collection[str]
    read: ReadRecord
    kind: str
    largest: int
    passed_over: Counter[str]
    locators: _Locators = field(default_factory=_Locators)
    records: int = 0
    # `offset` is the file offset of the last record. `is_open`: the last record lacks its closing
    # line ends. `reports_truncation`: a reject already says that the file is truncated.
    offset: int = 0
    is_open: bool = False
    reports_truncation: bool = False


def read_archive(
    stream: BinaryIO,
    *,
    types: Collection[str],
    read: ReadRecord,
    kind: str,
    largest: int,
    start: int = 0,
    end: int | None = None,
    passed_over: Counter[str] | None = None,
) -> Iterator[Record]:
    """Yield one document or reject per record of the given types, in file order.

    Args:
        stream: the archive: gzip, zstd, lz4 or plain.
        types: record types (`response`, `conversion`, ...) that are passed to `read`.
        read: turns a record into a document or a reject.
        kind: name of the source kind; prefix of the reject rules.
        largest: longest block in bytes that is held in memory; for a longer one `read` gets None.
        start, end: byte range [start, end) of the file; `end=None` is the end of the file.
        passed_over: counts the skipped records by type.

    Returns:
        The results of `read`, and a reject for each damaged record of any type.

    The range of a gzip file starts at the first member that `find_member` finds at or after `start`
    and ends at the first one it finds at or after `end`. Neighbouring ranges therefore meet without
    overlap and together yield what the whole file yields. Any other file belongs to the range that
    starts at 0. Raises UserError, to avoid reading a record twice, when no member boundary of this
    range coincides with the start of the next range.
    """
    if end is not None and end <= start:
        return
    if start:
        first = find_member(stream, start, end=end)
        if first is None:
            return
        stream.seek(first)
        start = first
    reader = _Reader(
        content=Content(stream, start=start, end=end),
        types=types,
        read=read,
        kind=kind,
        largest=largest,
        passed_over=Counter() if passed_over is None else passed_over,
        offset=start,
    )
    yield from _read_all(reader)


def _read_all(reader: _Reader) -> Iterator[Record]:
    content = reader.content
    while True:
        _skip_blanks(content)
        head = content.peek(64)
        if not head:
            barrier = content.barrier()
            assert barrier is not None
            if barrier.is_end:
                yield from _reject_at_end(reader, barrier)
                return
            content.pass_barrier()
            if barrier.kind == "damage":
                offset = (
                    content.offset(content.position) if barrier.offset is None else barrier.offset
                )
                yield RawReject(
                    reader.locators.name(offset), f"{reader.kind}/damaged", detail=barrier.detail
                )
                reader.records += 1
        elif _VERSION.match(head):
            yield from _read_record(reader)
            reader.records += 1
        else:
            yield from _reject_junk(reader, head)
            reader.records += 1


def _reject_at_end(reader: _Reader, barrier: Barrier) -> Iterator[Record]:
    """The reject for a truncated or empty file, yielded when its end is reached."""
    if barrier.kind == "cut" and not reader.reports_truncation:
        yield _truncated(reader, "the file ends inside a member or frame of its compression")
    elif (
        barrier.kind == "end"
        and reader.is_open
        and reader.content.packing == "plain"
        and not reader.reports_truncation
    ):
        yield _truncated(
            reader, "the file ends inside a record: the line ends that close it are missing"
        )
    elif not reader.records and barrier.kind == "end" and not reader.offset:
        yield RawReject("0", f"{reader.kind}/not-an-archive", detail="the file is empty")


def _truncated(reader: _Reader, detail: str) -> RawReject:
    reader.reports_truncation = True
    return RawReject(f"{reader.offset}+", f"{reader.kind}/truncated", detail=detail)


def _reject_junk(reader: _Reader, head: bytes) -> Iterator[Record]:
    """Skip bytes that are no record, up to the next record, and yield one reject for them.

    A partial version line at the end of the file is reported as a truncated file.
    """
    content = reader.content
    offset = content.offset(content.position)
    if (
        len(head) < 16
        and b"WARC/1.0\r\n".startswith(head[:6].upper())
        and (barrier := content.barrier())
        and barrier.kind in ("cut", "end")
    ):
        content.take(len(head))
        reader.offset = offset
        yield _truncated(reader, "the file ends inside a record's header")
        return
    start = content.peek(2048)
    size = _skip_to_header(content)
    barrier = content.barrier()
    is_all = not reader.records and barrier is not None and barrier.is_end and not content.peek(1)
    detail = f"{size} bytes that are no record: {_describe(start)}"
    if is_all:
        detail = f"the file is no WARC archive: {_describe(start)}"
        reader.reports_truncation = True
    yield RawReject(
        reader.locators.name(offset),
        f"{reader.kind}/not-an-archive" if is_all else f"{reader.kind}/junk",
        detail=detail,
    )


def _describe(start: bytes) -> str:
    """Describe the first bytes of unknown content for an error message."""
    if start.startswith(b"filedesc://"):
        return (
            "it is an ARC file, the format before WARC; "
            "convert it, for instance with `warcio recompress`"
        )
    sniffed = sniff(start)
    return f"it looks like {sniffed or 'text'}, and begins with {start[:40]!r}"


def _read_record(reader: _Reader) -> Iterator[Record]:
    content, kind = reader.content, reader.kind
    position = content.position
    reader.offset = offset = content.offset(position)
    reader.is_open = False
    start_of_member = content.is_start_of_member(position)
    head, problem = _take_header(content)
    headers = _parse_header(head)
    url = headers.get("warc-target-uri", "").strip("<> ") or None
    if not problem and not headers.get("content-length", "").isdecimal():
        problem = "its header has no Content-Length"
        _skip_to_header(content)
    if problem:
        barrier = content.barrier()
        if barrier is not None and content.peek(1) == b"" and barrier.kind in ("cut", "end"):
            yield _truncated(reader, f"the file ends inside a record: {problem}")
        elif barrier is not None and content.peek(1) == b"" and barrier.kind == "damage":
            content.pass_barrier()
            yield RawReject(
                reader.locators.name(offset),
                f"{kind}/damaged",
                url=url,
                detail=f"{barrier.detail}, in a record's header",
            )
        else:
            yield RawReject(
                reader.locators.name(offset), f"{kind}/bad-header", url=url, detail=problem
            )
        return
    length = int(headers["content-length"])
    body, have, rule, detail = _take_block(
        content, length, reader.largest, is_own_member=start_of_member and offset > 0
    )
    name = _type_of(headers, body)
    if rule == "truncated":
        reader.reports_truncation = True
        locator = reader.locators.name(offset) if name in reader.types else f"{offset}+"
        yield RawReject(locator, f"{kind}/truncated", url=url, detail=detail)
        return
    if rule:
        yield RawReject(
            reader.locators.name(offset),
            f"{kind}/{rule}",
            url=url,
            detail=f"{detail} ({name} record)",
        )
        return
    reader.is_open = not content.peek(4).startswith(_CLOSING)
    if name not in reader.types:
        reader.passed_over[name if name in KNOWN_TYPES else "unknown"] += 1
        return
    record = ArchiveRecord(
        type=name,
        headers=headers,
        length=length,
        block=body if have == length else None,
        locator=reader.locators.name(offset),
        url=url,
    )
    try:
        result = reader.read(record)
    except BaseException as error:
        # A parser's failure on one record must not end the file.
        if not is_failure(error) or is_of_system(error):
            raise
        result = RawReject(
            record.locator, f"{kind}/unreadable", url=url, detail=f"{type(error).__name__}: {error}"
        )
    yield result


def _type_of(headers: dict[str, str], body: bytes | None) -> str:
    """The record type: `WARC-Type`, or derived from the content type or the block's first bytes.

    Wget's log is a `resource` by its type and metadata by its URI; it counts as metadata.
    """
    if stated := headers.get("warc-type", "").strip().lower():
        address = headers.get("warc-target-uri", "").lstrip("<").lower()
        return "metadata" if stated == "resource" and address.startswith("metadata:") else stated
    message = headers.get("content-type", "").lower().replace(" ", "")
    if message.startswith("application/http"):
        return "request" if "msgtype=request" in message else "response"
    return "response" if (body or b"").startswith(b"HTTP/") else "unknown"


def _take_header(content: Content) -> tuple[bytes, str]:
    """Take a record's header and its blank line -> (header, problem); problem is "" if none."""
    size = 4096
    while True:
        data = content.peek(size)
        end = _BLANK_LINE.search(data)
        another = _NEXT.search(data, 1, end.start() if end else len(data))
        if another:
            return content.take(
                another.start()
            ), "its header has no end: another record begins inside it"
        if end:
            return content.take(end.end()), ""
        if len(data) < size:
            return content.take(len(data)), "its header has no end"
        if size >= _LONGEST_HEADER:
            _skip_to_header(content)
            return data, f"its header is longer than {_LONGEST_HEADER} bytes"
        size *= 4


def _parse_header(head: bytes) -> dict[str, str]:
    """Parse header lines -> values by lowercase name.

    The first value of a repeated name counts. A line that starts with a space or tab continues the
    line before it.
    """
    headers: dict[str, str] = {}
    last = ""
    for line in _LINE_END.split(head)[1:]:
        if line[:1] in (b" ", b"\t") and last:
            headers[last] += " " + line.strip().decode("utf-8", "replace")
            continue
        name, colon, value = line.partition(b":")
        last = name.strip().lower().decode("utf-8", "replace") if colon else ""
        if last and last not in headers:
            headers[last] = value.strip().decode("utf-8", "replace")
        elif last:
            last = ""
    return headers


def _take_block(
    content: Content, length: int, largest: int, *, is_own_member: bool
) -> tuple[bytes | None, int, str, str]:
    """Take a record's block -> (block or None, length in bytes, rule, detail).

    The block is None if it is not held. Rule and detail are "" for a valid block; after an invalid
    one reading continues at the next record. In a record that begins its own gzip member, a record
    header inside the block belongs to a crawled archive and does not indicate a wrong length.
    """
    if (
        content.ends_at is not None
        and content.position + length > content.ends_at
        and not is_own_member
    ):
        have = _skip_to_header(content)
        if content.peek(1):
            return None, have, "wrong-length", _wrong_length(length, have)
    elif length > largest:
        have, mark = _skip_block(content, length)
        if have == length and _is_end_of_record(content, 0):
            return None, have, "", ""
        if mark is not None and not is_own_member and content.go_back(mark):
            return (
                None,
                have,
                "wrong-length",
                f"Content-Length is {length}, and the next record begins before that",
            )
    else:
        have = content.available(length)
        if have == length and _is_end_of_record(content, length):
            return content.take(length), have, "", ""
        inside = None if is_own_member else content.find(_NEXT, have + _LONGEST_START)
        if inside is not None and inside > have:
            inside = None
        content.skip(have if inside is None else inside)
        if inside is not None:
            return None, inside, "wrong-length", _wrong_length(length, inside)
    if have == length:
        more = _skip_to_header(content)
        return (
            None,
            have,
            "wrong-length",
            f"Content-Length is {length}, and no record ends there: {more} bytes more follow",
        )
    barrier = content.barrier()
    assert barrier is not None
    if barrier.kind == "damage":
        content.pass_barrier()
        return None, have, "damaged", f"{barrier.detail}, after {have} of {length} bytes"
    if barrier.is_followed:
        return None, have, "wrong-length", _wrong_length(length, have)
    return None, have, "truncated", f"{have} of {length} bytes"


def _wrong_length(length: int, have: int) -> str:
    return f"Content-Length is {length}, and the next record begins after {have} bytes"


def _skip_block(content: Content, length: int) -> tuple[int, tuple[int, int, int] | None]:
    """Skip a block without holding it -> (length in bytes, mark of the first header inside it)."""
    have, mark, tail = 0, None, b""
    while have < length and (data := content.take(min(length - have, _BLOCK))):
        if mark is None and (inside := _NEXT.search(tail + data)):
            mark = content.mark(content.position - len(data) - len(tail) + inside.start())
        tail = data[-_LONGEST_START:]
        have += len(data)
    return have, mark


def _is_end_of_record(content: Content, after: int) -> bool:
    """Whether a record ends `after` bytes ahead.

    There follow its closing line ends, or after other blanks the next record or a barrier.
    """
    data = content.peek(64, after=after)
    if data.startswith(_CLOSING):
        return True
    rest = data.lstrip(_BLANK)
    return not rest or rest[:5].upper() == b"WARC/"[: len(rest)]


def _skip_blanks(content: Content) -> None:
    while data := content.peek(64):
        blanks = len(data) - len(data.lstrip(_BLANK))
        content.take(blanks)
        if blanks < len(data):
            return


def _skip_to_header(content: Content) -> int:
    """Skip to the next record or barrier -> number of skipped bytes."""
    passed = 0
    while data := content.peek(_BLOCK):
        match = _NEXT.search(data)
        size = (
            match.start()
            if match
            else len(data)
            if len(data) < _BLOCK
            else len(data) - _LONGEST_START
        )
        content.take(size)
        passed += size
        if match:
            break
    return passed
