"""Split wikitext into blocks: headings, paragraphs, lists, code, verse, tables, formulas."""

import re
from dataclasses import dataclass, field

from transforms.sources.exponents import FRACTION, Around, lowered, raised
from transforms.sources.wiki_extensions import decode_entities
from transforms.sources.wiki_inline import do_quotes
from transforms.sources.wiki_marks import (
    ANY,
    BLOCK,
    BLOCK_END,
    BREAK,
    CAPTION,
    CELL,
    HEADER_CELL,
    HOLE,
    ITEMS,
    JOIN,
    QUOTE,
    QUOTE_END,
    ROW,
    SCRIPT_END,
    SUB,
    SUP,
    TABLE,
    TABLE_END,
    VERSE,
    Items,
)
from transforms.sources.wiki_names import NO_SWITCHES, SWITCHES
from transforms.sources.wiki_tables import Table, closed_tables, opens_table

_HEADING = re.compile(r"(=+)(.+?)(=+)[ \t]*")
_LIST = re.compile(r"[*#:;]+")
_RULE = re.compile(r"-{4,}")
_TERM = re.compile(r"(.*?\S)\s*:\s+(.*\S.*)")
_SWITCH = re.compile(r"__(?!_)([^\W\d]+?)__(?!\w)")
_SPACES = re.compile(r"[ \t\xa0]{2,}|[\t\xa0]")
_SCRIPT = re.compile(f"([{SUP}{SUB}])([^{SUP}{SUB}{SCRIPT_END}]*){SCRIPT_END}")
_UP_TO_SCRIPT = re.compile(f"[^{SUP}{SUB}{SCRIPT_END}]*")
_STRAY = re.compile(
    f"[{CELL}{HEADER_CELL}{QUOTE}{QUOTE_END}{VERSE}{JOIN}{BLOCK}{BLOCK_END}"
    f"{TABLE}{TABLE_END}{ROW}{CAPTION}{SCRIPT_END}]"
)
_STOPS = ",;:、，；"
_BRACKETS = re.compile(rf" ?[(（][ {_STOPS}]{{0,9}}{HOLE}[ {_STOPS}{HOLE}]*[)）]")
_BRACKET_START = re.compile(rf"([(（])[ {_STOPS}]{{0,9}}{HOLE}[ {_STOPS}{HOLE}]*")
_BRACKET_END = re.compile(rf"[ {_STOPS}]{{0,9}}{HOLE}[ {_STOPS}{HOLE}]*([)）])")
_BETWEEN = re.compile(rf"([;；]) ?{HOLE} ?[;；]")
_BEFORE_STOP = re.compile(rf" {HOLE}(?=[,.;:!?)、。，]|$)")


@dataclass(slots=True)
class Block:
    """A block of wikitext.

    kind    heading, para, item, term, code, pre, verse, display, table
    text    clean except for marks of items, links, code and line breaks
    level   of a heading
    prefix  of an item, such as `*#`
    gap     a blank line, or something dropped, precedes the block
    quoted  depth of quotations around the block
    """

    kind: str
    text: str = ""
    level: int = 0
    prefix: str = ""
    gap: bool = False
    quoted: int = 0
    table: Table | None = field(default=None, repr=False)


def clean_line(line: str, items: Items, *, keep_spaces: bool = False) -> str:
    """Clean a line with marks; only marks of items, links, code and line breaks remain."""
    line = do_quotes(line)
    for pair in ("[]", "{}"):
        if (pair[0] * 2 in line or pair[1] * 2 in line) and line.count(pair[0]) != line.count(
            pair[1]
        ):
            line = line.replace(pair[0] * 2, "").replace(pair[1] * 2, "")
    if "__" in line:
        line = _SWITCH.sub(_without_switch, line)
    if not keep_spaces:
        line = _SPACES.sub(" ", line)
    if HOLE in line:
        line = _close_holes(line)
    line = decode_entities(line)
    line = ITEMS.sub(
        lambda match: (
            items[int(match[1])].text if items[int(match[1])].kind == "text" else match[0]
        ),
        line,
    )
    if SUP in line or SUB in line:
        line = _mark_scripts(line, items)
    line = _STRAY.sub("", line)
    if not keep_spaces:
        line = _SPACES.sub(" ", line).strip(" ")
    return line


def _without_switch(match: re.Match[str]) -> str:
    name = match[1]
    switch = (
        name.lower() in SWITCHES if name != name.upper() else name.strip("_") not in NO_SWITCHES
    )
    return "" if switch else match[0]


def _close_holes(line: str) -> str:
    """Remove the holes of templates and images, and brackets and blanks that are left empty."""
    line = _BRACKETS.sub(HOLE, line)
    line = _BRACKET_START.sub(r"\1", line)
    line = _BRACKET_END.sub(r"\1", line)
    line = _BETWEEN.sub(r"\1", line)
    line = re.sub(f"{HOLE}+", HOLE, line)
    line = _BEFORE_STOP.sub("", line)
    return line.replace(f" {HOLE} ", " ").replace(HOLE, "")


def _mark_scripts(line: str, items: Items) -> str:
    for _ in range(5):
        out: list[str] = []
        before = ""
        at, joined = 0, False
        for match in _SCRIPT.finditer(line):
            out.append(line[at : match.start()])
            piece = ANY.sub("", ITEMS.sub("", out[-1]))
            joined = joined and not piece
            # Inside another script, the text before that one is not part of the context.
            if (opened := max(out[-1].rfind(SUP), out[-1].rfind(SUB))) >= 0:
                before, piece = "", ANY.sub("", ITEMS.sub("", out[-1][opened:]))
            before = (before + piece)[-80:]
            content = match[2]
            if ITEMS.sub("", content) == content:
                after = _text_after(line, match.end())
                content = (raised if match[1] == SUP else lowered)(
                    ANY.sub("", content), Around(before, after, joined=joined)
                )
                if content[:1] == "\b":
                    content = content[1:]
                    out[-1] = out[-1].rstrip(" ")
                    before = before.rstrip(" ")
                if content[:1].isdigit() and before[-1:].isdigit():
                    content = f" {content}"
                if match[1] == SUB and out[-1].endswith("⁄"):
                    out[-1] = out[-1][:-1] + "/"
                joined = content[:1] in ("^", "_") or content[-1:].isdigit()
            if content[-1:].isdigit() and line[match.end() : match.end() + 1].isdigit():
                content += " "
            out.append(content)
            before = (before + content)[-80:]
            at = match.end()
        if not at:
            break
        line = "".join(out) + line[at:]
    return line.replace(SUP, "").replace(SUB, "").replace(SCRIPT_END, "")


def _text_after(line: str, at: int) -> str:
    """The text at a place behind other scripts; if it is only a slash, with the next script."""
    while match := _SCRIPT.match(line, at):
        at = match.end()
    text = _UP_TO_SCRIPT.match(line, at)[0]  # type: ignore[index]
    at += len(text)
    text = ANY.sub("", ITEMS.sub("", text))[:80]
    if text.strip() in ("/", "⁄") and (match := _SCRIPT.match(line, at)):
        text += (FRACTION if match[1] == SUB else "") + ANY.sub("", match[2])[:80]
    return text


class _Reader:
    def __init__(self, items: Items):
        self.items = items
        self.blocks: list[Block] = []
        self.gap = False
        # Depth of HTML block elements, inside which a blank at the start of a line has no meaning.
        self.inside = 0
        self.quoted = 0

    def add(self, kind: str, text: str, **more: object) -> None:
        self.blocks.append(Block(kind, text, gap=self.gap, quoted=self.quoted, **more))  # type: ignore[arg-type]
        self.gap = False

    def read(self, lines: list[str]) -> list[Block]:
        number = 0
        closed = closed_tables(lines)
        while number < len(lines):
            line = lines[number]
            if opens_table(line):
                table = Table(closed=number in closed)
                number = table.read(lines, number)
                self.gap = True
                self.blocks.append(Block("table", gap=True, quoted=self.quoted, table=table))
                if table.rest:
                    self.line(table.rest)
                continue
            self.line(line)
            number += 1
        return self.blocks

    def line(self, line: str) -> None:
        """Read one line outside tables; code blocks and display formulas in it become blocks."""
        at = 0
        for match in ITEMS.finditer(line):
            item = self.items[int(match[1])]
            before, after = (
                line[: match.start()].strip(" " + HOLE),
                line[match.end() :].strip(" " + HOLE),
            )
            alone = item.kind == "math" and bool(before) and not before.strip(": ") and not after
            if item.kind not in ("block", "display") and not alone:
                continue
            self.part(
                line[at : match.start()].rstrip(" :")
                if item.kind != "block"
                else line[at : match.start()]
            )
            if item.kind == "block":
                self.add("code", item.text, prefix=item.label)
            else:
                self.add("display", item.text)
            at = match.end()
        if at == 0 or line[at:].strip():
            self.part(line[at:] if at == 0 else line[at:].strip(" "))

    def part(self, line: str) -> None:
        mark = line[:1]
        if mark in (QUOTE, QUOTE_END, BLOCK, BLOCK_END) and mark:
            step = 1 if mark in (QUOTE, BLOCK) else -1
            if mark in (QUOTE, QUOTE_END):
                self.quoted = max(self.quoted + step, 0)
            else:
                self.inside = max(self.inside + step, 0)
            self.gap = True
            return
        if mark == VERSE:
            self.verse(line[1:])
            return
        bare = line.lstrip(HOLE)
        if match := _HEADING.fullmatch(bare):
            level = min(len(match[1]), len(match[3]), 6)
            if text := clean_line(match[1][level:] + match[2] + match[3][level:], self.items):
                self.add("heading", text, level=level)
        elif match := _RULE.match(bare):
            self.gap = True
            self.paragraph(bare[match.end() :])
        elif match := _LIST.match(bare):
            self.item(match[0], bare[match.end() :])
        elif (
            bare[:1] == " "
            and not bare.strip()
            and self.blocks
            and self.blocks[-1].kind == "pre"
            and not self.gap
        ):
            self.blocks[-1].text += "\n"
        elif bare[:1] in (" ", "\t") and not self.inside and not self.quoted and bare.strip():
            if text := clean_line(bare[1:], self.items, keep_spaces=True).rstrip():
                self.append_line("pre", text)
            else:
                self.gap = True
        else:
            self.paragraph(bare if bare.strip() else "")

    def paragraph(self, line: str) -> None:
        if text := clean_line(line, self.items):
            self.append_line("para", text)
        else:
            self.gap = True

    def append_line(self, kind: str, text: str) -> None:
        last = self.blocks[-1] if self.blocks else None
        if last is not None and last.kind == kind and not self.gap and last.quoted == self.quoted:
            last.text += f"\n{text}"
        else:
            self.add(kind, text)

    def verse(self, line: str) -> None:
        indent = " " * (len(line) - len(line.lstrip(" ")))
        parts = [part.strip() for part in clean_line(line, self.items).split(BREAK)]
        self.gap = self.gap or not any(parts)
        for part in filter(None, parts):
            self.append_line("verse", indent + part)

    def item(self, prefix: str, line: str) -> None:
        if prefix.endswith(";") and (match := _TERM.fullmatch(line)):
            term, rest = clean_line(match[1], self.items), clean_line(match[2], self.items)
            if term or rest:
                self.add("term", f"{term} {rest}".strip(), prefix=prefix)
            return
        text = clean_line(line, self.items).lstrip("•").strip()
        if text:
            self.add("item", text, prefix=prefix)


def read_blocks(text: str, items: Items) -> list[Block]:
    """Split wikitext with marks into its blocks, in order; includes headings of empty sections."""
    return _Reader(items).read(text.split("\n"))


def without_empty_sections(blocks: list[Block]) -> list[Block]:
    """Remove headings without content before the next heading of the same or a higher level."""
    kept: list[Block] = []
    for block in blocks:
        if block.kind == "heading":
            while kept and kept[-1].kind == "heading" and kept[-1].level >= block.level:
                kept.pop()
        kept.append(block)
    while kept and kept[-1].kind == "heading":
        kept.pop()
    return kept
