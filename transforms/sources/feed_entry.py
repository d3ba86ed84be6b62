"""Read one entry of a feed from its XML element: text, URL, title and date, for all formats."""

import html
import re
from xml.etree.ElementTree import Element, tostring

from transforms.clean_text import clean_text
from transforms.sources.feed_dates import feed_date
from transforms.sources.html_files import absolute_url, plain_text
from transforms.sources.metadata import primary_subtag
from transforms.sources.records import RawDocument, RawReject, Record

BASE = "{http://www.w3.org/XML/1998/namespace}base"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATOM = ("{http://www.w3.org/2005/Atom}", "{http://purl.org/atom/ns#}")
DC = "{http://purl.org/dc/elements/1.1/}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_FEEDBURNER = "{http://rssnamespace.org/feedburner/ext/1.0}origLink"
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_ESCAPED_CDATA = re.compile(r"&lt;!\[CDATA\[.*(?:\]\](?:&gt;|>)|\Z)", re.DOTALL)
_ESCAPED_TAG = re.compile(
    r"\s*&lt;(br|img|hr|[a-z][a-z0-9]*)(?:\s[^<>]*?)?\s*/?&gt;", re.IGNORECASE
)
# Character references that remain after text was escaped twice.
_ENTITY = re.compile(r"&(?!lt;|gt;)(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAGS = re.compile(r"</?([A-Za-z][\w:-]*)(?=[\s/>])[^<>]*>")
_HTML = frozenset(
    """
    a abbr address article aside audio b blockquote body br caption cite code dd del details div dl
    dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr html i iframe img ins kbd li
    main mark nav ol p picture pre q s samp section small source span strike strong sub summary sup
    table tbody td tfoot th thead time tr tt u ul var video center
    """.split()  # noqa: SIM905
)
_C1 = {
    code: bytes([code]).decode("cp1252") if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else None
    for code in range(0x80, 0xA0)
}


def map_c1(text: str) -> str:
    """Replace C1 controls by the windows-1252 characters they stand for; drop undefined ones.

    The table is that of HTML for numeric character references.
    """
    return text if text.isascii() else text.translate(_C1)


def read_entry(entry: Element, locator: str, base: str | None, language: str | None) -> Record:
    """Read an `item` or `entry` -> a document or a reject.

    `base` and `language` are the base URL and the language of the feed.
    """
    try:
        atom = next(filter(entry.tag.startswith, ATOM), None)
        base = absolute_url(entry.get(BASE), base) or base
        url, title, text, published = (
            _read_atom(entry, atom, base) if atom else _read_rss(entry, base)
        )
    except Exception as error:
        # An unexpected error in one entry must not end the file.
        return RawReject(locator, "feed/unreadable", detail=f"{type(error).__name__}: {error}")
    if not text:
        return RawReject(
            locator,
            "extract/empty",
            "extract",
            url=url,
            detail="no content, description or summary",
        )
    declared = primary_subtag(entry.get(LANG) or entry.findtext(f"{DC}language") or language)
    title = " ".join(title.split())
    return RawDocument(
        locator,
        text,
        url=url,
        title=title or None,
        published=feed_date(published),
        declared_language=declared,
    )


def _read_rss(entry: Element, base: str | None) -> tuple[str | None, str, str, str | None]:
    space = entry.tag.removesuffix("item")
    media = (f"{_MEDIA}description", f"{_MEDIA}group/{_MEDIA}description")
    texts = (
        *(
            (_CONTENT, _text),
            (f"{_XHTML}body", _text),
            (f"{_XHTML}div", _text),
            (f"{space}description", _text),
            (f"{space}encoded", _text),
        ),
        *(
            (f"{ATOM[0]}content", _atom_text),
            (f"{ATOM[0]}summary", _atom_text),
            (f"{space}fulltext", _text),
        ),
        *(
            (f"{_ITUNES}summary", _text),
            *((tag, _text) for tag in media),
            (f"{DC}description", _text),
            (f"{_ITUNES}subtitle", _text),
        ),
    )
    text = next(
        filter(
            None, (read(element) for tag, read in texts if (element := entry.find(tag)) is not None)
        ),
        "",
    )
    guid = entry.find(f"{space}guid")
    permanent = (
        guid.text
        if guid is not None and guid.get("isPermaLink", "true").strip().lower() == "true"
        else None
    )
    links = (
        entry.findtext(_FEEDBURNER),
        entry.findtext(f"{space}link"),
        *(link.get("href") for link in entry.findall(f"{ATOM[0]}link")),
    )
    url = next(
        filter(None, (absolute_url(link, base) for link in links if link and link.strip())), None
    ) or absolute_url(permanent)
    dates_of_entry = (
        f"{space}pubDate",
        f"{space}pubdate",
        f"{DC}date",
        f"{_DCTERMS}issued",
        f"{_DCTERMS}created",
    )
    dates = (*dates_of_entry, f"{ATOM[0]}published", f"{ATOM[0]}updated", f"{_DCTERMS}modified")
    published = next(filter(None, map(entry.findtext, dates)), None)
    titles = (f"{space}title", f"{DC}title", f"{_MEDIA}title", f"{_ITUNES}title")
    title = next(filter(None, (_text(entry.find(tag)) for tag in titles)), "")
    return url, title, text, published


def _read_atom(
    entry: Element, space: str, base: str | None
) -> tuple[str | None, str, str, str | None]:
    names = (
        f"{space}content",
        f"{space}summary",
        f"{_MEDIA}group/{_MEDIA}description",
        f"{_MEDIA}description",
    )
    text = next(filter(None, (_atom_text(entry.find(name)) for name in names)), "")
    links = [
        link
        for link in entry.findall(f"{space}link")
        if link.get("rel", "alternate") == "alternate"
    ]
    addresses = [entry.findtext(_FEEDBURNER), *(link.get("href") for link in links)]
    url = next(filter(None, (absolute_url(each, base) for each in addresses if each)), None)
    dates = (
        entry.findtext(f"{space}{name}")
        for name in ("published", "issued", "created", "updated", "modified")
    )
    return url, _atom_text(entry.find(f"{space}title")), text, next(filter(None, dates), None)


def _atom_text(element: Element | None) -> str:
    """Convert an Atom text construct to plain text; empty for external content and other media.

    Text with elements of HTML, one of them closed, is read as HTML whatever its type is, since many
    feeds omit the type.
    """
    if element is None:
        return ""
    kind = element.get("type", "text").strip().lower().partition(";")[0]
    if element.get("mode", "").strip().lower() == "base64":
        return ""
    if (
        kind in ("text", "text/plain")
        and not len(element)
        and element.get("mode") is None
        and not _is_html(element.text or "")
    ):
        return clean_text(map_c1(element.text or ""))
    return (
        _text(element)
        if kind in ("text", "html", "xhtml") or kind.startswith(("text/", "application/xhtml"))
        else ""
    )


def _is_html(text: str) -> bool:
    names = {match[1].lower() for match in _TAGS.finditer(text)}
    return (
        bool(names)
        and names <= _HTML
        and ("</" in text or "<br" in text.lower() or "<p>" in text.lower())
    ) or "<![CDATA[" in text


def _text(element: Element | None) -> str:
    """Convert an element that contains HTML, escaped or as elements, to plain text."""
    if element is None:
        return ""
    if len(element):
        for part in element.iter():
            part.tag = part.tag.rpartition("}")[2] if isinstance(part.tag, str) else "span"
        markup = tostring(element, encoding="unicode", method="html")
    else:
        markup = element.text or ""
    return html_text(markup)


def html_text(markup: str) -> str:
    """Convert the HTML or text of an entry to plain text.

    Escaped CDATA sections and HTML that was escaped twice are unescaped first.
    """
    markup = map_c1(markup)
    if "&lt;![CDATA[" in markup and _ESCAPED_CDATA.search(markup):
        markup = html.unescape(markup)
    for _ in range(3):
        if "<![CDATA[" not in markup:
            break
        markup = _CDATA.sub(r"\1", markup).replace("]]>", "")
    if _is_escaped_twice(markup):
        markup = html.unescape(markup)
    text = map_c1(plain_text(markup)) if "<" in markup or "&" in markup else markup
    if "&" in text and _TAGS.search(markup) is None:
        text = map_c1(_ENTITY.sub(lambda match: html.unescape(match[0]), text))
    return clean_text(text)


def _is_escaped_twice(markup: str) -> bool:
    """Whether markup begins with an escaped, closed element of HTML and has no real element."""
    match = _ESCAPED_TAG.match(markup)
    if match is None or match[1].lower() not in _HTML or _TAGS.search(markup):
        return False
    name = match[1].lower()
    return name in ("br", "img", "hr") or f"&lt;/{name}&gt;" in markup.lower()
