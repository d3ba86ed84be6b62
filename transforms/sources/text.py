"""Source `text`: one book or other plain text per file, without hard wraps and Gutenberg's parts.

Project Gutenberg's header and licence are stripped.
"""

from collections.abc import Iterator
from typing import Annotated, BinaryIO

from pydantic import Field

from transforms.clean_text import binary_detail, clean_text
from transforms.sources.decoding import decode_plain
from transforms.sources.gutenberg import strip_gutenberg
from transforms.sources.kind import InputRate, SourceKind
from transforms.sources.mime import binary_type
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.reflow import reflow as undo_wraps


def read_text(
    stream: BinaryIO,
    *,
    reflow: Annotated[
        bool,
        Field(description="undo hard wraps and hyphenation at line ends where a text has them"),
    ] = True,
) -> Iterator[Record]:
    """Read one text file -> one document, or one reject. The locator is always `0`.

    `reflow` undoes hard wraps if the text has them. A book is not split.
    """
    data = stream.read()
    if binary := binary_type(data):
        yield RawReject("0", "text/not-text", detail=f"the file is {binary}")
        return
    decoded = decode_plain(data)
    text = decoded.text
    if detail := binary_detail(text):
        yield RawReject("0", "text/not-text", detail=detail)
        return
    book, title = strip_gutenberg(text.replace("\r\n", "\n").replace("\r", "\n"))
    book = clean_text(book)
    if reflow:
        book = undo_wraps(book).strip()
    if book:
        yield RawDocument("0", book, title=title, notes=decoded.notes)
    else:
        yield RawReject("0", "extract/empty", "extract", detail="no text in the file")


TEXT = SourceKind(
    name="text",
    read=read_text,
    suffixes=(".txt", ".text"),
    rates={
        True: InputRate(bytes_per_second=8.2e6, text=2.6, parts=1.08),
        False: InputRate(bytes_per_second=24.8e6, text=0.99, parts=0.41),
    },
    books=True,
)
