"""Filters `fineweb-quality` and `fineweb-quality-paper`: the line rules of FineWeb (Penedo et al. 2024, arXiv:2406.17557).

The first is the code that was published with the data set (datatrove), the second what the paper says of it: they differ in
the duplicate lines. The presets `fineweb` and `fineweb-paper` run them last, after the other filters of FineWeb's pipeline.
Lines are those that are not blank, with their white space; words are the tokens of `transforms.filters.tokens`.
"""

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts

TERMINAL_MARKS = frozenset(".!?։؝؞؟۔܀܁܂߹।॥၊။።፧፨᙮᜵᜶។៕៙៚᠃᠉᥄᥅‼‽⁇⁈⁉⸮⸼꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫。﹒﹖﹗！．？｡")
"""Marks that end a sentence (Unicode property Sentence_Terminal, living scripts of the basic plane)."""


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
    """Rejects, in this order, documents that have nothing but white space;

    with fewer than `min_terminal_lines` of their lines ending in a terminal mark; more than `max_short_lines` of at most `short_line`
    characters; more than `max_duplicate_characters` of the characters (without line feeds) in later copies of a line; more than
    `max_newlines_per_word` line feeds per token.
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
    """As `judge_fineweb_quality`, but a share of `duplicate_characters` in later copies of a line is already too much."""
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
    # A text has at least as many tokens as pieces between white space, which are cheap to count: few are left to be tokenised.
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
    """Per document: lines that end in a terminal mark, short lines, characters in later copies; float64, NaN without lines."""
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
