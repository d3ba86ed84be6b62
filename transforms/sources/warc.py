"""Source `warc`: the HTML and text responses of a WARC file (gzip, zstd, lz4 or plain)."""

import functools
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from transforms.errors import UserError
from transforms.sources.html import Extractor, Page, declared_charset, decode, extract_main_text
from transforms.sources.members import GZIP_MAGIC, MemberStream, find_member, is_member
from transforms.sources.payload import payload_size
from transforms.sources.records import RawDocument, RawReject, Record, RejectedError, Screen, clean_text, is_failure, is_of_system
from transforms.sources.render import Output

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_TRUNCATED = "warc/truncated"
_BLOCK = 1 << 18
_LONGEST_HTTP_HEADER = 1 << 16
MAX_PAYLOAD_MEGABYTES = 64.0  # Common Crawl cuts at 1 MiB, and at 5 MiB since 2025

ReadRecord = Callable[[WarcRecord, str, str | None], Record]
"""A record, its locator and its URL -> what becomes of it."""
Extract = Callable[[str], Page]
"""The markup of a page -> its main text and metadata."""


def read_warc(
    stream: BinaryIO,
    *,
    start: int = 0,
    end: int | None = None,
    extractor: Extractor = "resiliparse",
    output: Output = "text",
    links: bool = False,
    screen: Screen | None = None,
    max_payload_megabytes: float | None = None,
) -> Iterator[Record]:
    """Bytes of a WARC file -> one document or reject for each response record, in file order.

    With `start` and `end` only the records that begin in that range of the file, by the rules of `read_archive`.

    The locator is the record's offset in the file; further responses at the same offset (a gzip member with many
    records) are `405#1`, `405#2`. Records that are not responses are no documents and are passed over. A record that
    cannot be parsed costs itself, and so does a response whose payload, without its transfer and content encodings, is
    larger than `max_payload_megabytes` (10^6 bytes): `warc/payload-too-large`, in little memory. A stream that breaks
    raises OSError or zlib.error. `output` and `links` are those of `render`.

    A file that was cut off yields `warc/truncated`: for a response cut inside its block under its own locator, else under
    `<offset of the last record>+`. Not seen are a cut that leaves whole records behind, and one in the first bytes of a zstd or
    lz4 frame.
    """
    limit = int(1_000_000 * (MAX_PAYLOAD_MEGABYTES if max_payload_megabytes is None else max_payload_megabytes))
    extract = functools.partial(extract_main_text, extractor=extractor, output=output, links=links, screen=screen)
    read = functools.partial(_read_payload, limit=limit, extract=extract)
    yield from read_archive(stream, record_type=WarcRecordType.response, read=read, kind="warc", start=start, end=end)


def read_archive(
    stream: BinaryIO, *, record_type: WarcRecordType, read: ReadRecord, kind: str, start: int = 0, end: int | None = None
) -> Iterator[Record]:
    """One document or reject, from `read`, for each record of a type; rules are named after `kind`. See `read_warc`.

    The range [start, end) of a gzip file is read from the first member that `find_member` finds at or after `start` to the
    one it finds at or after `end`, so neighbouring ranges meet: together they give what the whole file gives, and a
    damaged member costs the rest of its range. Every other file belongs to the range that starts at 0. Raises UserError,
    rather than read something twice, when the members do not pass through where the next range begins.
    """
    if end is not None and end <= start:
        return
    if start:
        first = find_member(stream, start, end=end)
        if first is None:
            return
        stream.seek(first)
        start = first
    members = MemberStream(stream, start) if start or _is_gzip(stream) else None
    bound = _Bound(stream, end)
    truncated = f"{kind}/truncated"
    offset, missing, told = start, "", False
    previous, ordinal = -1, 0
    source = cast(BinaryIO, members or stream)
    for record in ArchiveIterator(source, record_types=WarcRecordType.any_type, parse_http=False):
        position = members.member_of(record.stream_pos) if members else record.stream_pos
        if bound.is_reached(position, before=offset):
            return
        offset, missing, told = position, "", False
        if record.record_type != record_type:
            missing = missing_bytes(record, read=record.consume())
            continue
        previous, ordinal = offset, ordinal + 1 if offset == previous else 0
        locator = f"{offset}#{ordinal}" if ordinal else str(offset)
        url = (record.headers.get("WARC-Target-URI") or "").strip("<>") or None
        try:
            found = read(record, locator, url)
        except BaseException as error:  # a parser's failure on one record must not cost the file
            if not is_failure(error) or is_of_system(error) or (members and members.error):
                raise  # the stream's failure, not the record's
            found = RawReject(locator, f"{kind}/unreadable", url=url, detail=f"{type(error).__name__}: {error}")
        told = isinstance(found, RawReject) and found.rule == truncated
        yield found
    if members and members.error:
        raise members.error
    if bound.is_reached(None, before=offset):
        return
    where = f"record: {missing}" if missing else "" if told else _cut_off(stream, offset, members)
    if where:
        yield RawReject(f"{offset}+", truncated, detail=f"the file ends inside a {where}")


class _Bound:
    """Where a range stops: at the member where the next one starts, which is looked for when a record lies behind `end`."""

    def __init__(self, stream: BinaryIO, end: int | None):
        self._stream = stream
        self._end = end
        self._next: int | None = None
        self._sought = False

    def is_reached(self, position: int | None, *, before: int) -> bool:
        """Whether a record at `position` (None: the end of the file) is no more of this range; the last began at `before`."""
        if self._end is None or (position is not None and position < self._end):
            return False
        here = self._stream.tell()
        try:
            if not self._sought:
                self._next, self._sought = find_member(self._stream, self._end), True
            if self._next is None or position == self._next:
                return self._next is not None
            if position is not None and position < self._next:
                return False
            if is_member(self._stream, self._next, known=before):
                return True  # a record of this range is longer than its member
        finally:
            self._stream.seek(here)
        raise UserError(
            f"an archive inside the record at byte {before} looks like this file's own members",
            where=str(getattr(self._stream, "name", None) or f"byte {self._next}"),
            remedy="set `split = false` for this source",
        )


def missing_bytes(record: WarcRecord, *, read: int) -> str:
    """What is missing of a record of whose block `read` bytes were there; empty if it is whole."""
    stated = (record.headers.get("Content-Length") or "").strip()
    if not stated.isdecimal():
        return "its header has no Content-Length"
    return f"{read} of {stated} bytes" if read < int(stated) else ""


def _is_gzip(stream: BinaryIO) -> bool:
    """Whether a file begins, as far as it goes, as gzip does. False for a stream that cannot seek."""
    try:
        stream.seek(0)
        head = stream.read(len(GZIP_MAGIC))
        stream.seek(0)
    except (AttributeError, io.UnsupportedOperation):
        return False
    return bool(head) and GZIP_MAGIC.startswith(head)


def _cut_off(stream: BinaryIO, offset: int, members: MemberStream | None) -> str:
    """What a file ends inside of though its records, of which the last starts at `offset`, look whole; empty if nothing.

    A gzip file must end where a member ends, a plain one with the two line ends that close every record.
    """
    if members:
        return "gzip member" if members.truncated else ""
    try:
        stream.seek(offset)
    except (OSError, ValueError):  # a stream that cannot seek
        return ""
    block = stream.read(_BLOCK)
    if not block.startswith(b"WARC"):
        return ""
    last = block
    while block := stream.read(_BLOCK):
        last = last[-4:] + block
    return "" if last.endswith((b"\r\n\r\n", b"\n\n")) else "record: the line ends that close it are missing"


def _read_payload(record: WarcRecord, locator: str, url: str | None, *, limit: int, extract: Extract) -> Record:
    """`_read_response` of a record whose payload is not larger than `limit` bytes."""
    size = record.content_length
    if size <= limit + _LONGEST_HTTP_HEADER:
        record.freeze()
        if missing := missing_bytes(record, read=record.content_length):
            return RawReject(locator, _TRUNCATED, url=url, detail=missing)
        message = record.reader.read()
        size = payload_size(message, limit=limit)
        record = _apart(record, message)
    if size > limit:
        detail = f"{record.content_length} bytes, and more than {limit} when they are decoded"
        return RawReject(locator, "warc/payload-too-large", "extract", url=url, detail=detail)
    return _read_response(record, locator, url, extract=extract)


def _apart(record: WarcRecord, block: bytes) -> WarcRecord:
    """The same record on its own: when decoding fails in a record of an iterator, FastWARC ends the iteration."""
    copy = WarcRecord()
    copy.record_type = record.record_type
    for name, value in record.headers.items():
        copy.headers.append(name, value)
    copy.set_bytes_content(block)
    copy.is_http = record.is_http
    return copy


def _read_response(record: WarcRecord, locator: str, url: str | None, *, extract: Extract) -> Record:
    record.freeze()
    if missing := missing_bytes(record, read=record.content_length):
        return RawReject(locator, _TRUNCATED, url=url, detail=missing)
    record.parse_http(auto_decode="all")
    status = record.http_headers.status_code if record.http_headers else None
    if status != 200:
        return RawReject(locator, "warc/http-status", "extract", url=url, detail=f"HTTP status {status}")
    kind = (record.http_content_type or "").lower()
    if kind not in _HTML_TYPES and not kind.startswith("text/"):
        return RawReject(locator, "warc/content-type", "extract", url=url, detail=f"content type {kind!r}")
    body = record.reader.read()
    content = decode(body, declared_charset(body, record.http_charset))
    if kind in _HTML_TYPES:
        try:
            page = extract(content)
        except RejectedError as error:
            return error.reject(locator, url)
    else:
        page = Page(content)
    text = clean_text(page.text)
    if not text:
        return RawReject(locator, "extract/empty", "extract", url=url, detail=f"no main text in {len(body)} bytes")
    return RawDocument(locator, text, url=url, title=page.title, published=page.published, declared_language=page.language)
