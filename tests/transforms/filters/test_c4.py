"""Filters `c4-paper` and `c4-tfds`: each line rule, each page rule, and the text that is left."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from transforms.filters.c4 import judge_c4_paper, judge_c4_tfds
from transforms.filters.verdicts import Verdicts
from transforms.ingest.settings import FilterConfig, LanguageConfig
from transforms.ingest.unit import judge_documents
from transforms.sources.records import Origin, RawDocument, documents_batch

GOOD = "The mill stands by the river."


def judged(filter_judge: Callable[..., Verdicts], text: str, **options: float | bool) -> str:
    """The text that is left, or the rule without the filter's name."""
    verdict = filter_judge(pa.array([text], pa.large_string()), **options)
    assert verdict.text is not None
    return verdict.text[0].as_py() if verdict.keep[0] else verdict.rule[0].partition("/")[2]


@pytest.mark.parametrize(
    ("line", "left_by_paper", "left_by_tfds"),
    [
        (f"  {GOOD}\t", GOOD, GOOD),
        ("The mill is old!", "The mill is old!", ""),
        ("The mill is very old?", "The mill is very old?", "The mill is very old?"),
        ('He said "the mill is old"', 'He said "the mill is old"', 'He said "the mill is old"'),
        ("He said 'the mill is old'", "He said 'the mill is old'", ""),
        ("He said the mill is old", "", ""),
        ("He said the mill is old,", "", ""),
        ("He said the mill is old...", "", ""),
        ("Mills are.", "", ""),
        ("Mills are old.", "Mills are old.", ""),
        ("Mills [2] are.", "Mills  are.", ""),
        (
            "The mill[1] is [edit]very old[citation needed][].",
            "The mill is very old.",
            "The mill is very old.",
        ),
        ("The mill is very old. [1]", "", ""),
        ("The mill is very " + "o" * 1000 + ".", "", ""),
        (
            "The mill is very " + "o" * 999 + ".",
            "The mill is very " + "o" * 999 + ".",
            "The mill is very " + "o" * 999 + ".",
        ),
        ("Please enable JavaScript to see it.", "", ""),
        ("We have a Privacy Policy for you.", "", ""),
        ("Read our cookie policy for more words.", "", ""),
        ("This mill uses cookies made of oats.", "", ""),
        (
            "This mill bakes cookies made of oats.",
            "This mill bakes cookies made of oats.",
            "This mill bakes cookies made of oats.",
        ),
    ],
)
def test_lines(line: str, left_by_paper: str, left_by_tfds: str) -> None:
    for filter_judge, left in ((judge_c4_paper, left_by_paper), (judge_c4_tfds, left_by_tfds)):
        before, after = "\n".join([GOOD] * 3), "\n".join([GOOD] * 2)
        expected = "\n".join(part for part in (before, left, after) if part)
        assert judged(filter_judge, f"{before}\n{line}\n{after}") == expected


@pytest.mark.parametrize(
    ("text", "paper", "tfds"),
    [
        ("", "too-few-sentences", "too-few-sentences"),
        ("\n".join([GOOD] * 5), "\n".join([GOOD] * 5), "\n".join([GOOD] * 5)),
        ("\n".join([GOOD] * 4), "too-few-sentences", "\n".join([GOOD] * 4)),
        (
            f"{GOOD} {GOOD}\n{GOOD} {GOOD} {GOOD}",
            f"{GOOD} {GOOD}\n{GOOD} {GOOD} {GOOD}",
            f"{GOOD} {GOOD}\n{GOOD} {GOOD} {GOOD}",
        ),
        (f"{GOOD} {GOOD}", "too-few-sentences", "too-few-sentences"),
        (f"{GOOD} {GOOD} {GOOD}", "too-few-sentences", f"{GOOD} {GOOD} {GOOD}"),
        (
            f"{GOOD} it is. or was. and so. on it goes.",
            f"{GOOD} it is. or was. and so. on it goes.",
            "too-few-sentences",
        ),
        ("\n".join([GOOD] * 5 + ["Lorem Ipsum dolor sit amet."]), "lorem-ipsum", "lorem-ipsum"),
        (
            "\n".join([GOOD] * 5 + ["lorem ipsum dolor"]),
            "\n".join([GOOD] * 5),
            "\n".join([GOOD] * 5),
        ),
        ("\n".join([GOOD] * 5 + ["A line of code is { here."]), "curly-bracket", "curly-bracket"),
        (
            "\n".join([GOOD] * 5 + ["A javascript line of code { here."]),
            "\n".join([GOOD] * 5),
            "\n".join([GOOD] * 5),
        ),
        (
            "\n".join([GOOD] * 5 + ["A line of code is { here"]),
            "\n".join([GOOD] * 5),
            "\n".join([GOOD] * 5),
        ),
    ],
)
def test_pages(text: str, paper: str, tfds: str) -> None:
    assert judged(judge_c4_paper, text) == paper
    assert judged(judge_c4_tfds, text) == tfds


def test_options() -> None:
    text = "A title of four\n" * 5
    assert judged(judge_c4_paper, text) == "too-few-sentences"
    assert judged(judge_c4_paper, text, end_marks=False) == text.strip()
    assert judged(judge_c4_paper, text, end_marks=False, min_words_per_line=4) == text.strip()
    assert (
        judged(judge_c4_paper, text, end_marks=False, min_words_per_line=5, min_sentences=0)
        == "nothing-left"
    )
    assert judged(judge_c4_paper, text, end_marks=False, max_word_length=4) == "too-few-sentences"
    assert judged(judge_c4_paper, text, end_marks=False, min_sentences=6) == "too-few-sentences"
    page = "\n".join([GOOD] * 10)
    assert judged(judge_c4_tfds, page, max_characters=len(page)) == page
    assert judged(judge_c4_tfds, page, max_characters=len(page) - 1) == "too-long"


def test_a_row_alone_is_judged_as_in_a_batch() -> None:
    texts = [
        "",
        "\n".join([GOOD] * 5),
        f"{GOOD} {GOOD}",
        f"{GOOD} it is. or was. and so. on it goes.",
        "{ is a sign here.",
    ]
    for filter_judge in (judge_c4_paper, judge_c4_tfds):
        together = filter_judge(pa.array(["x", *texts], pa.large_string())[1:])
        assert together.text is not None
        left = [
            text if keep else rule.partition("/")[2]
            for text, keep, rule in zip(
                together.text.to_pylist(), together.keep, together.rule, strict=True
            )
        ]
        assert left == [judged(filter_judge, text) for text in texts]


def test_kept_documents_take_the_new_text_and_rejects_show_the_old_one() -> None:
    texts = ["\n".join(["Home", *[GOOD] * 5]), "Home\nAbout"]
    origins = [Origin("web", "file")] * 2
    batch = documents_batch(
        origins, [RawDocument(text=text, locator=str(row)) for row, text in enumerate(texts)]
    )
    language = LanguageConfig(keep=(), threshold=0.0, characters=100, model=None)
    judged = judge_documents(batch, filters=[FilterConfig(name="c4-paper")], language=language)
    kept, (_, gone) = judged.kept, judged.rejects
    assert kept.column("text").to_pylist() == ["\n".join([GOOD] * 5)]
    assert kept.schema == batch.schema
    assert gone.column("excerpt").to_pylist() == ["Home\nAbout"]
    assert gone.column("rule").to_pylist() == ["c4-paper/too-few-sentences"]


def test_the_later_text_stands() -> None:
    first, second = (
        Verdicts.kept(1).with_text(pa.array([text], pa.large_string())) for text in ("a", "b")
    )
    assert first.then(Verdicts.kept(1)).text.to_pylist() == ["a"]
    assert Verdicts.kept(1).then(first).then(second).text.to_pylist() == ["b"]
