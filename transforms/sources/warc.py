"""Source `warc`: the pages and plain texts of a WARC file (gzip, zstd, lz4 or plain).

They are its responses, resources and conversions.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO, NamedTuple

from pydantic import Field

from transforms.clean_text import binary_detail, clean_text
from transforms.sources.archive import ArchiveRecord, read_archive
from transforms.sources.decoding import decode_html, decode_plain
from transforms.sources.extractors import Page, check_extractor, extract_main_text
from transforms.sources.http_message import HttpMessage, parse_response
from transforms.sources.kind import COMPRESSIONS, InputRate, Ranges, SourceKind
from transforms.sources.mime import (
    HTML,
    PLAIN,
    MimeType,
    decide,
    may_be_binary,
    may_be_read,
    parse_content_type,
)
from transforms.sources.options import ExtractorOption, LinksOption, OutputOption, TruncatedOption
from transforms.sources.payload import Payload, TooLargeError, read_payload
from transforms.sources.records import RawDocument, RawReject, Record, RejectedError, Screen

TYPES = ("response", "resource", "conversion")
# Common Crawl truncates at 1 MiB, and since 2025 at 5 MiB.
MAX_PAYLOAD_MEGABYTES = 64.0
_LONGEST_HTTP_HEADER = 1 << 16
# Bytes, or characters, that are checked for binary data.
_LOOKED_AT = 1 << 16
_REASONS = ("length", "time", "disconnect")

Note = tuple[str, int]
Extract = Callable[[str], Page]
"""Extracts main text and metadata from the markup of a page."""


def read_warc(
    stream: BinaryIO,
    *,
    start: int = 0,
    end: int | None = None,
    extractor: ExtractorOption = "tokenmill",
    max_payload_megabytes: Annotated[
        float | None,
        Field(
            gt=0,
            description="a response with a larger body, decoded, in MB, is rejected; "
            "64 when not set",
        ),
    ] = None,
    truncated: TruncatedOption = "keep",
    output: OutputOption = "text",
    links: LinksOption = None,
    screen: Screen | None = None,
    passed_over: Counter[str] | None = None,
) -> Iterator[Record]:
    """Read a WARC file -> one document or reject per response, resource and conversion.

    In file order; with `start` and `end` the records that begin in that range of the file, by the
    rules of `read_archive`. Records of other types are skipped and counted in `passed_over`.

    The locator is the file offset of the record, or of its gzip member, zstd or lz4 frame. Further
    results from the same member are `405#1`, `405#2`. Rejected are records that cannot be parsed
    and those with a decoded payload above `max_payload_megabytes` (10^6 bytes), in little memory:
    `warc/payload-too-large`. For a truncated payload the column `truncated` of its document says
    why, or, with "reject", it is rejected as `warc/truncated-payload`. A damaged stream raises
    OSError or an error of its format. `output` and `links` are those of `render`.

    A truncated file yields `warc/truncated`: for a record truncated inside its block under the
    locator of that record, otherwise under `<offset of the last record>+`. A truncation between
    two records is not detected.
    """
    limit = int(
        1_000_000
        * (MAX_PAYLOAD_MEGABYTES if max_payload_megabytes is None else max_payload_megabytes)
    )
    extract = functools.partial(
        extract_main_text, extractor=extractor, output=output, links=bool(links), screen=screen
    )
    read = functools.partial(_read_record, limit=limit, extract=extract, truncated=truncated)
    return read_archive(
        stream,
        types=TYPES,
        read=read,
        kind="warc",
        largest=limit + _LONGEST_HTTP_HEADER,
        start=start,
        end=end,
        passed_over=passed_over,
    )


class _Declared(NamedTuple):
    """The declared properties of a record's body. `reject`: why it is not read at all."""

    type: MimeType
    message: HttpMessage | None = None
    notes: tuple[Note, ...] = ()
    reject: RawReject | None = None


def truncation(record: ArchiveRecord) -> str | None:
    """Why a record is incomplete, by its own header, or None."""
    if stated := record.headers.get("warc-truncated", "").strip().lower():
        return stated if stated in _REASONS else "unspecified"
    return "segment" if record.headers.get("warc-segment-number", "").strip() == "1" else None


def _read_record(
    record: ArchiveRecord, *, limit: int, extract: Extract, truncated: TruncatedOption
) -> Record:
    if record.block is None:
        return _too_large(record, limit)
    stated = _declared_type(record, record.block)
    if stated.reject:
        return stated.reject
    try:
        payload = (
            Payload(record.block)
            if stated.message is None
            else read_payload(stated.message, record.block, limit=limit)
        )
    except TooLargeError:
        return _too_large(record, limit)
    if len(payload.data) > limit:
        return _too_large(record, limit)
    reason = truncation(record) or payload.truncated
    if payload.fault:
        return RawReject(
            record.locator, "warc/content-encoding", "extract", url=record.url, detail=payload.fault
        )
    decision = decide(stated.type.essence, payload.data)
    if not decision.reading:
        return _other_type(record, stated.type.essence, decision.sniffed_type)
    if reason and truncated == "reject":
        return RawReject(
            record.locator,
            "warc/truncated-payload",
            "extract",
            url=record.url,
            detail=f"cut short: {reason}",
        )
    decode = decode_html if decision.reading == "page" else decode_plain
    decoded = decode(payload.data, charset=stated.type.charset)
    content = decoded.text
    if may_be_binary(payload.data[:_LOOKED_AT]) and (binary := binary_detail(content[:_LOOKED_AT])):
        detail = f"content type {stated.type.essence!r}: {binary}"
        return RawReject(record.locator, "warc/not-text", "extract", url=record.url, detail=detail)
    page = Page(content)
    if decision.reading == "page":
        try:
            page = extract(content)
        except RejectedError as error:
            return error.reject(record.locator, record.url)
    text = clean_text(page.text)
    if not text:
        return RawReject(
            record.locator,
            "extract/empty",
            "extract",
            url=record.url,
            detail=f"no main text in {len(payload.data)} bytes",
        )
    notes = (
        *stated.notes,
        *([(_BY_CONTENT[decision.sniffed_type], 1)] if decision.sniffed_type else []),
        *decoded.notes,
    )
    return RawDocument(
        record.locator,
        text,
        url=record.url,
        title=page.title,
        published=page.published,
        declared_language=page.language,
        truncated=reason,
        notes=notes,
    )


_BY_CONTENT = {HTML: "html-by-content", PLAIN: "text-by-content"}


def _declared_type(record: ArchiveRecord, block: bytes) -> _Declared:
    """The declared type of a record's body.

    It is that of the HTTP header, of the record itself if it has no HTTP message, or of
    `WARC-Identified-Payload-Type`.
    """
    declared = parse_content_type([record.headers.get("content-type", "")])
    notes: tuple[Note, ...] = ()
    message = None
    if (
        declared.essence == "application/http"
        or block.startswith(b"HTTP/")
        or (record.type == "response" and not declared.essence)
    ):
        message = parse_response(block)
        is_bare = not message.has_status_line and message.status is None
        if is_bare and (message.fields or block.lstrip().startswith(b"<")):
            notes = (("no-status-line", 1),)
        elif message.status != 200:
            detail = "no HTTP status line" if is_bare else f"HTTP status {message.status}"
            return _Declared(
                declared,
                message,
                reject=RawReject(
                    record.locator, "warc/http-status", "extract", url=record.url, detail=detail
                ),
            )
        declared = parse_content_type(message.values("content-type"))
    if not declared.essence:
        identified = parse_content_type([record.headers.get("warc-identified-payload-type", "")])
        declared = MimeType(identified.essence, declared.charset or identified.charset)
    reject = None if may_be_read(declared.essence) else _other_type(record, declared.essence, None)
    return _Declared(declared, message, notes, reject)


def _other_type(record: ArchiveRecord, essence: str, sniffed: str | None) -> RawReject:
    shown = f"content type {essence!r}" if essence else "no content type"
    detail = f"{shown}, and the body is {sniffed}" if sniffed else shown
    return RawReject(record.locator, "warc/content-type", "extract", url=record.url, detail=detail)


def _too_large(record: ArchiveRecord, limit: int) -> RawReject:
    detail = f"{record.length} bytes, and more than {limit} when they are decoded"
    return RawReject(
        record.locator, "warc/payload-too-large", "extract", url=record.url, detail=detail
    )


WARC = SourceKind(
    name="warc",
    read=read_warc,
    locator="byte offset of the record, or of its gzip member, in the file",
    suffixes=(".warc", ".arc.warc"),
    compressions=(*COMPRESSIONS, ".lz4"),
    begins=lambda head: head.data.startswith(b"WARC/1."),
    decompresses=True,
    ranges=Ranges(of="gzip member", files="warc.gz", suffixes=(".gz",), start_at_locators=True),
    rates={
        True: InputRate(bytes_per_second=3.4e6, text=0.20, parts=0.096),
        False: InputRate(bytes_per_second=21e6, text=0.039, parts=0.018),
    },
    mixed=True,
    check=lambda *, extractor, output, **_: check_extractor(extractor, output),
)
