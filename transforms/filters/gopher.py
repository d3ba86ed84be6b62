"""Filter `gopher`: the quality rules of Gopher (Rae et al. 2021, arXiv:2112.11446, table A1).

The rules are implemented as in datatrove. Tokens are those of `transforms.filters.tokens`; words
are the tokens that are not punctuation only, or, by an option, whitespace-separated words.
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
    """Rejects documents whose words, symbols or lines are not those of running text.

    Rules in order:
    - fewer than `min_words` or more than `max_words` words;
    - a mean word length (characters) out of bounds; not in languages written without spaces, where
      each character counts as a word;
    - more than `max_symbol_ratio` "#" per token, then "..." and "…" per token;
    - too large a share of lines that begin with "•" or "-", then of lines that end in an ellipsis;
    - a share of tokens with a letter below `min_alphabetic_words`;
    - fewer than `min_stop_words` different stop words of the language (case-sensitive, see
      `stop_words`). Languages without a list skip it; the count `gopher/no-stop-words-known`
      has these documents.

    `words = "whitespace"` takes "word" literally, as the paper does: the text between white space,
    punctuation included, is the unit of every rule except that on stop words. Languages written
    without spaces keep tokens.
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
    dashes = _count(strings, "-") + _count(strings, "•")
    # A text has at least as many lines as line feeds, so only these may have too many bullets.
    many_dashes = dashes > max_bullet_lines * np.maximum(_count(strings, "\n"), 1)
    bullets, trailing = _line_shares(strings, rows=measure_all | many_dashes | (ellipses > 0))
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
    """Measure tokens (at least 1), words, mean word length and the share of tokens with a letter.

    Returns four arrays [documents]; the mean word length is in characters.
    """
    total = np.maximum(tokens.per_document, 1)
    count = tokens.sum_per_document(tokens.is_word)
    lengths = tokens.sum_per_document(
        (tokens.spans.ends - tokens.spans.starts) * tokens.is_word
    ) / np.maximum(count, 1)
    return total, count, lengths, tokens.sum_per_document(tokens.has_letter) / total


def _mean_length(ok: np.ndarray, lengths: np.ndarray, threshold: float) -> Verdicts:
    return Verdicts.where(ok, rule="gopher/mean-word-length", value=lengths, threshold=threshold)


def _count(strings: list[str], symbol: str) -> np.ndarray:
    return np.fromiter((string.count(symbol) for string in strings), np.int64, len(strings))


def _line_shares(strings: list[str], *, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of lines that begin with a bullet, and of lines that end in an ellipsis.

    Lines are those of `str.splitlines`, stripped. Returns two float64 [documents], 0 where `rows`
    is false.
    """
    # `pc.count_substring_regex` does not work here: it restarts RE2 after each match, so that `^`
    # matches again inside the line.
    shares = np.zeros((2, len(strings)))
    for row in np.flatnonzero(rows).tolist():
        lines = strings[row].splitlines()
        if lines:
            shares[0, row] = sum(line.lstrip().startswith(_BULLETS) for line in lines) / len(lines)
            shares[1, row] = sum(line.rstrip().endswith(_ELLIPSES) for line in lines) / len(lines)
    return shares[0], shares[1]


GOPHER = Filter(name="gopher", judge=judge_gopher, columns=("text", "language", "tokens"))
