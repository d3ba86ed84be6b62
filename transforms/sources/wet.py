"""Source `wet`: the text that Common Crawl extracted: conversion records of a WARC file.

The file is gzip, zstd, lz4 or plain.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from transforms.clean_text import binary_detail, clean_text
from transforms.sources.archive import ArchiveRecord, read_archive
from transforms.sources.decoding import decode_plain
from transforms.sources.kind import COMPRESSIONS, Ranges, SourceKind
from transforms.sources.mime import BINARY, PLAIN, parse_content_type, sniff
from transforms.sources.options import TruncatedOption
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.warc import truncation

_LARGEST = 64 << 20


def read_wet(
    stream: BinaryIO,
    *,
    start: int = 0,
    end: int | None = None,
    truncated: TruncatedOption = "keep",
    passed_over: Counter[str] | None = None,
) -> Iterator[Record]:
    """Read a WET file -> one document or reject per conversion record, in file order.

    Locators, ranges, `truncated` and damaged files are as in `read_warc`. Other records are counted
    in `passed_over`. A damaged stream raises OSError or an error of its format.
    """
    read = functools.partial(_read_conversion, truncated=truncated)
    return read_archive(
        stream,
        types=("conversion",),
        read=read,
        kind="wet",
        largest=_LARGEST,
        start=start,
        end=end,
        passed_over=passed_over,
    )


def _read_conversion(record: ArchiveRecord, *, truncated: TruncatedOption) -> Record:
    locator, url = record.locator, record.url
    if record.block is None:
        return RawReject(
            locator,
            "wet/too-large",
            "extract",
            url=url,
            detail=f"{record.length} bytes, more than {_LARGEST}",
        )
    stated = parse_content_type([record.headers.get("content-type", "")])
    sniffed = sniff(record.block)
    if stated.essence not in ("", PLAIN) or (
        sniffed and not sniffed.startswith("text/") and sniffed != BINARY
    ):
        detail = f"content type {stated.essence!r}" + (
            f", and the block is {sniffed}" if sniffed else ""
        )
        return RawReject(locator, "wet/content-type", "extract", url=url, detail=detail)
    reason = truncation(record)
    if reason and truncated == "reject":
        return RawReject(
            locator, "wet/truncated-payload", "extract", url=url, detail=f"cut short: {reason}"
        )
    decoded = decode_plain(record.block, charset=stated.charset)
    content = decoded.text
    if binary := binary_detail(content):
        return RawReject(locator, "wet/not-text", "extract", url=url, detail=binary)
    text = clean_text(content)
    if not text:
        return RawReject(
            locator, "extract/empty", "extract", url=url, detail=f"no text in {record.length} bytes"
        )
    return RawDocument(locator, text, url=url, truncated=reason, notes=decoded.notes)


WET = SourceKind(
    name="wet",
    read=read_wet,
    locator="byte offset of the record, or of its gzip member, in the file",
    suffixes=(".warc.wet", ".wet"),
    compressions=(*COMPRESSIONS, ".lz4"),
    decompresses=True,
    ranges=Ranges(of="gzip member", files="wet.gz", suffixes=(".gz",), start_at_locators=True),
    mixed=True,
)
