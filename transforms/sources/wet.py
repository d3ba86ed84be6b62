"""Source `wet`: the text that Common Crawl extracted, conversion records of a WARC file (gzip, zstd, lz4 or plain)."""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from fastwarc.warc import WarcRecord, WarcRecordType

from transforms.sources.html import decode
from transforms.sources.records import RawDocument, RawReject, Record, clean_text
from transforms.sources.warc import missing_bytes, read_archive

_TRUNCATED = "wet/truncated"


def read_wet(stream: BinaryIO, *, start: int = 0, end: int | None = None, passed_over: Counter[str] | None = None) -> Iterator[Record]:
    """Bytes of a WET file -> one document or reject for each conversion record, in file order.

    Locators, ranges, and what is seen of a file that was cut off, are as in `read_warc`. Other records are passed over. A record
    that cannot be parsed costs itself; a stream that breaks raises OSError or zlib.error.
    """
    return read_archive(
        stream, record_type=WarcRecordType.conversion, read=_read_conversion, kind="wet", start=start, end=end, passed_over=passed_over
    )


def _read_conversion(record: WarcRecord, locator: str, url: str | None) -> Record:
    record.freeze()
    if missing := missing_bytes(record, read=record.content_length):
        return RawReject(locator, _TRUNCATED, url=url, detail=missing)
    kind, _, parameters = (record.headers.get("Content-Type") or "text/plain").lower().partition(";")
    if not kind.strip().startswith("text/"):
        return RawReject(locator, "wet/content-type", "extract", url=url, detail=f"content type {kind.strip()!r}")
    text = clean_text(decode(record.reader.read(), parameters.partition("charset=")[2].strip(" \"'") or None))
    if not text:
        return RawReject(locator, "extract/empty", "extract", url=url, detail=f"no text in {record.content_length} bytes")
    return RawDocument(locator, text, url=url)
