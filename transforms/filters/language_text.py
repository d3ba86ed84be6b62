"""The input of a language model: one line without addresses and numbers, lowercased if useful."""

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
"""Lowercase -> capital Cherokee: Cherokee is written in what Unicode calls its capitals."""

LOUD = 0.1
"""Share of capitals among the cased letters above which a text counts as in capitals or title case.

Of the UDHR in 56 languages, 5 of 1,350 paragraphs exceed it, all of them in title case; of English
web pages 1%.
"""


def model_line(text: str, *, lowercase: bool | None) -> str:
    """A text -> the line that a fastText model reads, with collapsed white space.

    URLs, e-mail addresses, names after "@" and words without a letter are removed, unless nothing
    else is left. `lowercase` converts the line to lowercase; None does so only if more than LOUD of
    its cased letters are capitals.
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
    """Convert a text to lowercase as it is commonly written.

    "İ" becomes a plain "i", a final sigma "ς", Georgian Mkhedruli; Cherokee is unchanged.
    """
    lower = text.lower()
    if "\u0130" in text:
        lower = lower.replace("i\u0307", "i")
    if not text.isascii() and _CHEROKEE.search(text):
        lower = lower.translate(_CHEROKEE_CAPITALS)
    return lower


def _share_of_capitals(line: str) -> float:
    cased = _CHEROKEE.sub("", line)
    capitals, lowercase = sum(map(str.isupper, cased)), sum(map(str.islower, cased))
    return capitals / max(capitals + lowercase, 1)
