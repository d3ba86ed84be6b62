"""Filter `gopher`: the quality rules of Rae et al. 2021 (arXiv:2112.11446, table A1) in the reading of datatrove.

Tokens are those of `transforms.filters.tokens`; words are the tokens that are not punctuation only, or, by an option, what stands between
white space.
"""

from typing import Literal

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.language import two_letter_codes
from transforms.filters.language_codes import is_unspaced
from transforms.filters.stop_words import count_stop_words
from transforms.filters.tokens import Tokens
from transforms.filters.verdicts import Verdicts
from transforms.filters.whitespace_words import whitespace_words

_BULLETS = ("•", "-")
_ELLIPSES = ("...", "…")


def judge_gopher(
    text: pa.LargeStringArray,
    language: pa.Array,
    tokens: Tokens,
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
    words: Literal["tokens", "whitespace"] = "tokens",
    measure_all: bool = False,
) -> Verdicts:
    """Rejects, in this order, documents

    of fewer than `min_words` or more than `max_words` words; of a mean word length out of bounds (characters; not in languages
    written without spaces, where each character counts as a word); with more than `max_symbol_ratio` "#", then "..." and "…",
    per token; with too large a share of lines that begin with "•" or "-", then of lines that end in an ellipsis; with fewer than
    `min_alphabetic_words` tokens with a letter per token; and with fewer than `min_stop_words` different stop words of
    their language (case counts; see `stop_words`). A language without a list skips that rule: count `gopher/no-stop-words-known`.

    `words = "whitespace"` reads "word" as the paper does: what stands between white space, punctuation included; it is then the unit of
    every rule but that of stop words. Languages written without spaces keep tokens.
    """
    strings = text.to_pylist()
    codes = two_letter_codes(language)
    spaced = ~np.fromiter(map(is_unspaced, language.cast(pa.string()).to_pylist()), bool, len(text))
    measured = _measure_words(tokens)
    if words == "whitespace":
        literal = _measure_words(whitespace_words(tokens))
        measured = tuple(
            np.where(spaced, mine, other) for mine, other in zip(literal, measured, strict=True)
        )
    total, count, lengths, alphabetic = measured
    hashes = _count(strings, "#") / total
    ellipses = (_count(strings, "...") + _count(strings, "…")) / total
    signs = _count(strings, "-") + _count(strings, "•")
    many_signs = signs > max_bullet_lines * np.maximum(
        _count(strings, "\n"), 1
    )  # a text has at least as many lines
    bullets, trailing = _line_shares(strings, rows=measure_all | many_signs | (ellipses > 0))
    present = count_stop_words(tokens, codes)

    return (
        Verdicts.where(
            count >= min_words, rule="gopher/too-few-words", value=count, threshold=min_words
        )
        .then(
            Verdicts.where(
                count <= max_words, rule="gopher/too-many-words", value=count, threshold=max_words
            )
        )
        .then(
            _mean_length(~spaced | (lengths >= min_mean_word_length), lengths, min_mean_word_length)
        )
        .then(
            _mean_length(~spaced | (lengths <= max_mean_word_length), lengths, max_mean_word_length)
        )
        .then(
            Verdicts.where(
                hashes <= max_symbol_ratio,
                rule="gopher/symbol-ratio",
                value=hashes,
                threshold=max_symbol_ratio,
            )
        )
        .then(
            Verdicts.where(
                ellipses <= max_symbol_ratio,
                rule="gopher/ellipsis-ratio",
                value=ellipses,
                threshold=max_symbol_ratio,
            )
        )
        .then(
            Verdicts.where(
                bullets <= max_bullet_lines,
                rule="gopher/bullet-lines",
                value=bullets,
                threshold=max_bullet_lines,
            )
        )
        .then(
            Verdicts.where(
                trailing <= max_ellipsis_lines,
                rule="gopher/ellipsis-lines",
                value=trailing,
                threshold=max_ellipsis_lines,
            )
        )
        .then(
            Verdicts.where(
                alphabetic >= min_alphabetic_words,
                rule="gopher/alphabetic-words",
                value=alphabetic,
                threshold=min_alphabetic_words,
            )
        )
        .then(
            Verdicts.where(
                ~(present < min_stop_words),
                rule="gopher/stop-words",
                value=present,
                threshold=min_stop_words,
            )
        )
        .with_counts({"gopher/no-stop-words-known": np.isnan(present).astype(np.int64)})
    )


def _measure_words(tokens: Tokens) -> tuple[np.ndarray, ...]:
    """Tokens, at least 1, words, their mean length in characters and the share of tokens with a letter: (documents,) each."""
    total = np.maximum(tokens.per_document, 1)
    count = tokens.sum_per_document(tokens.is_word)
    lengths = tokens.sum_per_document(
        (tokens.spans.ends - tokens.spans.starts) * tokens.is_word
    ) / np.maximum(count, 1)
    return total, count, lengths, tokens.sum_per_document(tokens.has_letter) / total


def _mean_length(ok: np.ndarray, lengths: np.ndarray, threshold: float) -> Verdicts:
    return Verdicts.where(ok, rule="gopher/mean-word-length", value=lengths, threshold=threshold)


def _count(strings: list[str], sign: str) -> np.ndarray:
    return np.fromiter((string.count(sign) for string in strings), np.int64, len(strings))


def _line_shares(strings: list[str], *, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of lines that begin with a bullet, and that end in an ellipsis: float64 (documents,) twice; 0 where `rows` is false.

    A line begins and ends where `str.splitlines` says; white space at its two ends does not count.
    """
    # Not by `pc.count_substring_regex`: RE2 is started anew after each match, so that `^` matches again inside the line.
    shares = np.zeros((2, len(strings)))
    for row in np.flatnonzero(rows).tolist():
        lines = strings[row].splitlines()
        if lines:
            shares[0, row] = sum(line.lstrip().startswith(_BULLETS) for line in lines) / len(lines)
            shares[1, row] = sum(line.rstrip().endswith(_ELLIPSES) for line in lines) / len(lines)
    return shares[0], shares[1]


GOPHER = Filter(name="gopher", judge=judge_gopher, columns=("text", "language", "tokens"))
