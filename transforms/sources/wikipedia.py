"""Source `wikipedia`: the articles of a MediaWiki XML export.

Files: `.xml`, `.xml.bz2` with one stream or many, `.xml.gz`, `.xml.zst`. Memory holds one page at a
time.
"""

import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from transforms.sources.dates import parse_date
from transforms.sources.indent import clean_indented
from transforms.sources.kind import SourceKind
from transforms.sources.options import LinksOption, OutputOption
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.wiki_names import DROPPED_LINKS
from transforms.sources.wikitext import Output, wikitext_to_text

MAX_PAGE_BYTES = 64 << 20
MAX_CHARACTERS = 8 << 20
_BLOCK = 1 << 18
_MAX_DEPTH = 50
_MAX_ELEMENTS = 200_000
_FILES, _CATEGORIES = "6", "14"
_REDIRECT = re.compile(r"\s*#[^\s\[\]#:*;|]{3,40}\s*:?\s*\[\[")
_IN_URL = "/:;@$!*(),~-._"


def read_wikipedia(
    stream: BinaryIO,
    *,
    output: OutputOption = "text",
    links: LinksOption = None,
    max_page_bytes: int = MAX_PAGE_BYTES,
) -> Iterator[Record]:
    """Read an XML export -> one document or reject per page.

    The locator is the page's id; `published` is the time of its last edit. `output` is plain text
    or GitHub-flavoured Markdown, which with `links` keeps the URLs of links.

    Exports list pages by rising id. A page whose id is missing or does not rise is `AFTER+n`, the
    n-th since page AFTER. Redirects and pages outside the main namespace are rejects of the stage
    `extract`. Reading stops at XML that is not well formed or declares entities, with one reject:
    entities are never expanded, and nothing outside the file is read.
    """
    last, largest, others = "start", -1, 0
    try:
        for page, site in _pages(_Blocks(stream, max_page_bytes)):
            number = (page.findtext("{*}id") or "").strip()
            rises = (
                number.isascii() and number.isdigit() and len(number) < 20 and int(number) > largest
            )
            if rises:
                last, largest, others = number, int(number), 0
            else:
                others += 1
            yield _read_safely(
                page, last if rises else f"{last}+{others}", site, output, bool(links)
            )
    except (ParseError, ValueError) as error:
        rule = (
            "wikipedia/entities"
            if isinstance(error, DefusedXmlException)
            else getattr(error, "rule", "wikipedia/malformed")
        )
        yield RawReject(f"{last}+", rule, detail=str(error))


class _NotReadError(ValueError):
    def __init__(self, rule: str, detail: str):
        super().__init__(detail)
        self.rule = rule


class _Site(NamedTuple):
    """The head of an export: base URL, lowercase namespaces of files and categories."""

    base: str | None = None
    dropped_links: frozenset[str] = DROPPED_LINKS

    def address(self, title: str) -> str | None:
        """The URL of a page; None if the export has no base URL."""
        title = "_".join(title.split())
        return f"{self.base}/{quote(title, safe=_IN_URL + '#')}" if self.base and title else None


class _Blocks:
    """A stream that is read in large blocks; one page may take at most `budget` bytes."""

    def __init__(self, stream: BinaryIO, budget: int):
        self._stream = stream
        self._budget = self._left = budget

    def read(self, size: int | None = -1) -> bytes:
        if self._left <= 0:
            raise _NotReadError("wikipedia/too-large", f"a page of more than {self._budget} bytes")
        block = self._stream.read(_BLOCK)
        self._left -= len(block)
        return block

    def page_ended(self) -> None:
        self._left = self._budget


def _pages(blocks: _Blocks) -> Iterator[tuple[Element, _Site]]:
    """Parse XML -> its `page` elements as they end, with the last revision only, and the site."""
    site = _Site()
    open_elements: list[Element] = []
    size = 0
    for event, element in iterparse(blocks, events=("start", "end")):
        name = element.tag.rpartition("}")[2]
        if event == "start":
            if not open_elements and name != "mediawiki":
                raise _NotReadError(
                    "wikipedia/not-a-dump", f"the root element is {element.tag[:200]!r}"
                )
            open_elements.append(element)
            size += 1
            if len(open_elements) > _MAX_DEPTH or size > _MAX_ELEMENTS:
                what = (
                    f"elements nested deeper than {_MAX_DEPTH}, "
                    f"or more than {_MAX_ELEMENTS} of them in a page"
                )
                raise _NotReadError("wikipedia/too-large", what)
            continue
        open_elements.pop()
        if name == "revision" and open_elements:
            size -= _drop_earlier(open_elements[-1], element)
            blocks.page_ended()
        if len(open_elements) != 1:
            continue
        if name == "siteinfo":
            site = _read_site(element)
        elif name == "page":
            yield element, site
        open_elements[0].clear()
        blocks.page_ended()
        size = 0


def _drop_earlier(page: Element, revision: Element) -> int:
    """Remove the revisions before this one from a page -> number of their elements.

    The export may contain the whole history of a page.
    """
    # The parser may be several revisions ahead.
    before = itertools.takewhile(lambda child: child is not revision, page)
    earlier = [child for child in before if child.tag == revision.tag]
    for child in earlier:
        page.remove(child)
    return sum(1 for child in earlier for _ in child.iter())


def _read_site(info: Element) -> _Site:
    namespaces = info.findall("{*}namespaces/{*}namespace")
    names = {
        (entry.text or "").strip().lower()
        for entry in namespaces
        if entry.get("key") in (_FILES, _CATEGORIES)
    }
    base = (info.findtext("{*}base") or "").strip()
    return _Site(
        base.rpartition("/")[0] or None, _Site().dropped_links | {name for name in names if name}
    )


def _read_safely(page: Element, locator: str, site: _Site, output: Output, links: bool) -> Record:
    title = " ".join((page.findtext("{*}title") or "").split())
    url = (
        f"{site.base}/{quote(title.replace(' ', '_'), safe=_IN_URL)}"
        if site.base and title
        else None
    )
    try:
        return _read_page(page, locator, site, title=title, url=url, output=output, links=links)
    except Exception as error:
        # An unexpected error in one page must not end the file.
        return RawReject(
            locator, "wikipedia/unreadable", detail=f"{type(error).__name__}: {error}", url=url
        )


def _read_page(
    page: Element,
    locator: str,
    site: _Site,
    *,
    title: str,
    url: str | None,
    output: Output,
    links: bool,
) -> Record:
    namespace = (page.findtext("{*}ns") or "0").strip()
    if namespace != "0":
        return RawReject(
            locator,
            "wikipedia/namespace",
            "extract",
            url=url,
            detail=f"namespace {namespace[:200]}",
        )
    revision = page.find("{*}revision")
    wikitext = (revision.findtext("{*}text") if revision is not None else None) or ""
    if page.find("{*}redirect") is not None or _REDIRECT.match(wikitext):
        return RawReject(locator, "wikipedia/redirect", "extract", url=url, excerpt=wikitext)
    model = (revision.findtext("{*}model") if revision is not None else None) or "wikitext"
    if model.strip() != "wikitext":
        return RawReject(
            locator, "wikipedia/model", "extract", url=url, detail=f"content model {model[:200]!r}"
        )
    if len(wikitext) > MAX_CHARACTERS:
        return RawReject(
            locator,
            "wikipedia/too-large",
            url=url,
            detail=f"{len(wikitext)} characters of wikitext",
            excerpt=wikitext,
        )
    text = wikitext_to_text(
        wikitext,
        dropped_links=site.dropped_links,
        title=title,
        output=output,
        links=links,
        address=site.address,
    )
    text = clean_indented(text)
    if not text:
        return RawReject(
            locator,
            "extract/empty",
            "extract",
            url=url,
            detail=f"no text in {len(wikitext)} characters of wikitext",
        )
    edited = parse_date(revision.findtext("{*}timestamp")) if revision is not None else None
    return RawDocument(locator, text, url=url, title=title or None, published=edited)


WIKIPEDIA = SourceKind(
    name="wikipedia",
    read=read_wikipedia,
    locator="id of the page",
    suffixes=(".xml",),
    name_pattern=re.compile(r"-(?:pages-articles|pages-meta)[^/]*\.xml"),
    begins=lambda head: head.root == "mediawiki",
)
