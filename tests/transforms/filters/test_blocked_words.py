"""Filter `blocked-words`: what is a find, in which languages, and both sides of the thresholds."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.filters.blocked_words import judge_blocked_words


def found(text: str, *words: str, language: str | None = "en", **options: Any) -> int:
    verdicts = judge_blocked_words(
        pa.array([text], pa.large_string()),
        pa.array([language], pa.string()),
        words=words,
        **options,
    )
    return int(verdicts.signals["blocked-words/found"][0])


@pytest.mark.parametrize(
    ("text", "words", "count"),
    [
        ("a bad word", ("bad",), 1),
        ("BAD, bad; (Bad) bad's", ("bad",), 4),
        ("badly forbade", ("bad",), 0),
        ("bad_word and bad-word", ("bad",), 2),
        ("a bad word", ("Bad  Word",), 1),
        ("a bad\n word", ("bad word",), 1),
        ("bad. Word", ("bad word",), 0),
        ("bad-word", ("bad word",), 0),
        ("bad-word", ("bad-word",), 1),
        ("bad bad bad", ("bad bad",), 2),
        ("a bad word", ("bad", "bad word"), 2),
        ("the a of a word", ("a$$",), 0),
        ("what an A$$!", ("a$$",), 1),
        ("f*ck", ("f*ck",), 1),
        ("f ck", ("f*ck",), 0),
        ("so 🖕🖕", ("🖕",), 2),
        ("这是坏话吗", ("坏话",), 1),
        ("这是坏的话", ("坏话",), 0),
        ("นี่คือคำหยาบมาก", ("คำหยาบ",), 1),
        ("悪い ことば", ("悪いことば",), 0),
        ("SCHLECHTE WÖRTER", ("wörter",), 1),
        ("wo\u0308rter", ("wörter",), 0),
        ("", ("bad",), 0),
        ("bad", (), 0),
    ],
)
def test_finds(text: str, words: tuple[str, ...], count: int) -> None:
    assert found(text, *words) == (count if words else 0)


def test_phrases_do_not_go_from_one_document_to_the_next() -> None:
    texts, languages = pa.array(["so bad", "word"], pa.large_string()), pa.array(["en", "en"])
    assert judge_blocked_words(texts, languages, words=("bad word",)).keep.all()


@pytest.mark.parametrize(
    ("text", "options", "rule"),
    [
        ("bad", {}, "blocked-words/found"),
        ("bad", {"max_found": 1}, None),
        ("bad bad", {"max_found": 1}, "blocked-words/found"),
        ("bad " + "fine " * 9, {"max_share": 0.1}, None),
        ("bad " + "fine " * 8, {"max_share": 0.1}, "blocked-words/found"),
        ("bad " + "fine " * 8, {"max_share": 0.1, "max_found": 1}, None),
    ],
)
def test_thresholds(text: str, options: dict[str, Any], rule: str | None) -> None:
    verdicts = judge_blocked_words(
        pa.array([text], pa.large_string()), pa.array(["en"]), words=("bad",), **options
    )
    assert verdicts.rule[0] == rule


def test_lists_by_language(tmp_path: Path) -> None:
    for name, content in {
        "en": "bad\n",
        "de.txt": "# Liste\nschlecht\n",
        "README.md": "not a list",
        "LICENSE": "no",
    }.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "all.list").write_text("evil\n")
    texts = pa.array(["bad", "bad", "schlecht", "evil", "bad", "mal"], pa.large_string())
    languages = pa.array(["en", "de", "de", "fr", None, "es"]).dictionary_encode()
    (tmp_path / "spanish").write_text("mal\n")
    options: dict[str, Any] = {
        "folder": str(tmp_path),
        "files": (str(tmp_path / "all.list"),),
        "lists": {"es": str(tmp_path / "spanish")},
    }
    assert judge_blocked_words(texts, languages, **options).keep.tolist() == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "option",
    [
        {"files": ("/no/such/list",)},
        {"folder": "/no/such/folder"},
        {"lists": {"en": "/no/such/list"}},
    ],
)
def test_lists_that_are_not_there_are_configuration_errors(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        found("bad", **option)


PIECES = st.sampled_from(
    ["bad", "word", "worse", "BAD", " ", "  ", "\n", "-", ".", "a", "坏", "话", "ü"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_an_oracle_by_regular_expressions(text: str) -> None:
    listed = ("bad", "bad word", "bad-word", "worse")
    patterns = [r"[ \n]+".join(map(re.escape, entry.split())) for entry in listed]
    counted = sum(
        len(re.findall(rf"(?<![^\W_])(?={pattern}(?![^\W_]))", _spaced(text.lower())))
        for pattern in patterns
    )
    assert found(text, *listed) == counted


def _spaced(text: str) -> str:
    """Ideographs are words of their own."""
    return re.sub("([坏话])", r".\1.", text)


@given(st.lists(st.one_of(st.lists(PIECES, max_size=9).map("".join), st.text()), max_size=4))
def test_a_row_alone_is_judged_as_in_a_batch(texts: list[str]) -> None:
    listed = ("bad", "bad word", "坏话", "-", "ß")
    together = judge_blocked_words(
        pa.array(["bad", *texts], pa.large_string())[1:],
        pa.nulls(len(texts), pa.string()),
        words=listed,
    )
    assert together.signals.get("blocked-words/found", []) is not None
    assert together.keep.tolist() == [found(text, *listed, language=None) == 0 for text in texts]
