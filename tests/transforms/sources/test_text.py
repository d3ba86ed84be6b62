"""Source `text`: encodings, and the header and licence of Project Gutenberg."""

import io

import pytest

from transforms.sources.decoding import decode_plain
from transforms.sources.gutenberg import strip_gutenberg
from transforms.sources.records import RawDocument, RawReject
from transforms.sources.text import read_text

BOOK = "Der Bär ging über die Straße. Ça va très bien, señor. " * 20


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (BOOK.encode(), BOOK),
        (BOOK.encode("utf-8-sig"), BOOK),
        (BOOK.encode("utf-16"), BOOK),
        (BOOK.encode("utf-32"), BOOK),
        (BOOK.encode("cp1252"), BOOK),
        (
            "Все счастливые семьи похожи друг на друга. ".encode("cp1251") * 9,
            "Все счастливые семьи похожи друг на друга. " * 9,
        ),
        (BOOK.encode("utf-16-le"), BOOK),
        (BOOK.encode("utf-16-be"), BOOK),
        ("川の水が夜のうちに増えた。\n".encode("cp932") * 9, "川の水が夜のうちに増えた。\n" * 9),
        ("夜里河水上涨了。\n".encode("gb18030") * 9, "夜里河水上涨了。\n" * 9),
        ("강물이 불어났다. 펲시콜라\n".encode("cp949") * 9, "강물이 불어났다. 펲시콜라\n" * 9),
        (b"", ""),
    ],
)
def test_encodings(data: bytes, expected: str) -> None:
    assert decode_plain(data).text == expected


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "cp1251", "cp949", "cp932", "gb18030"]
)
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_bad_byte_costs_itself_not_the_book(encoding: str, at: float) -> None:
    words = {
        "cp1251": "Ночью вода в реке поднялась",
        "cp949": "강물이 불어났다",
        "cp932": "川の水が夜に増えた",
        "gb18030": "夜里河水上涨了",
    }
    sentence = (
        words.get(encoding, "Der Bär ging über die Straße").encode(encoding.removesuffix("-sig"))
        + b". "
    )
    lines = [sentence] * 200
    lines.insert(int(at * len(lines)), b"\xff. ")
    [record] = read_text(io.BytesIO(b"\xef\xbb\xbf" * encoding.endswith("sig") + b"".join(lines)))
    assert isinstance(record, RawDocument)
    assert record.text.count(sentence.decode(encoding.removesuffix("-sig")).strip()) == 200
    assert len(record.text) == len(sentence.decode(encoding.removesuffix("-sig"))) * 200 + 2


def test_a_book_cut_inside_a_character_is_kept() -> None:
    [record] = read_text(io.BytesIO(BOOK.encode() + "ß".encode()[:1]))
    assert isinstance(record, RawDocument)
    assert record.text == BOOK + "\ufffd"


def test_junk_is_rejected_with_a_reason() -> None:
    [record] = read_text(io.BytesIO(bytes(range(256)) * 40))
    assert isinstance(record, RawReject)
    assert (record.rule, record.stage) == ("text/not-text", "read")
    assert record.detail


GUTENBERG = (
    "The Project Gutenberg EBook of Songs\r\n\r\nTitle: Songs of Two\r\nAuthor: Nobody\r\n\r\n"
    "*** START OF {} PROJECT GUTENBERG EBOOK SONGS ***\r\n\r\nFirst line.\r\nLast *** line.\r\n\r\n"
    "{}\r\nSmall print.\r\n"
)


@pytest.mark.parametrize("article", ["THE", "THIS"])
@pytest.mark.parametrize(
    "end",
    [
        "*** END OF THE PROJECT GUTENBERG EBOOK SONGS ***",
        "End of Project Gutenberg's Songs, by Nobody",
        "End of the Project Gutenberg Songs",
    ],
)
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_gutenberg_header_and_licence_are_off(article: str, end: str, line_end: str) -> None:
    [record] = read_text(
        io.BytesIO(GUTENBERG.format(article, end).replace("\r\n", line_end).encode())
    )
    assert record == RawDocument("0", "First line.\nLast *** line.", title="Songs of Two")


def test_a_book_without_markers_comes_whole() -> None:
    text = "He said: *** STOP ***\nEnd of the Project Gutenberg was near."
    assert strip_gutenberg(text) == (text, None)


def test_an_empty_file_is_a_reject() -> None:
    [record] = read_text(io.BytesIO(b"\xef\xbb\xbf \r\n\n"))
    assert isinstance(record, RawReject)
    assert (record.rule, record.stage) == ("extract/empty", "extract")
