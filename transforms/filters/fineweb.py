"""Filters `fineweb-quality` and `fineweb-quality-paper`: the line rules of FineWeb.

Source: Penedo et al. 2024, arXiv:2406.17557. The first follows the code published with the dataset
(datatrove), the second the paper; they differ in the rule on duplicate lines. The presets `fineweb`
and `fineweb-paper` run them after the other filters of FineWeb's pipeline. Blank lines are skipped,
lines keep their white space, and words are the tokens of `transforms.filters.tokens`.
"""

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts

TERMINAL_MARKS = frozenset(".!?։؝؞؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶។៕៙៚᠃᠉᥄᥅‼‽⁇⁈⁉⸮⸼꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫。﹒﹖﹗！．？｡")
"""Marks that end a sentence: Unicode's Sentence_Terminal, living scripts of the basic plane."""


def judge_fineweb_quality(
    text: pa.LargeStringArray,
    *,
    min_terminal_lines: float = 0.12,
    max_short_lines: float = 0.67,
    short_line: int = 30,
    max_duplicate_characters: float = 0.01,
    max_newlines_per_word: float = 0.3,
    measure_all: bool = False,
) -> Verdicts:
    """Rejects documents with too many unfinished, short or duplicate lines, or too many line feeds.

    Rules in order; all but the last are shares:
    - `empty`: nothing but white space;
    - `terminal-lines`: fewer than `min_terminal_lines` of the lines end in a terminal mark;
    - `short-lines`: more than `max_short_lines` of the lines have at most `short_line` characters;
    - `duplicate-lines`: more than `max_duplicate_characters` of the characters (without line feeds)
      are in later copies of a line;
    - `newlines-per-word`: more than `max_newlines_per_word` line feeds per token.
    """
    terminal, short, duplicate = _line_shares(text, short_line)
    return _rules(
        "fineweb-quality",
        text,
        terminal >= min_terminal_lines,
        short <= max_short_lines,
        duplicate <= max_duplicate_characters,
        values=(terminal, short, duplicate),
        thresholds=(
            min_terminal_lines,
            max_short_lines,
            max_duplicate_characters,
            max_newlines_per_word,
        ),
        measure_all=measure_all,
    )


def judge_fineweb_quality_paper(
    text: pa.LargeStringArray,
    *,
    min_terminal_lines: float = 0.12,
    max_short_lines: float = 0.67,
    short_line: int = 30,
    duplicate_characters: float = 0.1,
    max_newlines_per_word: float = 0.3,
    measure_all: bool = False,
) -> Verdicts:
    """Applies the rules of `judge_fineweb_quality` as the paper states them.

    A share of exactly `duplicate_characters` in later copies of a line is already too large.
    """
    terminal, short, duplicate = _line_shares(text, short_line)
    return _rules(
        "fineweb-quality-paper",
        text,
        terminal >= min_terminal_lines,
        short <= max_short_lines,
        duplicate < duplicate_characters,
        values=(terminal, short, duplicate),
        thresholds=(
            min_terminal_lines,
            max_short_lines,
            duplicate_characters,
            max_newlines_per_word,
        ),
        measure_all=measure_all,
    )


def _rules(
    name: str,
    text: pa.LargeStringArray,
    *oks: np.ndarray,
    values: tuple[np.ndarray, np.ndarray, np.ndarray],
    thresholds: tuple[float, float, float, float],
    measure_all: bool,
) -> Verdicts:
    verdicts = Verdicts.where(~np.isnan(values[0]), rule=f"{name}/empty")
    for rule, ok, value, threshold in zip(
        ("terminal-lines", "short-lines", "duplicate-lines"),
        oks,
        values,
        thresholds[:3],
        strict=True,
    ):
        verdicts = verdicts.then(
            Verdicts.where(ok, rule=f"{name}/{rule}", value=value, threshold=threshold)
        )
    strings = text.to_pylist()
    newlines = np.fromiter((string.count("\n") for string in strings), np.int64, len(strings))
    # A text has at least as many tokens as pieces between white space. Pieces are cheap to count,
    # and few texts fail the rule by them: only those are tokenized.
    pieces = np.fromiter(
        (
            len(string.split()) if ok else 1
            for string, ok in zip(strings, verdicts.keep, strict=True)
        ),
        np.int64,
    )
    suspects = measure_all | (verdicts.keep & (newlines > thresholds[3] * pieces))
    if not suspects.any():
        return verdicts
    words = tokenize(text.filter(pa.array(suspects))).per_document
    ratio = newlines[suspects] / np.maximum(words, 1)
    last = Verdicts.where(
        ratio <= thresholds[3],
        rule=f"{name}/newlines-per-word",
        value=ratio,
        threshold=thresholds[3],
    )
    return verdicts.then(last.among(suspects))


def _line_shares(
    text: pa.LargeStringArray, short_line: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of terminal lines, short lines and characters in later copies of a line.

    Returns three float64 [documents]; NaN for a document without lines.
    """
    shares = np.full((3, len(text)), np.nan)
    for row, string in enumerate(text.to_pylist()):
        lines = [line for line in string.split("\n") if line and not line.isspace()]
        if not lines:
            continue
        different = set(lines)
        terminal = sum(line[-1] in TERMINAL_MARKS for line in lines)
        short = sum(len(line) <= short_line for line in lines)
        duplicate = (
            sum(map(len, lines)) - sum(map(len, different)) if len(different) < len(lines) else 0
        )
        shares[:, row] = (
            terminal / len(lines),
            short / len(lines),
            duplicate / (len(string) - string.count("\n")),
        )
    return shares[0], shares[1], shares[2]


FINEWEB_QUALITY = Filter(name="fineweb-quality", judge=judge_fineweb_quality)
FINEWEB_QUALITY_PAPER = Filter(name="fineweb-quality-paper", judge=judge_fineweb_quality_paper)
