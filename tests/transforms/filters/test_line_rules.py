"""Filter `line-rules`: rules on both sides of thresholds, removed words and rejected pages."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.filters.line_rules import judge_line_rules

BODY = "The old mill stands by the river and nobody has ground corn with it since the flood."


def judged(text: str, **options: Any) -> tuple[str | None, str, dict[str, int]]:
    verdicts = judge_line_rules(pa.array([text], pa.large_string()), **options)
    counts = {
        name.removeprefix("line-rules/"): int(count[0])
        for name, count in verdicts.counts.items()
        if count[0]
    }
    return verdicts.rule[0], verdicts.text[0].as_py(), counts


@pytest.mark.parametrize(
    ("line", "left", "kind"),
    [
        (BODY, BODY, None),
        ("ABCDE fghi", "ABCDE fghi", None),
        ("ABCDEF ghi", None, "upper-case"),
        ("ÄÖÜ éa", "ÄÖÜ éa", None),
        ("ÄÖÜÄ éa", None, "upper-case"),
        ("20231123", None, "digits"),
        ("2023 1123", "2023 1123", None),
        ("٣٤٥", None, "digits"),
        ("3 likes", None, "counters"),
        (" 1,234.5K  Followers !", None, "counters"),
        ("3 likes today", "3 likes today", None),
        ("3 apples", "3 apples", None),
        ("Home", None, "short"),
        ("   ", None, "short"),
        ("https://example.com/" + "x" * 200, None, "short"),
        ("two words", "two words", None),
        ("3 items in cart", "3", "phrases"),
        ("Items in cart", None, "phrases"),
        ("The mill stands here. Read more...", "The mill stands here.", "phrases"),
        ("Read more... about mills", "Read more... about mills", None),
        ("Sign-in to comment here", "to comment here", "phrases"),
        ("please Sign-in", "please Sign-in", None),
        (
            "one two three four five six seven eight items in cart",
            "one two three four five six seven eight items in cart",
            None,
        ),
        (
            "one two three four five six seven items in cart",
            "one two three four five six seven",
            "phrases",
        ),
    ],
)
def test_each_rule(line: str, left: str | None, kind: str | None) -> None:
    _, text, counts = judged(f"{BODY}\n{line}\n\n{BODY}")
    assert text == "\n".join([BODY, *([] if left is None else [left]), "", BODY])
    assert counts == ({} if kind is None else {kind: 1})


def test_options_move_the_thresholds() -> None:
    assert judged(f"{BODY}\n3 likes", counters=False)[1] == f"{BODY}\n3 likes"
    assert judged(f"{BODY}\nABCDEF ghi", max_upper_case=0.6)[1].endswith("ghi")
    assert judged(f"{BODY}\n2023", max_digits=1.0, min_words_per_line=1)[1].endswith("2023")
    assert judged(f"{BODY}\ntwo words", min_words_per_line=3)[1] == BODY
    assert judged(f"{BODY}\nSign-in to comment", max_words_with_phrase=2)[1].endswith(
        "Sign-in to comment"
    )


@pytest.mark.parametrize(
    ("text", "options", "rule", "value"),
    [
        (
            "\n".join(["one two three four five six seven eight nineword ten"] * 2 + ["Home"]),
            {},
            None,
            np.nan,
        ),
        (
            "\n".join(["one two three four five six seven eight nineword"] * 2 + ["Home"]),
            {},
            "removed-words",
            1 / 19,
        ),
        (
            "\n".join(["one two three four five six seven eight nineword"] * 2 + ["Home"]),
            {"max_removed_words": 0.1},
            None,
            np.nan,
        ),
        ("\n".join(["Home", "Menu"]), {}, "removed-words", 1.0),
        ("\n".join(["Home", "Menu"]), {"max_removed_words": 1.0}, "nothing-left", np.nan),
        ("", {}, "nothing-left", np.nan),
    ],
)
def test_pages_that_lose_too_much(
    text: str, options: dict[str, float], rule: str | None, value: float
) -> None:
    verdicts = judge_line_rules(pa.array([text], pa.large_string()), **options)
    assert verdicts.rule[0] == (rule and f"line-rules/{rule}")
    assert float(verdicts.value[0]) == pytest.approx(value, nan_ok=True)


LINES = st.sampled_from(
    [BODY, "HOME PAGE", "3 likes", "", " ", "2023", "Menu", "Sign-in now", "ß ǅ ﬃ", "İ x"]
)


@given(st.lists(st.one_of(st.lists(LINES, max_size=6).map("\n".join), st.text()), max_size=4))
def test_a_row_alone_is_judged_as_in_a_batch(texts: list[str]) -> None:
    together = judge_line_rules(pa.array(["X\ny", *texts], pa.large_string())[1:])
    assert together.rule.tolist() == [judged(text)[0] for text in texts]
    assert together.text.to_pylist() == [judged(text)[1] for text in texts]
    for row, text in enumerate(texts):
        assert set(together.text[row].as_py().split()) <= set(text.split())
