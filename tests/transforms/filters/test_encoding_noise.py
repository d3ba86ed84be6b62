"""Filter `encoding-noise`: repairs, removals, kept characters, and a prefilter without misses."""

import ftfy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import DATA
from transforms.clean_text import clean_text
from transforms.filters.encoding_noise import clean_noise, judge_encoding_noise, suspects


def judged(text: str, **options: object) -> tuple[str | None, str, dict[str, int]]:
    verdicts = judge_encoding_noise(pa.array([text], pa.large_string()), **options)
    counts = {
        name.removeprefix("encoding-noise/"): int(count[0])
        for name, count in verdicts.counts.items()
        if count[0]
    }
    return verdicts.rule[0], verdicts.text[0].as_py(), counts


@pytest.mark.parametrize(
    ("text", "cleaned", "counts"),
    [
        ("plain\ttext\nof two lines", None, {}),
        ("schÃ¶n", "schön", {"mojibake": 1}),
        ("donâ€™t\nfine\nschÃ¶n größer", "don’t\nfine\nschön größer", {"mojibake": 2}),
        ("РџСЂРёРІРµС‚ РјРёСЂ", "Привет мир", {"mojibake": 1}),
        ("größer “schön”—Île-de-France, Ñandú, Ãrvore", None, {}),
        ("L’Éducation à Ärzte, naïve façade", None, {}),
        ("Привет мир, это тест", None, {}),
        ("日本語のテキスト。", None, {}),
        ("don\x92t", "don’t", {"mojibake": 1}),
        ("a\x01b\x7fc\x1b[0m", "abc[0m", {"controls": 3}),
        ("page one\fpage two\vmore\u2028end", "page one\npage two\nmore\nend", {"line-ends": 3}),
        ("so\xadft \ufeffmark\u200bed \u2066x\u2069", "soft marked x", {"invisible": 5}),
        ("می\u200cخواهم", None, {}),
        ("a\u200cb\u200d", "ab", {"invisible": 2}),
        ("क्\u200dष", None, {}),
        ("👩\u200d👩\u200d👧 ❤️\u200d🔥", None, {}),
        ("ភាសា\u200bខ្មែរ", None, {}),
        ("icon \ue001\U000f0001", "icon", {"private-use": 2}),
        ("x\ufdd0\uffff\U0001fffe", "x", {"noncharacters": 3}),
        ("flag \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", None, {}),
        ("hidden\U000e0041\U000e0042", "hidden", {"tags": 2}),
        ("o\u200b\u0308k", "ök", {"invisible": 1}),
        ("word " * 30 + "\ufffd", ("word " * 30).strip(), {"replacement-characters": 1}),
    ],
)
def test_what_is_cleaned_and_what_stays(
    text: str, cleaned: str | None, counts: dict[str, int]
) -> None:
    assert judged(text) == (None, text if cleaned is None else cleaned, counts)


def test_replacement_characters_and_emptiness_reject() -> None:
    assert judged("x" * 98 + "\ufffd\ufffd")[0] == "encoding-noise/replacement-characters"
    assert judged("x" * 99 + "\ufffd")[0] is None
    assert judged("\ufffd", max_replacement_characters=1.0)[0] == "encoding-noise/nothing-left"
    verdicts = judge_encoding_noise(pa.array(["x\ufffd", "y"], pa.large_string()))
    assert verdicts.value.tolist()[0] == 0.5
    assert verdicts.signals["encoding-noise/replacement-characters"].tolist() == [0.5, 0.0]


def test_mojibake_stays_where_that_is_asked() -> None:
    assert judged("schÃ¶n\x01", repair=False) == (None, "schÃ¶n", {"controls": 1})


NOISE = [
    "Ã¶",
    "â€™",
    "РџСЂ",
    "a",
    "B",
    "ö",
    "ß",
    "é",
    "\n",
    " ",
    "\x00",
    "\x85",
    "\xad",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\ufffd",
    "\ue000",
    "日",
    "👩",
]
NOISE += [
    "\u0308",
    "\U000e0041",
    "\U0001f3f4",
    "\U000e007f",
    "\uffff",
    "\u2028",
    "ก",
    "\f",
    "\xa0",
    "√©",
    "├⌐",
    "‚Äô",
    "Ä…",
    "Å¡",
]
TEXTS = st.one_of(st.lists(st.sampled_from(NOISE), max_size=12).map("".join), st.text()).map(
    clean_text
)


@settings(max_examples=400)
@given(TEXTS)
def test_doing_it_again_changes_nothing_and_texts_stay_as_documents_hold_them(text: str) -> None:
    once, _ = clean_noise(text)
    assert clean_noise(once)[0] == once
    assert clean_text(once) == once


@settings(max_examples=400)
@given(st.lists(TEXTS, max_size=4))
def test_the_cheap_test_misses_nothing_and_rows_do_not_matter_to_each_other(
    texts: list[str],
) -> None:
    array = pa.array(["ö\u200b", *texts, "ß"], pa.large_string())[1:-1]
    suspect = suspects(array)
    verdicts = judge_encoding_noise(array)
    for row, text in enumerate(texts):
        assert suspect[row] or clean_noise(text)[0] == text
        assert verdicts.text[row].as_py() == judged(text)[1]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "cp1250", "cp1251", "mac_roman", "cp437"]
)
@pytest.mark.parametrize(
    "text",
    ["l’été à Noël", "größer und schöner", "señor, ¿qué tal?", "Привет, мир", "Zażółć gęślą jaźń"],
)
def test_what_ftfy_repairs_of_utf8_read_as_another_code_page_is_repaired_here(
    encoding: str, text: str
) -> None:
    broken = text.encode().decode(encoding, "replace")
    if "\ufffd" in broken:
        broken = broken.replace("\ufffd", "")
    fixed = clean_text(ftfy.fix_encoding(broken))
    if fixed != broken:
        assert judged(broken)[1] == fixed


@pytest.mark.real_data
def test_on_real_books_nothing_is_repaired_that_was_right() -> None:
    import gzip

    with gzip.open(DATA / "books" / "Doyle_Lost_1912.txt.gz", "rt", encoding="utf-8-sig") as stream:
        paragraphs = [clean_text(paragraph) for paragraph in stream.read().split("\n\n")]
    verdicts = judge_encoding_noise(pa.array(paragraphs, pa.large_string()))
    assert verdicts.counts["encoding-noise/mojibake"].sum() == 0
