"""What a language model reads of a text: one line, without addresses and what has no letter, in lowercase where that helps."""

import re

_ADDRESS = re.compile(
    r"(?:[a-z]{2,6}://|(?<![a-z0-9])www\.)[!-~]+|[a-z0-9._%+-]{0,64}@[a-z0-9_.-]+", re.IGNORECASE
)
_NO_LETTER = re.compile(r"(?<!\S)[\W\d_]+(?!\S)")
_CHEROKEE = re.compile("[\u13a0-\u13fd]")
_CHEROKEE_CAPITALS = {
    **{0xAB70 + step: 0x13A0 + step for step in range(0x50)},
    **{0x13F8 + step: 0x13F0 + step for step in range(6)},
}
"""Cherokee is written in what Unicode calls its capitals: they stay."""

LOUD = 0.1
"""Texts with a larger share of capitals among their cased letters are written in capitals or in title case, wholly or in good part.

UDHR in 56 languages: 5 of 1,350 paragraphs have more as they are printed, all of them in title case; of English pages 1%.
"""


def model_line(text: str, *, lowercase: bool | None) -> str:
    """A text -> the line that a fastText model is given: runs of white space are one space.

    Addresses of pages and mail, names after "@" and words without a letter are left out, unless nothing else is there. `lowercase`: all
    in lowercase; None: only a text in which more than LOUD of the letters that have a case are capitals.
    """
    line = " ".join(text.split())
    bare = (
        _ADDRESS.sub(" ", line) if "://" in line or "@" in line or "www." in line.lower() else line
    )
    line = " ".join(_NO_LETTER.sub(" ", bare).split()) or line
    if lowercase is None:
        lowercase = _share_of_capitals(line) > LOUD
    return lower_text(line) if lowercase else line


def lower_text(text: str) -> str:
    """Small letters as they are written: of "İ" a plain "i", of a final sigma "ς", Georgian in Mkhedruli, Cherokee as it is."""
    lower = text.lower()
    if "\u0130" in text:
        lower = lower.replace("i\u0307", "i")
    if not text.isascii() and _CHEROKEE.search(text):
        lower = lower.translate(_CHEROKEE_CAPITALS)
    return lower


def _share_of_capitals(line: str) -> float:
    cased = _CHEROKEE.sub("", line)
    capitals, small = sum(map(str.isupper, cased)), sum(map(str.islower, cased))
    return capitals / max(capitals + small, 1)
