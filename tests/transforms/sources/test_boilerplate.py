"""Line rules: which lines are dropped, which are kept, and that they never empty a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sources.boilerplate import boilerplate_lines, line_rule

SENTENCE = (
    "The river rose in the night, and in the morning the lower fields lay under a sheet of "
    "brown water."
)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Advertisement", "advertisement"),
        ("- Anzeige -", "advertisement"),
        ("ANZEIGE - Heute mal ausgehen?", "advertisement"),
        ("Anzeigen sind für Zeitungen eine wichtige Einnahme.", None),
        ("Read more: The flood of 1953", "read-also"),
        ("Das könnte Sie auch interessieren", "read-also"),
        ("Lea también: La crecida del río", "read-also"),
        ("À lire aussi", "read-also"),
        (
            "Read more than one book a month, and you will know what the people of the valley "
            "knew about the river long before.",
            None,
        ),
        ("Teilen Drucken E-Mail", "interface"),
        ("Share on Facebook", "interface"),
        ("Facebook", "interface"),
        ("1953", None),
        ("12 34", None),
        ("Foto: dpa", "credit"),
        ("The lower fields under water (Photo: Reuters)", "credit"),
        ("Photosynthesis takes place in the leaves.", None),
        ("Copyright 2020 A Paper. All rights reserved.", "rights"),
        ("Start | Magazine | Rivers | Floods", "breadcrumbs"),
        ("• Start | Magazine | Rivers", None),
        ("He lived here | and there.", None),
        ("Sign up for our newsletter", "request"),
        ("Bitte loggen Sie sich ein oder registrieren Sie sich", "request"),
        (SENTENCE, None),
        ("A heading", None),
        ("大雨のため川の水が増えました。", None),
        (f"Subscribe to the newsletter. {SENTENCE * 3}", None),
    ],
)
def test_each_rule_and_what_it_leaves_alone(line: str, rule: str | None) -> None:
    assert line_rule(line) == rule


def test_a_request_of_some_length_goes_only_near_the_end() -> None:
    line = (
        "If you want to know more, then subscribe to the letter that we write to our readers. "
        f"{SENTENCE}"
    )[:180]
    assert (line_rule(line), line_rule(line, near_end=True)) == (None, "request")


def kept(lines: list[str], exempt: list[bool] | None = None) -> list[str]:
    dropped = boilerplate_lines(lines, exempt=exempt or [False] * len(lines))
    return [line for number, line in enumerate(lines) if number not in dropped]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["Title", "By A. Person", "12. March 2020, 10:30 Uhr"], ["Title"]),
        (["Title", "Veröffentlicht am 12.03.2020"], ["Title"]),
        (
            [
                "On 12 March 2020 the river rose again and nobody knew why, it is said in the "
                "valley to this day"
            ],
            None,
        ),
    ],
)
def test_date_and_author_at_the_head(before: list[str], after: list[str] | None) -> None:
    body = [SENTENCE] * 2
    assert kept(before + body) == (before if after is None else after) + body


def test_cells_and_code_are_no_boilerplate() -> None:
    lines = [SENTENCE, "Share", "Foto: dpa", "Print", SENTENCE]
    assert kept(lines) == [SENTENCE, SENTENCE]
    assert kept(lines, [False, True, False, True, False]) == [SENTENCE, "Share", "Print", SENTENCE]


def test_a_refrain_stays() -> None:
    lines = [
        line for n in range(6) for line in ("O the river, the river is rising!", f"{n}. {SENTENCE}")
    ]
    assert kept(lines) == lines


def test_a_text_of_boilerplate_stays_as_it_is() -> None:
    lines = ["Facebook", "Twitter", "Share this", "Short text"]
    assert kept(lines) == lines


LINES = st.sampled_from(
    [SENTENCE, "Share", "Comments", "Foto: dpa", "a list", "Related", "12.03.2020", "x" * 500]
)


@settings(deadline=None)
@given(st.lists(st.one_of(LINES, st.text(min_size=1, max_size=200)), max_size=30))
def test_no_more_than_half_of_a_text_is_dropped(lines: list[str]) -> None:
    assert kept(lines) == kept(lines)
    assert 2 * sum(map(len, kept(lines))) >= sum(map(len, lines))
