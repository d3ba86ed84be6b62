"""The books source: stories as text files, hard-wrapped, with a header and a licence block."""

import hashlib
import textwrap
from typing import Any

from pipeline.sample._gzip import write_member
from pipeline.sample._labels import Label, add_note, mark_group
from pipeline.sample._source import edit_blocks, read_resource, read_table

COLUMNS = 70
_LICENCE = """\
This text was written for tokenmill and comes with it as a sample. It may be copied, changed and given away under the Apache License,
Version 2.0. It is not a publication of Project Gutenberg; only the form of the file is borrowed, so that a program which reads one can
read the other.

Section 1. You need not pay anybody for it, ask anybody for it, or give it back.

Section 2. It comes without warranty of any kind. Persons who take a ferry, build a house or sell distances on the strength of what they
have read in it do so at their own risk.
"""
_CODECS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "iso-8859-1": "ISO-8859-1"}


def wrap(text: str, *, columns: int) -> str:
    """Paragraphs on lines of at most `columns` characters, parted by blank lines; words are never broken."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    return "\n\n".join(
        textwrap.fill(paragraph, columns, break_long_words=False, break_on_hyphens=False)
        for paragraph in paragraphs
    )


def read_story(name: str) -> list[str]:
    """Title and paragraphs of a story."""
    return [
        " ".join(paragraph.split())
        for paragraph in read_resource("books", f"{name}.txt").strip().split("\n\n")
    ]


def _noise(size: int) -> bytes:
    """Bytes without meaning, always the same."""
    return hashlib.shake_256(b"water damage").digest(size) if size else b""


def write_book(table: dict[str, Any], *, collection: str, author: str) -> bytes:
    """A `[[book]]` table -> the bytes of its file."""
    if "story" not in table:
        return _noise(table.get("junk_bytes", 0))
    title, *paragraphs = read_story(table["story"]) if table["story"] else ["A Book of Blank Pages"]
    paragraphs = list(
        edit_blocks(
            tuple(paragraphs),
            edits=table.get("edits", ()),
            keep_paragraphs=table.get("keep_paragraphs"),
            rest=table.get("rest", ""),
        )
    )
    columns = table.get("columns", COLUMNS)
    charset = table.get("charset", "utf-8")
    header = [
        wrap(f"The sample eBook of {title}, from {collection}, by {author}", columns=columns),
        wrap(_LICENCE.split("\n\n", maxsplit=1)[0], columns=columns),
        f"Title: {title}\n\nAuthor: {author}\n\nLanguage: English\n\nCharacter set encoding: {_CODECS[charset]}",
    ]
    body = ([title.upper(), *paragraphs]) if table["story"] else []
    parts = [
        *header,
        f"*** START OF THE PROJECT GUTENBERG EBOOK {title.upper()} ***",
        *([""] if body else []),
        *(wrap(paragraph, columns=columns) for paragraph in body),
        *([""] if body else []),
        f"*** END OF THE PROJECT GUTENBERG EBOOK {title.upper()} ***",
        wrap(_LICENCE, columns=columns),
    ]
    text = "\n\n".join(parts) + "\n"
    return text.replace("\n", table.get("line_end", "\n")).encode(charset)


def _label(table: dict[str, Any]) -> Label:
    rule = table.get("rule")
    note = table.get("note", "")
    if "charset" in table:
        note = {"iso-8859-1": "encoded in ISO-8859-1", "utf-8-sig": "UTF-8 with a byte order mark"}[
            table["charset"]
        ]
    return Label(
        source="books",
        key=table["file"],
        file=f"books/{table['file']}",
        language=None if rule else "en",
        outcome="rejected" if rule else "kept",
        rule=rule,
        note=note,
    )


def lay_out_books() -> tuple[dict[str, bytes], list[Label]]:
    """-> (file name -> bytes, labels)."""
    catalogue = read_table("books.toml")
    files = {}
    labels = []
    for table in catalogue["book"]:
        data = write_book(table, collection=catalogue["collection"], author=catalogue["author"])
        files[table["file"]] = write_member(data) if table["file"].endswith(".gz") else data
        labels.append(_label(table))
    bases = {
        table["story"]: table["file"] for table in reversed(catalogue["book"]) if "story" in table
    }
    for table in catalogue["book"]:
        if "group" not in table:
            continue
        pair = [bases[table["story"]], table["file"]]
        if table["group"] == "near-miss":
            labels = add_note(
                labels, keys=pair, note=f"near miss: {pair[0]} and {pair[1]} begin alike, both stay"
            )
        else:
            labels = mark_group(
                labels,
                group=table["group"],
                keys=pair,
                keeper=pair[0] if table["group"] == "near" else None,
            )
    return files, labels
