"""Tables of wikitext as rows of cells: lines between `{|` and `|}`, or marks of HTML elements."""

import re
from dataclasses import dataclass, field

from transforms.sources.wiki_marks import CAPTION, CELL, HEADER_CELL, HOLE, ROW, TABLE, TABLE_END

_OPEN = re.compile(rf"[\s:{HOLE}]*(?:\{{\||{TABLE})")
_CLOSE = re.compile(rf"\s*(?:\|\}}(?!\}})|{TABLE_END})")
_MARKUP = re.compile(rf"\s*[|!{CELL}{HEADER_CELL}{ROW}{CAPTION}{TABLE}{TABLE_END}]|\s*\{{\|")
_HEADING = re.compile(r"=+[^=].*=\s*")


def opens_table(line: str) -> bool:
    return _OPEN.match(line) is not None


def closed_tables(lines: list[str]) -> set[int]:
    """The numbers of the lines that open a table with an end."""
    closed: set[int] = set()
    opened: list[int] = []
    for number, line in enumerate(lines):
        if _OPEN.match(line):
            opened.append(number)
        elif opened and _CLOSE.match(line):
            closed.add(opened.pop())
    return closed


@dataclass
class Table:
    """A table: `rows` of cells, each as (wikitext, whether it is a header).

    `closed`: the table has an end in the text. One without an end stops before a heading or a blank
    line. Cells contain the text of nested tables.
    """

    closed: bool
    caption: str = ""
    rows: list[list[tuple[str, bool]]] = field(default_factory=list)
    rest: str = ""

    def read(self, lines: list[str], start: int) -> int:
        """Read the table that line `start` opens -> the number of the next line."""
        depth = 1
        number = start + 1
        # The lines of the current cell or caption.
        current: list[str] = []
        place: tuple[str, bool] | None = None
        row: list[tuple[str, bool]] = []

        def finish() -> None:
            nonlocal place, current
            if place is not None:
                text = "\n".join(current).strip()
                if place[0] == "caption":
                    self.caption = text
                else:
                    row.append((text, place[1]))
            place, current = None, []

        while number < len(lines):
            line = lines[number]
            if not self.closed and (
                _HEADING.fullmatch(line)
                or (not line.strip() and depth == 1 and not _next_is_markup(lines, number))
            ):
                break
            number += 1
            if _OPEN.match(line):
                depth += 1
                continue
            stripped = line.lstrip()
            if match := _CLOSE.match(line):
                depth -= 1
                if not depth:
                    self.rest = line[match.end() :].strip()
                    break
                continue
            if depth > 1 and stripped[:2] in ("|-", "|+"):
                continue
            if depth == 1 and (stripped.startswith("|-") or stripped[:1] == ROW):
                finish()
                if row:
                    self.rows.append(row)
                row = []
            elif depth == 1 and (stripped.startswith("|+") or stripped[:1] == CAPTION):
                finish()
                place, current = (
                    ("caption", False),
                    [_without_attributes(stripped[2 if stripped[0] == "|" else 1 :])],
                )
            elif stripped[:1] in (CELL, HEADER_CELL):
                if depth == 1:
                    finish()
                    place = ("cell", stripped[0] == HEADER_CELL)
                current.append(stripped[1:])
            elif stripped[:1] in ("|", "!"):
                header = stripped[0] == "!"
                content = stripped[1:].replace("!!", "||") if header else stripped[1:]
                for cell in content.split("||"):
                    if depth == 1:
                        finish()
                        place = ("cell", header)
                    current.append(_without_attributes(cell))
            else:
                current.append(line)
        finish()
        if row:
            self.rows.append(row)
        return number


def _next_is_markup(lines: list[str], number: int) -> bool:
    following = next((line for line in lines[number : number + 5] if line.strip()), "")
    return _MARKUP.match(following) is not None


def _without_attributes(cell: str) -> str:
    """Remove the attributes of a cell: `style="x" | text` -> `text`."""
    before, bar, after = cell.partition("|")
    return after if bar and "[[" not in before and "-{" not in before else cell
