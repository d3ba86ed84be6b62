"""Stop words: the most frequent function words of languages, and their count in documents.

The English list, and the case-sensitive comparison, are those of Rae et al. 2021 (arXiv:2112.11446,
table A1). The other lists have function words of the same kinds: articles, prepositions,
conjunctions, forms of "be", particles. In Chinese and Japanese each character is a token.
`tests/transforms/filters/test_stop_words.py` checks the lists on real text.
"""

import functools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from transforms.filters.tokens import Tokens

STOP_WORDS: dict[str, tuple[str, ...]] = {
    "en": ("the", "be", "to", "of", "and", "that", "have", "with"),
    "de": ("der", "die", "und", "in", "den", "von", "zu", "das", "mit", "ist", "auf", "für"),
    "fr": ("de", "la", "le", "et", "les", "des", "en", "un", "une", "du", "que", "est"),
    "es": ("de", "la", "que", "el", "en", "y", "los", "del", "las", "con", "por", "una"),
    "it": ("di", "e", "il", "la", "che", "in", "un", "per", "del", "non", "è", "una"),
    "pt": ("de", "a", "o", "que", "e", "do", "da", "em", "um", "para", "com", "uma"),
    "nl": ("de", "van", "het", "een", "en", "in", "is", "dat", "op", "te", "met", "voor"),
    "sv": ("och", "i", "att", "det", "som", "en", "på", "är", "av", "för", "med", "till"),
    "pl": ("w", "i", "z", "na", "do", "się", "nie", "to", "jest", "że", "o", "od"),
    "ru": ("и", "в", "на", "не", "что", "с", "по", "как", "это", "из", "к", "или"),
    "zh": ("的", "一", "是", "不", "在", "有", "了", "和", "人", "这", "為", "及"),
    "ja": ("の", "に", "は", "を", "た", "が", "で", "て", "と", "し", "れ", "い"),
    "ar": ("في", "من", "على", "أن", "إلى", "التي", "هذا", "لا", "أو", "كل", "عن", "ما"),
}

_LONGEST = 4
_BITS = 16


def count_stop_words(tokens: Tokens, languages: pa.Array) -> np.ndarray:
    """Count the different stop words of its language in each document: float64 [documents].

    `languages` holds a code per document; NaN where the language has no list.
    """
    present = np.full(tokens.spans.documents, np.nan)
    for language, rows, chosen, packed, document in _candidates(tokens, languages):
        present[rows] = 0
        for word in _packed_words(language):
            present += np.bincount(document[chosen[packed == word]], minlength=len(present)) > 0
    return present


def mark_stop_words(tokens: Tokens, languages: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Mark the stop words of each document's language.

    Returns bool [tokens], whether the token is one, and bool [documents], whether the language has
    a list.
    """
    marked, listed = np.zeros(len(tokens.is_word), bool), np.zeros(tokens.spans.documents, bool)
    for language, rows, chosen, packed, _ in _candidates(tokens, languages):
        listed |= rows
        marked[chosen[np.isin(packed, np.array(_packed_words(language), np.uint64))]] = True
    return marked, listed


def _candidates(
    tokens: Tokens, languages: pa.Array
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the tokens of each language with a list that are short enough to be stop words.

    Yields (language, its documents as bool [documents], indices of their short tokens as int64
    [short], the same tokens packed as uint64 [short], the document of each token as int64
    [tokens]).
    """
    starts, document = (
        tokens.spans.starts,
        np.repeat(np.arange(tokens.spans.documents), tokens.per_document),
    )
    lengths = tokens.spans.ends - starts
    codes = np.array(languages.to_pylist(), object)
    short = lengths <= _LONGEST
    for language in sorted({code for code in codes if code in STOP_WORDS}):
        rows = codes == language
        chosen = np.flatnonzero(short & rows[document])
        yield (
            language,
            rows,
            chosen,
            _pack(tokens.spans.code_points, starts[chosen], lengths[chosen]),
            document,
        )


def _pack(points: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Pack tokens of at most four characters into uint64, 16 bits per character.

    Characters above U+FFFF are packed as U+FFFF; no stop word has one.
    """
    packed = np.zeros(len(starts), np.uint64)
    for step in range(_LONGEST):
        inside = step < lengths
        characters = np.minimum(points[np.where(inside, starts + step, 0)], 0xFFFF) * inside
        packed |= characters.astype(np.uint64) << np.uint64(_BITS * step)
    return packed


@functools.cache
def _packed_words(language: str) -> tuple[int, ...]:
    return tuple(
        sum(ord(letter) << _BITS * step for step, letter in enumerate(word))
        for word in STOP_WORDS[language]
    )
