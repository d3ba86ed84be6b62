"""Words as they stand between white space: the literal reading of rules that speak of words (Rae et al. 2021, arXiv:2112.11446)."""

from dataclasses import replace

import numpy as np

from transforms.filters.tokens import Tokens
from transforms.words import IDEOGRAPH, LETTER, SPACE


def whitespace_words(tokens: Tokens) -> Tokens:
    """The tokens of a batch of texts -> its words between white space, each of them a word whatever is in it.

    `ends_sentence` is false everywhere: punctuation is part of the words.
    """
    solid = tokens.spans.classes != SPACE
    # Each text is closed by a line feed, so runs come as whole pairs of edges, and no word spans two texts.
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
