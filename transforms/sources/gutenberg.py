"""Strip what Project Gutenberg adds to a book: header, small print, credits, end line, licence.

The patterns cover its files since 1991 (docs/text-books.md lists them). A marker is a whole line
that begins with one of them, so a book that mentions Project Gutenberg is unchanged.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Maximum number of characters of a header with its small print.
_HEAD = 60_000
_HEADER = 3_000
_FIRST_WORDS = 300
_BEFORE_END = 2_000
# In characters, twice the longest licence.
_LICENCE = 40_000
_LEAST_SHARE = 0.1
_MAX_CREDITS = 12
_MAX_CREDIT = 1_500
_PROJECT = r"Proj[ei][ck]?t[io]?|Proyecto|Progetto|Projeto"
_ENDS = r"End|Ende|Fin|Fim|Fine|Final|Einde|Slut|Slutt|Loppu|Koniec|Конец"

_START = re.compile(
    r"\s*(?:\*{2,}\s*(?:START|BEGIN|D[ÉE]BUT|ANFANG|INICIO|INÍCIO|INIZIO)|Beginning of)\b"
    r".*\bGUTENBERG\b",
    re.IGNORECASE,
)
_END = re.compile(rf"\s*\*{{2,}}\s*(?:{_ENDS})\b(?! ?:).*\bGUTENBERG\b", re.IGNORECASE)
_END_LINE = re.compile(
    rf"\s*\**(?:{_ENDS})\b.{{0,40}}?\b(?:{_PROJECT})[ -]Gutenberg", re.IGNORECASE
)
_SMALL_PRINT_START = re.compile(r"\s*\*+\s*START\s*\*+\s*THE SMALL PRINT", re.IGNORECASE)
_SMALL_PRINT_END = re.compile(r"\s*\*+\s*END\s*\*?\s*(?:OF )?THE SMALL PRINT", re.IGNORECASE)
_CREDIT = re.compile(
    r"""(?:This\s+)?(?:Project\s+Gutenberg\s+)?(?:HTML\s+|electronic\s+)?(?:e-?(?:text|book)\s+"""
    r"""|edition\s+|file\s+|version\s+)?(?:was\s+|is\s+)?
        (?:originally\s+)?(?:produced|prepared|transcribed|scanned|digiti[sz]ed|typed|created"""
    r"""|proofed|proofread|converted)\b[^\n]{0,80}?\b(?:by|from)\b
      | Credits?:\s | (?:Updates?|Updated\s+editions?)\s+(?:to"""
    r"""|of)\s+this\s+e-?book\b | Note:\s+Project\s+Gutenberg\s+also\s+has
      | (?:and\s+)?(?:the\s+)?(?:Project\s+Gutenberg\s+)?(?:Online\s+)?Distributed\s+Proofread\w+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NOTE = re.compile(r"\[\s*Transcribers?['’]?s?['’]?\s+notes?\b", re.IGNORECASE)
_TITLE = re.compile(r"^(?:Title|Titel|Titre|Título|Titolo): *(\S.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_FIRST_LINE = re.compile(
    r"[\s*]*(?:The )?Project Gutenberg(?:'s|’s)? (?:(?:E-?text|E-?book) )?(?:of |,)?"
    r"\s*(.+?)(?:,? by\b.*)?[\s*]*$",
    re.IGNORECASE,
)


class Book(NamedTuple):
    text: str
    title: str | None


class _Line(NamedTuple):
    # `end` includes the line end.
    start: int
    end: int
    text: str


def strip_gutenberg(text: str) -> Book:
    """Strip the header and licence of a text with `\\n` line ends -> the book and its title.

    A text without markers is returned whole. Contradictory markers keep more text rather than less:
    an end before the start is ignored. A result of less than a tenth of the file is accepted only
    between the two lines with stars, and if what follows is not longer than a licence.
    """
    lines = list(_lines_with(text, ("Gutenberg", "GUTENBERG", "SMALL PRINT")))
    header = _find_start(text, lines)
    start = header or 0
    end, unmistakable = _find_end(
        text, lines, start, trusted=header is not None or _mentioned(lines)
    )
    believed = unmistakable and header is not None and len(text) - end < _LICENCE
    if end - start < _LEAST_SHARE * len(text) and not believed:
        end = len(text)
        if end - start < _LEAST_SHARE * len(text):
            start = 0
    if start == 0 and end == len(text):
        return Book(text, None)
    return Book(_without_credits(text[start:end]), _title(text[: start or _HEADER]))


def _lines_with(text: str, words: tuple[str, ...]) -> Iterator[_Line]:
    """The lines that contain one of the words, each once, in order."""
    starts = set()
    for word in words:
        at = text.find(word)
        while at >= 0:
            starts.add(text.rfind("\n", 0, at) + 1)
            at = text.find(word, at + len(word))
    for start in sorted(starts):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield _Line(start, min(end + 1, len(text)), text[start:end])


def _mentioned(lines: list[_Line]) -> bool:
    """Whether the first words of a file without a start line mention Project Gutenberg."""
    return any(line.start < _FIRST_WORDS and not _END_LINE.match(line.text) for line in lines)


def _find_start(text: str, lines: list[_Line]) -> int | None:
    """Where the book begins: after the start line (it may span several lines) or small print."""
    starts = [line for line in lines if line.start < _HEAD and _START.match(line.text)][:1]
    prints = [
        line
        for line in lines
        if line.start < _HEAD and _SMALL_PRINT_END.match(line.text) and line.end < 0.9 * len(text)
    ][:1]
    return max((_marker_end(text, line) for line in starts + prints), default=None)


def _marker_end(text: str, line: _Line) -> int:
    """The end of a marker between stars: at most three lines further if its line is not closed."""
    if line.text.rstrip().endswith("*") or not line.text.lstrip().startswith("*"):
        return line.end
    end = line.end
    for _ in range(3):
        stop = text.find("\n", end)
        more = text[end : stop if stop >= 0 else len(text)].rstrip()
        if not more or stop < 0:
            break
        end = stop + 1
        if more.endswith("*"):
            return end
    return line.end


def _find_end(text: str, lines: list[_Line], start: int, *, trusted: bool) -> tuple[int, bool]:
    """Where the book ends, and whether an unambiguous line marks the end.

    It is the last such line, or an end line shortly before it.
    """
    after = [line for line in lines if line.start >= start]
    stars = [line for line in after if _END.match(line.text)]
    ends = [line for line in after if _END_LINE.match(line.text)]
    if stars:
        last = stars[-1].start
        return min(
            (line.start for line in ends if last - _BEFORE_END < line.start <= last), default=last
        ), True
    prints = [
        line.start
        for line in after
        if _SMALL_PRINT_START.match(line.text) and line.start > 0.5 * len(text)
    ]
    if trusted and (ends or prints):
        return min([line.start for line in ends[-1:]] + prints[:1]), False
    return len(text), False


def _without_credits(book: str) -> str:
    """Remove the credits paragraphs before the first words of a book."""
    at = 0
    for _ in range(_MAX_CREDITS):
        at += len(book[at : at + 10_000]) - len(book[at : at + 10_000].lstrip())
        if _NOTE.match(book, at):
            stop = book.find("]", at, at + 2 * _MAX_CREDIT)
            stop += 1
        elif _CREDIT.match(book, at):
            stop = book.find("\n\n", at, at + _MAX_CREDIT)
        else:
            break
        if stop <= 0:
            break
        at = stop
    return book[at:]


def _title(header: str) -> str | None:
    match = _TITLE.search(header) or _FIRST_LINE.match(header.lstrip().partition("\n")[0])
    return " ".join(match.group(1).split()) or None if match else None
