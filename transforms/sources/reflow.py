"""Undo hard wraps: join the lines of a wrapped paragraph and remove hyphenation at line ends.

A break between two lines is a wrap if the first word of the next line would not have fitted on the
line before. The required certainty depends on the break: low before a lowercase letter, high before
an uppercase one (verse) and after the end of a sentence (end of a paragraph). Verse, tables, lists,
headings and indented lines are kept.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from transforms.sources.reflow_guard import Guarded, kept_breaks

# In characters; a longer line was never wrapped.
LONGEST = 100
SHORTEST = 40
_SHORTEST_WIDE = 20
_LONG_SHARE = 0.1
_WRAPPED_SHARE = 0.6
_UPPERCASE_SHARE = 0.75
_PROSE_SHARE = 0.4
_BEFORE_LOWERCASE, _BEFORE_UPPERCASE, _AFTER_SENTENCE = 0.7, 0.9, 0.96

_DASHES = "-\u2010\u2013\u2014"
_SENTENCE_ENDS = frozenset(".!?:…\"”’'»«)]}。！？」』")
_FIRST_WIDE = 0x3040
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W\d_]+")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
_PUNCTUATION = re.compile(rb"\xe2[\x80\x81].|\xc2[\xa0-\xbf]", re.DOTALL)
_TO_BLANKS = bytes(
    code if code == 45 or code > 127 or chr(code).isalpha() else 32 for code in range(256)
)
_CONJUNCTIONS = frozenset(
    (
        "und",
        "oder",
        "bzw",
        "and",
        "or",
        "en",
        "of",
        "ou",
        "et",
        "och",
        "eller",
        "og",
        "ja",
        "tai",
        "y",
        "o",
        "e",
    )
)
_HEADING = re.compile(
    r"""\s*(?:chapter|book|part|volume|vol\.|canto|act|scene|letter|section|kapitel|buch|teil"""
    r"""|theil|chapitre|livre|partie|tome|cap[íi]tulo
        |libro|capitolo|parte|hoofdstuk|boek|deel|luku|osa|kirja|del|rozdzia[łl]|глава|часть|том)
        [ ]+(?:the[ ]+)?(?:[ivxlcdm]+|\d+|[^\W\d_]+)(?:[.:,—–-].{0,60}|)\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"\s*(?:[IVXLCDM]+|\d{1,3})\.?\s*")


def reflow(text: str) -> str:
    """Join the lines of each wrapped paragraph of a text with `\\n` line ends.

    A text that is not wrapped throughout is returned unchanged. Only white space and hyphens at
    line ends change, and `reflow(reflow(text)) == reflow(text)`. Fenced and indented code and
    tables are unchanged to the byte. Headings get blank lines around them; more than two blank
    lines become two.
    """
    guarded = Guarded(text)
    inner = guarded.text
    while (after := _reflow_once(inner, guarded.mark)) != inner:
        inner = after
    return guarded.restore(inner)


def _reflow_once(text: str, mark: str) -> str:
    if (layout := _layout(text, mark)) is None:
        return text
    lines, full, wraps = layout
    heads = _headings(lines, full, wraps)
    keep = full.copy()
    keep[0] |= wraps.size == 0
    keep[1:] |= full[:-1]
    keep[2:] |= full[:-2]
    breaks = np.where(np.append(wraps, False), " ", "\n").tolist()
    for number in np.flatnonzero((heads[:-1] != heads[1:]) & full[:-1] & full[1:]).tolist():
        breaks[number] = "\n\n"
    _join_lines(lines, breaks, np.flatnonzero(wraps).tolist())
    pieces = itertools.chain.from_iterable(zip(lines, breaks, strict=True))
    return "".join(itertools.compress(pieces, np.repeat(keep, 2).tolist()))[:-1]


class _Layout(NamedTuple):
    """A wrapped text of n lines.

    lines  str (n), without trailing blanks
    full   bool (n,), which lines are not empty
    wraps  bool (n-1,), which breaks between lines are wraps
    """

    lines: list[str]
    full: np.ndarray
    wraps: np.ndarray


def _layout(text: str, mark: str) -> _Layout | None:
    """Analyse a text; None if it is not wrapped throughout. Lines with `mark` stand for blocks."""
    lines = text.split("\n")
    length = np.fromiter(map(len, lines), np.int32, len(lines))
    if length[length > LONGEST + 10].sum() > _LONG_SHARE * length.sum():
        return None
    lines = list(map(str.rstrip, lines))
    length = np.fromiter(map(len, lines), np.int32, len(lines))
    full = length > 0
    narrow = length[full & (length <= LONGEST)]
    first, last = (
        _code_points([line[:1] or "\n" for line in lines]),
        _code_points([line[-1:] or "\n" for line in lines]),
    )
    wide = bool((first >= _FIRST_WIDE).any()) and _WIDE.search(text) is not None
    width = float(np.percentile(narrow, 98)) if narrow.size > 1 else 0.0
    if (
        width < (_SHORTEST_WIDE if wide else SHORTEST)
        or length[length > LONGEST].sum() > _LONG_SHARE * length.sum()
    ):
        return None
    lower, upper = _test_characters(first, str.islower), _test_characters(first, str.isupper)
    second = _code_points([line[1:2] or "\n" for line in lines])
    apart = _test_characters(first, str.isspace) & _test_characters(second, str.isspace) | (
        first == 9
    )
    heads = full & (
        ~_test_characters(first, _begins_prose) | _test_characters(second, ".)".__contains__)
    )
    word = np.array([line.find(" ", 1) for line in lines], np.int32)
    word = np.where(word < 0, length, word)
    if wide:
        word = np.where(_test_characters(first, _WIDE.match), 1, word)
    room = (length[:-1] + 1 + word[1:]) / width
    inside = full[:-1] & full[1:] & ~apart[1:] & ~kept_breaks(lines, full, heads, mark)
    ends = _test_characters(last, _SENTENCE_ENDS.__contains__)[:-1]
    needed = np.where(
        ends, _AFTER_SENTENCE, np.where(lower[1:], _BEFORE_LOWERCASE, _BEFORE_UPPERCASE)
    )
    likely = inside & (room > needed) & (length[:-1] <= LONGEST)
    mid_sentence = inside & ~ends
    total, sharp = (
        np.count_nonzero(mid_sentence),
        np.count_nonzero(mid_sentence & (room > _BEFORE_UPPERCASE)),
    )
    if sharp < _PROSE_SHARE * total or np.count_nonzero(mid_sentence & upper[1:]) > max(
        _UPPERCASE_SHARE * total, 3
    ):
        return None
    all_upper = np.array([line.isupper() for line in lines])
    gap = np.array(["   " in line for line in lines]) & ~apart
    kept = all_upper[:-1] | (all_upper[1:] & ends) | (gap[:-1] & gap[1:])
    return _Layout(lines, full, likely & ~kept & ~_verse(inside, mid_sentence, likely, upper[1:]))


def _begins_prose(letter: str) -> bool:
    return letter.isalpha() or letter in "\"'“”‘’«»„‚‹›「『（¿¡"


def _code_points(letters: list[str]) -> np.ndarray:
    return np.frombuffer("".join(letters).encode("utf-32-le", "surrogatepass"), np.uint32)


def _test_characters(letters: np.ndarray, test: Callable[[str], Any]) -> np.ndarray:
    """Test the characters of code points: uint32 (n,) -> bool (n,); each distinct one once."""
    different, where = np.unique(letters, return_inverse=True)
    return np.array([bool(test(chr(letter))) for letter in different.tolist()], bool)[where]


def _verse(
    inside: np.ndarray, mid_sentence: np.ndarray, likely: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Which breaks are in a block of verse or a list: bool (n-1,).

    A block is the lines between blank ones. It has few wraps, or uppercase letters at the start of
    most lines. Only breaks in the middle of a sentence count.
    """
    block = np.cumsum(~inside)
    total = np.bincount(block, mid_sentence)
    wrapped = np.bincount(block, mid_sentence & likely)
    uppers = np.bincount(block, mid_sentence & upper)
    verse = (wrapped < _WRAPPED_SHARE * total) | ((total > 3) & (uppers > _UPPERCASE_SHARE * total))
    return verse[block]


def _headings(lines: list[str], full: np.ndarray, wraps: np.ndarray) -> np.ndarray:
    """Which lines are headings that touch another line: bool (n,)."""
    heads = np.zeros(len(lines), bool)
    beside = np.zeros(len(lines), bool)
    beside[1:] |= full[:-1]
    beside[:-1] |= full[1:]
    beside[1:] &= ~wraps
    beside[:-1] &= ~wraps
    for number in np.flatnonzero(beside & full).tolist():
        line = lines[number]
        heads[number] = len(line) < 80 and (
            _HEADING.fullmatch(line) is not None or _NUMBER.fullmatch(line) is not None
        )
    return heads


def _join_lines(lines: list[str], breaks: list[str], wraps: list[int]) -> None:
    """Set the text of each wrap: a space, or nothing after a hyphen or dash. In place.

    Also removes hyphens of hyphenated words.
    """
    hyphenated = []
    for number in wraps:
        line, following = lines[number], lines[number + 1]
        if following[0] == " ":
            following = lines[number + 1] = following.lstrip()
        last = line[-1]
        if last in _DASHES:
            before = line.rstrip(_DASHES)[-1:]
            if (
                last in "-\u2010"
                and before.isalpha()
                and line[-2] == before
                and following[0].islower()
            ):
                hyphenated.append(number)
            elif before.strip():
                breaks[number] = ""
        elif last == "\u00ad":
            lines[number], breaks[number] = line[:-1], ""
        elif last > "\u2fff" and _WIDE.match(following):
            breaks[number] = ""
    if hyphenated:
        _remove_hyphens(lines, breaks, hyphenated)


def _remove_hyphens(lines: list[str], breaks: list[str], hyphenated: list[int]) -> None:
    """Remove hyphens of words that the book elsewhere writes without one more often. In place.

    A word that occurs nowhere else follows the majority of the others: books wrapped by a program
    break only at true hyphens, scanned ones hyphenate. Without a majority the hyphen is kept
    between two words of the book. A hyphen before a conjunction stands for a following word
    ("Haupt- und Nebensachen").
    """
    halves = {
        number: (
            _LAST_WORD.search(lines[number][lines[number].rfind(" ") + 1 : -1]),
            _WORD.match(lines[number + 1]),
        )
        for number in hyphenated
    }
    words = {
        number: (head.group().lower(), tail.group().lower())
        for number, (head, tail) in halves.items()
        if head and tail
    }
    wanted = {
        spelling.encode()
        for head, tail in words.values()
        for spelling in (head + tail, f"{head}-{tail}", head, tail)
    }
    seen = Counter(filter(wanted.__contains__, _tokens("\n".join(lines))))
    votes = {
        number: seen[f"{head}{tail}".encode()] - seen[f"{head}-{tail}".encode()]
        for number, (head, tail) in words.items()
    }
    majority = sum((vote > 0) - (vote < 0) for vote in votes.values())
    for number in hyphenated:
        vote = votes.get(number, -1)
        if vote == 0 and words[number][1] in _CONJUNCTIONS:
            continue
        breaks[number] = ""
        vote = vote or majority or (-1 if all(seen[half.encode()] for half in words[number]) else 1)
        if vote > 0:
            lines[number] = lines[number][:-1]


def _tokens(text: str) -> list[bytes]:
    """The words of a text in lowercase as UTF-8, including hyphens inside."""
    data = text.lower().encode("utf-8", "replace")
    if not data.isascii():
        data = _PUNCTUATION.sub(b" ", data)
    return data.translate(_TO_BLANKS).split()
