"""Filter `gopher-repetition`: rules on both sides of thresholds, and against a plain oracle."""

import re
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.filters.gopher_repetition import judge_gopher_repetition
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts

OFF = 100.0
OPTIONS = {
    "max_duplicate_paragraphs": OFF,
    "max_duplicate_paragraph_characters": OFF,
    "max_duplicate_lines": OFF,
    "max_duplicate_line_characters": OFF,
    **{f"max_top_{n}_gram": OFF for n in (2, 3, 4)},
    **{f"max_duplicated_{n}_grams": OFF for n in range(5, 11)},
}


def numbered(count: int, first: int = 0) -> str:
    """Different words, each once: 'w00 w01 ...'."""
    return " ".join(f"w{number:02}" for number in range(first, first + count))


def judge_texts(texts: list[str], *, first: int = 0, **options: float) -> Verdicts:
    text = pa.array(texts, pa.large_string())[first:]
    return judge_gopher_repetition(text, tokenize(text), **options)


def judged(text: str, **options: float) -> tuple[str | None, float]:
    verdict = judge_texts([text], **options)
    return verdict.rule[0], float(verdict.value[0])


@pytest.mark.parametrize(
    ("text", "option", "rule", "value"),
    [
        ("", "max_top_2_gram", "empty", 0.0),
        ("one\n\none\n\ntwo\n\none", "max_duplicate_paragraphs", "duplicate-paragraphs", 2 / 4),
        (
            "\n\none\n\n\n\none\n\nthree\n",
            "max_duplicate_paragraphs",
            "duplicate-paragraphs",
            1 / 3,
        ),
        (
            "one\n\none\n\nthree",
            "max_duplicate_paragraph_characters",
            "duplicate-paragraph-characters",
            3 / 15,
        ),
        ("one\none\n\n\nthree", "max_duplicate_lines", "duplicate-lines", 1 / 3),
        ("\none\none\n", "max_duplicate_lines", "duplicate-lines", 2 / 4),
        (
            "one\none\n\n\nthree",
            "max_duplicate_line_characters",
            "duplicate-line-characters",
            3 / 15,
        ),
        ("so it was. so it is", "max_top_2_gram", "top-2-gram", 2 * 5 / 19),
        ("first words once", "max_top_2_gram", "top-2-gram", 11 / 16),
        ("ab, cd ab, cd xyzzy", "max_top_3_gram", "top-3-gram", 2 * 7 / 19),
        ("a b c d a b c d e", "max_top_4_gram", "top-4-gram", 2 * 7 / 17),
        (f"{numbered(5)} {numbered(6)}", "max_duplicated_5_grams", "duplicated-5-grams", 15 / 43),
        (f"{numbered(6)} x {numbered(6)}", "max_duplicated_6_grams", "duplicated-6-grams", 18 / 49),
        (f"{numbered(7)} x {numbered(7)}", "max_duplicated_7_grams", "duplicated-7-grams", 21 / 57),
        (f"{numbered(8)} x {numbered(8)}", "max_duplicated_8_grams", "duplicated-8-grams", 24 / 65),
        (f"{numbered(9)} x {numbered(9)}", "max_duplicated_9_grams", "duplicated-9-grams", 27 / 73),
        (
            f"{numbered(10)} x {numbered(10)}",
            "max_duplicated_10_grams",
            "duplicated-10-grams",
            30 / 81,
        ),
    ],
)
def test_each_rule_on_both_sides_of_its_threshold(
    text: str, option: str, rule: str, value: float
) -> None:
    assert judged(text, **(OPTIONS | {option: value - 1e-9})) == (
        f"gopher-repetition/{rule}",
        pytest.approx(value),
    )
    if text:
        assert judged(text, **(OPTIONS | {option: value}))[0] is None


def test_the_defaults_are_those_of_the_paper() -> None:
    golden = [
        (f"{numbered(90)}.", None),
        ("again\n\nagain\n\n" + numbered(90), "gopher-repetition/duplicate-paragraphs"),
        ("a\na\na\n\nb\n" + numbered(99), "gopher-repetition/duplicate-lines"),
        (" ".join(f"same thing w{n}" for n in range(30)), "gopher-repetition/top-2-gram"),
        (f"{numbered(12)} {numbered(60, 20)} {numbered(12)}", None),
        (
            f"{numbered(16)} {numbered(50, 20)} {numbered(16)}",
            "gopher-repetition/duplicated-8-grams",
        ),
    ]
    verdicts = judge_texts([text for text, _ in golden])
    assert verdicts.rule.tolist() == [rule for _, rule in golden]


WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "\n", "\n\n"]), min_size=1, max_size=60).map(
    " ".join
)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_values_equal_a_direct_reading_of_the_rules(texts: list[str]) -> None:
    for n in range(2, 11):
        option = f"max_top_{n}_gram" if n < 5 else f"max_duplicated_{n}_grams"
        verdicts = judge_texts(texts, **(OPTIONS | {option: 1e-9}))
        for row, text in enumerate(texts):
            expected = (
                direct_top(text.split(), n) if n < 5 else direct_duplicated(text.split(), n)
            ) / len(text)
            assert (0.0 if verdicts.keep[row] else verdicts.value[row]) == pytest.approx(expected)
    for option, pieces in (
        ("lines", re.compile(r"\n+").split),
        ("paragraphs", lambda text: re.split(r"\n{2,}", text.strip())),
    ):
        verdicts = judge_texts(texts, **(OPTIONS | {f"max_duplicate_{option}": 0.0}))
        for row, text in enumerate(texts):
            parts = pieces(text)
            expected = 1 - len(set(parts)) / len(parts)
            assert (0.0 if verdicts.keep[row] else verdicts.value[row]) == pytest.approx(expected)


def direct_top(words: list[str], n: int) -> int:
    grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
    return next(
        (len(gram) * count for gram, count in grams.items() if count == max(grams.values())), 0
    )


def direct_duplicated(words: list[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    at = characters = 0
    while at + n <= len(words):
        gram = tuple(words[at : at + n])
        if gram in seen:
            characters += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters


def test_a_row_alone_is_judged_as_in_a_batch() -> None:
    texts = [
        f"{numbered(12)} {numbered(60, 20)} {numbered(12)}",
        "",
        "again\nagain",
        " ".join(["so it is"] * 50),
        numbered(30),
    ]
    together = judge_texts(["x", *texts], first=1)
    assert together.rule.tolist() == [judged(text)[0] for text in texts]
