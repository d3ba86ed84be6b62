"""Filter `language-paragraphs`: dropped lines, short lines between them, unknown languages."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.filters.language_paragraphs import judge_language_paragraphs

EN = (
    "The old mill stands by the river and nobody has ground any corn with it since the great flood "
    "came."
)
DE = (
    "Der alte Müller mahlt das Korn am Fluss, und die Bauern bringen es ihm im Herbst, wenn es "
    "trocken ist."
)
FR = (
    "Le vieux meunier moud le grain près de la rivière et les paysans le lui apportent quand il "
    "fait sec."
)


def judged(
    text: str, language: str | None = "en", **options: Any
) -> tuple[str | None, str, dict[str, int]]:
    verdicts = judge_language_paragraphs(
        pa.array([text], pa.large_string()), pa.array([language]).dictionary_encode(), **options
    )
    counts = {
        name.removeprefix("language-paragraphs/"): int(count[0])
        for name, count in verdicts.counts.items()
        if count[0]
    }
    return verdicts.rule[0], verdicts.text[0].as_py(), counts


@pytest.mark.parametrize(
    ("lines", "language", "left"),
    [
        ([EN, EN], "en", [0, 1]),
        ([EN, DE, EN], "en", [0, 2]),
        ([EN, DE, EN], "de", [1]),
        (["Title", DE, "Kurz", "", FR, "Short", EN], "en", [0, 5, 6]),
        ([EN, "Short", DE, "Kurz"], "en", [0, 1, 3]),
        ([DE[:79], EN], "en", [0, 1]),
        ([EN + " " + DE], "en", [0]),
    ],
)
def test_which_lines_stay(lines: list[str], language: str, left: list[int]) -> None:
    rule, text, counts = judged("\n".join(lines), language)
    assert (rule, text) == (None, "\n".join(lines[index] for index in left))
    assert counts == ({"dropped": len(lines) - len(left)} if len(left) < len(lines) else {})


def test_options() -> None:
    assert judged(f"{EN}\n{DE[:60]}", at_least=50)[1] == EN
    assert judged(f"{EN}\n{DE}", threshold=1.01)[1] == f"{EN}\n{DE}"
    assert judged(f"{EN}\n{EN} {DE}", characters=90)[1] == f"{EN}\n{EN} {DE}"


def test_a_document_of_which_nothing_is_left_is_rejected() -> None:
    assert judged(f"Title\n{DE}\n{FR}")[0] == "language-paragraphs/nothing-left"
    assert judged("Kurz", "en")[0] is None
    assert judged("", "en")[0] is None


def test_documents_without_a_language_that_the_model_knows_stay_as_they_are() -> None:
    assert judged(f"{EN}\n{DE}", None) == (None, f"{EN}\n{DE}", {})
    assert judged(f"{EN}\n{DE}", "zxx_Zxxx") == (None, f"{EN}\n{DE}", {"unknown-language": 1})


@pytest.mark.parametrize("language", ["en", "eng", "eng_Latn", "en-GB"])
def test_labels_of_other_models_are_understood(language: str) -> None:
    assert judged(f"{EN}\n{DE}\n{EN}", language) == (None, f"{EN}\n{EN}", {"dropped": 1})


BOKMAAL = (
    "Den gamle møllen står ved elven, og ingen har malt korn i den siden den store flommen kom og "
    "tok broen med seg."
)
NYNORSK = (
    "Den gamle mølla står ved elva, og ingen har male korn i henne sidan den store flaumen kom og "
    "tok brua med seg. Eg veit ikkje kvifor."
)


@pytest.mark.parametrize("language", ["no", "nn", "nob_Latn", "nno"])
def test_members_of_a_macrolanguage_are_no_other_language(language: str) -> None:
    assert judged(f"{BOKMAAL}\n{NYNORSK}\n{EN}", language)[1] == f"{BOKMAAL}\n{NYNORSK}"


def test_capitals_are_read_as_small_letters() -> None:
    assert judged(f"{EN.upper()}\n{DE.upper()}")[1] == EN.upper()


def test_the_share_of_what_went_is_a_signal() -> None:
    verdicts = judge_language_paragraphs(
        pa.array([EN, f"{EN}\n{DE}"], pa.large_string()), pa.array(["en", "en"])
    )
    share = verdicts.signals["language-paragraphs/dropped-characters"]
    assert share.tolist() == [0.0, pytest.approx((len(DE) + 1) / (len(EN) + len(DE) + 1))]


def test_a_model_that_is_not_there_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        judged(EN, model="/no/such/model.bin")


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.lists(st.sampled_from([EN, DE, FR, "Short", ""]), max_size=6).map("\n".join),
            st.text(),
        ),
        max_size=3,
    )
)
def test_rows_alone_and_twice(texts: list[str]) -> None:
    texts = [text.strip() for text in texts]
    together = judge_language_paragraphs(
        pa.array(["x", *texts], pa.large_string())[1:], pa.array(["en"] * len(texts), pa.string())
    )
    assert together.rule.tolist() == [judged(text)[0] for text in texts]
    assert together.text.to_pylist() == [judged(text)[1] for text in texts]
    for rule, text in zip(together.rule, together.text.to_pylist(), strict=True):
        assert rule is not None or judged(text)[:2] == (None, text)
