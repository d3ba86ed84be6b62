"""Filter `gopher`: the quality rules of Rae et al. 2021 (arXiv:2112.11446, table A1) in the reading of datatrove.

Words are those of `transforms.words`, but "." "," ":" "/" "@" "_" between two of them join them: "U.S", "1,000" and
"example.org" are one word each. Tokens are words and single punctuation or symbol characters; an apostrophe inside a
word ("don't") is none.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.filters.verdicts import Verdicts
from transforms.words import IDEOGRAPH, LETTER, MARK, PUNCTUATION, SYMBOL, Words, hash_words, split_words

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
JOINERS = ".,:/@_"
APOSTROPHES = "'’"
UNSPACED_LANGUAGES = ("zh", "ja", "th", "lo", "km", "my", "wuu", "yue")


def judge_gopher(
    text: pa.LargeStringArray,
    language: pa.Array,
    *,
    min_words: int = 50,
    max_words: int = 100_000,
    min_mean_word_length: float = 3.0,
    max_mean_word_length: float = 10.0,
    max_symbol_ratio: float = 0.1,
    max_bullet_lines: float = 0.9,
    max_ellipsis_lines: float = 0.3,
    min_alphabetic_words: float = 0.8,
    min_stop_words: int = 2,
) -> Verdicts:
    """Rejects, in this order, documents

    of fewer than `min_words` or more than `max_words` words; of a mean word length out of bounds (characters; not in languages
    written without spaces, where each character counts as a word); with more than `max_symbol_ratio` "#", then "..." and "…",
    per token; with too large a share of lines that begin with "•" or "-", then of lines that end in an ellipsis; with fewer than
    `min_alphabetic_words` words with a letter per token; and English ones with fewer than `min_stop_words` different words of
    STOP_WORDS (case counts).
    """
    words = split_words(text, lower=False)
    joiners, apostrophes, letter_joiners = _infixes(words)
    count = words.words_per_document - joiners
    punctuation = words.count_per_document((words.classes == PUNCTUATION) | (words.classes == SYMBOL))
    tokens = np.maximum(count + punctuation - joiners - apostrophes, 1)
    lengths = (_sum_per_document(words.ends - words.starts, words.offsets) + joiners) / np.maximum(count, 1)
    spaced = ~pc.is_in(language.cast(pa.string()), value_set=pa.array(UNSPACED_LANGUAGES)).to_numpy(zero_copy_only=False)
    english = pc.equal(language.cast(pa.string()), "en").fill_null(False).to_numpy(zero_copy_only=False)
    hashes = words.count_per_document(words.code_points == ord("#")) / tokens
    ellipses = (_count(pc.count_substring(text, "...")) + _count(pc.count_substring(text, "…"))) / tokens
    lines = _count(pc.count_substring(text, "\n")) + 1
    bullets = _count(pc.count_substring_regex(text, r"(?m)^[ \t]*[•-]")) / lines
    trailing = _count(pc.count_substring_regex(text, r"(?m)(?:\.\.\.|…)[ \t]*$")) / lines
    alphabetic = (_sum_per_document(words.holds_letter(), words.offsets) - letter_joiners) / tokens
    present = _stop_words_present(hash_words(words), words.offsets)

    return (
        Verdicts.where(count >= min_words, rule="gopher/too-few-words", value=count, threshold=min_words)
        .then(Verdicts.where(count <= max_words, rule="gopher/too-many-words", value=count, threshold=max_words))
        .then(_mean_length(~spaced | (lengths >= min_mean_word_length), lengths, min_mean_word_length))
        .then(_mean_length(~spaced | (lengths <= max_mean_word_length), lengths, max_mean_word_length))
        .then(Verdicts.where(hashes <= max_symbol_ratio, rule="gopher/symbol-ratio", value=hashes, threshold=max_symbol_ratio))
        .then(Verdicts.where(ellipses <= max_symbol_ratio, rule="gopher/ellipsis-ratio", value=ellipses, threshold=max_symbol_ratio))
        .then(Verdicts.where(bullets <= max_bullet_lines, rule="gopher/bullet-lines", value=bullets, threshold=max_bullet_lines))
        .then(Verdicts.where(trailing <= max_ellipsis_lines, rule="gopher/ellipsis-lines", value=trailing, threshold=max_ellipsis_lines))
        .then(
            Verdicts.where(
                alphabetic >= min_alphabetic_words, rule="gopher/alphabetic-words", value=alphabetic, threshold=min_alphabetic_words
            )
        )
        .then(Verdicts.where(~english | (present >= min_stop_words), rule="gopher/stop-words", value=present, threshold=min_stop_words))
    )


def _infixes(words: Words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per document: joiners between two word characters, apostrophes there, and joiners between two letters."""
    in_word = (words.classes >= MARK) & (words.classes <= IDEOGRAPH)
    letter = words.classes == LETTER
    between, between_letters = (np.zeros(len(in_word), bool) for _ in range(2))
    between[1:-1] = in_word[:-2] & in_word[2:]
    between_letters[1:-1] = letter[:-2] & letter[2:]
    joiner = between & np.isin(words.code_points, [ord(sign) for sign in JOINERS])
    apostrophe = between & np.isin(words.code_points, [ord(sign) for sign in APOSTROPHES])
    return words.count_per_document(joiner), words.count_per_document(apostrophe), words.count_per_document(joiner & between_letters)


def _mean_length(ok: np.ndarray, lengths: np.ndarray, threshold: float) -> Verdicts:
    return Verdicts.where(ok, rule="gopher/mean-word-length", value=lengths, threshold=threshold)


def _count(counts: pa.Array) -> np.ndarray:
    return counts.to_numpy(zero_copy_only=False).astype(np.int64)


def _sum_per_document(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sums (words,) values over each document's words; 0 for a document without words."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums[offsets[1:]] - sums[offsets[:-1]]


@lru_cache(maxsize=1)
def _stop_word_hashes() -> np.ndarray:
    return hash_words(split_words(pa.array([" ".join(STOP_WORDS)]), lower=False))


def _stop_words_present(hashes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """How many different stop words each document has: int64 (documents,)."""
    present = np.zeros(len(offsets) - 1, np.int64)
    for stop_word in _stop_word_hashes():
        present += _sum_per_document(hashes == stop_word, offsets) > 0
    return present
