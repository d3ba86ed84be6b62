"""Filters `fineweb-quality` and `fineweb-quality-paper`: all rules on both sides of thresholds."""

import numpy as np
import pyarrow as pa
import pytest

from transforms.filters.fineweb import judge_fineweb_quality, judge_fineweb_quality_paper

LONG = "The old mill stands by the river near town {}."
"""More than 30 characters and a terminal mark."""


def lines(count: int, pattern: str = LONG) -> list[str]:
    return [pattern.format(number) for number in range(count)]


def judged(text: str, judge=judge_fineweb_quality, **options: float) -> tuple[str | None, float]:
    verdict = judge(pa.array([text], pa.large_string()), **options)
    return verdict.rule[0], float(verdict.value[0])


OPEN = "The old mill stands by the river near town {}"
WIDE = "Incomprehensibilities-antidisestablishments counterrevolutionaries-characteristics."
COPIES = "\n".join(["x" * 49 + "."] * 2 + lines(8, "{:049}."))
"""Ten lines of 50 characters, two of them equal."""


@pytest.mark.parametrize(
    ("text", "options", "rule", "value"),
    [
        ("", {}, "empty", np.nan),
        (" \n\t\n", {}, "empty", np.nan),
        ("\n".join(lines(12) + lines(88, OPEN)), {}, None, np.nan),
        ("\n".join(lines(11) + lines(89, OPEN)), {}, "terminal-lines", 0.11),
        ("\n".join(line + " " for line in lines(20)), {}, "terminal-lines", 0.0),
        ("\n\n".join(line + "。" for line in lines(4, OPEN)), {}, None, np.nan),
        ("\n".join(line + ":" for line in lines(4, OPEN)), {}, "terminal-lines", 0.0),
        ("\n".join(lines(33) + lines(67, "Five short words, no {:02}.")), {}, None, np.nan),
        ("\n".join(lines(32) + lines(68, "Five short words, no {:02}.")), {}, "short-lines", 0.68),
        ("\n".join(lines(3, "x{:028}.") + lines(1)), {}, "short-lines", 0.75),
        ("\n".join(lines(3, "x{:029}.") + lines(1)), {}, None, np.nan),
        (COPIES, {"max_newlines_per_word": 9.0}, "duplicate-lines", 0.1),
        (COPIES, {"max_newlines_per_word": 9.0, "max_duplicate_characters": 0.1}, None, np.nan),
        (f"{LONG}\n\n\n{OPEN}", {}, None, np.nan),
        (WIDE.replace(" ", "\n\n\n"), {}, "newlines-per-word", 3 / 7),
        (WIDE.replace(" ", "\n\n"), {}, None, np.nan),
    ],
)
def test_each_rule_on_both_sides_of_its_threshold(
    text: str, options: dict[str, float], rule: str | None, value: float
) -> None:
    assert judged(text, **options) == (
        rule and f"fineweb-quality/{rule}",
        pytest.approx(value, nan_ok=True),
    )


def test_the_paper_allows_more_duplicates_but_not_its_threshold_itself() -> None:
    loose = {"max_newlines_per_word": 9.0}
    assert judged(COPIES, judge_fineweb_quality_paper, **loose) == (
        "fineweb-quality-paper/duplicate-lines",
        pytest.approx(0.1),
    )
    assert judged(COPIES + "\n" + LONG, judge_fineweb_quality_paper, **loose)[0] is None
    assert judged(COPIES + "\n" + LONG, **loose)[0] == "fineweb-quality/duplicate-lines"


def test_a_row_alone_is_judged_as_in_a_batch() -> None:
    texts = [
        "",
        COPIES,
        "a.\n\n\nb.",
        "\n".join(lines(5)),
        "\n\n".join(["one two", "three four five six."]),
    ]
    together = judge_fineweb_quality(pa.array(["x", *texts], pa.large_string())[1:])
    assert together.rule.tolist() == [judged(text)[0] for text in texts]
