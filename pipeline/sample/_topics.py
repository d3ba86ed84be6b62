"""Help texts of Python as further web pages: more English for the small model to read, with headings, lists and code.

The text is a frozen copy of `pydoc_data.topics` of Python 3.11.7 (`python-topics.txt.zst`, under Python's own licence beside it): the
module changes with each version of Python, and with it the quickstart's counts would. The pages carry no labels.
"""

import html
import re
from importlib.resources import files

import zstandard

from pipeline.sample._html import render_page

_FILE = "python-topics.txt.zst"
_RULE = re.compile(r"^([=*\-~^\"])\1{2,}$")
_CODE = re.compile(r"[\"“]([^\"“”\n]+)[\"”]")
_EMPHASIS = re.compile(r"\*{1,2}(\w[^*\n]*)\*{1,2}")


def read_topics() -> list[tuple[str, str]]:
    """(NAME/NUMBER, text) of each page, in order."""
    text = zstandard.decompress(files(__package__).joinpath(_FILE).read_bytes()).decode()
    return [
        (key, page)
        for key, _, page in (chunk.partition("\n") for chunk in ("\n" + text).split("\n@ ")[1:])
    ]


def _mark_up(text: str) -> str:
    """Plain text of a paragraph or heading -> HTML: "name" is code and *name* emphasis, as in Python's own pages."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return _EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", escaped))


def split_sections(text: str) -> list[tuple[str, list[str]]]:
    """A help text -> (title, blocks) of each section; underlined lines are titles, blank lines part blocks."""
    sections: list[tuple[str, list[str]]] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if len(lines) >= 2 and _RULE.match(lines[1]):
            sections.append((lines[0], []))
            lines = lines[2:]
        if lines:
            sections[-1][1].append("\n".join(lines))
    return sections


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
    """(URL, HTML) of each page, titled by its first section."""
    pages = []
    for key, text in read_topics():
        sections = split_sections(text)
        url = f"https://python-topics.example/{key}"
        body = "\n".join(render_section(title, blocks) for title, blocks in sections)
        page = render_page(
            url=url,
            title=sections[0][0],
            article=body,
            language="en",
            template="handbook",
            meta_charset="utf-8",
        )
        pages.append((url, page))
    return pages
