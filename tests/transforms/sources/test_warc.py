"""Source `warc`: the result of each kind of record, for synthetic records and real files."""

import gzip
import io
from pathlib import Path

import pytest

from transforms.sources import warc
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records
from transforms.sources.warc import read_warc

PARAGRAPH = (
    "The river rose in the night, and in the morning the lower fields lay under a sheet of brown "
    "water. " * 4
)
PAGE = (
    "<html><head><title>Flood &amp; field</title></head><body><nav><a href=/>Home</a></nav>"
    "<main><h1>Flood</h1><p>{}</p></main></body></html>"
)


def record(
    body: bytes,
    *,
    status: str = "200 OK",
    headers: str = "Content-Type: text/html",
    url: str = "http://example.org/a",
    kind: str = "response",
) -> bytes:
    payload = f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: "
        "2024-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"


def read(*records: bytes) -> list[Record]:
    return list(read_warc(io.BytesIO(b"".join(gzip.compress(each) for each in records))))


def test_main_text_title_url_and_offset() -> None:
    first = record(b"", kind="request")
    found = read(first, record(PAGE.format(PARAGRAPH).encode(), url="<http://example.org/b>"))
    assert found == [
        RawDocument(
            str(len(gzip.compress(first))),
            f"Flood\n\n{PARAGRAPH.strip()}",
            url="http://example.org/b",
            title="Flood & field",
        )
    ]


def test_date_and_language_that_a_page_states() -> None:
    page = (
        PAGE.format(PARAGRAPH)
        .replace("<html>", '<html lang="en-GB">')
        .replace("<head>", '<head><meta name="date" content="2020-03-12">')
    )
    [found] = read(record(page.encode()))
    assert isinstance(found, RawDocument)
    assert (found.published, found.declared_language) == (1583971200, "en")


@pytest.mark.parametrize(
    ("encoding", "headers", "meta"),
    [
        ("utf-8", "Content-Type: text/html; charset=iso-8859-1", ""),  # a wrong header
        ("cp1252", "Content-Type: text/html; charset=windows-1252", ""),
        ("cp1252", "Content-Type: text/html", '<meta charset="windows-1252">'),
        ("shift_jis", "Content-Type: text/html; charset=Shift_JIS", ""),
        ("iso2022_jp", "Content-Type: text/html; charset=ISO-2022-JP", ""),
        (
            "koi8-r",
            "Content-Type: text/html",
            '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">',
        ),
        ("gb18030", "Content-Type: text/html; charset=gb2312", ""),
        ("cp949", "Content-Type: text/html; charset=ks_c_5601-1987", ""),
        ("cp949", "Content-Type: text/html", "<meta charset=euc-kr>"),
        ("cp932", "Content-Type: text/html; charset=x-sjis", ""),
        ("utf-16-le", "Content-Type: text/html; charset=utf-16le", ""),
        ("utf-16-le", "Content-Type: text/html; charset=utf-16le", '<meta charset="windows-1251">'),
    ],
)
def test_encodings(encoding: str, headers: str, meta: str) -> None:
    words = {
        "shift_jis": "川の水が夜のうちに増えた。",
        "iso2022_jp": "川の水が夜のうちに増えた。",
        "koi8-r": "Ночью вода в реке поднялась. ",
        "gb18030": "夜里河水上涨了。",
        "cp949": "밤사이 똠방각하 펲시콜라 강물이 불어났다. ",
        "cp932": "①髙﨑の川の水が夜のうちに増えた。",
        "utf-16-le": "Ночью вода в реке поднялась. ",
    }
    text = words.get(encoding, "Die Bäche über der Straße schwollen „an“. ") * 12
    [found] = read(
        record(
            f"<html><head>{meta}</head><body><p>{text}</p></body></html>".encode(encoding),
            headers=headers,
        )
    )
    assert isinstance(found, RawDocument)
    assert found.text == text.strip()


@pytest.mark.parametrize(
    ("encoding", "label", "word", "bad"),
    [
        ("utf-8", "UTF-8", "Frühjahr", b"\xff"),
        ("utf-8", "UTF-8", "Frühjahr", b"\xfc"),
        ("cp949", "euc-kr", "강물", b"\xff"),
        ("cp932", "shift_jis", "川の水", b"\xfd"),
        ("gb18030", "gb2312", "河水", b"\xff"),
        ("big5", "big5", "河水", b"\xff"),
        ("cp1253", "windows-1253", "ποτάμι", b"\xd2"),
    ],
)
@pytest.mark.parametrize("where", ["http", "meta"])
def test_one_bad_byte_costs_itself(
    encoding: str, label: str, word: str, bad: bytes, where: str
) -> None:
    page = PAGE.format(f"{word} " * 40 + "| " + f"{word} " * 40)
    if where == "meta":
        page = page.replace("<head>", f"<head><meta charset={label}>")
    headers = (
        f"Content-Type: text/html; charset={label}"
        if where == "http"
        else "Content-Type: text/html"
    )
    for kind in (headers, headers.replace("html", "plain")) if where == "http" else (headers,):
        [found] = read(record(page.encode(encoding).replace(b"|", bad), headers=kind))
        assert isinstance(found, RawDocument)
        assert (found.text.count(word), found.text.count("\ufffd")) == (80, 1)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (record(b"gone", status="404 Not Found"), "warc/http-status"),
        (record(b"\x89PNG\r\n", headers="Content-Type: image/png"), "warc/content-type"),
        (record(b"", headers="Content-Type: text/html"), "extract/empty"),
        (record(b"<html><body><script>1</script></body></html>"), "extract/empty"),
        (record(b"no status", status="none"), "warc/http-status"),
    ],
)
def test_what_is_no_page_is_a_reject_and_costs_itself_only(bad: bytes, rule: str) -> None:
    good = record(PAGE.format(PARAGRAPH).encode())
    before, found, after = read(good, bad, good)
    assert isinstance(found, RawReject)
    assert found.rule == rule
    assert found.url == "http://example.org/a"
    assert before.text == after.text


def test_compressed_and_chunked_bodies_are_decoded() -> None:
    page = PAGE.format(PARAGRAPH).encode()
    packed = gzip.compress(page)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page)
    found = read(
        record(packed, headers="Content-Type: text/html\r\nContent-Encoding: gzip"),
        record(chunked, headers="Content-Type: text/html\r\nTransfer-Encoding: chunked"),
        record(page),
    )
    assert len({each.text for each in found}) == 1


def test_a_record_cut_off_is_a_reject() -> None:
    good, whole = (
        record(PAGE.format(PARAGRAPH).encode()),
        record(PAGE.format(PARAGRAPH * 50).encode()),
    )
    data = gzip.compress(good) + gzip.compress(whole[: len(whole) // 2])
    first, second = read_warc(io.BytesIO(data))
    assert isinstance(first, RawDocument)
    assert isinstance(second, RawReject)
    assert second.rule == "warc/truncated"


def test_a_file_cut_off_keeps_what_came_before(tmp_path: Path) -> None:
    good = record(PAGE.format(PARAGRAPH).encode())
    whole = gzip.compress(good) + gzip.compress(
        record(PAGE.format("".join(map(chr, range(200, 9000)))).encode())
    )
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(whole[:-40])
    records = list(read_records(str(path), kind="warc", options={}))
    assert isinstance(records[0], RawDocument)
    assert [each.rule for each in records[1:]] in (
        ["warc/truncated"],
        ["read/broken-file"],
        ["warc/truncated", "read/broken-file"],
    )


def outcomes(data: bytes) -> list[tuple[str, str]]:
    return [
        (each.locator, each.rule if isinstance(each, RawReject) else "")
        for each in read_warc(io.BytesIO(data))
    ]


GOOD, REQUEST = record(PAGE.format(PARAGRAPH).encode()), record(b"x" * 500, kind="request")


def test_locators_are_unique_when_a_gzip_member_holds_many_records() -> None:
    first = gzip.compress(GOOD)
    locators = [
        locator
        for locator, _ in outcomes(first + gzip.compress(GOOD + REQUEST + GOOD + GOOD) + first)
    ]
    assert locators[:2] == ["0", str(len(first))]
    assert locators[2:4] == [f"{len(first)}#1", f"{len(first)}#2"]
    assert len(set(locators)) == 5


@pytest.mark.parametrize("last", [GOOD, REQUEST])
@pytest.mark.parametrize("kept", [*range(1, 100, 7), 150, -9, -1])
def test_a_gzip_member_cut_anywhere_is_told_once(last: bytes, kept: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(gzip.compress(GOOD) + gzip.compress(last)[:kept])
    found = list(read_records(str(path), kind="warc", options={}))
    assert isinstance(found[0], RawDocument)
    rejects = [each for each in found if isinstance(each, RawReject)]
    assert [each.rule for each in rejects] in (["warc/truncated"], ["read/broken-file"])
    assert all(each.detail for each in rejects)
    assert len({each.locator for each in found}) == len(found)


@pytest.mark.parametrize("last", [GOOD, REQUEST])
@pytest.mark.parametrize("kept", [10, 30, 200, 250, 285, -30, -4, -1])
def test_a_plain_file_cut_anywhere_is_told_once(last: bytes, kept: int) -> None:
    found = outcomes(GOOD + last[:kept])
    assert found[0] == ("0", "")
    assert [rule for _, rule in found if rule] == ["warc/truncated"]


@pytest.mark.parametrize(
    "data",
    [GOOD, GOOD + REQUEST, gzip.compress(GOOD) + gzip.compress(REQUEST), gzip.compress(GOOD * 3)],
)
@pytest.mark.parametrize(
    "last", [b"", record(b"0" * 3_000_000, headers="Content-Type: text/plain")]
)
def test_a_whole_file_is_not_cut_off(data: bytes, last: bytes) -> None:
    whole = data + (gzip.compress(last) if last and data.startswith(b"\x1f") else last)
    assert {rule for _, rule in outcomes(whole)} <= {""}


def test_a_stream_that_cannot_seek_back_is_read_all_the_same() -> None:
    class Pipe(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise io.UnsupportedOperation("seek")

    assert [
        rule for record in read_warc(Pipe(GOOD + GOOD)) for rule in [getattr(record, "rule", "")]
    ] == ["", ""]


def test_markup_nested_too_deep_is_a_reject_and_costs_itself_only() -> None:
    deep = record(b"<html><body>" + b"<div>" * 50_000 + PARAGRAPH.encode())
    before, found, after = read(GOOD, deep, GOOD)
    assert isinstance(found, RawReject)
    assert (found.rule, found.stage) == ("extract/too-deep", "extract")
    assert before.text == after.text


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 1500 + "<p>a" * 10_000,
        "<p>a" * 20_000,
        "<li>a<br>" * 20_000,
        "<table>" + "<tr><td>a" * 10_000 + "</table>",
        "<div><p>a</p></div>" * 10_000,
        "<div>" * 9_000,
    ],
)
def test_large_pages_are_not_too_deep(body: str) -> None:
    [found] = read(record(f"<html><body><p>{PARAGRAPH}</p>{body}</body></html>".encode()))
    assert isinstance(found, RawDocument)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "documents", "rules"),
    [
        ("chunked-transfer.warc", 1, []),
        ("clipped.warc.gz", 0, ["warc/truncated"]),
        ("truncated.warc", 1, []),  # a length that leaves out two bytes of zero
        ("warcfile.warc.lz4", 16, []),
        ("wget-angle-bracket-uris.warc.gz", 15, []),
        ("whirlwind.warc.gz", 1, []),
    ],
)
def test_real_edge_files(data_folder: Path, name: str, documents: int, rules: list[str]) -> None:
    records = list(read_records(str(data_folder / "edge" / name), kind="warc", options={}))
    assert sum(isinstance(each, RawDocument) for each in records) == documents
    assert [each.rule for each in records if isinstance(each, RawReject)] == rules
    assert all("<" not in each.url for each in records if each.url)


@pytest.mark.real_data
def test_real_books(data_folder: Path) -> None:
    for name, first, banned in (
        (
            "gutenberg-24675-ontboezemingen-latin1-dutch.txt.gz",
            "ELK DEEL IS AFZONDERLIJK VERKRIJGBAAR",
            "GUTENBERG",
        ),
        ("gutenberg-972-devils-dictionary.txt.gz", "THE DEVIL'S DICTIONARY", "GUTENBERG"),
        ("Cbronte_Jane_1847.txt.gz", "Jane Eyre", "﻿"),
    ):
        [book] = read_records(str(data_folder / "books" / name), kind="text", options={})
        assert isinstance(book, RawDocument)
        assert book.text.startswith(first)
        assert banned not in book.text
        assert "�" not in book.text


class PanicException(BaseException):
    """The name that pyo3 gives to a panic of Rust code."""


def test_a_panic_of_a_parser_costs_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*arguments: object, **options: object) -> None:
        raise PanicException("called `Result::unwrap()` on an `Err` value")

    monkeypatch.setattr(warc, "extract_main_text", panic)
    found = read(record(PAGE.encode()), record(PAGE.encode()))
    assert [(item.locator != "", item.rule) for item in found if isinstance(item, RawReject)] == [
        (True, "warc/unreadable")
    ] * 2


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), OSError(5, "Input/output error")]
)
def test_what_is_no_failure_of_a_parser_is_raised(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(warc, "extract_main_text", fail)
    with pytest.raises(type(error)):
        read(record(PAGE.encode()))
