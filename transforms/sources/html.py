"""HTML -> main text, title, date of publication and declared language, by one of two extractors."""

import re
from html import unescape
from typing import Literal, NamedTuple

from resiliparse.parse.html import HTMLTree

from transforms.sources.main_text import main_text, page_text
from transforms.sources.metadata import read_metadata
from transforms.sources.records import RejectedError, Screen

Extractor = Literal["resiliparse", "trafilatura"]

_PROSE = re.compile(r"<[pP](?:\s[^<>]{0,500})?>([^<]{50,2000})")
_SAMPLE, _TELLING = 1000, 300  # characters
_HEAD = 500  # characters of a page's words that are often of its head
_MAX_DEPTH = 2_000
_WORTH_MEASURING = 10_000
_DEEPER = " > ".join(["html", *["*"] * _MAX_DEPTH])


class Page(NamedTuple):
    """`published` is seconds since 1970, UTC; `language` what the page declares, a primary subtag."""

    text: str
    title: str | None = None
    published: int | None = None
    language: str | None = None


def check_extractor(name: str) -> None:
    """Raises ValueError for an extractor whose package cannot be imported."""
    if name != "trafilatura":
        return
    try:
        import trafilatura  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{name!r} needs a package that is not installed: pip install 'tokenmill[trafilatura]' ({error})") from error


def prose_sample(html: str) -> str:
    """The first thousand characters of paragraphs in a page that is not parsed; fewer where it has no more."""
    found: list[str] = []
    size = 0
    for match in _PROSE.finditer(html):
        found.append(match[1].strip())
        size += len(found[-1])
        if size >= _SAMPLE:
            break
    return unescape(" ".join(found))[:_SAMPLE]


def extract_main_text(html: str, *, extractor: Extractor = "resiliparse", screen: Screen | None = None) -> Page:
    """The page's main content as plain text, one block a line; without comments and post metadata. docs/extraction.md has the rules.

    The extraction takes time in the square of the depth (50,000 nested elements: 41 s), so a page with more than 10,000
    tags whose elements nest deeper than 2,000 raises RejectedError, `extract/too-deep`. One CSS query measures that in milliseconds.
    `screen` sees a sample of the page's words first, which takes a tenth of the time or less; what it raises is raised.
    """
    if screen is not None and len(sample := prose_sample(html)) >= _TELLING:
        screen(sample)
        screen = None
    tree = HTMLTree.parse(html)
    if html.count("<") > _WORTH_MEASURING and tree.document and tree.document.query_selector(_DEEPER) is not None:
        raise RejectedError("extract/too-deep", "extract", detail=f"elements nested deeper than {_MAX_DEPTH}")
    if screen is not None and tree.body is not None:
        words = page_text(tree)
        screen(words[max(min(_HEAD, len(words) - _SAMPLE), 0) :])
    metadata = read_metadata(tree)
    return Page(_trafilatura_text(html) if extractor == "trafilatura" else main_text(tree, html), *metadata)


def _trafilatura_text(html: str) -> str:
    from trafilatura import extract

    return extract(html, include_comments=False) or ""
