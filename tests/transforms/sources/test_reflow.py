"""Undoing hard wraps: which lines are joined, which kept, and that nothing else changes."""

import random
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.reflow import reflow

PARAGRAPHS = [
    "When the mill stopped, the whole valley heard it, because nobody there had ever known a day "
    "without the sound of its wheel, and "
    "some of the older people came out of their houses and stood in the road. It was a grey "
    "morning. Nobody spoke for a long time.",
    "“You will have to ask the miller,” said the carter, who had been up since four and did not "
    "care who knew it; but the miller was "
    "not to be found, neither in the mill nor in the inn, and his dog sat alone upon the wall "
    "with its ears turned to the river.",
    "Three weeks went by. The grass grew between the stones of the yard, the swallows took the "
    "loft, and people began to buy their flour "
    "in the town, where it cost a penny more and was, as everyone agreed, not half as good as "
    "what they had been used to at home.",
]
VERSE = """The wheel is still, the water free,
  It runs as it has run before,
And nobody will come to see
  The swallows at the miller's door."""
PARADISE = """Of Mans First Disobedience, and the Fruit
Of that Forbidden Tree, whose mortal tast
Brought Death into the World, and all our woe,
With loss of Eden, till one greater Man
Restore us, and regain the blissful Seat,
Sing Heav'nly Muse, that on the secret top
Of Oreb, or of Sinai, didst inspire
That Shepherd, who first taught the chosen Seed,
In the Beginning how the Heav'ns and Earth
Rose out of Chaos: Or if Sion Hill
Delight thee more, and Siloa's Brook that flow'd
Fast by the Oracle of God; I thence
Invoke thy aid to my adventrous Song,
That with no middle flight intends to soar
Above th' Aonian Mount, while it pursues
Things unattempted yet in Prose or Rhime."""


def wrapped(*paragraphs: str, width: int = 70) -> str:
    return "\n\n".join(
        textwrap.fill(paragraph, width, break_on_hyphens=False) for paragraph in paragraphs
    )


@pytest.mark.parametrize("width", [45, 60, 72, 80])
def test_paragraphs_become_lines(width: int) -> None:
    assert reflow(wrapped(*PARAGRAPHS, width=width)) == "\n\n".join(PARAGRAPHS)


def test_paragraphs_without_blank_lines_between_them() -> None:
    assert reflow(wrapped(*PARAGRAPHS).replace("\n\n", "\n")) == "\n".join(PARAGRAPHS)


def test_paragraphs_told_by_their_first_line() -> None:
    text = "\n".join(
        textwrap.fill(paragraph, 70, initial_indent="    ") for paragraph in PARAGRAPHS
    )
    assert reflow(text) == "\n".join(f"    {paragraph}" for paragraph in PARAGRAPHS)


@pytest.mark.parametrize(
    "kept",
    [
        VERSE,
        "\n".join(f"  {line}" for line in PARADISE.split("\n")),
        PARADISE,
        "A\nSHORT\nLIST",
        "Wool      3 bales     £4\nFlour    12 sacks     £9\nSalt      1 sack      £1",
        "    " + textwrap.fill(PARAGRAPHS[0], 60).replace("\n", "\n    "),
        "THE SEVENTH CHAPTER, WHICH TELLS OF THE MILL AND OF ALL THAT BEFELL\nTHE MILLER AND HIS "
        "DOG",
        "MR. THOMAS MILLER,\nThe Old Mill,\nby the river.",
        "[Pg 12]",
        "{23}",
        "* * *",
        "I. The mill that stopped ............................... 1\nII. The dog upon the wall "
        "............................. 17",
    ],
)
def test_what_is_no_wrapped_paragraph_stays(kept: str) -> None:
    text = f"{wrapped(*PARAGRAPHS)}\n\n{kept}\n\n{wrapped(*PARAGRAPHS)}"
    assert reflow(text) == "\n\n".join([*PARAGRAPHS, kept, *PARAGRAPHS])


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(PARAGRAPHS),
        "\n".join(PARAGRAPHS),
        PARADISE,
        VERSE,
        "\n\n".join([VERSE, PARADISE] * 5),
        "",
        "one line",
        "a\nb\n\n\n\n\nc",
        "\n".join(f"{number}, {number * 17}, {number * 31}" for number in range(50)),
        "Milk\nBread\nA newspaper, if there is one\n",
    ],
)
def test_a_text_that_is_not_wrapped_is_left_alone(text: str) -> None:
    assert reflow(text) == text


@pytest.mark.parametrize(
    ("line", "following", "elsewhere", "joined"),
    [
        (
            "gave himself up to a long con-",
            "templation of the river",
            "contemplation",
            "a long contemplation of",
        ),
        (
            "gave himself up to a long con-",
            "templation of the river",
            "",
            "a long contemplation of",
        ),
        ("and would not come again to-", "day or at any other time", "to-day", "again to-day or"),
        (
            "and would not come again to-",
            "day or at any other time",
            "to-day to-day today",
            "again to-day or",
        ),
        (
            "and would not come again to-",
            "day or at any other time",
            "today today to-day",
            "again today or",
        ),
        ("was bred in the old Anglo-", "Saxon way of keeping mills", "", "old Anglo-Saxon way"),
        ("it was in the years of 1914-", "18 that the mill stood still", "", "of 1914-18 that"),
        ("he thought of it again--", "though not for very long", "", "again--though not"),
        ("he thought of it again --", "though not for very long", "", "again -- though not"),
        ("he thought of it again—", "though not for very long", "", "again—though not"),
        ("he thought of it again -", "though not for very long", "", "again - though not"),
        ("gave himself up to con\u00ad", "templation of the river", "", "up to contemplation of"),
        ("the Haupt-", "und Nebensachen of the mill", "", "the Haupt- und Nebensachen of"),
        ("the cannon-", "shot that killed the miller", "cannon shot", "the cannon-shot that"),
    ],
)
def test_hyphens_and_dashes_at_line_ends(
    line: str, following: str, elsewhere: str, joined: str
) -> None:
    start = "The miller and the dog and the carter of the village and the"[: 69 - len(line)]
    line = f"{start.rsplit(' ', 1)[0]} x {line}".rjust(60, "y")
    text = f"{wrapped(*PARAGRAPHS)}\n\n{line}\n{following}.\n\n{elsewhere}"
    assert joined in reflow(text)


def test_undecided_words_follow_the_book() -> None:
    """Hyphens at line ends are dropped in a scanned book and kept in one wrapped by a program."""
    filler = "The miller and the dog and the carter of this village and"
    scanned = (
        f"{filler} contem-\nplation of the mill.\n\ncontemplation\n\n{filler} gambra-\nsine "
        "of the mill.\n\ngambra sine"
    )
    compounds = (
        f"{filler} forget-\nful of the mill.\n\nforget-ful\n\n{filler} gambra-\nsine of the mill."
    )
    assert "gambrasine" in reflow(f"{wrapped(*PARAGRAPHS)}\n\n{scanned}")
    assert "gambra-sine" in reflow(f"{wrapped(*PARAGRAPHS)}\n\n{compounds}")


@pytest.mark.parametrize(
    "heading",
    [
        "CHAPTER I",
        "Chapter 12.",
        "CHAPTER THE FIRST.",
        "Kapitel 3",
        "Chapitre premier",
        "Part the First",
        "XIV.",
        "BOOK II.--The Mill",
        "Глава I",
    ],
)
def test_headings_get_blank_lines(heading: str) -> None:
    paragraphs = wrapped(*PARAGRAPHS).replace("\n\n", "\n")
    assert reflow(f"{paragraphs}\n{heading}\n{paragraphs}") == "\n".join(
        PARAGRAPHS
    ) + f"\n\n{heading}\n\n" + "\n".join(PARAGRAPHS)


def test_blank_lines_are_at_most_two() -> None:
    assert (
        reflow(wrapped(*PARAGRAPHS) + "\n\n\n\n\n  \n\f\nCHAPTER II\n")
        == "\n\n".join(PARAGRAPHS) + "\n\n\nCHAPTER II\n"
    )


def test_chinese_lines_join_without_a_space() -> None:
    lines = [
        "磨坊停下来的那一天整个山谷都听见了因为那里的人从来没有过一天听不到水轮的声",
        "音有些老人走出屋子站在路上谁也不说话狗坐在墙上耳朵朝着河水的方向一动也不动",
        "没有人来。",
    ]
    assert reflow("\n".join(lines) + "\n\n" + "\n".join(lines)) == "".join(
        lines
    ) + "\n\n" + "".join(lines)


WORDS = tuple(
    """
    the of mill Miller river water wheel I stone dog's well-known grey, morning. said “No,”
    came--went über Straße gesagt, END
    """.split()  # noqa: SIM905
)


@st.composite
def books(draw: st.DrawFn) -> str:
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    width = draw(st.sampled_from([42, 60, 72]))
    blocks = []
    for kind in draw(
        st.lists(
            st.sampled_from(["prose", "prose", "verse", "indented", "head", "raw"]), max_size=12
        )
    ):
        words = [chance.choice(WORDS) for _ in range(chance.randrange(1, 60))]
        match kind:
            case "prose":
                blocks.append(textwrap.fill(" ".join(words), width))
            case "verse":
                blocks.append(
                    "\n".join(" ".join(words[at : at + 5]) for at in range(0, len(words), 5))
                )
            case "indented":
                blocks.append(
                    textwrap.fill(
                        " ".join(words),
                        width,
                        initial_indent="  ",
                        subsequent_indent=chance.choice(["", " ", "  "]),
                    )
                )
            case "head":
                blocks.append(chance.choice(["CHAPTER I", "II.", "Part the First", "* * *"]))
            case "raw":
                blocks.append(draw(st.text(st.sampled_from("ab -\u00ad—\t\n.A"), max_size=120)))
    return draw(st.sampled_from(["\n", "\n\n", "\n\n\n\n"])).join(blocks)


def bare(text: str) -> str:
    return re.sub(r"[\s\u00ad\u2010-]", "", text)


@given(books())
def test_a_second_reflow_changes_nothing(text: str) -> None:
    assert reflow(reflow(text)) == reflow(text)


@given(books() | st.text())
def test_only_blanks_and_hyphens_change(text: str) -> None:
    assert bare(reflow(text)) == bare(text)
