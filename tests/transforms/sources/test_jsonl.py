"""Source `jsonl`: fields, dates, and every way a line can be wrong."""

import io
import json

import pytest

from transforms.sources.jsonl import parse_date, read_jsonl
from transforms.sources.records import RawDocument, RawReject


def read(*lines: object, fields: dict[str, str] | None = None) -> list:
    data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return list(read_jsonl(io.BytesIO(data), fields=fields or {}))


def test_fields_are_mapped() -> None:
    row = {"body": " Text\r\nhere\u0000 ", "headline": "Title", "when": "2024-02-03T04:05:06+01:00", "link": "http://a/"}
    fields = {"text": "body", "title": "headline", "published": "when", "url": "link"}
    assert read(row, fields=fields) == [RawDocument("0", "Text\nhere", url="http://a/", title="Title", published=1706929506)]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"{not json", "jsonl/not-json"),
        (b"\xff\xfe\x00", "jsonl/not-json"),
        (b"[" * 100_000, "jsonl/not-json"),
        ({"title": "no text"}, "jsonl/missing-text"),
        ({"text": None}, "jsonl/missing-text"),
        ({"text": 7}, "jsonl/wrong-type"),
        ({"text": ["a"]}, "jsonl/wrong-type"),
        (["a"], "jsonl/wrong-type"),
        ({"text": " \n"}, "extract/empty"),
    ],
)
def test_a_bad_line_costs_itself_only(line: object, rule: str) -> None:
    before, bad, after = read({"text": "one"}, line, {"text": "three"})
    assert (before.text, after.text) == ("one", "three")
    assert isinstance(bad, RawReject)
    assert (bad.rule, bad.locator) == (rule, str(len(b'{"text": "one"}\n')))
    assert bad.detail


def test_what_nobody_foresaw_in_a_line_costs_that_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(value: object) -> None:
        if value == "bad":
            raise ArithmeticError("a date that no one thought of")

    monkeypatch.setattr("transforms.sources.jsonl.parse_date", fail)
    before, bad, after = read({"text": "one"}, {"text": "two", "published": "bad"}, {"text": "three"})
    assert (before.text, after.text) == ("one", "three")
    assert bad == RawReject(
        "16",
        "jsonl/unreadable",
        detail="ArithmeticError: a date that no one thought of",
        excerpt='{"text": "two", "published": "bad"}\n',
    )


def test_a_date_of_400_digits_costs_nothing() -> None:
    assert read(b'{"text": "a", "published": 1' + b"0" * 400 + b"}") == [RawDocument("0", "a")]


def test_lone_surrogates_become_replacements_and_blank_lines_are_none() -> None:
    assert [record.text for record in read({"text": "a\ud800b"}, b"", {"text": "e\u0301"})] == ["a?b", "é"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1987-02-26", 541296000),
        ("1987-02-26T15:01:01Z", 541350061),
        ("26-FEB-1987 15:01:01.79", 541350061),
        ("26-feb-1987", 541296000),
        ("6-MAR-1987 05:01:01.5", 542005261),
        ("26-FEV-1987", None),
        ("31-FEB-1987", None),
        ("26-FEB-1987 25:01:01.79", None),
        ("1987/02/26", 541296000),
        ("Thu, 26 Feb 1987 15:01:01 +0000", 541350061),
        (541350061, 541350061),
        (541350061.9, 541350061),
        ("soon", None),
        ("", None),
        (True, None),
        (float("inf"), None),
        (float("nan"), None),
        pytest.param(10**400, None, id="400 digits"),
        pytest.param(-(10**400), None, id="minus 400 digits"),
        (-86400, -86400),
        (None, None),
        ({"day": 1}, None),
    ],
)
def test_dates(value: object, expected: int | None) -> None:
    assert parse_date(value) == expected
