"""Codes of languages: what an entry of a configuration means, for the labels of several models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.filters.language import known_languages
from transforms.filters.language_codes import (
    STANDARD,
    is_same_language,
    is_unspaced,
    label_thresholds,
    labels_of,
    labels_of_name,
    names_language,
    rules_language,
)

LID176 = known_languages(None)
GLOTLID = (
    "eng_Latn", "deu_Latn", "gsw_Latn", "fra_Latn", "cmn_Hani", "yue_Hani", "wuu_Hani", "cmn_Latn",
    "arb_Arab", "arz_Arab", "ary_Arab", "nob_Latn", "nno_Latn", "zsm_Latn", "ind_Latn", "pes_Arab",
    "prs_Arab", "swh_Latn", "swc_Latn", "azj_Latn", "azb_Arab", "ekk_Latn", "vro_Latn", "lvs_Latn",
    "ltg_Latn", "khk_Cyrl", "uzn_Latn", "uzn_Cyrl", "als_Latn", "aln_Latn", "hrv_Latn", "srp_Cyrl",
    "srp_Latn", "bos_Latn", "kmr_Latn", "ckb_Arab", "npi_Deva", "ory_Orya", "plt_Latn", "gaz_Latn",
    "ydd_Hebr", "fil_Latn", "jpn_Jpan", "rus_Cyrl", "tha_Thai", "swe_Latn", "und_Zyyy",
)  # fmt: skip
LID218 = (
    "eng_Latn", "zho_Hans", "zho_Hant", "yue_Hant", "arb_Arab", "acm_Arab", "nob_Latn", "nno_Latn",
    "est_Latn", "azj_Latn", "sqi_Latn", "tgl_Latn", "swh_Latn",
)  # fmt: skip
OPENLID3 = ("ara_Arab", "fas_Arab", "cmn_Hans", "cmn_Hant", "srp_Latn", "srp_Cyrl", "zxx_Zxxx")
BARE = ("eng", "zho", "ara", "nor", "msa", "ind", "als", "gsw", "deu")


@pytest.mark.parametrize(
    ("entry", "labels", "expected"),
    [
        *[
            (entry, GLOTLID, "eng_Latn")
            for entry in ("en", "eng", "eng_Latn", "ENG_LATN", "eng-Latn", "en_Latn")
        ],
        *[(entry, LID176, "en") for entry in ("en", "eng", "EN")],
        *[(entry, BARE, "eng") for entry in ("en", "eng")],
        ("ger", GLOTLID, "deu_Latn"),
        ("chi", BARE, "zho"),
        ("zh", LID176, "zh"),
        ("zho", LID176, "zh"),
        ("cmn", LID176, "zh"),
        ("zh", GLOTLID, "cmn_Hani yue_Hani wuu_Hani cmn_Latn"),
        ("zh_Hani", GLOTLID, "cmn_Hani yue_Hani wuu_Hani"),
        ("cmn", GLOTLID, "cmn_Hani cmn_Latn"),
        ("zh", LID218, "zho_Hans zho_Hant yue_Hant"),
        ("zh-Hans", LID218, "zho_Hans"),
        ("cmn", LID218, "zho_Hans zho_Hant"),
        ("cmn_Hant", LID218, "zho_Hant"),
        ("zh", OPENLID3, "cmn_Hans cmn_Hant"),
        ("zho_Hant", OPENLID3, "cmn_Hant"),
        ("ar", GLOTLID, "arb_Arab arz_Arab ary_Arab"),
        ("ara", LID218, "arb_Arab acm_Arab"),
        ("ar", OPENLID3, "ara_Arab"),
        ("arb", OPENLID3, "ara_Arab"),
        ("arz", OPENLID3, ""),
        ("arb", LID176, "ar"),
        ("no", GLOTLID, "nob_Latn nno_Latn"),
        ("nor", LID218, "nob_Latn nno_Latn"),
        ("nb", GLOTLID, "nob_Latn"),
        ("nn", GLOTLID, "nno_Latn"),
        ("no", LID176, "no"),
        ("nob", LID176, "no"),
        ("nb", LID176, "no"),
        ("nno", LID176, "nn"),
        ("ms", GLOTLID, "zsm_Latn"),
        ("msa", BARE, "msa"),
        ("zsm", LID176, "ms"),
        ("id", GLOTLID, "ind_Latn"),
        ("fa", GLOTLID, "pes_Arab prs_Arab"),
        ("pes", OPENLID3, "fas_Arab"),
        ("sw", GLOTLID, "swh_Latn swc_Latn"),
        ("swh", LID176, "sw"),
        ("az", GLOTLID, "azj_Latn azb_Arab"),
        ("az_Latn", GLOTLID, "azj_Latn"),
        ("et", GLOTLID, "ekk_Latn vro_Latn"),
        ("ekk", LID218, "est_Latn"),
        ("lv", GLOTLID, "lvs_Latn ltg_Latn"),
        ("mn", GLOTLID, "khk_Cyrl"),
        ("uz", GLOTLID, "uzn_Latn uzn_Cyrl"),
        ("uz_Cyrl", GLOTLID, "uzn_Cyrl"),
        ("sq", GLOTLID, "als_Latn aln_Latn"),
        ("als", GLOTLID, "als_Latn"),
        ("als", LID218, "sqi_Latn"),
        ("sq", LID176, "sq"),
        ("sqi", LID176, "sq"),
        ("gsw", LID176, "als"),
        ("als", LID176, "als"),
        ("sq", BARE, "als"),
        ("ku", GLOTLID, "kmr_Latn ckb_Arab"),
        ("ne", GLOTLID, "npi_Deva"),
        ("or", GLOTLID, "ory_Orya"),
        ("mg", GLOTLID, "plt_Latn"),
        ("om", GLOTLID, "gaz_Latn"),
        ("yi", GLOTLID, "ydd_Hebr"),
        ("tl", GLOTLID, "fil_Latn"),
        ("fil", LID218, "tgl_Latn"),
        ("sh", GLOTLID, "hrv_Latn srp_Cyrl srp_Latn bos_Latn"),
        ("sr", OPENLID3, "srp_Latn srp_Cyrl"),
        ("sr_Cyrl", OPENLID3, "srp_Cyrl"),
        ("iw", LID176, "he"),
        ("und_Zyyy", GLOTLID, "und_Zyyy"),
        ("", GLOTLID, ""),
        ("xx", GLOTLID, ""),
        ("english", LID176, ""),
        ("eng_Cyrl", GLOTLID, ""),
        ("srp_Latn", LID176, ""),
    ],
)
def test_what_an_entry_means(entry: str, labels: tuple[str, ...], expected: str) -> None:
    assert sorted(labels_of(entry, labels)) == sorted(expected.split())


@pytest.mark.parametrize("label", [*LID176, *GLOTLID])
def test_a_label_of_the_model_means_itself(label: str) -> None:
    assert labels_of(label, LID176 if label in LID176 else GLOTLID) == (label,)


def test_the_standard_members_are_members() -> None:
    from iso639 import Language

    for macrolanguage, member in STANDARD.items():
        assert Language.from_part3(macrolanguage).scope == "M"
        assert Language.from_part3(member).macrolanguage == macrolanguage


def test_names_lead_to_labels() -> None:
    assert labels_of_name("english", LID176) == ("en",)
    assert labels_of_name("Swahili", GLOTLID) == ("swh_Latn", "swc_Latn")
    assert labels_of_name("Volapuek", LID176) == ()


def test_the_nearest_threshold_decides() -> None:
    found = label_thresholds(
        {
            "default": 0.7,
            "zh": 0.4,
            "cmn": 0.5,
            "uz_Cyrl": 0.3,
            "uz": 0.2,
            "arz_Arab": 0.1,
            "ar": 0.6,
        },
        GLOTLID,
        default=0.65,
    )
    wanted = {
        "yue_Hani": 0.4,
        "cmn_Hani": 0.5,
        "uzn_Cyrl": 0.3,
        "uzn_Latn": 0.2,
        "arz_Arab": 0.1,
        "arb_Arab": 0.6,
        "eng_Latn": 0.7,
    }
    assert {label: found[label] for label in wanted} == wanted
    assert label_thresholds({"sw": 0.4}, LID176, default=0.65) == {
        label: 0.4 if label == "sw" else 0.65 for label in LID176
    }


@given(st.permutations(["zh", "cmn", "cmn_Hani", "default"]))
def test_the_order_of_a_threshold_table_does_not_matter(order: list[str]) -> None:
    values = {"zh": 0.1, "cmn": 0.2, "cmn_Hani": 0.3, "default": 0.4}
    found = label_thresholds({name: values[name] for name in order}, GLOTLID, default=0.65)
    assert (found["yue_Hani"], found["cmn_Latn"], found["cmn_Hani"], found["eng_Latn"]) == (
        0.1,
        0.2,
        0.3,
        0.4,
    )


@pytest.mark.parametrize(
    ("code", "other", "same"),
    [
        ("eng_Latn", "en", True),
        ("hrv_Latn", "sr", True),
        ("no", "nno_Latn", True),
        ("arz_Arab", "ar", True),
        ("als", "sq", False),
        ("als_Latn", "sq", True),
        ("ind_Latn", "ms", False),
        ("en", "de", False),
        ("xx", "xy", False),
    ],
)
def test_same_languages(code: str, other: str, same: bool) -> None:
    assert is_same_language(code, other) is same
    assert is_same_language(other, code) is same


@pytest.mark.parametrize(
    ("code", "rules", "unspaced"),
    [
        ("en", "en", False),
        ("eng_Latn", "en", False),
        ("en-GB", "en", False),
        ("cmn_Hani", "zh", True),
        ("zho_Hans", "zh", True),
        ("cmn_Latn", "cmn_Latn", False),
        ("rus_Latn", "rus_Latn", False),
        ("rus_Cyrl", "ru", False),
        ("arb_Arab", "ar", False),
        ("jpn_Jpan", "ja", True),
        ("tha_Thai", "th", True),
        ("yue_Hant", "yue", True),
        ("lzh_Hani", "lzh", True),
        ("nan_Latn", "nan", False),
        ("swe", "sv", False),
        (None, None, False),
    ],
)
def test_the_rules_of_filters_for_a_label(
    code: str | None, rules: str | None, unspaced: bool
) -> None:
    assert (rules_language(code), is_unspaced(code)) == (rules, unspaced)


@pytest.mark.parametrize(
    ("entry", "code", "named"),
    [
        ("de", "deu_Latn", True),
        ("de", "de", True),
        ("sq", "als", False),
        ("sq", "als_Latn", True),
        ("zh", "yue_Hant", True),
        ("en", "de", False),
    ],
)
def test_lists_by_language_are_for_labels_of_any_model(entry: str, code: str, named: bool) -> None:
    assert names_language(entry, code) is named
