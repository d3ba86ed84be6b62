"""Filter `prose`, whitespace words and their presets: menus are rejected, documentation is kept."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.filters.filter import Columns
from transforms.filters.presets import PRESETS, preset_filters
from transforms.filters.prose import judge_prose
from transforms.filters.registry import judge
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts
from transforms.filters.whitespace_words import whitespace_words
from transforms.sources.registry import KINDS

MENU = "Home\nAbout us\nTerms of use\nContact the team\nAll products\nSign in to the shop\n"
PROSE = (
    "The parser reads one record after the other, and it stops where the index says that the file "
    "ends.\n"
)
CODE = """def read(path: str) -> None:
    for line in open(path):
        if not line.strip():
            continue
        print(line, end='')
"""
TABLE = (
    "| option | default | meaning |\n|---|---|---|\n"
    "| `--size` | 64 | bytes in a block |\n| `--jobs` | 2 | workers |\n"
)
CHINESE = "河水在夜里上涨了，早晨低处的田地都在水下，村里的人没有办法，只好等到天亮。\n"


def prose(text: str, language: str | None = "en", **options: float) -> tuple[str | None, float]:
    texts = pa.array([text], pa.large_string())
    verdicts = judge_prose(texts, pa.array([language], pa.string()), tokenize(texts), **options)
    return verdicts.rule[0], float(verdicts.signals["prose/too-little"][0])


@pytest.mark.parametrize(
    ("text", "language", "rule"),
    [
        (MENU * 4, "en", "prose/too-little"),
        (MENU * 4 + PROSE, "en", None),
        (PROSE, "en", None),
        (CODE * 4 + PROSE, "en", None),
        (CODE * 4, "en", "prose/too-little"),
        (TABLE + PROSE, "eng_Latn", None),
        ("The parser reads\none record after\nthe other, and it\nstops at the end.\n", "en", None),
        (
            "Home\nabout us and the team\nContact\nterms of use, privacy\n" * 5,
            "en",
            "prose/too-little",
        ),
        ("ראשי\nעל המפעל, ועל הנהר\nיצירת קשר\nתנאי שימוש\n" * 5, "he", "prose/too-little"),
        (
            "cheap shoes buy shoes online best price shoes discount shoes free shipping\n" * 5,
            "en",
            "prose/too-little",
        ),
        (
            "cheap shoes to buy with the best price of all and free shipping\n" * 5,
            "en",
            "prose/too-little",
        ),
        (PROSE.upper() * 3, "en", "prose/too-little"),
        (PROSE.upper() * 3, "cy", None),
        (PROSE * 3, "de", "prose/too-little"),
        (PROSE * 3, None, None),
        (CHINESE, "zh", None),
        (CHINESE, "cmn_Hani", None),
        (CHINESE.replace("，", "").replace("。", ""), "zh", "prose/too-little"),
        ("โดยที่การยอมรับนับถือเกียรติศักดิ์ประจำตัว และสิทธิเท่าเทียมกัน", "th", None),
        ("หน้าแรก\nติดต่อเรา\nสินค้า\n" * 5, "tha_Thai", "prose/too-little"),
        ("首页\n关于我们\n联系我们的团队\n产品，服务\n" * 5, "zh", "prose/too-little"),
        ("", "en", "prose/too-little"),
        ("\n\n", "en", "prose/too-little"),
    ],
)
def test_what_is_prose(text: str, language: str | None, rule: str | None) -> None:
    assert prose(text, language)[0] == rule


def test_the_share_is_of_characters_without_line_feeds() -> None:
    assert prose("Ab\n" * 10 + PROSE)[1] == pytest.approx((len(PROSE) - 1) / (len(PROSE) - 1 + 20))
    assert prose(MENU + PROSE, min_share=0.9)[0] == "prose/too-little"
    assert prose(MENU, min_words=2, min_stop_words=0, min_share=0.0)[0] is None


@given(
    st.lists(
        st.one_of(st.sampled_from([MENU, PROSE, CODE, "", "\n", "x"]), st.text()),
        min_size=1,
        max_size=5,
    )
)
def test_rows_are_judged_alone(texts: list[str]) -> None:
    column = pa.array(["x", *texts], pa.large_string())[1:]
    together = judge_prose(column, pa.array(["en"] * len(texts)), tokenize(column))
    assert together.rule.tolist() == [prose(text)[0] for text in texts]


@given(st.lists(st.text("aé-.,1 \n\tж漢\u00a0\u2028"), max_size=4))
def test_words_between_white_space_are_what_is_split(texts: list[str]) -> None:
    words = whitespace_words(tokenize(pa.array(texts, pa.large_string())))
    expected = [text.split() for text in texts]
    assert words.per_document.tolist() == list(map(len, expected))
    letters = [any(sign.isalpha() for sign in word) for text in expected for word in text]
    assert words.has_letter.tolist() == letters
    assert (words.spans.ends - words.spans.starts).tolist() == [
        len(word) for text in expected for word in text
    ]


def judged(
    texts: list[str], *, preset: str, kind: str = "", language: str = "en"
) -> list[str | None]:
    batch = pa.record_batch(
        {"text": pa.array(texts, pa.large_string()), "language": pa.array([language] * len(texts))}
    )
    verdicts = Verdicts.kept(len(texts))
    for name, options in preset_filters(preset, books=kind in KINDS and KINDS[kind].books):
        found = judge(Columns(batch), name=name, options=options)
        verdicts = verdicts.then(found)
        if found.text is not None:
            batch = batch.set_column(0, "text", found.text)
    return verdicts.rule.tolist()


DIALOGUE = """"No," said the miller; "the wheel - it is old - does not turn."

"And the corn?" - "Gone," he said; "gone, with the flood, in one night."
"""


def test_punctuation_between_words_is_no_word_to_the_literal_reading() -> None:
    batch = pa.record_batch(
        {"text": pa.array([DIALOGUE * 3], pa.large_string()), "language": pa.array(["en"])}
    )
    options = [dict(PRESETS[preset])["gopher"] for preset in ("fineweb", "fineweb-whitespace")]
    assert [judge(Columns(batch), name="gopher", options=given).rule[0] for given in options] == [
        "gopher/alphabetic-words",
        None,
    ]


def test_words_option_leaves_languages_without_spaces_alone() -> None:
    text = pa.array([CHINESE * 6], pa.large_string())
    batch = pa.record_batch({"text": text, "language": pa.array(["zh"])})
    rules = [
        judge(Columns(batch), name="gopher", options={"words": words}).rule[0]
        for words in ("tokens", "whitespace")
    ]
    assert rules == [None, None]


REFERENCE = """write_table

Writes a table to a file of {name}.

Syntax
write_table(path, rows, size=64)

Parameters
path - where the file of {name} is, a folder is made if there is none.
rows - the rows to write, each of them a list of {name} values.
size=64 - bytes in a block; 0 means that the library chooses.

Returns
None

Example
>>> write_table("a.bin", [[1, 2], [3, 4]], size=128)
>>> {{"rows": 2}}
"""


def test_technical_keeps_reference_pages_that_fineweb_rejects() -> None:
    page = REFERENCE.format(name="numbers")
    assert judged([page], preset="technical") == [None]
    assert judged([page], preset="fineweb")[0] is not None
    assert judged([MENU * 8], preset="technical")[0] is not None
    assert judged(["0x1f 0x2a 0x3b 12 34 56 78 " * 40], preset="technical")[0] is not None


NOVEL = [
    f"{name} went down to the river in the {season}, and {pronoun} saw that the wheel of the mill "
    "had stopped, for the ice was thick."
    for name in ("Anna", "Karl", "Ruth", "Peter", "Clara", "John", "Mary", "Hugh")
    for season, pronoun in (("winter", "he"), ("spring", "she"), ("autumn", "nobody"))
]


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(
            f"{('I', 'II', 'III')[number % 3]}\n\n{part}" for number, part in enumerate(NOVEL)
        ),
        "\n\n".join(f"* * *\n\n{part}" for part in NOVEL),
        "\n\n".join(
            f"{('HAMLET.', 'OPHELIA.')[number % 2]}\n{part}" for number, part in enumerate(NOVEL)
        ),
        "\n\n".join(f"{number % 4 + 1}\n\n{part}" for number, part in enumerate(NOVEL)),
    ],
    ids=["chapters", "rules", "speakers", "numbers"],
)
def test_books_may_repeat_their_short_lines(preset: str, text: str) -> None:
    lines = dict(preset_filters(preset, books=True))
    batch = pa.record_batch(
        {"text": pa.array([text], pa.large_string()), "language": pa.array(["en"])}
    )
    for name in ("gopher-repetition", "fineweb-quality", "fineweb-quality-paper"):
        if name in lines:
            found = judge(Columns(batch), name=name, options=lines[name])
            repeated = {
                rule: value[0] for rule, value in found.signals.items() if "duplicate-" in rule
            }
            assert (found.rule[0] or "").partition("/")[2] not in (
                "duplicate-lines",
                "duplicate-paragraphs",
            ), repeated
