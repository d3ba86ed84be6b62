"""Filters: tables of cases, one rule each, and the bookkeeping of verdicts."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from transforms.errors import ConfigError
from transforms.filters.gopher import judge_gopher
from transforms.filters.language import (
    identify_languages,
    judge_language,
    known_languages,
    load_model,
    two_letter_codes,
)
from transforms.filters.length import judge_length
from transforms.filters.presets import PRESETS, expand_presets
from transforms.filters.registry import FILTERS, check_filter
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts

SENTENCE = "The old mill stands by the river and nobody has ground corn with it since the flood. "
GOOD = SENTENCE * 5


def judge_texts(
    texts: list[str], languages: list[str | None], *, first: int = 0, **options: Any
) -> Verdicts:
    text = pa.array(texts, pa.large_string())[first:]
    return judge_gopher(text, pa.array(languages, pa.string())[first:], tokenize(text), **options)


def gopher(text: str, language: str | None = "en", **options: Any) -> tuple[str | None, float]:
    verdict = judge_texts([text], [language], **options)
    assert verdict.keep[0] == (verdict.rule[0] is None)
    return verdict.rule[0], float(verdict.value[0])


@pytest.mark.parametrize(
    ("text", "language", "rule"),
    [
        (GOOD, "en", None),
        (SENTENCE * 2, "en", "gopher/too-few-words"),
        ("mills and the " * 16 + "mill", "en", "gopher/too-few-words"),
        ("mills and the " * 16 + "mill and", "en", None),
        ("the " * 100_001, "en", "gopher/too-many-words"),
        ("a b c of it " * 20, "en", "gopher/mean-word-length"),
        (
            "the of incomprehensibilities antidisestablishment " * 20,
            "en",
            "gopher/mean-word-length",
        ),
        (GOOD + "# " * 20, "en", "gopher/symbol-ratio"),
        (GOOD + "... " * 30, "en", "gopher/ellipsis-ratio"),
        (GOOD + "… " * 15, "en", "gopher/ellipsis-ratio"),
        (
            "\n".join(["• the boats and nets"] * 14 + ["- of the fishers"] * 5 + ["last"]),
            "en",
            "gopher/bullet-lines",
        ),
        (
            "\n".join(["  - the boats and the nets of it"] * 8 + ["of the fishers are here"] * 2),
            "en",
            None,
        ),
        (
            "\n".join(["the river and the mill went on and on..."] * 4 + [SENTENCE] * 6),
            "en",
            "gopher/ellipsis-lines",
        ),
        ("\n".join(["the river and the mill went on and on..."] * 3 + [SENTENCE] * 7), "en", None),
        ("there 1234 of 34567 and 6789 " * 20, "en", "gopher/alphabetic-words"),
        ("mills stand beside rivers where corn grows " * 12, "en", "gopher/stop-words"),
        ("THE OF AND MILLS STAND BESIDE RIVERS " * 12, "en", "gopher/stop-words"),
        ("mills stand beside rivers where corn grows " * 12, "cy", None),
        ("mills stand beside rivers where corn grows " * 12, "de", "gopher/stop-words"),
        ("mills stand beside rivers where corn grows " * 12, None, None),
        ("河水在夜里上涨了。早晨低处的田地都在水下。" * 6, "zh", None),
        ("河水在夜里上涨了。早晨低处的田地都在水下。" * 6, "en", "gopher/mean-word-length"),
        ("12 34 -- ??", "en", "gopher/too-few-words"),
        ("!!!", "en", "gopher/too-few-words"),
    ],
)
def test_gopher_rules(text: str, language: str | None, rule: str | None) -> None:
    assert gopher(text, language)[0] == rule


def test_gopher_says_what_it_measured() -> None:
    assert gopher("the mill of corn " * 10) == ("gopher/too-few-words", 40.0)
    assert gopher("the mill of corn " * 10, min_words=40)[0] is None
    assert gopher("the U.S. paid 1,000,000.50 to example.org and it's fine " * 2)[1] == 20.0


def test_gopher_judges_each_row_alone() -> None:
    texts = [GOOD, "the", GOOD * 3, "# " * 60, "of the mill and river " * 30]
    together = judge_texts(texts, ["en"] * 5)
    assert together.rule.tolist() == [gopher(text)[0] for text in texts]
    sliced = judge_texts(["x", *texts], ["en"] * 6, first=1)
    assert sliced.rule.tolist() == together.rule.tolist()


def test_length() -> None:
    verdicts = judge_length(
        pa.array(["ü" * 9, "ü" * 10, "ü" * 21], pa.large_string()), at_least=10, at_most=20
    )
    assert verdicts.rule.tolist() == ["length/too-short", None, "length/too-long"]
    assert verdicts.value.tolist()[::2] == [9.0, 21.0]
    assert verdicts.threshold.tolist()[::2] == [10.0, 20.0]


def test_the_first_rule_that_rejects_is_named() -> None:
    ok = Verdicts.where(
        np.array([True, False, False, True]), rule="a", value=np.arange(4.0), threshold=1
    )
    both = ok.then(
        Verdicts.where(np.array([True, True, False, False]), rule="b", value=9.0, threshold=2)
    )
    assert both.keep.tolist() == [True, False, False, False]
    assert both.rule.tolist() == [None, "a", "a", "b"]
    assert both.value.tolist()[1:] == [1.0, 2.0, 9.0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD, "en"),
        ("Der Müller mahlt das Korn am Fluss,\nund die Bauern bringen es ihm im Herbst.", "de"),
        (
            "Le meunier moud le grain près de la rivière et les paysans l'apportent en automne.",
            "fr",
        ),
        ("川のそばの古い水車小屋では、もう誰も麦をひいていません。", "ja"),
        ("\r\n\x0b", None),
    ],
)
def test_languages(text: str, code: str | None) -> None:
    codes, scores = identify_languages(
        pa.array([text], pa.large_string()), model=None, characters=1000
    )
    assert (codes.to_pylist() == [code]) or (code is None and scores[0] < 0.65)


def test_languages_look_at_the_first_characters_only() -> None:
    text = GOOD + "Der Müller mahlt das Korn am Fluss. " * 500
    assert identify_languages(
        pa.array([text], pa.large_string()), model=None, characters=len(GOOD)
    )[0].to_pylist() == ["en"]


def test_language_verdicts() -> None:
    verdicts = judge_language(
        pa.array(["en", "en", "de", None]),
        np.array([0.9, 0.5, 0.9, 0.1], np.float32),
        keep=("en",),
        threshold=0.65,
    )
    assert verdicts.rule.tolist() == [
        None,
        "language/uncertain",
        "language/not-kept",
        "language/not-kept",
    ]
    assert judge_language(
        pa.array(["en", None]), np.zeros(2, np.float32), keep=(), threshold=0.65
    ).keep.all()


def test_the_bundled_model_knows_176_languages() -> None:
    assert len(known_languages(None)) == 176
    assert {"en", "de", "zh", "ar"} <= set(known_languages(None))


def test_a_model_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"not a model")
    with pytest.raises(ConfigError):
        load_model(str(path))


@pytest.mark.real_data
def test_languages_of_real_paragraphs(data_folder: Path) -> None:
    import gzip

    with gzip.open(data_folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as lines:
        expected, texts = zip(*(line.rstrip("\n").split("\t") for line in lines), strict=True)
    codes, _ = identify_languages(pa.array(texts, pa.large_string()), model=None, characters=3000)
    right = sum(code == found for code, found in zip(expected, codes.to_pylist(), strict=True))
    assert right / len(texts) >= 0.98


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gofer", {}, r"there are .*gopher, gopher-repetition, .*length.* presets fineweb"),
        ("gopher", {"min_word": 3}, "it has max_bullet_lines"),
        ("length", {"at_least": "many"}, "integer"),
    ],
)
def test_a_filter_that_does_not_exist_is_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_filter(name, options)


def test_presets_are_filters_that_exist_and_have_names_of_their_own() -> None:
    assert not set(PRESETS) & set(FILTERS)
    for steps in PRESETS.values():
        for name, options in steps:
            check_filter(name, options)


def test_presets_are_written_out_where_they_stand() -> None:
    length = {"name": "length", "at_least": 10}
    assert expand_presets([length, "gopher"]) == [length, "gopher"]
    assert expand_presets([length, "fineweb", {"name": "fineweb-paper"}]) == [
        length,
        {"name": "gopher-repetition"},
        {"name": "gopher"},
        {"name": "c4-paper", "end_marks": False},
        {"name": "fineweb-quality"},
        {"name": "gopher-repetition"},
        {"name": "gopher"},
        {"name": "c4-paper", "end_marks": False},
        {"name": "fineweb-quality-paper"},
    ]
    with pytest.raises(ValueError, match="takes no options"):
        expand_presets([{"name": "fineweb", "end_marks": True}])


def test_verdicts_on_some_rows_keep_the_others() -> None:
    rows = np.array([False, True, False, True])
    verdicts = Verdicts.where(np.array([False, True]), rule="a", value=3.0, threshold=1).among(rows)
    assert verdicts.keep.tolist() == [True, False, True, True]
    assert verdicts.rule.tolist() == [None, "a", None, None]
    assert verdicts.value.tolist()[1] == 3.0
    with pytest.raises(ValueError, match="all rows"):
        Verdicts.kept(2).with_text(pa.array(["a", "b"], pa.large_string())).among(rows)


def test_codes_of_other_models_mean_the_same_languages() -> None:
    codes = pa.array(["en", "eng_Latn", "deu", "zho_Hans", "zh-Hant", "xx", None])
    assert two_letter_codes(codes.dictionary_encode()).to_pylist() == [
        "en",
        "en",
        "de",
        "zh",
        "zh",
        "xx",
        None,
    ]


def test_gopher_skips_the_stop_words_of_languages_without_a_list_and_says_so() -> None:
    text = "The old stone house stands near some river. " * 8
    verdicts = judge_texts(
        [text.lower(), text.lower().replace("the", "das"), text.lower()], ["cy", "de", None]
    )
    assert verdicts.rule.tolist() == [None, "gopher/stop-words", None]
    assert verdicts.counts["gopher/no-stop-words-known"].tolist() == [1, 0, 1]


def test_presets_leave_out_for_books_what_is_made_for_web_pages() -> None:
    entries = expand_presets(["fineweb"], books=True)
    assert [entry["name"] for entry in entries] == [
        "gopher-repetition",
        "gopher",
        "fineweb-quality",
    ]
    assert entries[1]["max_words"] > 10_000_000
    assert entries[2]["max_short_lines"] == 1.0
    assert expand_presets(["fineweb"], books=False) == expand_presets(["fineweb"])
    assert expand_presets(["gopher", "c4-paper"], books=True) == ["gopher", "c4-paper"]
    for name in PRESETS:
        for entry in expand_presets([name], books=True):
            check_filter(entry.pop("name"), entry)
