"""Decoding: declarations that are followed, those that cannot be right, and no declaration."""

import gzip
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.sources.textdecoder.cases import SENTENCES, broken_bytes
from transforms.sources import decoding
from transforms.sources.declared import is_known
from transforms.sources.decoding import Decoded, decode_html, decode_plain, decode_xml
from transforms.sources.whatwg import decode

GERMAN = "Im Frühjahr stieg der Fluß über die Ufer, und die Bäume standen im Wasser. "
RUSSIAN = "Ночью река вышла из берегов, и утром поля лежали под водой. "
JAPANESE = "川は夜のうちに増水し、朝には低い畑が水の下にあった。"
KOREAN = "밤사이 강물이 불어나 아침에는 낮은 들이 물에 잠겨 있었다. "
CHINESE = "河水在夜里上涨了，早上低处的田地都在水下。"
TAIWANESE = "河水在夜裡上漲了，早上低處的田地都在水下。"
PAGE = "<!doctype html><html><head>{}<title>x</title></head><body><p>{}</p></body></html>"


def page(text: str, label: str | None = None) -> str:
    return PAGE.format(f"<meta charset={label}>" if label else "", text)


# A declaration that fits is followed, and each bad byte is one U+FFFD.


@pytest.mark.parametrize("declared", ["utf-8", None, "iso-8859-1", "gbk"])
@pytest.mark.parametrize(
    ("bad", "read"),
    [
        (b"\xff", "\ufffd"),
        ("ü".encode("latin-1"), "\ufffd"),
        ("ü".encode()[:1], "\ufffd"),
        ("漢".encode()[:2], "\ufffd"),
        ("漢".encode()[1:], "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xf5", "\ufffd"),
    ],
)
def test_utf8_with_a_bad_byte_stays(declared: str | None, bad: bytes, read: str) -> None:
    text = page(GERMAN * 3 + "|" + GERMAN, declared)
    found = decode_html(text.encode().replace(b"|", b" " + bad + b" "))
    assert found.text == text.replace("|", f" {read} ")
    assert (found.encoding, found.errors) == ("utf-8", len(read))


@pytest.mark.parametrize("bad", [b"\xff", "ü".encode("latin-1"), b"\x92"])
def test_one_bad_byte_in_ascii_that_is_declared_utf8(bad: bytes) -> None:
    body = page("The river r|se in the night", "utf-8").encode().replace(b"|", bad)
    assert decode_html(body).text == page("The river r\ufffdse in the night", "utf-8")


def test_a_character_cut_at_the_end_is_one_error() -> None:
    assert decode_plain(GERMAN.encode() + "漢".encode()[:2]).text == GERMAN + "\ufffd"
    assert (
        decode_html(page(JAPANESE, "utf-8").encode()[: -len("</p></body></html>") - 1]).errors == 1
    )


def test_a_paragraph_in_another_encoding_does_not_change_the_rest() -> None:
    mixed = page(GERMAN * 9 + "|", "utf-8").encode().replace(b"|", GERMAN.encode("latin-1"))
    found = decode_html(mixed)
    assert found.text.count(GERMAN) == 9
    assert found.errors == 4


def encodings() -> list[tuple[str, str, str, str]]:
    return [
        (language, sentence, *pair.split("="))
        for language, (sentence, names) in SENTENCES.items()
        for pair in names.split()  # type: ignore[misc]
    ]


@pytest.mark.parametrize(("language", "sentence", "encoding", "codec"), encodings())
def test_a_declared_page_with_a_broken_byte_anywhere_is_read_as_declared(
    language: str, sentence: str, encoding: str, codec: str
) -> None:
    head, tail = (
        (f"<html><meta charset={encoding}><p>", "</p>")
        if not encoding.startswith("utf-16")
        else ("<html><p>", "</p>")
    )
    head_bytes, tail_bytes = (part.encode(codec) for part in (head, tail))
    content = sentence.encode(codec, "ignore")
    assert decode_html(
        head_bytes + content + tail_bytes, charset=encoding if "16" in encoding else None
    ).text.startswith(head)
    for what, broken in list(broken_bytes(content))[::3]:
        if encoding.startswith("utf-16") and what.startswith(("inserted", "deleted", "cut")):
            continue  # what follows is shifted by a byte, markup and all
        body = head_bytes + broken + tail_bytes
        found = decode_html(body, charset=encoding if "16" in encoding else None)
        assert found.text == decode(body, encoding), what


# A declaration that cannot be right, and no declaration.

WHOLE = [
    (GERMAN, "latin-1"),
    ("L’été dernier, l’œuvre coûtait 15 € à peine, a-t-on répété. ", "cp1252"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8_r"),
    (RUSSIAN, "cp866"),
    (JAPANESE, "cp932"),
    (JAPANESE, "euc_jp"),
    (KOREAN, "cp949"),
    (CHINESE, "gb18030"),
    (TAIWANESE, "big5"),
    ("Το πρωί έβρεξε και το ποτάμι ξεχείλισε πάλι. ", "iso8859_7"),
    ("Příliš žluťoučký kůň úpěl ďábelské ódy, voda stoupala. ", "cp1250"),
    ("Gece ırmak yükseldi, sabah tarlalar şıpır şıpır sudaydı, değil mi? ", "iso8859_9"),
    ("הנהר עלה בלילה, ובבוקר עמדו השדות הנמוכים במים. ", "cp1255"),
    ("ارتفع النهر في الليل وكانت الحقول تحت الماء في الصباح. ", "cp1256"),
    ("แม่น้ำขึ้นสูงในเวลากลางคืน และตอนเช้าทุ่งนาก็จมอยู่ใต้น้ำ ", "cp874"),
]


@pytest.mark.parametrize("declared", ["utf-8", None])
@pytest.mark.parametrize(("text", "codec"), WHOLE)
def test_a_whole_page_of_another_encoding(text: str, codec: str, declared: str | None) -> None:
    wanted = page(text * 4, declared)
    found = decode_html(wanted.encode(codec))
    assert found.text == wanted
    assert (found.source, found.errors) == ("detected", 0)
    assert decode_xml(wanted.encode(codec)).text == wanted
    assert decode_plain((text * 4).encode(codec)).text == text * 4


@pytest.mark.parametrize("declared", ["utf-8", None])
@pytest.mark.parametrize(("text", "codec"), WHOLE)
def test_and_with_a_stray_byte_in_it(text: str, codec: str, declared: str | None) -> None:
    body = page(text * 2 + "| " + text * 2, declared).encode(codec).replace(b"|", b"\xff")
    found = decode_html(body).text
    assert (
        found[: found.index(text) + 2 * len(text)]
        == page(text * 2 + "|", declared)[: found.index(text) + 2 * len(text)]
    )
    assert found.count(text.strip()) == 4


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        (JAPANESE, "cp932", "iso-8859-1"),
        (JAPANESE, "cp932", "euc-jp"),
        (RUSSIAN, "cp1251", "iso-8859-1"),
        (CHINESE, "gb18030", "windows-1252"),
        (KOREAN, "cp949", "iso-8859-1"),
        (JAPANESE, "utf-8", "shift_jis"),
        (GERMAN, "utf-8", "iso-8859-1"),
        (RUSSIAN, "utf-8", "windows-1251"),
        (GERMAN, "latin-1", "euc-kr"),
        (GERMAN, "latin-1", "utf-16"),
        (JAPANESE, "iso2022_jp", "utf-8"),
    ],
)
def test_a_declaration_that_cannot_be_right(text: str, codec: str, declared: str) -> None:
    wanted = page(text * 4, declared)
    assert decode_html(wanted.encode(codec)).text == wanted
    assert decode_html(page(text * 4).encode(codec), charset=declared).text == page(text * 4)


def test_the_page_itself_is_asked_before_the_detector() -> None:
    body = page("Vanhassa kirjassa näkyi hämärää jälkeä. " * 3, "iso-8859-4").encode("iso8859_4")
    found = decode_html(body, charset="utf-8")
    assert (found.encoding, found.source) == ("iso-8859-4", "meta")


@pytest.mark.parametrize("codec", ["cp850", "cp437", "mac_roman"])
@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "L'été dernier, la rivière était très haute et les prés étaient sous l'eau, a-t-on "
        "répété. ",
    ],
)
def test_latin_scripts_of_dos_and_mac(text: str, codec: str) -> None:
    assert decode_plain((text * 6).encode(codec)).text == text * 6
    assert decode_plain((text * 6).encode("latin-1")).text == text * 6


@pytest.mark.parametrize("charset", [None, "gbk", "euc-jp", "windows-1252", "utf-8"])
@pytest.mark.parametrize(
    ("text", "codec"), [(GERMAN, "utf-8"), (CHINESE, "gbk"), (RUSSIAN, "cp1251")]
)
def test_long_texts_are_decided_by_a_part_of_them(
    text: str, codec: str, charset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (text * 40).encode(codec) + b"\xff " + (text * 40).encode(codec)
    whole = decode_plain(data, charset=charset)
    for size in (500, 2000):
        monkeypatch.setattr(decoding, "_LONG", size)
        assert decode_plain(data, charset=charset) == whole


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        each
        for each in WHOLE
        if each[1] in ("cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949")
    ],
)
def test_without_the_detector_there_is_another(
    text: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "chardetng_py", None)
    assert decode_html(page(text * 4, "utf-8").encode(codec)).text == page(text * 4, "utf-8")


def test_http_goes_before_the_page_and_a_mark_before_both() -> None:
    body = page(RUSSIAN, "koi8-r").encode("cp1251")
    assert decode_html(body, charset='"windows-1251"') == (
        page(RUSSIAN, "koi8-r"),
        "windows-1251",
        "http",
        0,
    )
    assert decode_html(page(RUSSIAN, "koi8-r").encode("utf-8-sig"), charset="koi8-r").text == page(
        RUSSIAN, "koi8-r"
    )
    for codec in ("utf-16", "utf-16-be", "utf-32"):
        marked = page(RUSSIAN, "koi8-r").encode(codec)
        marked = marked if codec != "utf-16-be" else b"\xfe\xff" + marked
        assert decode_html(marked, charset="koi8-r").text == page(RUSSIAN, "koi8-r")


# UTF-16


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", [RUSSIAN * 3, GERMAN * 3, JAPANESE * 5, "The river rose in the night. " * 3]
)
def test_utf16_without_a_mark(text: str, codec: str) -> None:
    name = codec.replace("16-", "16")
    for charset in (name, "utf-8", None):
        assert decode_html(page(text).encode(codec), charset=charset).text == page(text)
    assert decode_plain((text + "\n").encode(codec), charset=name).text == text + "\n"
    assert decode_plain((text + "\n").encode(codec)).text == text + "\n"


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE, "The river rose in the night. "])
@pytest.mark.parametrize("charset", ["utf-16le", "utf-16be", "utf-16", "unicode"])
def test_utf8_that_is_declared_utf16(text: str, charset: str) -> None:
    assert decode_html(page(text * 3).encode(), charset=charset).text == page(text * 3)
    assert decode_html(page(text * 3, charset).encode()).text == page(text * 3, charset)


def test_a_zero_byte_makes_no_utf16() -> None:
    body = page(GERMAN + "\0" + GERMAN, "utf-8")
    assert decode_html(body.encode()).text == body


# Seven bits, few characters, labels that browsers do not decode


@pytest.mark.parametrize(
    ("label", "codec"),
    [("iso-2022-jp", "iso2022_jp"), ("hz-gb-2312", "hz"), ("iso-2022-kr", "iso2022_kr")],
)
def test_seven_bits(label: str, codec: str) -> None:
    text = page({"hz": CHINESE, "iso2022_kr": KOREAN}.get(codec, JAPANESE).strip(), label)
    assert decode_html(text.encode(codec)).text == text


def test_what_looks_like_an_escape_is_text() -> None:
    for text in ("~{ not hz ~}", "a terminal's \x1b$B", "1 + 1 -"):
        assert decode_html(page(text).encode()).text == page(text)
        assert decode_html(page(text + "é").encode()).text == page(text + "é")


def test_few_pairs_that_are_valid_utf8_by_chance() -> None:
    assert decode_html(page("通", "gbk").encode("gbk")).text == page(
        "通", "gbk"
    )  # CD A8, U+0368 in UTF-8
    assert decode_html(page("© 2019", "gbk").encode()).text == page("© 2019", "gbk")
    assert decode_html(page("naïve café", "shift_jis").encode()).text == page(
        "naïve café", "shift_jis"
    )


@pytest.mark.parametrize(("label", "codec"), [("cp437", "cp437"), ("ibm850", "cp850")])
def test_labels_that_only_python_knows(label: str, codec: str) -> None:
    assert decode_html(page("Größe und Länge", label).encode(codec)).text == page(
        "Größe und Länge", label
    )


def test_xml_declarations() -> None:
    labels = [("windows-1251", "cp1251"), ("gb2312", "gbk"), ("ISO-8859-5", "iso8859_5")]
    for label, codec in (
        *labels,
        *(("utf-16", codec) for codec in ("utf-16", "utf-16-le", "utf-16-be")),
    ):
        text = f'<?xml version="1.0" encoding="{label}"?><rss>{RUSSIAN}</rss>'
        assert decode_xml(text.encode(codec)).text == text
    both = '<?xml version="1.0" encoding="koi8-r"?><html><meta charset="windows-1251">' + RUSSIAN
    assert (decode_xml(both.encode("koi8_r")).text, decode_html(both.encode("cp1251")).text) == (
        both,
        both,
    )
    smart = '<?xml version="1.0" encoding="iso-8859-1"?><a>don’t</a>'
    assert decode_xml(smart.encode("cp1252")).text == smart


@given(
    st.binary(max_size=400),
    st.sampled_from(
        [None, "utf-8", "utf-16", "gbk", "iso-2022-jp", "hz-gb-2312", "windows-1252", "nonsense"]
    ),
)
def test_any_bytes_become_text(data: bytes, charset: str | None) -> None:
    for read in (decode_html, decode_xml, decode_plain):
        found = read(data, charset=charset)
        found.text.encode()
        assert found.errors >= 0
        assert is_known(found.encoding)


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0\x1b~\ufeff"), max_size=300)
)
def test_utf8_comes_back(text: str) -> None:
    assert decode_plain(text.encode()).text == text
    assert decode_html(text.encode(), charset="utf-8").text == text


@pytest.mark.real_data
def test_bad_bytes_of_real_pages(data_folder: Path) -> None:
    errors: dict[str, int] = {}
    for path in sorted((data_folder / "web").glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                found = decode_html(record.reader.read(), charset=record.http_charset)
                if found.errors:
                    assert found.text.count("Ã") < 3
                    errors[record.headers["WARC-Target-URI"].split("/")[2]] = found.errors
    assert errors == {
        "www.der-erfolg-gibt-recht.de": 3,
        "www.tierschutzpartei.de": 4,
        "www.maescot.de": 1,
        "www.radiomaryja.pl": 1,
    }


@pytest.mark.real_data
def test_declarations_in_fifty_languages(data_folder: Path) -> None:
    paragraphs: dict[str, list[str]] = defaultdict(list)
    with gzip.open(data_folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as lines:
        for language, text in (line.rstrip("\n").split("\t") for line in lines):
            paragraphs[language].append(text)
    assert len(paragraphs) > 50
    for texts in paragraphs.values():
        text = page(" ".join(texts[:4]), "utf-8")
        data = text.encode()
        assert decode_html(data).text == text
        for at in range(60, len(data), len(data) // 20):
            for broken in (
                data[:at] + b"\xff" + data[at:],
                data[:at] + data[at + 1 :],
                data[:at] + b"\xe9" + data[at + 1 :],
                data[:at],
            ):
                assert decode_html(broken).text == decode(broken, "utf-8")
                if len(data) - len(text) > 9:
                    assert decode_plain(broken).text == decode(broken, "utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "Hello you, it is.",
        "A line.",
        "Grüße an dich, und bis bald.",
        "Дом, и сад.",
        "x, y",
        "One two three four five.",
    ],
)
@pytest.mark.parametrize("end", ["\0", "\0\n", " \0", "\0\0"])
@pytest.mark.parametrize("times", [1, 2, 3, 20])
@pytest.mark.parametrize("decoder", [decode_plain, decode_html])
def test_lines_that_end_in_nul_are_no_utf_16(
    line: str, end: str, times: int, decoder: Callable[..., Decoded]
) -> None:
    text = (line + end) * times
    assert decoder(text.encode())[:2] == (text, "utf-8")
