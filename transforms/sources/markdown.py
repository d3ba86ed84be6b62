"""Source `markdown`: one Markdown file per document, which remains Markdown.

Files: `.md`, `.markdown`, `.mdx`, `.qmd`, `.Rmd`. Front matter becomes metadata, comments are
removed, code is unchanged. markdown-it-py determines where blocks begin and end.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from markdown_it import MarkdownIt

from transforms.clean_text import binary_detail
from transforms.sources.decoding import decode_plain
from transforms.sources.front_matter import FrontMatter, read_front_matter
from transforms.sources.indent import clean_indented
from transforms.sources.kind import SourceKind
from transforms.sources.markdown_inline import normalized_label, without_comments
from transforms.sources.options import LinksOption
from transforms.sources.records import RawDocument, RawReject, Record

_HEADING = re.compile(r" {0,3}#[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}=+[ \t]*")
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3}|`+)(?=\S)([^*_`]+)\1")
_MDX = re.compile(
    r"(?:(?:import\s+(?:[\w*{},$\s]{1,400}\sfrom\s+)?|export\s+\*\s+from\s+)"
    r"[\"'][^\"'\n]+[\"'];?[ \t]*\n)+"
)
_FIRST_MDX = re.compile(r"^(?:import|export)\s.*[\"']", re.MULTILINE)
_RAW = re.compile(r"\s*<(?:pre|script|style|textarea)[\s>]", re.IGNORECASE)
_HAS_LINK = re.compile(r"\]|<[A-Za-z]")


def read_markdown(stream: BinaryIO, *, links: LinksOption = None) -> Iterator[Record]:
    """Read one Markdown file -> one document, or one reject. The locator is always `0`.

    `links = False` replaces links and images by their text; otherwise they are unchanged.
    """
    decoded = decode_plain(stream.read())
    if detail := binary_detail(decoded.text):
        yield RawReject("0", "markdown/not-text", detail=detail)
        return
    text = clean_indented(decoded.text)
    front = read_front_matter(text)
    try:
        body = markdown_body(text[front.end :], links=links is not False)
    except Exception as error:
        # A parser's failure on one file must not end the unit.
        yield RawReject(
            "0", "markdown/unreadable", detail=f"{type(error).__name__}: {error}", url=front.url
        )
        return
    if not body.strip():
        detail = "front matter only" if front.end else "no text in the file"
        yield RawReject("0", "extract/empty", "extract", detail=detail, url=front.url)
        return
    yield RawDocument(
        "0",
        body,
        url=front.url,
        title=front.title or first_heading(body, front),
        published=front.published,
        declared_language=front.language,
        notes=decoded.notes,
    )


def markdown_body(text: str, *, links: bool = True) -> str:
    """Remove HTML comments and MDX imports from Markdown without front matter; code is unchanged.

    The line ends are `\\n`. Without `links`, links and images are replaced by their text, and the
    definitions of references are removed.
    """
    text = text.strip("\n")
    if "<!--" in text or (not links and _HAS_LINK.search(text)) or _FIRST_MDX.search(text):
        text = _edited(text, links=links)
    return text.strip("\n").rstrip()


class _Part(NamedTuple):
    """The lines [start, end) of a block. `kind`: inline (paragraph, heading), html, definition."""

    start: int
    end: int
    kind: str


def _edited(text: str, *, links: bool) -> str:
    lines = text.split("\n")
    environment: dict = {}
    tokens = (
        MarkdownIt("commonmark").disable(["inline", "text_join"], True).parse(text, environment)
    )
    parts = [
        _Part(token.map[0], token.map[1], "inline" if token.type == "inline" else "html")
        for token in tokens
        if token.map
        and (
            token.type == "inline" or (token.type == "html_block" and not _RAW.match(token.content))
        )
    ]
    labels = {
        label: entry
        for label, entry in environment.get("references", {}).items()
        if not label.startswith("^")
    }
    references = frozenset(normalized_label(label) for label in labels)
    if not links:
        defined = [*labels.values(), *environment.get("duplicate_refs", ())]
        parts += [
            _Part(entry["map"][0], entry["map"][1], "definition")
            for entry in defined
            if entry.get("map") and entry["map"][1] <= len(lines)
        ]
    # Lines of lists and indented code: indented lines behind them would become part of them.
    joins = bytearray(len(lines))
    for token in tokens:
        if token.map and token.type in ("bullet_list_open", "ordered_list_open", "code_block"):
            joins[slice(*token.map)] = b"\1" * (min(token.map[1], len(lines)) - token.map[0])
    out: list[str] = []
    at = 0
    # The last line that is not blank and is kept.
    last = -1
    for part in sorted(parts):
        if part.start < at:
            continue
        out.extend(lines[at : part.start])
        last = next(
            (number for number in range(part.start - 1, at - 1, -1) if lines[number].strip()), last
        )
        at = part.end
        block = lines[part.start : part.end]
        written = "\n".join(block)
        if part.kind == "definition" or (part.kind == "inline" and _MDX.fullmatch(f"{written}\n")):
            edited = ""
        else:
            edited = without_comments(
                written, links=links, references=references, inside_html=part.kind == "html"
            )
        if not edited.strip() and last >= 0 and joins[last] and _indented_next(lines, part):
            # Otherwise the list or code before would include the code behind.
            edited = written if part.kind == "definition" else "<!-- -->"
        if edited.strip():
            last = part.end - 1
        if edited == written:
            out.extend(block)
            continue
        kept = [
            line if line in block else line.rstrip() for line in edited.split("\n") if line.strip()
        ]
        out.extend(kept)
        if kept or at >= len(lines):
            continue
        before, after = bool(out and out[-1].strip()), bool(lines[at].strip())
        if before and after:
            # The removed block separated two paragraphs, which an empty line now does.
            out.append("")
        elif not before and not after:
            at += 1
    out.extend(lines[at:])
    return "\n".join(out)


def _indented_next(lines: list[str], part: _Part) -> bool:
    """Whether the text behind a block is indented more than the block."""
    following = next(
        (lines[number] for number in range(part.end, len(lines)) if lines[number].strip()), ""
    )
    return _indentation(following) > _indentation(lines[part.start])


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def first_heading(body: str, front: FrontMatter) -> str | None:
    """The heading of level 1 that a text begins with; None if it begins differently."""
    first, _, rest = body.partition("\n")
    if match := _HEADING.fullmatch(first):
        shown = match[1]
    elif _SETEXT.fullmatch(rest.partition("\n")[0]) and first.strip():
        shown = first
    else:
        return None
    return " ".join(_EMPHASIS.sub(r"\2", without_comments(shown, links=False)).split()) or None


MARKDOWN = SourceKind(
    name="markdown",
    read=read_markdown,
    suffixes=(".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"),
)
