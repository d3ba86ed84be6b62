"""Layouts of documentation (headings, rules, lists, code, tables) against datatrove's verdicts.

`layouts_datatrove.json` was written with datatrove 0.10.1 and spaCy 3.8.18 from the texts of
`made_layouts(200, seed=1)`: per text the letter of its reason in `reasons`, or "." where it was
kept. `python -m tests.bench.conformance` compares any number of texts.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.bench.conformance import CASES
from tests.layouts import made_layouts
from tests.transforms.filters.test_filters import SENTENCE, judge_texts
from transforms.filters.filter import Columns
from transforms.filters.registry import judge

RULES = {
    "char_dup_ratio": "duplicate-lines",
    "dup_line_char_frac": "duplicate-line-characters",
    "dup_line_frac": "duplicate-lines",
    "duplicated_5_n_grams": "duplicated-5-grams",
    "gopher_below_alpha_threshold": "alphabetic-words",
    "gopher_below_avg_threshold": "mean-word-length",
    "gopher_short_doc": "too-few-words",
    "gopher_too_many_bullets": "bullet-lines",
    "gopher_too_many_end_ellipsis": "ellipsis-lines",
    "gopher_too_many_hashes": "symbol-ratio",
    "line_punct_ratio": "terminal-lines",
    "short_line_ratio": "short-lines",
    "too_few_sentences": "too-few-sentences",
    "top_2_gram": "top-2-gram",
    "top_3_gram": "top-3-gram",
    "top_4_gram": "top-4-gram",
}
"""The peer's reasons -> our rules."""


@cache
def peer() -> dict[str, Any]:
    return json.loads(
        Path(__file__).with_name("layouts_datatrove.json").read_text(encoding="utf-8")
    )


@cache
def layouts() -> Columns:
    texts = list(made_layouts(200, seed=peer()["seed"]))
    assert hashlib.sha256("\0".join(texts).encode()).hexdigest() == peer()["sha256"]
    return Columns(
        pa.record_batch(
            {"text": pa.array(texts, pa.large_string()), "language": pa.array(["en"] * len(texts))}
        )
    )


@pytest.mark.parametrize("case", peer()["verdicts"])
def test_verdicts_are_those_of_the_peer(case: str) -> None:
    ((name, options),) = CASES[case][0]
    found = [
        rule and rule.partition("/")[2]
        for rule in judge(layouts(), name=name, options=options).rule.tolist()
    ]
    reasons = {
        chr(ord("A") + number): RULES[reason] for number, reason in enumerate(peer()["reasons"])
    }
    assert found == [reasons.get(letter) for letter in peer()["verdicts"][case]]
    assert len(set(found)) > 1


def shares(text: str) -> tuple[float, float]:
    """The shares of lines that begin with a bullet and that end in an ellipsis."""
    signals = judge_texts([text], ["en"], measure_all=True).signals
    return float(signals["gopher/bullet-lines"][0]), float(signals["gopher/ellipsis-lines"][0])


@pytest.mark.parametrize(
    ("text", "bullets", "ellipses"),
    [
        ("Title\n-----------\ntext", 1 / 3, 0),
        ("Title\n===========\ntext", 0, 0),
        ("-----------", 1, 0),
        ("•••\ntext", 1 / 2, 0),
        ("- - -\n---\n--\n-", 1, 0),
        ("---\n\n---\n\ntext", 2 / 5, 0),
        ("- one\n  - two\n\t- three\n* four\n1. five", 3 / 5, 0),
        ("\u00a0- one\n\u3000• two\n\u2003-three", 1, 0),
        ("+-----+-----+\n| a | b |\n+-----+-----+\n|---|---|", 0, 0),
        ("| a | b |\n|---|---|\n--|--", 1 / 3, 0),
        ("one\r\n---\r\ntwo", 1 / 3, 0),
        ("one\r---\rtwo\u2028- x\x85- y\x0b- z\x0c- w", 5 / 7, 0),
        ("a well-known - and x -", 0, 0),
        ("one...\ntwo…\nthree... \nfour…\u00a0\nfive....\nsix. ..\n...\n…", 0, 7 / 8),
        ("one...\r\ntwo...\rthree\u2028four…", 0, 3 / 4),
        ("one...two\nthree", 0, 0),
        ("- one\n- two\n", 1, 0),
        ("\n\n- one", 1 / 3, 0),
        ("", 0, 0),
        ("\n", 0, 0),
    ],
)
def test_lines_are_counted_once(text: str, bullets: float, ellipses: float) -> None:
    assert shares(text) == pytest.approx((bullets, ellipses))


def test_underlined_headings_do_not_make_a_list_of_a_document() -> None:
    text = "".join(f"Chapter {number}\n" + "-" * 40 + f"\n{SENTENCE}\n" for number in range(5))
    assert judge_texts([text], ["en"]).rule.tolist() == [None]
    assert judge_texts(
        ["\n".join(["- the boats and the nets of it"] * 19 + ["last"])], ["en"]
    ).rule.tolist() == ["gopher/bullet-lines"]
