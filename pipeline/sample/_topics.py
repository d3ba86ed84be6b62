"""CPython's own help texts (`pydoc_data.topics`) as further web pages: more English for the small model to read.

They change with the Python version, so they carry no labels.
"""

import html
import re
from pydoc_data.topics import topics

from pipeline.sample._html import render_page

_RULE = re.compile(r"^([=*\-~^\"])\1{2,}$")
_CODE = re.compile(r"[\"“]([^\"“”\n]+)[\"”]")
_EMPHASIS = re.compile(r"\*{1,2}(\w[^*\n]*)\*{1,2}")
LEAST_WORDS = 150


def _mark_up(text: str) -> str:
    """Plain text of a paragraph or heading -> HTML: "name" is code and *name* emphasis, as in Python's own pages."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return _EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", escaped))


def split_sections(text: str) -> list[tuple[str, list[str]]]:
    """A help text -> (title, blocks) of each section; underlined lines are titles, blank lines part blocks.

    Grammar rules (`name ::= ...`) are left out.
    """
    sections: list[tuple[str, list[str]]] = [("", [])]
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if len(lines) >= 2 and _RULE.match(lines[1]):
            sections.append((lines[0], []))
            lines = lines[2:]
        if lines and "::=" not in block:
            sections[-1][1].append("\n".join(lines))
    return [section for section in sections if section[1]]


def render_section(title: str, blocks: list[str]) -> str:
    """A section -> HTML: indented blocks become `pre`, lists keep their items, the rest paragraphs."""
    parts = [f"<h1>{_mark_up(title)}</h1>"]
    for block in blocks:
        if all(line.startswith("   ") for line in block.split("\n")):
            code = "\n".join(line[3:] for line in block.split("\n"))
            parts.append(f"<pre>{html.escape(code, quote=False)}</pre>")
        elif block.startswith("* "):
            parts.append(f"<ul><li>{_mark_up(block[2:])}</li></ul>")
        else:
            parts.append(f"<p>{_mark_up(block)}</p>")
    return "\n".join(parts)


def topic_pages() -> list[tuple[str, str]]:
    """(URL, HTML) of pages of at least `LEAST_WORDS` words, by topic: sections in a row that are shorter share a page.

    A section that several topics quote is printed once; what is left of a topic with too few words for a page is left out.
    """
    seen: set[str] = set()
    pages: list[tuple[str, str]] = []
    for name, text in sorted(topics.items()):
        articles: list[str] = []
        title, words = name, 0
        for heading, blocks in split_sections(text):
            article = render_section(heading or name, blocks)
            if article in seen:
                continue
            seen.add(article)
            title = title if articles else heading or name
            articles.append(article)
            words += sum(len(block.split()) for block in blocks)
            if words >= LEAST_WORDS:
                url = f"https://python-topics.example/{name.lower()}/{len(pages)}"
                body = "\n".join(articles)
                page = render_page(url=url, title=title, article=body, language="en", template="handbook", meta_charset="utf-8")
                pages.append((url, page))
                articles, words = [], 0
    return pages
