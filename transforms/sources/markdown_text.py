"""Text as GitHub-flavoured Markdown that renders as the same text: escapes, emphasis, code."""

import re
import unicodedata
from collections.abc import Sequence

STRONG, EMPHASIS = "\x01\x02", "\x03\x04"
"""Start and end marks of emphasis until its paragraph is complete (see `resolve_emphasis`)."""
MARKS = re.compile("[\x01-\x04]")
_SIGNS = r"""\\(?=[!-/:-@\[-`{-~\s]|$)         # a backslash that would escape
    | (?<![ ])\*|\*(?![ ])                 # a star between blanks is none
    | (?<![^\W_])_|_(?![^\W_])             # inside a word an underscore is none
    | ` | ~(?=~)|(?<=~)~
    | <(?=[A-Za-z/!?]|$)
    | &(?=\#?\w+;|$|\#)
    | \](?=[(\[]|$) | !(?=\[|$)"""
_SPECIAL = re.compile(_SIGNS, re.VERBOSE)
_SPECIAL_BESIDE_LINKS = re.compile(rf"{_SIGNS} | [\[\]]", re.VERBOSE)
_LINE_START = re.compile(
    r"""(?P<number>\d{1,9})(?P<dot>[.)])(?=\ |$) | \#{1,6}(?=\ |$) | [-+](?=\ |$) | > | =+$ | -+$
    | \*(?=\ |$) | ~~~ | \[(?=[^\]]*\]:) | :?-[-:|\ ]*$ | \|""",
    re.VERBOSE,
)
_BACKTICKS = re.compile("`+")
_UNSAFE_TEX = re.compile(
    r"\\[!-/:-@\[-`{-~]|\\$|[*`~]|<[A-Za-z/!?]|&\#?\w|(?<![^\W_])_|_(?![^\W_])"
    r"|\][(\[]|\$|\n|^\d|!\["
)
_MOVED_OUT = re.compile("([\x01\x03])([ \n]+)|([ \n]+)([\x02\x04])")
_EMPTY = re.compile("\x01\x02|\x03\x04|\x02\x01|\x04\x03")


def escape(text: str, *, links: bool = False) -> str:
    """Escape plain text for Markdown. `links` also escapes brackets, next to real links."""
    if not text.isalnum():
        text = (_SPECIAL_BESIDE_LINKS if links else _SPECIAL).sub(r"\\\g<0>", MARKS.sub("", text))
    return text


def unescape_marks(text: str) -> str:
    """Remove escapes and emphasis from a part of a paragraph."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", MARKS.sub("", text))


def escape_line(line: str) -> str:
    """Escape the start of an escaped line, so that it opens no list, heading, quotation or rule."""
    match = _LINE_START.match(line)
    if match is None:
        return line
    return f"{match['number']}\\{line[match.start('dot') :]}" if match["number"] else f"\\{line}"


def resolve_emphasis(text: str) -> str:
    """Replace emphasis marks by asterisks where a parser reads these as emphasis, else drop them.

    Of nested emphasis only the outermost is kept.
    """
    if "\x01" not in text and "\x03" not in text:
        return MARKS.sub("", text) if MARKS.search(text) else text
    for _ in range(4):
        moved = _EMPTY.sub(
            "",
            _MOVED_OUT.sub(
                lambda match: match[2] + match[1] if match[1] else match[4] + match[3], text
            ),
        )
        if moved == text:
            break
        text = moved
    parts = re.split("([\x01-\x04])", text)
    depth, opened = 0, -1
    keep: dict[int, str] = {}
    for number in range(1, len(parts), 2):
        if parts[number] in "\x01\x03":
            depth += 1
            if depth == 1:
                opened = number
        elif depth:
            depth -= 1
            if not depth and _can_mark(parts, opened, number):
                keep[opened] = keep[number] = "**" if parts[opened] == "\x01" else "*"
    for number in range(1, len(parts), 2):
        parts[number] = keep.get(number, "")
    return "".join(parts)


def _can_mark(parts: list[str], opened: int, closed: int) -> bool:
    inside = "".join(
        part for number, part in enumerate(parts[opened + 1 : closed]) if not number % 2
    )
    before, after = (
        parts[opened - 1][-1:] or _near(parts, opened, -1),
        parts[closed + 1][:1] or _near(parts, closed, 1),
    )
    if (
        not inside
        or inside[0].isspace()
        or inside[-1].isspace()
        or "\n" in inside
        or (before and before in "*_")
        or (after and after in "*_")
    ):
        return False
    opens = (
        not _is_punctuation(inside[0]) or not before or before.isspace() or _is_punctuation(before)
    )
    closes = (
        not _is_punctuation(inside[-1]) or not after or after.isspace() or _is_punctuation(after)
    )
    return opens and closes


def _near(parts: list[str], number: int, step: int) -> str:
    """The character next to a mark whose neighbours are marks; empty at the paragraph's ends."""
    number += 2 * step
    while 0 <= number < len(parts):
        if parts[number] in ("\x01", "\x02", "\x03", "\x04"):
            text = parts[number + step]
            if text:
                # With other emphasis in between, a parser's reading is uncertain.
                return "*"
        number += 2 * step
    return ""


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def code_span(text: str) -> str:
    """Inline code, between as many backticks as it needs."""
    text = " ".join(MARKS.sub("", text).split("\n"))
    if not text.strip():
        return text
    fence = (
        "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
        if "`" in text
        else "`"
    )
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def code_block(text: str, language: str) -> str:
    """A fenced code block; the fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0) if "```" in text else 2
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def formula(tex: str, *, display: bool) -> str:
    """TeX between dollars, or in GitHub's code forms where a parser without formulas changes it."""
    if not display:
        return f"$`{tex}`$" if _UNSAFE_TEX.search(tex) else f"${tex}$"
    return code_block(tex, "math") if _UNSAFE_TEX.search(tex) else f"$${tex}$$"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, each one line of Markdown -> a table; the first row is its header."""
    width = max(map(len, rows))
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def cell(text: str) -> str:
    """A paragraph as the content of a table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def link(text: str, address: str) -> str:
    """A link, or the text alone if Markdown cannot represent the address."""
    address = address.strip()
    if not address or not text.strip() or any(character in address for character in "<>\n"):
        return text
    if any(character in address for character in " ()\\") or not address.isprintable():
        address = f"<{address}>"
    shown = text.strip()
    return (
        f"{text[: len(text) - len(text.lstrip())]}[{shown}]({address}){text[len(text.rstrip()) :]}"
    )
