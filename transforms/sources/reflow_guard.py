"""Lines that unwrapping must keep: fences, indented code, tables, front matter, drawings, lists.

Whole blocks (code, tables) are replaced by one placeholder line each until they are restored. Lines
of lists, headings, quotations and rules remain lines.
"""

import re
from collections.abc import Sequence

import numpy as np

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*$)|~{3,})(.*)")
_BLOCK_MARKS = ("```", "~~~", "\n    ", "\n\t", "|", "+-", "---", "===")
_CODE = re.compile(
    r"""[{};]\s*$|[(){}\[\]=<>/\\_$|&*+"'`]{2}|\w\(|\)[:;]?$|\w=\S|=>[ ]
    |^\s*(?:\#|//|\$[ ]|>>>[ ]|@\w|import[ ]|from[ ]|def[ ]|class[ ]|return\b|if[ ]|for[ ]"""
    r"""|\w+[ ]=[ ])""",
    re.VERBOSE,
)
_TABLE = re.compile(r"\s*(?:\|.*|.*\S\s*\|\s*\S.*\|.*|\+[-=+:]{2,}\+)\s*")
_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_RULE = re.compile(r"\s*(?:([-=~^*_#.+`:])\1{2,}|(?:[-*_=~][ \t]){2,}[-*_=~])\s*")
_COLUMNS = re.compile(r"\s*-{2,}(?:[ \t]+-{2,})+\s*")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦–]|\(?\d{1,3}[.)]|\(?[a-z][.)]|\(?[A-Z]\))[ \t]+\S")
_STANDS = re.compile(r"\s*(?:#{1,6}[ \t]|>|\[[^\]]{1,80}\]:|:[ \t]|<[/!A-Za-z]|:::|\$\$|@@|\|)")
_FRONT = re.compile(r"(---|\+\+\+)[ \t]*\n(?:[^\n]*\n){1,200}?\1[ \t]*(?:\n|\Z)")
_DRAWING = re.compile(r"[|+\\/_<>=*#~^\-\u2500-\u259f]")
_STROKE = re.compile(r"[|+\\/_<>=\u2500-\u259f]")
_PLACEHOLDERS = tuple(map(chr, range(0xFDD0, 0xFDF0)))


class Guarded:
    """A text in which each block to keep is one line; `mark` begins such a line, or is empty."""

    def __init__(self, text: str):
        self.mark = ""
        self._blocks: list[str] = []
        self.text = text
        if any(mark in text for mark in _BLOCK_MARKS) or text.startswith(
            ("    ", "\t", "---", "+++")
        ):
            self._take_out(text)

    def restore(self, text: str) -> str:
        """Put the blocks back into the changed text."""
        if not self._blocks:
            return text
        return re.sub(
            f"^{self.mark}(\\d+)$",
            lambda match: self._blocks[int(match[1])],
            text,
            flags=re.MULTILINE,
        )

    def _take_out(self, text: str) -> None:
        mark = next((each for each in _PLACEHOLDERS if each not in text), "")
        lines = text.split("\n")
        spans = _blocks(lines, text)
        if not spans or not mark:
            return
        self.mark = mark
        out: list[str] = []
        at = 0
        for start, end in spans:
            out.extend(lines[at:start])
            out.append(f"{mark}{len(self._blocks)}")
            self._blocks.append("\n".join(lines[start:end]))
            at = end
        out.extend(lines[at:])
        self.text = "\n".join(out)


def _blocks(lines: Sequence[str], text: str) -> list[tuple[int, int]]:
    """The line ranges [start, end) of the blocks, in order and disjoint."""
    spans: list[tuple[int, int]] = []
    number = 0
    if match := _FRONT.match(text):
        front = match[0].rstrip("\n").count("\n") + 1
        if ":" in lines[1] or "=" in lines[1]:
            spans.append((0, front))
            number = front
    unclosed: set[str] = set()
    for candidate in _candidates(lines, text):
        if candidate < number:
            continue
        line = lines[candidate]
        end = candidate
        if ("```" in line or "~~~" in line) and (match := _FENCE.fullmatch(line)):
            end = _fence_end(lines, candidate, match, unclosed)
        elif line.startswith(("    ", "\t")) and _is_blank(lines, candidate - 1):
            end = _indented_end(lines, candidate)
        elif "|" in line or "+-" in line:
            end = _table_end(lines, candidate)
        elif _COLUMNS.fullmatch(line):
            end = _columns_end(lines, candidate)
        if end > candidate:
            spans.append((candidate, end))
            number = end
    return spans


def _candidates(lines: Sequence[str], text: str) -> list[int]:
    """The lines that a block may begin with, in order; most books have none."""
    numbers: set[int] = set()
    if "```" in text or "~~~" in text:
        numbers.update(
            number for number, line in enumerate(lines) if "```" in line or "~~~" in line
        )
    if "|" in text or "+-" in text:
        numbers.update(number for number, line in enumerate(lines) if "|" in line or "+-" in line)
        # The first row of a table may have no bar.
        numbers.update([number - 1 for number in numbers if number])
    if "    " in text or "\t" in text:
        numbers.update(
            number for number, line in enumerate(lines) if line[:4] == "    " or line[:1] == "\t"
        )
    if "-- -" in text:
        numbers.update(number for number, line in enumerate(lines) if "-- -" in line)
    return sorted(numbers)


def _fence_end(lines: Sequence[str], start: int, match: re.Match[str], unclosed: set[str]) -> int:
    """Where a fence ends.

    An unclosed fence of backticks extends to the end. Unclosed tildes, and ornaments, are no fence.
    """
    mark, info = match[1], match[2].strip()
    ornament = (
        mark[0] == "~" and not info and _is_blank(lines, start - 1) and _is_blank(lines, start + 1)
    )
    if ornament or (mark[0] == "~" and "~" in unclosed):
        return start
    closing = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*")
    quoted = lines[start].lstrip().startswith(">")
    for number in range(start + 1, len(lines)):
        if closing.fullmatch(lines[number]):
            return number + 1
        if quoted and not lines[number].lstrip().startswith(">"):
            return number
    if mark[0] == "~":
        unclosed.add("~")
        return start
    return len(lines)


def _is_blank(lines: Sequence[str], number: int) -> bool:
    return not 0 <= number < len(lines) or not lines[number].strip()


def _indented_end(lines: Sequence[str], start: int) -> int:
    """Where indented code ends: blocks of lines that look like code, and blank lines between."""
    end = number = start
    while number < len(lines) and lines[number].startswith(("    ", "\t")):
        code, first = 0, number
        while (
            number < len(lines)
            and lines[number].strip()
            and lines[number].startswith(("    ", "\t"))
        ):
            code += _CODE.search(lines[number]) is not None
            number += 1
        # A single line is the indented first line of a paragraph.
        paragraph = number - first == 1 and not _is_blank(lines, number)
        if paragraph or 2 * code <= number - first:
            break
        end = number
        while number < len(lines) and not lines[number].strip():
            number += 1
    return end


def _table_end(lines: Sequence[str], start: int) -> int:
    """Where a table of at least two lines with bars ends, or `start`."""
    end = start
    if _TABLE.fullmatch(lines[start]):
        while end < len(lines) and ("|" in lines[end] or lines[end].lstrip().startswith("+-")):
            end += 1
    if (
        end == start
        and start + 1 < len(lines)
        and "|" in lines[start + 1]
        and _DELIMITER.fullmatch(lines[start + 1])
    ):
        end = start + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
    return end if end - start > 1 else start


def _columns_end(lines: Sequence[str], start: int) -> int:
    """Where a table with columns under a line of dashes ends."""
    end = start + 1
    while end < len(lines) and lines[end].strip():
        end += 1
    return end


def kept_breaks(lines: Sequence[str], full: np.ndarray, heads: np.ndarray, mark: str) -> np.ndarray:
    """Which of the n-1 breaks between n lines must be kept: bool (n-1,).

    They are at blocks, lists, headings, quotations, rules and drawings. `full`, `heads`: bool (n,),
    the lines that are not empty, and those that do not begin with a word.
    """
    stands = np.zeros(len(lines), bool)
    items = np.zeros(len(lines), bool)
    for number in np.flatnonzero(heads).tolist():
        line = lines[number]
        if (
            (mark and line.startswith(mark))
            or _STANDS.match(line)
            or _RULE.fullmatch(line)
            or _is_drawing(line)
        ):
            stands[number] = True
        else:
            items[number] = _ITEM.match(line) is not None
    if items.any():
        items = _lists(lines, items, full)
    return stands[:-1] | stands[1:] | items[1:]


def _is_drawing(line: str) -> bool:
    shown = re.sub(r"\s", "", line)
    return (
        len(shown) > 2
        and _STROKE.search(shown) is not None
        and 3 * len(_DRAWING.findall(shown)) > len(shown)
    )


def _lists(lines: Sequence[str], items: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Which items belong to lists: bool (n,).

    Their block (lines between blank ones) begins with an item, or has one after a colon. Other
    items are dashes or dates.
    """
    starts = full & np.append(True, ~full[:-1])
    opens = items & (starts | np.append(False, [line.endswith(":") for line in lines[:-1]]))
    block = np.cumsum(~full)
    listed = np.zeros(int(block[-1]) + 1, bool)
    listed[block[opens]] = True
    return items & listed[block]
