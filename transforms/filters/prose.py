"""Filter `prose`: rejects documents without prose, such as menus and lists of links or names.

A rule of this project for documentation, listings and product pages. The published rules on short
lines, bullets and sentence ends reject good pages of these kinds (measurements in docs/filters.md);
this one requires a minimum of prose instead.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.fineweb import TERMINAL_MARKS
from transforms.filters.language import two_letter_codes
from transforms.filters.language_codes import is_unspaced
from transforms.filters.stop_words import mark_stop_words
from transforms.filters.tokens import Tokens
from transforms.filters.verdicts import Verdicts
from transforms.filters.whitespace_words import whitespace_words
from transforms.words import LETTER, Words, character_classes

MARKS = "".join(sorted({*TERMINAL_MARKS, *",;:،؛、，；："}))
"""Punctuation that divides or ends sentences, which lines of keywords rarely contain."""

_MARKS = np.array([ord(mark) for mark in MARKS], np.uint32)
_LINE_FEED = np.uint32(ord("\n"))


def judge_prose(
    text: pa.LargeStringArray,
    language: pa.Array,
    tokens: Tokens,
    *,
    min_share: float = 0.15,
    min_words: int = 10,
    min_stop_words: int = 1,
) -> Verdicts:
    """Rejects documents with less than `min_share` of their characters in lines of prose.

    Rule: `prose/too-little`. A line of prose has
    - at least `min_words` words between white space, or twice as many characters in languages
      written without spaces;
    - at least `min_stop_words` stop words of its language, case-sensitive, if `stop_words` has a
      list for it;
    - one of MARKS, except in languages without both spaces and a list: Thai and Lao divide
      sentences by spaces.

    A line that begins with a lowercase letter continues the line before it, because text may be
    wrapped.
    """
    spans = tokens.spans
    # Each text is followed by a line feed that belongs to no text: a line feed ends every line.
    feeds = np.flatnonzero(spans.code_points == _LINE_FEED)
    feeds = feeds[~_is_wrapped(spans, feeds)]
    lengths = np.diff(feeds, prepend=-1) - 1
    document = np.searchsorted(spans.bounds, feeds, side="right") - 1
    unspaced = np.fromiter(
        map(is_unspaced, language.cast(pa.string()).to_pylist()), bool, len(text)
    )
    stops, listed = mark_stop_words(tokens, two_letter_codes(language))

    words = np.where(
        unspaced[document],
        _per_line(feeds, spans.starts[tokens.is_word]) // 2,
        _per_line(feeds, whitespace_words(tokens).spans.starts),
    )
    enough = (_per_line(feeds, spans.starts[stops]) >= min_stop_words) | ~listed[document]
    marks = (_per_line(feeds, np.flatnonzero(np.isin(spans.code_points, _MARKS))) > 0) | (
        unspaced & ~listed
    )[document]
    prose = (words >= min_words) & enough & marks
    total = np.bincount(document, weights=lengths, minlength=len(text))
    share = np.bincount(document[prose], weights=lengths[prose], minlength=len(text)) / np.maximum(
        total, 1
    )
    return Verdicts.where(
        share >= min_share, rule="prose/too-little", value=share, threshold=min_share
    )


def _is_wrapped(spans: Words, feeds: np.ndarray) -> np.ndarray:
    """Whether a lowercase letter of the same text directly follows a line feed: bool [lines]."""
    after = np.minimum(feeds + 1, len(spans.code_points) - 1)
    inside = np.ones(len(feeds), bool)
    inside[np.searchsorted(feeds, spans.bounds[1:] - 1)] = False
    return inside & _lowercase_letters()[spans.code_points[after]]


@cache
def _lowercase_letters() -> np.ndarray:
    """Lookup table of lowercase letters, bool [0x110000]; scripts without case have none."""
    table = character_classes() == LETTER
    letters = np.flatnonzero(table)
    table[letters] = np.fromiter(
        (chr(point).islower() for point in letters.tolist()), bool, len(letters)
    )
    table.flags.writeable = False
    return table


def _per_line(feeds: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Count the positions `starts` in each line: int64 [lines].

    `feeds` holds the position of the line feed that ends each line, ascending.
    """
    return np.bincount(np.searchsorted(feeds, starts), minlength=len(feeds))


PROSE = Filter(name="prose", judge=judge_prose, columns=("text", "language", "tokens"))
