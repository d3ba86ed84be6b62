"""HTML -> main text, title, date of publication and declared language, by one of two extractors."""

import re
from html import unescape
from typing import Literal, NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from transforms.sources.main_text import main_text, page_text
from transforms.sources.metadata import read_metadata
from transforms.sources.page_limits import check_page
from transforms.sources.records import Screen
from transforms.sources.render import Output

Extractor = Literal["tokenmill", "resiliparse", "trafilatura"]
"""Ours; the main content of two other tools, with their own rules, to compare with."""

_PROSE = re.compile(
    r"<(?:[pP](?:\s[^<>]{0,500})?>([^<]{50,2000})|(!--)|([sStTnNxXiI][a-zA-Z]{2,7})(?=[\s/>]))"
)
_PASSED_OVER = frozenset(
    ("script", "style", "template", "textarea", "noscript", "title", "xmp", "iframe", "svg")
)
_SAMPLE, _TELLING = 1000, 300  # characters
_HEAD = 500  # characters of a page's words that are often of its head


class Page(NamedTuple):
    """`published` is seconds since 1970, UTC; `language` what the page declares, a primary subtag."""

    text: str
    title: str | None = None
    published: int | None = None
    language: str | None = None


def check_extractor(name: str, output: str = "text") -> None:
    """Raises ValueError for an extractor whose package cannot be imported, or that does not know the form of output."""
    if name == "resiliparse" and output != "text":
        raise ValueError(
            "extractor 'resiliparse' gives plain text only; leave out the extractor, or output = 'markdown'"
        )
    if name != "trafilatura":
        return
    try:
        import trafilatura  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"{name!r} needs a package that is not installed: pip install 'tokenmill[trafilatura]' ({error})"
        ) from error


def prose_sample(html: str) -> str:
    """The first thousand characters of paragraphs in a page that is not parsed; fewer where it has no more.

    Paragraphs in scripts, comments, templates and fields are no text of the page.
    """
    found: list[str] = []
    size = at = 0
    ends: dict[
        str, int
    ] = {}  # where the next end of an element stands, so that none is looked for twice
    while size < _SAMPLE and (match := _PROSE.search(html, at)):
        at = match.end()
        if match[1]:
            found.append(match[1].strip())
            size += len(found[-1])
        elif match[2] or match[3].lower() in _PASSED_OVER:
            at = _end_of(html, "-->" if match[2] else f"</{match[3].lower()}", at, ends)
    return unescape(" ".join(found))[:_SAMPLE]


def _end_of(html: str, end: str, at: int, ends: dict[str, int]) -> int:
    """Where an element or comment ends that begins before `at`; the end of the page where it is left open."""
    for form in (end, end.upper()):
        if ends.get(form, 0) < at:
            found = html.find(form, at)
            ends[form] = found if found >= 0 else len(html)
    return min(ends[end], ends[end.upper()])


def extract_main_text(
    html: str,
    *,
    extractor: Extractor = "tokenmill",
    output: Output = "text",
    links: bool = False,
    screen: Screen | None = None,
) -> Page:
    """The page's main content as text, one block a line, or as Markdown; docs/extraction.md has the rules.

    Raises RejectedError for a page that `check_page` rejects, before anything is parsed. `output` and `links` are those of `render`.
    `screen` sees a sample of the page's words first, which takes a tenth of the time or less; what it raises is raised.
    """
    if screen is not None and len(sample := prose_sample(html)) >= _TELLING:
        screen(sample)
        screen = None
    check_page(html)
    tree = HTMLTree.parse(html)
    if screen is not None:
        words = page_text(tree)
        screen(words[max(min(_HEAD, len(words) - _SAMPLE), 0) :])
    metadata = read_metadata(tree)
    if extractor == "trafilatura":
        text = _trafilatura_text(html, output, links)
    elif extractor == "resiliparse":
        text = extract_plain_text(
            tree,
            main_content=True,
            preserve_formatting=True,
            alt_texts=False,
            comments=False,
            post_meta=False,
        )
    else:
        text = main_text(tree, output=output, links=links)
    return Page(text, *metadata)


def _trafilatura_text(html: str, output: Output, links: bool) -> str:
    from trafilatura import extract

    if output == "markdown":
        return (
            extract(
                html,
                include_comments=False,
                output_format="markdown",
                include_formatting=True,
                include_links=links,
            )
            or ""
        )
    return extract(html, include_comments=False) or ""
