"""Source `text`: one book or other plain text a file; Project Gutenberg's header and licence are taken off."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from resiliparse.parse.encoding import EncodingDetector

from transforms.sources.records import RawDocument, RawReject, Record, clean_text

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG E-?BOOK[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_END = re.compile(
    r"^(?:\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG E-?BOOK|End of (?:the )?Project Gutenberg(?:'s|’s)? )", re.IGNORECASE | re.MULTILINE
)
_TITLE = re.compile(r"^Title: *(.+)$", re.MULTILINE)
_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MAX_CONTROL_SHARE = 0.01


def decode_text(data: bytes) -> str:
    """Bytes -> text by byte-order mark, else as UTF-8, else by detection (uchardet). Raises UnicodeError for junk."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        detector = EncodingDetector()
        detector.update(data)
        text = data.decode(detector.encoding(html5_compatible=True) or "utf-8")
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\f\r\x1a\x1b")
    if controls > _MAX_CONTROL_SHARE * len(text):
        raise UnicodeError(f"{controls} control characters among {len(text)}: not text")
    return text


def strip_gutenberg(text: str) -> tuple[str, str | None]:
    """Text as distributed -> (the book itself, its title). Text without the marker lines comes back whole, no title."""
    start = _START.search(text)
    if start is None:
        return text, None
    end = _END.search(text, start.end())
    title = _TITLE.search(text, 0, start.start())
    return text[start.end() : end.start() if end else len(text)], title.group(1).strip() if title else None


def read_text(stream: BinaryIO) -> Iterator[Record]:
    """Bytes of one text file -> one document, or one reject. The locator is always `0`."""
    try:
        text = decode_text(stream.read())
    except (UnicodeError, LookupError) as error:
        yield RawReject("0", "text/undecodable", detail=str(error))
        return
    book, title = strip_gutenberg(text.replace("\r\n", "\n").replace("\r", "\n"))
    book = clean_text(book)
    yield RawDocument("0", book, title=title) if book else RawReject("0", "extract/empty", "extract", detail="no text in the file")
