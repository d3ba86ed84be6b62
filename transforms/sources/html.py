"""HTML bytes -> main text and title."""

import re
from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5
from resiliparse.parse.html import HTMLTree

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_SEVEN_BIT = ("iso-2022", "hz-gb", "utf-7")
_MAX_DEPTH = 2_000
_WORTH_MEASURING = 10_000
_DEEPER = " > ".join(["html", *["*"] * _MAX_DEPTH])


class TooDeepError(ValueError):
    """A page's elements are nested deeper than any page made for readers."""


class Page(NamedTuple):
    text: str
    title: str | None


def declared_charset(body: bytes, http_charset: str | None) -> str | None:
    """The charset that the HTTP header or else the page itself (first 4 KB) declares."""
    if http_charset:
        return http_charset
    found = _META_CHARSET.search(body[:4096])
    return found.group(1).decode("ascii", "replace") if found else None


def decode(body: bytes, charset: str | None) -> str:
    """Bytes -> text. Valid UTF-8 is UTF-8 whatever was declared; else the declared charset; else detection (uchardet).

    Text that is not UTF-8 almost never happens to be valid UTF-8, while a wrong declaration is common. Seven-bit
    encodings such as ISO-2022-JP look like UTF-8, so for them the declaration counts.
    """
    if not (charset and charset.lower().startswith(_SEVEN_BIT)):
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    encoding = map_encoding_to_html5(charset, fallback_utf8=False) if charset else None
    if encoding is None or encoding == "utf-8":
        encoding = detect_encoding(body, from_html_meta=False)
    return bytes_to_str(body, encoding or "utf-8", errors="replace")


def extract_main_text(html: str) -> Page:
    """The page's main content as plain text, one block a line; without comments and post metadata.

    The extraction takes time in the square of the depth (50,000 nested elements: 41 s), so a page with more than 10,000
    tags whose elements nest deeper than 2,000 raises TooDeepError. One CSS query measures that in milliseconds.
    """
    tree = HTMLTree.parse(html)
    if html.count("<") > _WORTH_MEASURING and tree.document and tree.document.query_selector(_DEEPER) is not None:
        raise TooDeepError(f"elements nested deeper than {_MAX_DEPTH}")
    text = extract_plain_text(
        tree, main_content=True, preserve_formatting=True, alt_texts=False, list_bullets=True, comments=False, post_meta=False
    )
    return Page(text, tree.title or None)
