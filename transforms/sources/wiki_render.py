"""Render blocks of wikitext as plain text, or as GitHub-flavoured Markdown of the same text."""

import re
from collections.abc import Iterator

from transforms.sources.markdown_escape import (
    code_block,
    code_span,
    escape,
    escape_start,
    link,
    table_row,
)
from transforms.sources.wiki_blocks import Block, read_blocks
from transforms.sources.wiki_marks import (
    ANY,
    BREAK,
    CODE,
    CODE_END,
    END,
    ITEM,
    LINK,
    LINK_END,
    Items,
)
from transforms.sources.wiki_tables import Table

_LINKS = re.compile(f"{LINK}{ITEM}\\d+{END}")
_ITEM = re.compile(f"{ITEM}(\\d+){END}")
_PIECES = re.compile(f"({ITEM}\\d+{END}|[{LINK}{LINK_END}{CODE}{CODE_END}{BREAK}])")
_SPACED = frozenset(("heading", "code", "display"))
_BREAKS = re.compile(f" *{BREAK} *")


def inline_text(text: str, items: Items) -> str:
    """Render clean text with marks as plain text."""
    if ANY.search(text) is None:
        return text
    text = _ITEM.sub(lambda match: items[int(match[1])].text, _LINKS.sub("", text))
    return ANY.sub("", _BREAKS.sub("\n", text))


def to_text(blocks: list[Block], items: Items) -> str:
    """Render blocks as text, one line each.

    Blank lines are those of the wikitext, and around headings, code blocks and formulas. Tables are
    omitted.
    """
    out: list[str] = []
    spaced = True
    for block in blocks:
        if block.kind == "table":
            spaced = True
            continue
        text = block.text if block.kind in ("code", "display") else inline_text(block.text, items)
        text = text.rstrip() if block.kind == "pre" else text
        if block.kind == "heading":
            text = " ".join(text.split())
        elif block.kind not in ("code", "pre", "verse"):
            text = "\n".join(line.strip() for line in text.split("\n")).strip("\n")
            text = re.sub(r"\n{3,}", "\n\n", text)
        if not text.strip():
            spaced = True
            continue
        if block.kind == "item" and block.prefix[-1] in "*#":
            text = f"• {text}"
        if out:
            out.append("\n\n" if spaced or block.gap or block.kind in _SPACED else "\n")
        out.append(text)
        spaced = block.kind in _SPACED
    return "".join(out).strip("\n")


def inline_markdown(text: str, items: Items, *, links: bool) -> str:
    """Render clean text with marks as Markdown; a line break is a backslash before a line end."""
    if ANY.search(text) is None:
        return escape(text)
    out: list[str] = []
    code: list[str] | None = None
    opened: list[tuple[int, str]] = []
    pieces = _PIECES.split(text)
    target = False
    for number, piece in enumerate(pieces):
        if not piece:
            continue
        if number % 2 == 0:
            (out if code is None else code).append(escape(piece) if code is None else piece)
        elif piece[0] == ITEM:
            item = items[int(piece[1:-1])]
            if target:
                opened.append((len(out), item.text))
            elif code is not None:
                code.append(item.text)
            elif item.kind in ("code", "block"):
                out.append(code_span(item.text))
            else:
                # A blank separates two formulas: `$$` would open a display formula.
                out.append(f" ${item.text}$" if out and out[-1].endswith("$") else f"${item.text}$")
        elif piece == CODE and code is None:
            code = []
        elif piece == CODE_END and code is not None:
            out.append(code_span(ANY.sub("", "".join(code))))
            code = None
        elif piece == LINK_END and opened and code is None:
            start, address = opened.pop()
            shown = "".join(out[start:])
            del out[start:]
            out.append(link(shown, address) if links else shown)
        elif piece == BREAK:
            (out if code is None else code).append("\\\n" if code is None else "\n")
        target = piece == LINK
    if code is not None:
        out.append(escape("".join(code)))
    return ANY.sub("", "".join(out))


def _lines(text: str, items: Items, *, links: bool, first: bool = True) -> list[str]:
    """Render inline text as lines that open no block; leading and trailing breaks are dropped.

    Without `first` the lines stand behind a marker and need no escape at the start.
    """
    lines: list[str] = []
    for part in re.split(f"\n(?![^{CODE}{CODE_END}]*{CODE_END})", text):
        for line in inline_markdown(part, items, links=links).split("\n"):
            line = line.strip()
            if line not in ("", "\\"):
                lines.append(line)
    if lines and (len(lines[-1]) - len(lines[-1].rstrip("\\"))) % 2:
        lines[-1] = lines[-1][:-1].rstrip()
    return [escape_start(line) for line in lines] if first else lines


class _Lists:
    """The open lists, each as (marker, number of the last item, column of its items' text)."""

    def __init__(self) -> None:
        self.open: list[tuple[str, int, int]] = []

    def item(self, prefix: str) -> tuple[str, int]:
        """Start an item with a prefix such as `*#` -> (marker, column of its text)."""
        marks = [mark for mark in prefix if mark in "*#"]
        same = 0
        while same < min(len(self.open), len(marks)) and self.open[same][0] == marks[same]:
            same += 1
        if same == len(marks):
            same -= 1
        mark = marks[same]
        number = (
            self.open[same][1] + 1 if same < len(self.open) and self.open[same][0] == mark else 1
        )
        before = self.open[same - 1][2] if same else 0
        shown = "- " if mark == "*" else f"{number}. "
        self.open[same:] = [(mark, number, before + len(shown))]
        return " " * before + shown, before + len(shown)


def to_markdown(blocks: list[Block], items: Items, *, links: bool) -> str:
    """Render blocks as GitHub-flavoured Markdown, with tables, code blocks and formulas (`$…$`)."""
    out: list[str] = []
    last = ""
    quoted = 0
    lists = _Lists()
    for block in blocks:
        kind = (
            "list"
            if block.kind == "item" and any(mark in block.prefix for mark in "*#")
            else block.kind
        )
        lines = list(_block_lines(block, items, lists, links=links))
        if not lines:
            continue
        if kind != "list":
            lists.open.clear()
        prefix = "> " * block.quoted
        if out:
            tight = kind == last == "list" and block.quoted == quoted
            if not tight:
                out.append(("> " * min(quoted, block.quoted)).rstrip())
        out.extend(f"{prefix}{line}".rstrip() for line in lines)
        last, quoted = kind, block.quoted
    return "\n".join(out).strip("\n")


def _block_lines(block: Block, items: Items, lists: _Lists, *, links: bool) -> Iterator[str]:
    if block.kind == "table":
        if block.table is not None:
            yield from _table_lines(block.table, items, links=links)
    elif block.kind == "code":
        yield from code_block(block.text, block.prefix).split("\n")
    elif block.kind == "pre":
        yield from code_block(inline_text(block.text, items).rstrip()).split("\n")
    elif block.kind == "display":
        yield from ("$$", block.text, "$$")
    elif block.kind == "heading":
        text = " ".join(_lines(block.text, items, links=links, first=False)).replace("\\ ", " ")
        if text:
            yield f"{'#' * block.level} " + re.sub(r"(#+)$", r"\\\1", text)
    elif block.kind == "verse":
        shown = [_verse_line(line, items, links=links) for line in block.text.split("\n")]
        shown = list(filter(None, shown))
        yield from (f"{line}\\" for line in shown[:-1])
        yield from shown[-1:]
    elif block.kind == "item" and any(mark in block.prefix for mark in "*#"):
        lines = _lines(block.text, items, links=links)
        if not lines:
            return
        if block.prefix[-1] in ":;" and lists.open:
            # A paragraph that continues inside an item.
            column = lists.open[-1][2]
            yield ""
            yield from (" " * column + line for line in lines)
            return
        before, column = lists.item(block.prefix)
        yield before + lines[0]
        yield from (" " * column + line for line in lines[1:])
    else:
        yield from _lines(block.text, items, links=links)


def _verse_line(line: str, items: Items, *, links: bool) -> str:
    text = line.lstrip(" ")
    shown = " ".join(_lines(text, items, links=links))
    return "\xa0" * (len(line) - len(text)) + shown if shown else ""


def _table_lines(table: Table, items: Items, *, links: bool) -> Iterator[str]:
    caption = _cell(table.caption, items, links=links)
    rows = [
        [(_cell(text, items, links=links), header) for text, header in row] for row in table.rows
    ]
    rows = [row for row in rows if any(text for text, _ in row)]
    if caption:
        yield escape_start(caption)
    if not rows:
        return
    if caption:
        yield ""
    width = max(map(len, rows))
    for number, row in enumerate(rows):
        yield table_row([text for text, _ in row] + [""] * (width - len(row)))
        if not number:
            yield "|" + " --- |" * width


def _cell(wikitext: str, items: Items, *, links: bool) -> str:
    """Render the blocks of a cell on one line."""
    parts = []
    for block in read_blocks(wikitext, items):
        if block.kind in ("code", "pre"):
            parts.append(code_span(" ".join(inline_text(block.text, items).split())))
        elif block.kind == "display":
            parts.append(f"${block.text}$")
        elif block.table is not None:
            parts.extend(
                _cell(text, items, links=links) for row in block.table.rows for text, _ in row
            )
        else:
            parts.append(
                " ".join(
                    inline_markdown(block.text, items, links=links).replace("\\\n", " ").split()
                )
            )
    return " ".join(filter(None, parts))
