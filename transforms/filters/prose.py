"""Filter `prose`: rejects documents that are labels only, such as menus, lists of links or of names.

A rule of this project, for pages of documentation, listings and products, of which the rules on short lines, bullets and sentence ends
reject good ones (docs/filters.md has the figures). It asks for some prose and lets everything else be as it is.
"""

import numpy as np
import pyarrow as pa

from transforms.filters.fineweb import TERMINAL_MARKS
from transforms.filters.language import two_letter_codes
from transforms.filters.language_codes import is_unspaced
from transforms.filters.stop_words import mark_stop_words
from transforms.filters.tokens import Tokens
from transforms.filters.verdicts import Verdicts
from transforms.filters.whitespace_words import whitespace_words

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
    """Rejects documents (`prose/too-little`) with less than `min_share` of their characters, line feeds left out, in lines of prose.

    Such a line has `min_words` words between white space (in languages written without spaces twice as many characters),
    `min_stop_words` of its language's stop words, where there is a list (see `stop_words`; case counts), and a mark of MARKS, but not in
    languages without spaces and list: Thai and Lao divide sentences by spaces.
    """
    points = tokens.spans.code_points
    feeds = np.flatnonzero(points == _LINE_FEED)  # each text is closed by one that belongs to no text
    lengths = np.diff(feeds, prepend=-1) - 1
    document = np.searchsorted(tokens.spans.bounds, feeds, side="right") - 1
    unspaced = np.fromiter(map(is_unspaced, language.cast(pa.string()).to_pylist()), bool, len(text))
    codes = two_letter_codes(language)
    stops, listed = mark_stop_words(tokens, codes)

    words = np.where(
        unspaced[document],
        _per_line(feeds, tokens.spans.starts[tokens.is_word]) // 2,
        _per_line(feeds, whitespace_words(tokens).spans.starts),
    )
    enough = (_per_line(feeds, tokens.spans.starts[stops]) >= min_stop_words) | ~listed[document]
    marks = (_per_line(feeds, np.flatnonzero(np.isin(points, _MARKS))) > 0) | (unspaced & ~listed)[document]
    prose = (words >= min_words) & enough & marks
    total = np.bincount(document, weights=lengths, minlength=len(text))
    share = np.bincount(document[prose], weights=lengths[prose], minlength=len(text)) / np.maximum(total, 1)
    return Verdicts.where(share >= min_share, rule="prose/too-little", value=share, threshold=min_share)


def _per_line(feeds: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """How many of the positions `starts` are in each line, by the positions of the line feeds that close them: int64 [lines]."""
    return np.bincount(np.searchsorted(feeds, starts), minlength=len(feeds))
