"""Read feeds that are not well-formed XML, entry by entry: an error affects only its own entry.

Common errors are corrected in each entry: bare ampersands, entities of HTML, control characters,
undeclared prefixes, unclosed tags of HTML.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml.ElementTree import fromstring

from transforms.sources.feed_entry import BASE, LANG

_ROOT = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?(rss|RDF|feed)(?=[\s>/])[^<>]*>")
_MARKS = re.compile(r"<!\[CDATA\[|<!--|<(/?)(?:[A-Za-z_][\w.-]*:)?(?:item|entry)(?=[\s>/])")
_LOST_END = re.compile(
    r"</(?:[\w.-]+:)?(?:item|entry)\s*>\s*(?:<(?:[\w.-]+:)?(?:item|entry)[\s>]|</)"
)
_NAMESPACE = re.compile(r"xmlns(?::([A-Za-z_][\w.-]*))?\s*=\s*(\"[^\"<>]*\"|'[^'<>]*')")
_ATTRIBUTE = re.compile(r"([A-Za-z_][\w:.-]*)\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')")
_PREFIX = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_]")
_AMPERSAND = re.compile(r"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});)")
_REFERENCE = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_FIELD = re.compile(
    r"<((?:[A-Za-z_][\w.-]*:)?(?:title|link|guid|pubDate|date|description|encoded|summary|content"
    r"|published|updated|issued|id|language"
    r"|body|origLink))((?:\s[^<>]*?)?)(/?)>"
)
_KNOWN = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "atom": "http://www.w3.org/2005/Atom",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "dcterms": "http://purl.org/dc/terms/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
_MAX_ENTRY_TAGS = 20_000


class Head(NamedTuple):
    """The root element of a feed.

    `start` and `end` are the positions of its start tag. `spaces` maps prefixes to namespaces, ""
    to the default one. `base` and `language` are attributes of the feed, or None.
    """

    name: str
    start: int
    end: int
    spaces: dict[str, str]
    base: str | None
    language: str | None

    def closed(self, text: str) -> bool:
        """Whether the root element has an end tag."""
        return text.rfind(f"</{self.name}") >= self.end


def find_head(text: str) -> Head | None:
    """The root element of a feed whose XML has an error.

    None if there is none, or if an entity is declared before it.
    """
    root = _ROOT.search(text)
    if (
        root is None
        or "<!ENTITY" in text[: root.start()]
        or "<html" in text[: root.start()].lower()
    ):
        return None
    first = _MARKS.search(text, root.end())
    spaces = dict(_KNOWN)
    for match in _NAMESPACE.finditer(text[root.start() : first.start() if first else root.end()]):
        spaces[match[1] or ""] = html.unescape(match[2][1:-1])
    attributes = _attributes(root[0])
    language = re.search(
        r"<language\s*>\s*([\w-]+)\s*<",
        text[root.end() : first.start() if first else len(text)][:100_000],
    )
    name = f"{root[1]}:{root[2]}" if root[1] else root[2]
    return Head(
        name,
        root.start(),
        root.end(),
        spaces,
        attributes.get("xml:base"),
        attributes.get("xml:lang") or (language[1] if language else None),
    )


def split_entries(text: str, start: int) -> Iterator[tuple[str, bool]]:
    """Split a feed into its entries as written -> (entry, whether it has an end tag).

    Tags inside CDATA sections and comments are ignored.
    """
    begun: int | None = None
    at = start
    missing: set[str] = set()
    while match := _MARKS.search(text, at):
        at = match.end()
        if match[0] in ("<![CDATA[", "<!--"):
            closer = "]]>" if match[0][2] == "[" else "-->"
            end = -1 if closer in missing else text.find(closer, at)
            if end < 0:
                missing.add(closer)
                continue
            lost = _LOST_END.search(text, at, end)
            at = at if lost else end + 3
        elif match[1]:
            close = text.find(">", at)
            if begun is not None and close >= 0:
                yield text[begun : close + 1], True
                begun, at = None, close + 1
        else:
            if begun is not None:
                yield text[begun : match.start()], False
            begun = match.start()
    if begun is not None:
        yield text[begun:], False


def parse_entry(text: str, head: Head) -> Element | None:
    """Parse an entry as written; None if nothing of it can be read."""
    if text.count("<") > _MAX_ENTRY_TAGS:
        return None
    repaired = repair(text)
    spaces = dict(head.spaces)
    for prefix in set(_PREFIX.findall(repaired)) - set(spaces) - {"xml", "xmlns"}:
        spaces[prefix] = f"urn:undeclared:{prefix}"
    declared = " ".join(
        f'xmlns{":" if prefix else ""}{prefix}="{html.escape(space)}"'
        for prefix, space in spaces.items()
        if space
    )
    try:
        return next(iter(fromstring(f"<feed {declared}>{repaired}</feed>")), None)
    except (ParseError, ValueError):
        return _parse_fields(repaired, spaces)


def repair(text: str) -> str:
    """Correct the XML of an entry outside CDATA sections.

    Control characters are removed, bare ampersands escaped, entities of HTML replaced.
    """
    parts = re.split(r"(<!\[CDATA\[.*?\]\]>)", _CONTROLS.sub("", text), flags=re.DOTALL)
    for number in range(0, len(parts), 2):
        parts[number] = _REFERENCE.sub(_reference, _AMPERSAND.sub("&amp;", parts[number]))
        parts[number] = re.sub(r"<(?![A-Za-z_/!?])", "&lt;", parts[number])
    return "".join(parts)


def _reference(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_ENTITIES:
        return match[0]
    shown = html.unescape(match[0])
    if name[0] == "#" and shown == "\ufffd":
        return shown if name.lower() in ("#65533", "#xfffd") else ""
    if shown == match[0] or _CONTROLS.search(shown):
        return "" if name[0] == "#" else f"&amp;{name};"
    return html.escape(shown, quote=False)


def _parse_fields(text: str, spaces: dict[str, str]) -> Element | None:
    """Read an entry that cannot be corrected: each known field by its own tags, as HTML."""
    start = re.match(r"<((?:[\w.-]+:)?(?:item|entry))((?:\s[^<>]*)?)>", text)
    if start is None:
        return None
    entry = Element(_qualified(start[1], spaces), _attributes(start[2]))
    at = start.end()
    while match := _FIELD.search(text, at):
        at = match.end()
        field = SubElement(entry, _qualified(match[1], spaces), _attributes(match[2]))
        if match[3]:
            continue
        end = text.find(f"</{match[1]}>", at)
        if end < 0:
            entry.remove(field)
            continue
        content = text[at:end]
        # Unescaped markup is used as HTML unchanged.
        plain = "<" not in content or content.lstrip().startswith("<![CDATA[")
        field.text = content if not plain or "<![CDATA[" in content else html.unescape(content)
        if field.tag.startswith("{http://www.w3.org/2005/Atom}") and "<" in content:
            field.set("type", "html")
        at = end + len(match[1]) + 3
    return entry if len(entry) else None


def _qualified(name: str, spaces: dict[str, str]) -> str:
    prefix, colon, local = name.rpartition(":")
    space = spaces.get(prefix, f"urn:undeclared:{prefix}" if colon else "")
    return f"{{{space}}}{local}" if space else local


def _attributes(text: str) -> dict[str, str]:
    attributes = {
        each[1]: html.unescape(next(filter(None, (each[2], each[3])), ""))
        for each in _ATTRIBUTE.finditer(text)
    }
    return attributes | {
        new: attributes[old]
        for old, new in (("xml:lang", LANG), ("xml:base", BASE))
        if old in attributes
    }
