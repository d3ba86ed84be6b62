"""Source `feed`: the entries of RSS 2.0 (and 0.9x), RSS 1.0 and Atom files, with their full content where the feed has it."""

import io
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from transforms.sources.html_files import absolute_url, decode_markup, plain_text
from transforms.sources.jsonl import parse_date
from transforms.sources.metadata import primary_subtag
from transforms.sources.records import RawDocument, RawReject, Record, RejectedError, clean_text

MAX_BYTES = 32 << 20
_MAX_DEPTH = 500
_MAX_ELEMENTS = 200_000
_BLOCK_CHARACTERS = 1 << 18
_ATOM = ("{http://www.w3.org/2005/Atom}", "{http://purl.org/atom/ns#}")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RSS = ("", "{http://purl.org/rss/1.0/}", "{http://my.netscape.com/rdf/simple/0.9/}", "{http://backend.userland.com/rss2}")
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_ROOTS = {f"{_RDF}RDF", *(f"{space}rss" for space in _RSS), *(f"{space}feed" for space in _ATOM)}
_ENTRIES = {*(f"{space}item" for space in _RSS), *(f"{space}entry" for space in _ATOM)}


def read_feed(stream: BinaryIO, *, max_bytes: int = MAX_BYTES) -> Iterator[Record]:
    """Bytes of a feed -> one document or reject an entry. The locator is the entry's number, from 1.

    XML that is not well formed or declares entities costs the rest of the file, one reject: entities are never expanded
    and nothing outside the file is ever read. A feed without entries is no record.
    """
    body = stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        yield RawReject("start+", "feed/too-large", detail=f"more than {max_bytes} bytes")
        return
    number = 0
    try:
        for entry, base, language in _entries(decode_markup(body).lstrip()):
            number += 1
            yield _read_safely(entry, str(number), base, language)
    except (ParseError, ValueError) as error:
        rule = "feed/entities" if isinstance(error, DefusedXmlException) else getattr(error, "rule", "feed/malformed")
        yield RawReject(f"{number or 'start'}+", rule, detail=str(error))


class _NotReadError(ValueError):
    def __init__(self, rule: str, detail: str):
        super().__init__(detail)
        self.rule = rule


class _Blocks(io.StringIO):
    """A text read in large blocks: Expat before 2.6 looks at a long token again with each block of it."""

    def read(self, size: int | None = -1) -> str:
        return super().read(_BLOCK_CHARACTERS)


def _entries(text: str) -> Iterator[tuple[Element, str | None, str | None]]:
    """XML -> its entries as they end, the address that relative links start at and the feed's language. Holds one entry at a time."""
    base: str | None = None
    language: str | None = None
    current: Element | None = None
    open_elements: list[Element] = []
    size = 0
    for event, element in iterparse(_Blocks(text), events=("start", "end")):
        if event == "start":
            if not open_elements:
                base, language = element.get(_BASE), element.get(_LANG)
                if element.tag not in _ROOTS:
                    raise _NotReadError("feed/not-a-feed", f"the root element is {element.tag[:200]!r}")
            open_elements.append(element)
            size += 1
            if current is None and element.tag in _ENTRIES:
                current, size = element, 0
            if len(open_elements) > _MAX_DEPTH or size > _MAX_ELEMENTS:
                what = f"elements nested deeper than {_MAX_DEPTH}, or more than {_MAX_ELEMENTS} of them in an entry"
                raise _NotReadError("feed/too-large", what)
            continue
        open_elements.pop()
        if current is not None and element is current:
            yield current, base, language
            current = None
        if current is None:
            if len(open_elements) == 2 and element.tag.rpartition("}")[2] == "language":
                language = element.text
            size = 0
            if open_elements:
                open_elements[-1].clear()


def _read_safely(entry: Element, locator: str, base: str | None, language: str | None) -> Record:
    try:
        atom = next(filter(entry.tag.startswith, _ATOM), None)
        if atom:
            url, title, text, published = _read_atom(entry, atom, base)
        else:
            url, title, text, published = _read_rss(entry, entry.tag.removesuffix("item"), base)
    except RejectedError as error:
        return error.reject(locator, None)
    except Exception as error:  # what nobody foresaw in one entry must not cost the file
        return RawReject(locator, "feed/unreadable", detail=f"{type(error).__name__}: {error}")
    if not text:
        return RawReject(locator, "extract/empty", "extract", url=url, detail="no content, description or summary")
    declared = primary_subtag(entry.get(_LANG) or entry.findtext(f"{_DC}language") or language)
    title = " ".join(title.split())
    return RawDocument(locator, text, url=url, title=title or None, published=parse_date(published), declared_language=declared)


def _read_rss(entry: Element, space: str, base: str | None) -> tuple[str | None, str, str, str | None]:
    text = next(filter(None, (_text(entry.find(tag)) for tag in (_CONTENT, f"{space}description"))), "")
    guid = entry.find(f"{space}guid")
    permanent = guid.text if guid is not None and guid.get("isPermaLink", "true") == "true" else None
    url = absolute_url(entry.findtext(f"{space}link"), base) or absolute_url(permanent)
    published = entry.findtext(f"{space}pubDate") or entry.findtext(f"{_DC}date")
    return url, _text(entry.find(f"{space}title")), text, published


def _read_atom(entry: Element, space: str, base: str | None) -> tuple[str | None, str, str, str | None]:
    text = next(filter(None, (_atom_text(entry.find(f"{space}{name}")) for name in ("content", "summary"))), "")
    base = entry.get(_BASE) or base
    links = [link for link in entry.findall(f"{space}link") if link.get("rel", "alternate") == "alternate"]
    url = next(filter(None, (absolute_url(link.get("href"), base) for link in links)), None)
    dates = (entry.findtext(f"{space}{name}") for name in ("published", "issued", "updated", "modified"))
    return url, _atom_text(entry.find(f"{space}title")), text, next(filter(None, dates), None)


def _atom_text(element: Element | None) -> str:
    """An Atom text construct -> plain text; empty for content that lies elsewhere or is no text."""
    kind = "" if element is None else element.get("type", "text").lower()
    if kind in ("text", "text/plain") and element is not None and element.get("mode") is None and not len(element):
        return clean_text(element.text or "")
    return _text(element) if kind in ("text", "html", "xhtml") or kind.startswith(("text/", "application/xhtml")) else ""


def _text(element: Element | None) -> str:
    """An element that holds HTML, escaped or as elements -> plain text."""
    if element is None:
        return ""
    if len(element):
        for part in element.iter():
            part.tag = part.tag.rpartition("}")[2]
        markup = tostring(element, encoding="unicode", method="html")
    else:
        markup = element.text or ""
    return clean_text(plain_text(markup) if "<" in markup or "&" in markup else markup)
