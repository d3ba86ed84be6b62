"""Source `html`: one page per file (`.html`, `.htm`, `.xhtml`, also `.gz` and `.zst`)."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from resiliparse.parse.html import HTMLTree

from transforms.clean_text import binary_detail, clean_text
from transforms.sources.decoding import decode_html
from transforms.sources.extractors import Page, check_extractor, extract_main_text
from transforms.sources.file_head import FileHead
from transforms.sources.gutenberg import strip_gutenberg
from transforms.sources.kind import InputRate, SourceKind
from transforms.sources.mime import binary_type
from transforms.sources.options import ExtractorOption, LinksOption, OutputOption
from transforms.sources.page_limits import check_page
from transforms.sources.page_tree import page_tree
from transforms.sources.records import (
    RawDocument,
    RawReject,
    Record,
    RejectedError,
    Screen,
    is_failure,
    is_of_system,
)
from transforms.sources.render import Output, render

MAX_BYTES = 64 << 20
_HEAD_CHARACTERS = 1 << 18
_EMPTY_ELEMENT = re.compile(r"<([a-zA-Z][\w:.-]*)([^<>]*)/>")
# Roots of files that declare the document type of HTML but are not HTML.
_OTHER_ROOTS = ("mediawiki", "rss", "feed", "rdf")
_VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)


def close_empty_elements(markup: str) -> str:
    """Close empty XHTML elements: an HTML parser reads `<title/>` as an unclosed title."""
    return _EMPTY_ELEMENT.sub(
        lambda tag: tag[0] if tag[1].lower() in _VOID else f"<{tag[1]}{tag[2]}></{tag[1]}>", markup
    )


def plain_text(markup: str, *, output: Output = "text", links: bool = False) -> str:
    """Convert HTML without boilerplate (a chapter, a feed's entry) to its whole text.

    One block per line, or Markdown. Raises RejectedError for markup that `check_page` rejects.
    """
    check_page(markup)
    return render(page_tree(HTMLTree.parse(markup)), output=output, links=links)


def absolute_url(link: str | None, base: str | None = None) -> str | None:
    """Resolve a link to an absolute http(s) URL; None if it is none."""
    try:
        url = urljoin(base or "", (link or "").strip())
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def stated_url(markup: str) -> str | None:
    """The URL that a page declares: `<link rel=canonical>`, else `og:url`; reads only the head.

    Raises RejectedError for a head that `check_page` rejects.
    """
    end = markup.find("</head", 0, _HEAD_CHARACTERS)
    head = markup[: end if end >= 0 else _HEAD_CHARACTERS]
    check_page(head)
    tree = HTMLTree.parse(head)
    opengraph = _attribute(tree, 'meta[property="og:url"]', "content")
    return absolute_url(
        _attribute(tree, 'link[rel~="canonical"]', "href"), opengraph
    ) or absolute_url(opengraph)


def _attribute(tree: HTMLTree, selector: str, name: str) -> str | None:
    node = tree.document.query_selector(selector) if tree.document else None
    return node.getattr(name) if node else None


def read_html(
    stream: BinaryIO,
    *,
    extractor: ExtractorOption = "tokenmill",
    output: OutputOption = "text",
    links: LinksOption = None,
    screen: Screen | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Record]:
    """Read one page -> one document with main text, metadata and declared URL, or one reject.

    The locator is always `0`. Project Gutenberg's header and licence are stripped, as in its text
    files. `output` and `links` are those of `render`.
    """
    body = stream.read(max_bytes + 1)
    if len(body) > max_bytes:
        yield RawReject("0", "html/too-large", detail=f"more than {max_bytes} bytes")
        return
    try:
        yield _read_page(
            body,
            functools.partial(
                extract_main_text,
                extractor=extractor,
                output=output,
                links=bool(links),
                screen=screen,
            ),
        )
    except BaseException as error:
        # A parser's failure on one page must not end the unit.
        if not is_failure(error) or is_of_system(error):
            raise
        yield RawReject("0", "html/unreadable", detail=f"{type(error).__name__}: {error}")


def _read_page(body: bytes, extract: Callable[[str], Page]) -> Record:
    if binary := binary_type(body):
        return RawReject("0", "html/not-text", detail=f"the file is {binary}")
    decoded = decode_html(body)
    markup = decoded.text
    if detail := binary_detail(markup):
        return RawReject("0", "html/not-text", detail=detail)
    if markup.lstrip().startswith("<?xml"):
        markup = close_empty_elements(markup)
    url = None
    try:
        url = stated_url(markup)
        page = extract(markup)
    except RejectedError as error:
        return error.reject("0", url)
    text = strip_gutenberg(clean_text(page.text)).text.strip()
    if not text:
        return RawReject(
            "0", "extract/empty", "extract", url=url, detail=f"no main text in {len(body)} bytes"
        )
    return RawDocument(
        "0",
        text,
        url=url,
        title=page.title,
        published=page.published,
        declared_language=page.language,
        notes=decoded.notes,
    )


def _begins(head: FileHead) -> bool:
    stated = "<!doctype html" in head.prolog.lower() and head.root not in _OTHER_ROOTS
    return stated or head.root in ("html", "head", "body")


HTML_FILES = SourceKind(
    name="html",
    read=read_html,
    suffixes=(".html", ".htm", ".xhtml", ".xht"),
    begins=_begins,
    rates={False: InputRate(bytes_per_second=13.8e6, text=0.039, parts=0.023)},
    check=lambda *, extractor, output, **_: check_extractor(extractor, output),
)
