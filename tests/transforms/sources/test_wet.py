"""Source `wet`: conversion records become documents unchanged; other content is rejected."""

import gzip
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records
from transforms.sources.wet import read_wet

TEXT = (
    "The river rose in the night.\nThe lower fields lay under a sheet of brown water: Bäche, "
    "川の水.\n"
)


def record(
    body: bytes,
    *,
    kind: str = "conversion",
    content_type: str = "text/plain",
    url: str = "http://a.org/x",
    length: int | None = None,
) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: "
        "2024-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: "
        f"{len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def read(*records: bytes) -> list[Record]:
    return list(read_wet(io.BytesIO(b"".join(gzip.compress(each) for each in records))))


def test_text_stands_as_it_is_with_url_and_offset() -> None:
    first = record(b"software: x", kind="warcinfo", content_type="application/warc-fields")
    assert read(first, record(TEXT.encode(), url="<http://a.org/x>")) == [
        RawDocument(str(len(gzip.compress(first))), TEXT.strip(), url="http://a.org/x")
    ]


@pytest.mark.parametrize(
    ("bad", "rule", "stage"),
    [
        (record(b"\x89PNG", content_type="image/png"), "wet/content-type", "extract"),
        (record(TEXT.encode(), content_type="text/html"), "wet/content-type", "extract"),
        (record(b"%PDF-1.4\n" + TEXT.encode()), "wet/content-type", "extract"),
        (record(b"\x89PNG\r\n\x1a\n" + bytes(99)), "wet/content-type", "extract"),
        (record(bytes(range(32)) * 30), "wet/not-text", "extract"),
        (record(b" \n\n"), "extract/empty", "extract"),
        (record(b""), "extract/empty", "extract"),
    ],
)
def test_what_is_no_text_is_a_reject_and_costs_itself_only(
    bad: bytes, rule: str, stage: str
) -> None:
    good = record(TEXT.encode())
    before, found, after = read(good, bad, good)
    assert isinstance(found, RawReject)
    assert (found.rule, found.stage, found.url) == (rule, stage, "http://a.org/x")
    assert found.detail
    assert before.text == after.text


def test_a_stated_charset_counts_where_the_text_is_not_utf_8() -> None:
    [found] = read(
        record("Все счастливые семьи".encode("koi8-r"), content_type='text/plain; charset="koi8-r"')
    )
    assert found.text == "Все счастливые семьи"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "TEXT/PLAIN; charset=utf-8",
        "text/plain charset=utf-8",
        "text/plain, text/plain",
        "",
    ],
)
def test_plain_text_in_whatever_form(content_type: str) -> None:
    [found] = read(record(TEXT.encode(), content_type=content_type))
    assert found == RawDocument("0", TEXT.strip(), url="http://a.org/x")


def test_other_records_are_counted_and_damage_costs_itself() -> None:
    good = record(TEXT.encode())
    wrong = record(TEXT.encode(), length=10**9)
    passed: Counter[str] = Counter()
    data = b"".join(
        [record(b"a: b", kind="warcinfo"), good, wrong, record(b"x", kind="response"), good]
    )
    found = list(read_wet(io.BytesIO(data), passed_over=passed))
    assert [getattr(each, "rule", "") for each in found] == ["", "wet/wrong-length", ""]
    assert passed == Counter(warcinfo=1, response=1)
    [html] = read_wet(io.BytesIO(b"<html>"))
    assert html.rule == "wet/not-an-archive"


def test_what_is_cut_short_is_kept_with_its_reason_or_rejected() -> None:
    data = record(TEXT.encode()).replace(b"WARC-Date", b"WARC-Truncated: length\r\nWARC-Date")
    [kept], [rejected] = (
        list(read_wet(io.BytesIO(data), truncated=option)) for option in ("keep", "reject")
    )
    assert (kept.text, kept.truncated) == (TEXT.strip(), "length")
    assert (rejected.rule, rejected.detail) == ("wet/truncated-payload", "cut short: length")


def test_a_record_cut_off_is_a_reject() -> None:
    first, second = read(
        record(TEXT.encode()), record(TEXT.encode()[:20], length=len(TEXT.encode()))
    )
    assert isinstance(first, RawDocument)
    assert (second.rule, second.stage) == ("wet/truncated", "read")


def test_a_file_cut_off_is_told_of_once(tmp_path: Path) -> None:
    whole = gzip.compress(record(TEXT.encode()))
    for cut in (1, 5, 30, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"{cut}.wet.gz"
        path.write_bytes(whole + whole[:cut])
        rejects = [
            each.rule
            for each in read_records(str(path), kind="wet", options={})
            if isinstance(each, RawReject)
        ]
        assert rejects in (["wet/truncated"], ["read/broken-file"]), cut


@given(st.data())
def test_mutated_files_never_raise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(record(TEXT.encode()) * 3)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.wet"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    records = list(read_records(str(path), kind="wet", options={}))
    assert len(records) <= 4
    assert all(isinstance(each, RawDocument | RawReject) for each in records)


@pytest.mark.real_data
def test_a_real_file(data_folder: Path) -> None:
    [found] = read_records(
        str(data_folder / "edge" / "whirlwind.warc.wet.gz"), kind="wet", options={}
    )
    assert isinstance(found, RawDocument)
    assert found.url == "https://an.wikipedia.org/wiki/Escopete"
    assert found.text.startswith("Escopete - Biquipedia, a enciclopedia libre\nIr al contenido")
