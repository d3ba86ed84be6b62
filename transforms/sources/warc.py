"""Source `warc`: the HTML and text responses of a WARC file (gzip, zstd, lz4 or plain)."""

from collections.abc import Iterator
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from transforms.sources.html import declared_charset, decode, extract_main_text
from transforms.sources.records import RawDocument, RawReject, Record, clean_text

_HTML_TYPES = ("text/html", "application/xhtml+xml")


def read_warc(stream: BinaryIO) -> Iterator[Record]:
    """Bytes of a WARC file -> one document or reject for each response record, in file order.

    The locator is the record's offset in the file. Records that are not responses are no documents and are passed over.
    A record that cannot be parsed costs itself; a stream that breaks raises OSError.
    """
    for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
        locator = str(record.stream_pos)
        url = (record.headers.get("WARC-Target-URI") or "").strip("<>") or None
        try:
            yield _read_response(record, locator, url)
        except Exception as error:  # a parser's failure on one page must not cost the file
            yield RawReject(locator, "warc/unreadable", url=url, detail=f"{type(error).__name__}: {error}")


def _read_response(record: WarcRecord, locator: str, url: str | None) -> Record:
    record.freeze()
    stated = record.headers.get("Content-Length")
    if stated is not None and record.content_length < int(stated):
        detail = f"{record.content_length} of {stated} bytes"
        return RawReject(locator, "warc/truncated", url=url, detail=detail)
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
        page = extract_main_text(content)
        text, title = clean_text(page.text), page.title
    else:
        text, title = clean_text(content), None
    if not text:
        return RawReject(locator, "extract/empty", "extract", url=url, detail=f"no main text in {len(body)} bytes")
    return RawDocument(locator, text, url=url, title=title)
