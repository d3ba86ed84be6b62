"""Source `feed`: the entries of RSS 2.0 (and 0.9x), RSS 1.0, Atom and JSON Feed files.

The text of an entry is its full content if the feed has it.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from transforms.sources.decoding import decode_xml
from transforms.sources.feed_entry import ATOM, BASE, LANG, read_entry
from transforms.sources.feed_json import read_json_feed
from transforms.sources.feed_recovery import find_head, parse_entry, split_entries
from transforms.sources.html_files import absolute_url
from transforms.sources.kind import SourceKind
from transforms.sources.records import RawDocument, RawReject, Record

MAX_BYTES = 32 << 20
_MAX_DEPTH = 500
_MAX_ELEMENTS = 200_000
_BLOCK_CHARACTERS = 1 << 18
# Characters before the root element: warnings of the program that wrote the feed.
_MOST_BEFORE = 8_000
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RSS = (
    "",
    "{http://purl.org/rss/1.0/}",
    "{http://my.netscape.com/rdf/simple/0.9/}",
    "{http://backend.userland.com/rss2}",
)
_ROOTS = {f"{_RDF}RDF", *(f"{space}rss" for space in _RSS), *(f"{space}feed" for space in ATOM)}
_ENTRIES = {*(f"{space}item" for space in _RSS), *(f"{space}entry" for space in ATOM)}


def read_feed(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Iterator[Record]:
    """Read a feed -> one document or reject per entry. The locator is the entry's number, from 1.

    XML that is not well formed is read entry by entry from the place of the error on; an entry that
    cannot be read is one reject. A truncated feed has one more reject, `feed/malformed`. Reading
    stops at XML that declares entities, with one reject: entities are never expanded, and nothing
    outside the file is read. A feed without entries yields nothing. The first document has the
    notes of the file's decoding.
    """
    body = stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        yield RawReject("start+", "feed/too-large", detail=f"more than {max_bytes} bytes")
        return
    decoded = decode_xml(body)
    text, notes = decoded.text.lstrip("\ufeff \t\r\n"), decoded.notes
    for record in read_json_feed(text) if text.startswith("{") else _read_xml(text):
        if notes and isinstance(record, RawDocument):
            record, notes = record._replace(notes=(*record.notes, *notes)), ()
        yield record


def _read_xml(text: str) -> Iterator[Record]:
    number = 0
    try:
        for entry, base, language in _entries(text):
            number += 1
            yield read_entry(entry, str(number), base, language)
    except (ParseError, ValueError) as error:
        rule = (
            "feed/entities"
            if isinstance(error, DefusedXmlException)
            else getattr(error, "rule", "feed/malformed")
        )
        if rule == "feed/malformed" or (rule == "feed/not-a-feed" and not number):
            yield from _recover(text, number, RawReject("", rule, detail=str(error)))
        else:
            yield RawReject(f"{number or 'start'}+", rule, detail=str(error))


def _recover(text: str, number: int, reject: RawReject) -> Iterator[Record]:
    """Continue in a feed whose XML has an error behind `number` entries; `reject` describes it."""
    head = find_head(text)
    if head is None or (reject.rule == "feed/not-a-feed" and head.start > _MOST_BEFORE):
        yield reject._replace(locator=f"{number or 'start'}+")
        return
    damaged, cut = False, False
    for count, (written, closed) in enumerate(split_entries(text, head.end), 1):
        if count <= number:
            continue
        entry = parse_entry(written, head) if closed else None
        if entry is None and not closed and text.endswith(written):
            cut = True
            break
        number = count
        damaged = True
        if entry is None:
            yield RawReject(
                str(count),
                "feed/unreadable",
                detail=f"the entry is no XML: {reject.detail}",
                excerpt=written[:1000],
            )
        else:
            yield read_entry(entry, str(count), head.base, head.language)
    # Errors behind the end of the feed cause no reject.
    if cut or not head.closed(text) or not (damaged or number):
        yield reject._replace(locator=f"{number or 'start'}+")


class _NotReadError(ValueError):
    def __init__(self, rule: str, detail: str):
        super().__init__(detail)
        self.rule = rule


class _Blocks(io.StringIO):
    """A text that is read in large blocks: Expat before 2.6 rescans a long token for each block."""

    def read(self, size: int | None = -1) -> str:
        return super().read(_BLOCK_CHARACTERS)


def _entries(text: str) -> Iterator[tuple[Element, str | None, str | None]]:
    """Parse XML -> its entries as they end, each with the base URL and the feed's language.

    Holds one entry at a time. Raises ParseError, DefusedXmlException or _NotReadError.
    """
    base: str | None = None
    language: str | None = None
    current: Element | None = None
    open_elements: list[Element] = []
    size = 0
    for event, element in iterparse(_Blocks(text), events=("start", "end")):
        if event == "start":
            if not open_elements:
                base, language = element.get(BASE), element.get(LANG)
                if element.tag not in _ROOTS:
                    raise _NotReadError(
                        "feed/not-a-feed", f"the root element is {element.tag[:200]!r}"
                    )
            elif len(open_elements) == 1 and element.tag.rpartition("}")[2] == "channel":
                base = element.get(BASE) or base
            open_elements.append(element)
            size += 1
            if current is None and element.tag in _ENTRIES:
                current, size = element, 0
            if len(open_elements) > _MAX_DEPTH or size > _MAX_ELEMENTS:
                what = (
                    f"elements nested deeper than {_MAX_DEPTH}, "
                    f"or more than {_MAX_ELEMENTS} of them in an entry"
                )
                raise _NotReadError("feed/too-large", what)
            continue
        open_elements.pop()
        if current is not None and element is current:
            yield current, base, language
            current = None
        if current is None:
            local = element.tag.rpartition("}")[2]
            if len(open_elements) == 2 and local == "language":
                language = element.text
            elif len(open_elements) == 2 and local == "link" and base is None:
                base = absolute_url(element.text)
            size = 0
            if open_elements:
                open_elements[-1].clear()


FEED = SourceKind(
    name="feed",
    read=read_feed,
    locator="number of the entry, from 1",
    suffixes=(".rss", ".atom", ".rdf", ".xml"),
    begins=lambda head: head.root in ("rss", "feed", "rdf"),
)
