"""Title, date of publication and declared language of a web page, from what the page says about itself in its markup."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from resiliparse.parse.html import ElementNode, HTMLTree

from transforms.sources.dates import parse_date

_MAX_SCRIPTS = 20
_MAX_SCRIPT_CHARACTERS = 1 << 18
_MAX_NODES = 2_000
_MAX_CANDIDATES = 50
_YEARS = (
    -5_364_662_400,
    7_258_118_400,
)  # 1800 and 2200: content management systems write 0001-01-01 for "no date"
_ARTICLE = re.compile(
    r"(?:article|posting|report|newsitem|creativework|webpage|recipe|review|book)$", re.IGNORECASE
)
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_][\w-]*)?\s*(?:,|;|$)")
_NO_LANGUAGE = frozenset(("und", "mul", "zxx", "mis"))
_TITLES = ("og:title",)
_DATES = (
    *(
        "article:published_time",
        "og:article:published_time",
        "og:published_time",
        "datepublished",
        "date",
        "dc.date",
        "dc.date.issued",
    ),
    *(
        "dc.date.created",
        "dcterms.date",
        "dcterms.created",
        "dcterms.issued",
        "pubdate",
        "publishdate",
        "publish-date",
        "publication_date",
    ),
    *(
        "article.published",
        "parsely-pub-date",
        "sailthru.date",
        "citation_publication_date",
        "citation_date",
    ),
)
_SELECTOR = 'meta[content],script[type*="ld+json" i]'
_DATED = (
    ('[itemprop~="datePublished"]', ("content", "datetime")),
    ("time[pubdate],time.published,time.entry-date", ("datetime",)),
    ("article time[datetime],main time[datetime]", ("datetime",)),
)
_LOCALES = ("content-language", "og:locale", "dc.language", "dcterms.language", "language")


class Metadata(NamedTuple):
    """`published`: seconds since 1970, UTC. `language`: a primary subtag such as `de`; what the page claims, not what it is."""

    title: str | None = None
    published: int | None = None
    language: str | None = None


def read_metadata(tree: HTMLTree) -> Metadata:
    """A page's tree, whole -> what it says about itself; what is missing or cannot be read is None, never an error.

    Title: `og:title`, JSON-LD `headline`, `<title>`, first `<h1>`. Date: JSON-LD `datePublished`, `<meta>` by the names that are
    in use (OpenGraph, Dublin Core, Parsely, …) in a fixed order, `itemprop=datePublished`, `<time>` marked as the date of
    publication, first `<time datetime>` of an article. Language: `<html lang>`, `content-language`, `og:locale`, Dublin Core.
    """
    if tree.document is None:
        return Metadata()
    found = tree.document.query_selector_all(
        _SELECTOR
    ).values()  # one walk over the tree for both takes half the time
    metas = _metas([node for node in found if node.tag == "meta"])
    headline, linked_date = _linked_data([node for node in found if node.tag == "script"])
    return Metadata(
        title=next(
            filter(None, (_one_line(text) for text in _titles(tree, metas, headline))), None
        ),
        published=next(
            (
                date
                for value in _dates(tree, metas, linked_date)
                if (date := plausible_date(value)) is not None
            ),
            None,
        ),
        language=next(
            filter(None, (primary_subtag(value) for value in _locales(tree, metas))), None
        ),
    )


def plausible_date(value: Any) -> int | None:
    """A date in a usual spelling -> seconds since 1970, UTC (where no zone is given: as if UTC); None outside 1800-2200."""
    seconds = parse_date(value)
    return seconds if seconds is not None and _YEARS[0] <= seconds < _YEARS[1] else None


def primary_subtag(value: str | None) -> str | None:
    """`de-AT`, `de_DE.UTF-8`, `DE, en` -> `de`; None for what is no language tag or names none."""
    match = _LANGUAGE.match((value or "").partition(".")[0])
    code = match[1].lower() if match else None
    return None if code in _NO_LANGUAGE else code


def _titles(tree: HTMLTree, metas: dict[str, str], headline: Any) -> Iterator[Any]:
    yield from (metas.get(name) for name in _TITLES)
    yield headline
    yield tree.title
    heading = tree.document.query_selector("h1") if tree.document else None
    yield heading.text if heading else None


def _one_line(text: Any) -> str | None:
    return " ".join(text.split()) or None if isinstance(text, str) else None


def _dates(tree: HTMLTree, metas: dict[str, str], linked: Any) -> Iterator[Any]:
    yield linked
    yield from (metas[name] for name in _DATES if name in metas)
    # Most pages have none of them: one walk over the tree instead of three.
    if tree.document and tree.document.query_selector(",".join(selector for selector, _ in _DATED)):
        for selector, names in _DATED:
            yield from _first_attributes(tree, selector, names)


def _first_attributes(
    tree: HTMLTree, selector: str, names: tuple[str, ...]
) -> Iterator[str | None]:
    node = tree.document.query_selector(selector) if tree.document else None
    if node is not None:
        yield from (node.getattr(name) for name in names)


def _locales(tree: HTMLTree, metas: dict[str, str]) -> Iterator[str | None]:
    root = tree.document.query_selector("html") if tree.document else None
    if root is not None:
        yield root.getattr("lang")
        yield root.getattr("xml:lang")
    yield from (metas.get(name) for name in _LOCALES)


def _metas(nodes: Sequence[ElementNode]) -> dict[str, str]:
    """`<meta>` elements -> their names in lower case and the first content of each that is not blank."""
    contents: dict[str, str] = {}
    for node in nodes[: 10 * _MAX_CANDIDATES]:
        content = (node.getattr("content") or "").strip()
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            name = node.getattr(attribute)
            if name and content:
                contents.setdefault(name.strip().lower(), content)
    return contents


def _linked_data(scripts: Sequence[ElementNode]) -> tuple[Any, Any]:
    """Scripts of JSON-LD -> (headline, datePublished) of the first object that is an article and has them."""
    headline = date = None
    for script in scripts[:_MAX_SCRIPTS]:
        text = script.text or ""
        if len(text) > _MAX_SCRIPT_CHARACTERS or not (
            "headline" in text or "datePublished" in text
        ):
            continue
        try:
            data = json.loads(text.strip().removesuffix(";"), strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _objects(data):
            if any(
                isinstance(name, str) and _ARTICLE.search(name)
                for name in _listed(item.get("@type"))
            ):
                headline = headline or item.get("headline")
                date = date or item.get("datePublished")
    return headline, date


def _objects(data: Any) -> Iterator[dict]:
    """The objects of a JSON-LD document from the outside in, without those that a value of an object names as its parts."""
    pending, seen = [data], 0
    while pending and seen < _MAX_NODES:
        item, seen = pending.pop(0), seen + 1
        if isinstance(item, list):
            pending.extend(item[:_MAX_CANDIDATES])
        elif isinstance(item, dict):
            yield item
            pending.extend(item[key] for key in ("@graph", "mainEntity") if key in item)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)
