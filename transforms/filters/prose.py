"""Filter `prose`: rejects documents that are labels only, such as menus, lists of links or of names.

A rule of this project, for pages of documentation, listings and products, of which the rules on short lines, bullets and sentence ends
reject good ones (docs/filters.md has the figures). It asks for some prose and lets everything else be as it is.
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
"""What divides or ends sentences; lines of keywords seldom have any."""

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
    """Rejects documents (`prose/too-little`) with less than `min_share` of their characters in lines of prose.

    Such a line has `min_words` words between white space (in languages written without spaces twice as many characters),
    `min_stop_words` of its language's stop words, where there is a list (see `stop_words`; case counts), and a mark of MARKS, but not in
    languages without spaces and list: Thai and Lao divide sentences by spaces. A line that begins with a lowercase letter goes on the one
    before it: text may be wrapped.
    """
    spans = tokens.spans
    feeds = np.flatnonzero(
        spans.code_points == _LINE_FEED
    )  # each text is closed by one that belongs to no text
    feeds = feeds[~_goes_on(spans, feeds)]
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


def _goes_on(spans: Words, feeds: np.ndarray) -> np.ndarray:
    """bool [lines]: after this line feed the same text goes on, without white space, with a lowercase letter."""
    after = np.minimum(feeds + 1, len(spans.code_points) - 1)
    inside = np.ones(len(feeds), bool)
    inside[np.searchsorted(feeds, spans.bounds[1:] - 1)] = False
    return inside & _lowercase_letters()[spans.code_points[after]]


@cache
def _lowercase_letters() -> np.ndarray:
    """bool [0x110000]: letters that are the small one of a pair; scripts without case have none."""
    table = character_classes() == LETTER
    letters = np.flatnonzero(table)
    table[letters] = np.fromiter(
        (chr(point).islower() for point in letters.tolist()), bool, len(letters)
    )
    table.flags.writeable = False
    return table


def _per_line(feeds: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """How many of the positions `starts` are in each line, by the positions of the line feeds that close them: int64 [lines]."""
    return np.bincount(np.searchsorted(feeds, starts), minlength=len(feeds))


PROSE = Filter(name="prose", judge=judge_prose, columns=("text", "language", "tokens"))
