"""Whitespace-separated words, the literal "words" of published rules.

Source of such rules: Rae et al. 2021, arXiv:2112.11446.
"""

from dataclasses import replace

import numpy as np

from transforms.filters.tokens import Tokens
from transforms.words import IDEOGRAPH, LETTER, SPACE


def whitespace_words(tokens: Tokens) -> Tokens:
    """Convert the tokens of a batch of texts to its whitespace-separated words.

    `is_word` is true and `ends_sentence` false for all of them: punctuation is part of the words.
    """
    solid = tokens.spans.classes != SPACE
    # A line feed follows each text, so edges come in pairs, and no word spans two texts.
    edges = np.flatnonzero(np.diff(solid, prepend=False))
    starts, ends = edges[::2], edges[1::2]
    letters = np.isin(tokens.spans.classes, (LETTER, IDEOGRAPH))
    sums = np.zeros(len(letters) + 1, np.int64)
    np.cumsum(letters, out=sums[1:])
    return Tokens(
        spans=replace(
            tokens.spans,
            starts=starts,
            ends=ends,
            offsets=np.searchsorted(starts, tokens.spans.bounds),
        ),
        is_word=np.ones(len(starts), bool),
        has_letter=sums[ends] > sums[starts],
        ends_sentence=np.zeros(len(starts), bool),
    )
