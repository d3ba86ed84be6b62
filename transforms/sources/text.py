"""Source `text`: one book or other plain text a file; Project Gutenberg's header and licence and hard wraps are taken off."""

from collections.abc import Iterator
from typing import BinaryIO

from transforms.sources.decoding import decode_plain
from transforms.sources.gutenberg import strip_gutenberg
from transforms.sources.records import RawDocument, RawReject, Record, clean_text
from transforms.sources.reflow import reflow as undo_wraps

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1a\x1b")
_MAX_CONTROL_SHARE = 0.01


def decode_text(data: bytes) -> str:
    """Bytes of a plain text -> text; a bad byte is U+FFFD. Raises UnicodeError for junk: more than 1% control characters."""
    text = decode_plain(data).text
    encoded = text.encode()
    controls = len(encoded) - len(encoded.translate(None, _CONTROLS))
    if controls > _MAX_CONTROL_SHARE * len(text):
        raise UnicodeError(f"{controls} control characters among {len(text)}: not text")
    return text


def read_text(stream: BinaryIO, *, reflow: bool = True) -> Iterator[Record]:
    """Bytes of one text file -> one document, or one reject. The locator is always `0`; a book is not split.

    `reflow` undoes hard wraps where the text has them.
    """
    try:
        text = decode_text(stream.read())
    except UnicodeError as error:
        yield RawReject("0", "text/undecodable", detail=str(error))
        return
    book, title = strip_gutenberg(text.replace("\r\n", "\n").replace("\r", "\n"))
    book = clean_text(book)
    if reflow:
        book = undo_wraps(book).strip()
    yield RawDocument("0", book, title=title) if book else RawReject("0", "extract/empty", "extract", detail="no text in the file")
