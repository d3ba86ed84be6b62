"""Entries -> web pages: an article inside the navigation, banners and footers of an invented site."""

import html
import re
from functools import cache
from string import Template
from typing import Any

from pipeline.sample._source import Entry, read_resource, read_table

# What Python calls an encoding, for the names that pages use
_CODECS = {
    "windows-1252": "cp1252",
    "iso-8859-1": "latin-1",
    "windows-1251": "cp1251",
    "windows-1256": "cp1256",
}


@cache
def _template(name: str) -> Template:
    return Template(read_resource("templates", f"{name}.html"))


@cache
def _chrome() -> dict[str, Any]:
    return read_table("templates", "chrome.toml")


def render_blocks(title: str, blocks: tuple[str, ...]) -> str:
    """Title and blocks -> the HTML of an article; list items that follow one another become one list."""
    parts = [f"<h1>{html.escape(title, quote=False)}</h1>"] if title else []
    items: list[str] = []
    for block in (*blocks, ""):
        if block.startswith("- "):
            items.append(f"<li>{html.escape(block[2:], quote=False)}</li>")
            continue
        if items:
            parts.append("<ul>\n" + "\n".join(items) + "\n</ul>")
            items = []
        if block.startswith("## "):
            parts.append(f"<h2>{html.escape(block[3:], quote=False)}</h2>")
        elif block:
            parts.append(f"<p>{html.escape(block, quote=False)}</p>")
    return "\n".join(parts)


def render_page(
    *, url: str, title: str, article: str, language: str, template: str, meta_charset: str | None
) -> str:
    """The HTML of an article -> a whole page."""
    chrome = _chrome()[language]
    site = re.sub(r"^https://([^./]+).*", r"\1", url).replace("-", " ").title()
    return _template(template).substitute(
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        meta_charset=f'<meta charset="{meta_charset}">'
        if meta_charset
        else '<meta name="viewport" content="width=device-width">',
        title=html.escape(title or site, quote=False),
        site=site,
        article=article,
        menu="".join(
            f'<li><a href="/menu/{number}">{name}</a></li>'
            for number, name in enumerate(chrome["menu"])
        ),
        links="".join(
            f'<li><a href="/more/{number}">{name}</a></li>'
            for number, name in enumerate(chrome["links"])
        ),
        **{name: chrome[name] for name in ("more", "cookies", "accept", "decline", "copyright")},
    )


def encode_page(entry: Entry) -> tuple[bytes, str]:
    """An entry -> (bytes of its page, Content-Type of its HTTP answer).

    The setting `charset NAME header` names the encoding in HTTP only, `charset NAME meta` in the page only.
    """
    charset, _, declared = entry.settings.get("charset", "utf-8 both").partition(" ")
    text = render_page(
        url=entry.key,
        title=entry.title,
        article=render_blocks(entry.title, entry.blocks),
        language=entry.language,
        template=entry.settings["template"],
        meta_charset=None if declared == "header" else charset,
    )
    return text.encode(
        _CODECS.get(charset, charset)
    ), "text/html" if declared == "meta" else f"text/html; charset={charset}"
