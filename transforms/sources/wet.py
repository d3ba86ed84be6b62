"""Source `wet`: the text that Common Crawl extracted, conversion records of a WARC file (gzip, zstd, lz4 or plain)."""

from collections.abc import Iterator
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from transforms.sources.html import decode
from transforms.sources.records import RawDocument, RawReject, Record, clean_text
from transforms.sources.warc import cut_off, missing_bytes

_TRUNCATED = "wet/truncated"


def read_wet(stream: BinaryIO) -> Iterator[Record]:
    """Bytes of a WET file -> one document or reject for each conversion record, in file order.

    Locators, and what is seen of a file that was cut off, are as in `read_warc`. Other records are passed over. A record
    that cannot be parsed costs itself; a stream that breaks raises OSError or zlib.error.
    """
    offset, missing, told = 0, "", False
    previous, ordinal = -1, 0
    for record in ArchiveIterator(stream, record_types=WarcRecordType.any_type, parse_http=False):
        offset, missing, told = record.stream_pos, "", False
        if record.record_type != WarcRecordType.conversion:
            missing = missing_bytes(record, read=record.consume())
            continue
        previous, ordinal = offset, ordinal + 1 if offset == previous else 0
        locator = f"{offset}#{ordinal}" if ordinal else str(offset)
        url = (record.headers.get("WARC-Target-URI") or "").strip("<>") or None
        try:
            found = _read_conversion(record, locator, url)
        except Exception as error:  # a failure on one record must not cost the file
            found = RawReject(locator, "wet/unreadable", url=url, detail=f"{type(error).__name__}: {error}")
        told = isinstance(found, RawReject) and found.rule == _TRUNCATED
        yield found
    where = f"record: {missing}" if missing else "" if told else cut_off(stream, offset)
    if where:
        yield RawReject(f"{offset}+", _TRUNCATED, detail=f"the file ends inside a {where}")


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
