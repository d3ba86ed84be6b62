"""Language identification: capitals and noise, thresholds by language, other label schemes."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.filters.test_fasttext_classifier import write_model
from transforms.filters.language import (
    identify_language,
    identify_languages,
    judge_language,
    known_languages,
)
from transforms.filters.language_text import lower_text, model_line
from transforms.ingest.settings import LanguageConfig
from transforms.ingest.unit import language_screen
from transforms.sources.records import RejectedError

EN = "The old mill stands by the river and nobody has ground corn with it since the flood."
DE = "Der alte Müller mahlt das Korn am Fluss, und die Bauern bringen es ihm im Herbst."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("İSTANBUL VE IĞDIR", "istanbul ve iğdir"),
        ("ΟΔΟΣ ΤΗΣ ΠΟΛΗΣ", "οδος της πολης"),
        ("STRASSE ẞ", "strasse ß"),
        ("ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ", "საქართველო"),
        ("ᎣᏏᏲ ᏣᎳᎩ ᏹ", "ᎣᏏᏲ ᏣᎳᎩ \u13f1"),
        ("ꭳꮟᏺ", "ᎣᏏᏲ"),
        ("ǅ Ǆ ＡＢＣ", "ǆ ǆ ａｂｃ"),
        ("two\nlines\r\n\tand\u00a0more\u3000words", "two lines and more words"),
        ("see https://example.com/a?b=c or www.example.org.", "see or"),
        ("mail Old.Mill+1@example.org, @miller", "mail"),
        ("请看https://example.com/路径和文字", "请看 路径和文字"),
        ("1 | 2 -- *** » of 1,000", "of"),
        ("1 | 2 -- ***", "1 | 2 -- ***"),
        ("http://example.com", "http://example.com"),
        ("AT&T x86-64 3D", "at&t x86-64 3d"),
        ("हिन्दी में", "हिन्दी में"),
        ("", ""),
    ],
)
def test_what_the_model_reads(text: str, line: str) -> None:
    assert model_line(text, lowercase=True) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (EN, EN),
        (DE, DE),
        (EN.upper(), EN.lower()),
        (EN.title(), EN.lower()),
        (EN[:40].upper() + EN[40:], EN.lower()),
        ("ᎣᏏᏲ ᏣᎳᎩ", "ᎣᏏᏲ ᏣᎳᎩ"),
        ("水車小屋", "水車小屋"),
    ],
)
def test_other_models_read_small_letters_only_of_texts_in_capitals(text: str, line: str) -> None:
    assert model_line(text, lowercase=None) == line
    assert model_line(text, lowercase=False) == text


@given(st.text())
def test_lines_are_lines_and_stay_as_they_are(text: str) -> None:
    line = model_line(text, lowercase=True)
    assert "\n" not in line
    assert line == " ".join(line.split())
    assert lower_text(lower_text(text)) == lower_text(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("HER ÇOCUĞUN EĞİTİM HAKKI VARDIR VE BU HAK HİÇBİR ŞEKİLDE ENGELLENEMEZ.", "tr"),
        ("BÜTÜN İNSANLAR LƏYAQƏT VƏ HÜQUQLARINA GÖRƏ AZAD VƏ BƏRABƏR DOĞULURLAR.", "az"),
        (
            "ΟΛΟΙ ΟΙ ΑΝΘΡΩΠΟΙ ΓΕΝΝΙΟΥΝΤΑΙ ΕΛΕΥΘΕΡΟΙ ΚΑΙ ΙΣΟΙ ΣΤΗΝ ΑΞΙΟΠΡΕΠΕΙΑ ΚΑΙ ΤΑ ΔΙΚΑΙΩΜΑΤΑ.",
            "el",
        ),
        (
            "ALLE MENSCHEN SIND FREI UND GLEICH AN WÜRDE UND RECHTEN GEBOREN. "
            "SCHLIESSLICH HEISST DAS GROSSE FREIHEIT.",
            "de",
        ),
        ("KAIKKI IHMISET SYNTYVÄT VAPAINA JA TASAVERTAISINA ARVOLTAAN JA OIKEUKSILTAAN.", "fi"),
        ("Alle Menschen Sind Frei Und Gleich An Würde Und Rechten Geboren.", "de"),
        ("ВСЕ ЛЮДИ РОЖДАЮТСЯ СВОБОДНЫМИ И РАВНЫМИ В СВОЕМ ДОСТОИНСТВЕ И ПРАВАХ.", "ru"),
        (
            "Nobody has ground corn here. "
            "https://www.example.de/muehle/am/fluss/und/der/mueller?seite=1 info@muehle.example",
            "en",
        ),
    ],
)
def test_capitals_and_addresses_do_not_hide_the_language(text: str, code: str) -> None:
    assert identify_language(text, model=None, characters=1000)[0] == code
    codes, scores = identify_languages(
        pa.array([text], pa.large_string()), model=None, characters=1000
    )
    assert codes.to_pylist() == [code]
    assert scores[0] > 0.65


def test_the_screen_reads_a_page_as_the_filter_does() -> None:
    settings = LanguageConfig(
        keep=("eng",), threshold=0.65, characters=3000, model=None, screen=True
    )
    screen = language_screen(settings)
    assert screen is not None
    screen(EN.upper() * 3)
    with pytest.raises(RejectedError) as caught:
        screen(DE.upper() * 3)
    assert caught.value.reject("0", None).rule == "language/not-kept"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("form", "right"), [(str, 0.985), (str.upper, 0.985), (str.title, 0.985), (str.swapcase, 0.985)]
)
def test_paragraphs_in_any_case(
    data_folder: Path, form: Callable[[str], str], right: float
) -> None:
    with gzip.open(data_folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as lines:
        expected, texts = zip(*(line.rstrip("\n").split("\t") for line in lines), strict=True)
    codes, _ = identify_languages(
        pa.array(map(form, texts), pa.large_string()), model=None, characters=3000
    )
    assert (
        np.mean([code == found for code, found in zip(expected, codes.to_pylist(), strict=True)])
        >= right
    )


def test_thresholds_by_language() -> None:
    codes, scores = (
        pa.array(["en", "sw", "sw", "af", "de"]),
        np.array([0.6, 0.5, 0.3, 0.5, 0.99], np.float32),
    )
    verdicts = judge_language(
        codes, scores, keep=("en", "sw", "af"), threshold={"default": 0.7, "swh": 0.4, "af": 0.5}
    )
    assert verdicts.rule.tolist() == [
        "language/uncertain",
        None,
        "language/uncertain",
        None,
        "language/not-kept",
    ]
    assert verdicts.threshold.tolist()[::2][:2] == [0.7, 0.4]
    assert np.isnan(verdicts.threshold[4])
    assert (
        judge_language(codes, scores, keep=("sw",), threshold={"de": 0.4}).rule.tolist()[1]
        == "language/uncertain"
    )


FORMS = {
    "scripts": ["eng_Latn", "deu_Latn", "arb_Arab"],
    "three": ["eng", "deu", "ara"],
    "two": ["en", "de", "ar"],
    "tags": ["en-US", "de-AT", "ar-EG"],
}


@pytest.mark.parametrize("form", FORMS)
def test_models_with_labels_of_any_form(tmp_path: Path, form: str) -> None:
    words = {"mill": (4.0, 0.0), "mühle": (-4.0, 0.0), "طاحونة": (0.0, 4.0), "</s>": (0.0, 0.0)}
    vectors = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0)]
    labels = FORMS[form]
    model = str(
        write_model(
            tmp_path / "lid.bin",
            words,
            {f"__label__{label}": vector for label, vector in zip(labels, vectors, strict=True)},
        )
    )
    assert known_languages(model) == tuple(sorted(labels))
    codes, scores = identify_languages(
        pa.array(["MILL mill", "mühle", "طاحونة"], pa.large_string()), model=model, characters=100
    )
    assert codes.to_pylist() == labels
    for keep in (("en", "ar"), ("eng", "arb"), (labels[0], labels[2])):
        verdicts = judge_language(codes, scores, keep=keep, threshold={"ar": 1.0}, model=model)
        assert verdicts.rule.tolist() == [None, "language/not-kept", "language/uncertain"]
