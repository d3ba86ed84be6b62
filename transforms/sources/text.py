"""Source `text`: one book or other plain text a file; Project Gutenberg's header and licence and hard wraps are taken off."""

from collections.abc import Iterator
from typing import BinaryIO

from resiliparse.parse.encoding import EncodingDetector

from transforms.sources.gutenberg import strip_gutenberg
from transforms.sources.mime import binary_type
from transforms.sources.records import RawDocument, RawReject, Record, binary_detail, clean_text
from transforms.sources.reflow import reflow as undo_wraps

_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


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
    return text


def read_text(stream: BinaryIO, *, reflow: bool = True) -> Iterator[Record]:
    """Bytes of one text file -> one document, or one reject. The locator is always `0`; a book is not split.

    `reflow` undoes hard wraps where the text has them.
    """
    data = stream.read()
    if found := binary_type(data):
        yield RawReject("0", "text/not-text", detail=f"the file is {found}")
        return
    try:
        text = decode_text(data)
    except (UnicodeError, LookupError) as error:
        yield RawReject("0", "text/undecodable", detail=str(error))
        return
    if detail := binary_detail(text):
        yield RawReject("0", "text/not-text", detail=detail)
        return
    book, title = strip_gutenberg(text.replace("\r\n", "\n").replace("\r", "\n"))
    book = clean_text(book)
    if reflow:
        book = undo_wraps(book).strip()
    yield RawDocument("0", book, title=title) if book else RawReject("0", "extract/empty", "extract", detail="no text in the file")
