"""Undoing hard wraps keeps code, tables, lists, headings and drawings unchanged."""

import random
import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sources.reflow import reflow

PROSE = (
    "When the mill stopped, the whole valley heard it, because nobody there had ever known a day "
    "without the sound of its wheel, and "
    "some of the older people came out of their houses and stood in the road. It was a grey "
    "morning. Nobody spoke for a long time."
)
WRAPPED = textwrap.fill(PROSE, 70)
LONG = "words that are as long as the lines of the text around them all"
CODE = (
    "def run(self, values, weights, threshold=0.5, *, strict=False,  \nverbose=True): return "
    "[value for value in values if value is not\n"
    "None]\n\n\n\n\nCHAPTER I\nx = self.long_name-\nvalue\n"
)


def around(kept: str) -> str:
    return f"{WRAPPED}\n\n{kept}\n\n{WRAPPED}"


@pytest.mark.parametrize(
    "open_fence",
    ["```", "```python", "~~~", "~~~~ {.r #x}", "  ```js", "- ```", "> ```", "1. ~~~sh", "````md"],
)
def test_fences_stay_to_the_byte(open_fence: str) -> None:
    prefix = "> " if open_fence.startswith(">") else ""
    mark = re.search(r"`+|~+", open_fence)
    assert mark is not None
    inner = "".join(f"{prefix}{line}\n" for line in CODE.rstrip("\n").split("\n"))
    fence = f"{open_fence}\n{inner}{prefix}{mark[0]}"
    assert reflow(around(fence)) == f"{PROSE}\n\n{fence}\n\n{PROSE}"


def test_fences_inside_longer_ones_and_of_the_other_kind() -> None:
    fence = f"````\n```\n{CODE}```\n~~~\n{CODE}````"
    assert reflow(around(fence)) == f"{PROSE}\n\n{fence}\n\n{PROSE}"


def test_a_fence_that_touches_prose_on_both_sides() -> None:
    fence = f"```\n{CODE}```"
    assert reflow(f"{WRAPPED}\n{fence}\n{WRAPPED}") == f"{PROSE}\n{fence}\n{PROSE}"


def test_an_unclosed_fence_holds_the_rest() -> None:
    rest = f"```\n{CODE}\n{WRAPPED}"
    assert reflow(f"{WRAPPED}\n\n{rest}") == f"{PROSE}\n\n{rest}"


def test_ornaments_of_tildes_are_no_fence() -> None:
    text = f"{WRAPPED}\n\n~~~~~\n\n{WRAPPED}\n\n~~~~~\n\n{WRAPPED}"
    assert reflow(text) == f"{PROSE}\n\n~~~~~\n\n{PROSE}\n\n~~~~~\n\n{PROSE}"


@pytest.mark.parametrize(
    "kept",
    [
        "    for (int i = 0; i < count_of_all_values; i++) { total += v[i]; }\n    return total / "
        "count_of_all_values;\n\n\n\n    }",
        "\tmake install PREFIX=/usr/local DESTDIR=/tmp/stage/of/this/package/x\n\tcd build && "
        "ctest --output-on-failure -j 8 -R units",
        f"| name | {LONG} |\n|---|---|\n| first | {LONG} |",
        f"name | {LONG}\n--- | ---\nfirst | {LONG}",
        f"+------+-{'-' * len(LONG)}-+\n| one  | {LONG} |",
        f"Name          {LONG}\n------------- {'-' * len(LONG)}\nfirst         {LONG}",
        f"- {LONG}\n- {LONG}\n- a third",
        f"* {LONG}\n* {LONG}",
        f"1. {LONG}\n2. {LONG}\n3. x",
        f"# {LONG}",
        f"> {LONG}\n> {LONG}",
        "[one]: https://example.org/a/very/long/address/of/a/page/that/fills/it\n[two]: "
        "https://example.org/a/very/long/address/of/it",
        f"   /\\_/\\  {'_' * 60}\n  ( o.o ) |{'_' * 60}|",
    ],
)
def test_what_stays(kept: str) -> None:
    kept = kept.rstrip("\n")
    assert reflow(around(kept)) == f"{PROSE}\n\n{kept}\n\n{PROSE}"


def test_headings_and_rules_that_touch_prose() -> None:
    heading = "A heading that is as long as the lines of the text that is around it"
    rule = "=" * len(heading)
    assert (
        reflow(f"{WRAPPED}\n\n{heading}\n{rule}\n{WRAPPED}")
        == f"{PROSE}\n\n{heading}\n{rule}\n{PROSE}"
    )
    assert (
        reflow(f"{WRAPPED}\n\n## {heading[:60]} the\n{WRAPPED}")
        == f"{PROSE}\n\n## {heading[:60]} the\n{PROSE}"
    )


def test_a_list_behind_a_colon() -> None:
    items = (
        "- an item of a list that is as long as the lines of the text around\n- another item of it"
    )
    assert reflow(f"{WRAPPED} These are:\n{items}\n\n{WRAPPED}").endswith(
        f"These are:\n{items}\n\n{PROSE}"
    )


def test_front_matter_stays() -> None:
    front = f"---\ntitle: {LONG}\nauthor: {LONG}\n---"
    assert reflow(f"{front}\n\n{WRAPPED}\n\n{WRAPPED}") == f"{front}\n\n{PROSE}\n\n{PROSE}"


def test_prose_with_dashes_dates_and_initials_at_line_starts_is_joined() -> None:
    text = textwrap.dedent("""\
        He came to the mill in the evening, when the light was almost gone
        - as he had always done - and he sat down by the wall and waited for
        12. May, which was the day on which the wheel had stopped, to come.
        I. Miller, he said, shall wait here until they have all gone home and
        """).strip()
    assert "\n" not in reflow(f"{text}\n\n{WRAPPED}").split("\n\n")[0]


def test_text_with_the_marks_that_stand_for_blocks() -> None:
    text = around(f"\ufdd0 and \ufdd1\n\n```\n{CODE}```")
    assert f"```\n{CODE}```" in reflow(text)
    assert "\ufdd0 and \ufdd1" in reflow(text)


PIECES = (
    *(
        "```",
        "~~~",
        "````",
        "```py",
        "- ```",
        "> ```",
        "    x = f(1)",
        "\ty(); ",
        "| a | b |",
        "|---|---|",
        "",
        "",
    ),
    *("- item", "word  ", "CHAPTER I"),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Prose with closed fences between paragraphs, and the content of each fence."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    blocks, codes = [], []
    for kind in draw(st.lists(st.sampled_from(["prose", "code", "tight"]), max_size=8)):
        if kind == "prose":
            blocks.append(
                textwrap.fill(
                    " ".join(chance.choice(PROSE.split()) for _ in range(chance.randrange(60))), 70
                )
            )
            continue
        mark = chance.choice(["```", "~~~", "`````"])
        inner = "\n".join(
            chance.choice((*PIECES, WRAPPED, "  a  ", "\t")) for _ in range(chance.randrange(6))
        )
        inner = "\n".join(
            line
            for line in inner.split("\n")
            if not line.strip(" >").startswith(mark[0] * len(mark))
        )
        code = f"{mark}x\n{inner}\n{mark}"
        codes.append(code)
        blocks.append(code if kind == "code" or not blocks else f"{blocks.pop()}\n{code}")
    return "\n\n".join(blocks), codes


@given(documents())
@settings(deadline=None)
def test_text_inside_fences_is_the_same_to_the_byte(document: tuple[str, list[str]]) -> None:
    text, codes = document
    after = reflow(text)
    assert all(code in after for code in codes)
    assert reflow(after) == after


@given(st.lists(st.sampled_from((*PIECES, WRAPPED)), max_size=20).map("\n".join))
@settings(deadline=None)
def test_a_second_reflow_changes_nothing(text: str) -> None:
    once = reflow(text)
    assert reflow(once) == once
    assert re.sub(r"\s", "", once) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "unit",
    [
        "```\n",
        "~~~\n",
        "    x;\n",
        "|a|\n",
        "a|b\n",
        "+-\n",
        "-- --\n",
        "> ```\n",
        "- a\n",
        "\n\tx\n",
    ],
)
def test_linear_time(unit: str) -> None:
    reflow(WRAPPED + "\n" + unit * 20_000)
