"""Source `jsonl`: fields, dates, and every error of a line."""

import io
import json

import pytest

from transforms.sources.jsonl import parse_date, read_jsonl
from transforms.sources.records import RawDocument, RawReject


def read(*lines: object, fields: dict[str, str] | None = None) -> list:
    data = b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines
    )
    return list(read_jsonl(io.BytesIO(data), fields=fields or {}))


def test_fields_are_mapped() -> None:
    row = {
        "body": " Text\r\nhere\u0000 ",
        "headline": "Title",
        "when": "2024-02-03T04:05:06+01:00",
        "link": "http://a/",
    }
    fields = {"text": "body", "title": "headline", "published": "when", "url": "link"}
    assert read(row, fields=fields) == [
        RawDocument("0", "Text\nhere", url="http://a/", title="Title", published=1706929506)
    ]


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
    before, bad, after = read(
        {"text": "one"}, {"text": "two", "published": "bad"}, {"text": "three"}
    )
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
    assert [record.text for record in read({"text": "a\ud800b"}, b"", {"text": "e\u0301"})] == [
        "a\ufffdb",
        "é",
    ]


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


def outcome(data: bytes, **options: object) -> list[tuple[str, str]]:
    found = read_jsonl(io.BytesIO(data), **{"fields": {}, **options})
    return [
        (record.locator, record.rule if isinstance(record, RawReject) else record.text)
        for record in found
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'\xef\xbb\xbf{"text":"a"}\r\n\r\n{"text":"b"}\r\n', [("0", "a"), ("19", "b")]),
        (b'[{"text":"a"},{"text":"b"}]', [("1", "a"), ("14", "b")]),
        (b'\xef\xbb\xbf [ {"text":"a"} ] ', [("6", "a")]),
        (b'[\n  {"text":"a"},\n  {"text":"b"}\n]\n', [("4", "a"), ("20", "b")]),
        (b'{\n "text":"a"\n}\n{\n "text":"b"\n}\n', [("0", "a"), ("16", "b")]),
        (
            '{"text":"é"}{"text":"b"} {"text":"c"}\n{"text":"d"}'.encode(),
            [("0", "é"), ("13", "b"), ("26", "c"), ("39", "d")],
        ),
        (
            b'[\n  {"text":"a"},\n  {"text":},\n  {"text":"c"}\n]\n',
            [("4", "a"), ("20", "jsonl/not-json"), ("33", "c")],
        ),
        (b'[{"text":"a"},{"text":},{"text":"c"}]', [("1", "a"), ("14", "jsonl/not-json")]),
        (b'[{"text":"a"},{"text":"b', [("1", "a"), ("14", "jsonl/not-json")]),
        (b'[{"text":"a"},', [("1", "a"), ("14", "jsonl/not-json")]),
        (b'[1,{"text":"a"}]', [("0", "jsonl/wrong-type")]),  # no array of objects, so a line
        (b'[\n1,\n{"text":"a"}]', [("2", "jsonl/wrong-type"), ("5", "a")]),
        (b'[{"text":"\xff"},\n{"text":"b"}]', [("1", "jsonl/not-json"), ("15", "b")]),
        (b"[]", []),
        (b"[\n]\n", []),
        (b"", []),
        (b"\n \r\n\n", []),
        ('{"text":"a"}\n'.encode("utf-16"), [("0", "jsonl/not-json")]),
        (
            b'{"text":"a",}\n{"text":"b"} // c\n{"text":"c"}',
            [("0", "jsonl/not-json"), ("14", "jsonl/not-json"), ("32", "c")],
        ),
        (b'{"text":"a","text":"b"}', [("0", "b")]),
        (b'{"text":"a","n":NaN,"i":' + b"1" * 5000 + b"}", [("0", "a")]),
        (b'{"text":"' + b"a" * 70_000 + b'"}\n{"text":"b"}', [("0", "a" * 70_000), ("70012", "b")]),
    ],
)
def test_files_in_the_wild(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert outcome(data) == expected
    for locator, text in expected:
        if "/" not in text:
            assert (
                data[int(locator) :]
                .lstrip(b"\xef\xbb\xbf")
                .startswith((b'{"text":', b'{\n "text":'))
            )


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_values_of_an_array_come_whole_however_they_are_read(size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            return super().read(size)

    texts = ["x" * number + "é" + '\\"' * (number % 3) for number in range(0, 400, 13)]
    data = json.dumps(
        [{"text": text, "n": [number, {"a": None}]} for number, text in enumerate(texts)],
        ensure_ascii=False,
    ).encode()
    found = list(read_jsonl(Slow(data), fields={}))
    assert [record.text for record in found] == texts
    assert all(data[int(record.locator) :].startswith(b'{"text"') for record in found)


def test_paths_and_kept_columns() -> None:
    row = {
        "content": {"body": "b"},
        "meta": {"url": "http://a/", "titles": ["T"], "when": 1706929506},
        "id": 9007199254740993,
        "x": None,
    }
    fields = {
        "text": "content.body",
        "url": "meta.url",
        "title": "meta.titles.0",
        "published": "meta.when",
    }
    data = json.dumps(row).encode()
    [found] = read_jsonl(
        io.BytesIO(data), fields=fields, keep_columns=["id", "meta.titles", "x", "absent"]
    )
    kept = '{"id":9007199254740993,"meta.titles":["T"],"x":null}'
    assert found == RawDocument(
        "0", "b", url="http://a/", title="T", published=1706929506, kept=kept
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\ud83d\ude00", "\U0001f600"),
        (r"a\ud800", "a\ufffd"),
        (r"\udc00\ud800z", "\ufffd\ufffdz"),
        (r"\ud83d \ude00", "\ufffd \ufffd"),
        (r"a\u0000b", "ab"),
    ],
)
def test_escapes_of_surrogates(text: str, expected: str) -> None:
    row = f'{{"text": "x{text}", "title": "x{text}", "m": "{text}"}}'
    [found] = read_jsonl(io.BytesIO(row.encode()), fields={}, keep_columns=["m"])
    assert found.text == "x" + expected
    assert json.loads(found.kept)["m"] == expected if "0000" not in text else "a\0b"
