"""Source `csv`: columns, encodings, and every error of a row or a table."""

import csv
import gzip
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.delimited import csv_header, read_csv
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records


def rows(data: bytes, *, fields: dict[str, str] | None = None, **options: Any) -> list[Record]:
    return list(read_csv(io.BytesIO(data), fields=fields or {}, **options))


def outcome(records: list[Record]) -> list[tuple[str, str]]:
    return [
        (each.locator, each.rule if isinstance(each, RawReject) else each.text) for each in records
    ]


def test_fields_are_mapped_and_quoted_fields_hold_line_breaks() -> None:
    data = (
        b'n, body ,link,headline,when\r\n1," A ""line""\r\nand, another '
        b'",http://a/,Title,2024-02-03\r\n\r\n2,b,,,1706929506.5\r\n'
    )
    fields = {"text": "body", "url": "link", "title": "headline", "published": "when"}
    assert rows(data, fields=fields) == [
        RawDocument(
            "1", 'A "line"\nand, another', url="http://a/", title="Title", published=1706918400
        ),
        RawDocument("2", "b", published=1706929506),
    ]


@pytest.mark.parametrize(
    ("header", "row", "delimiter"),
    [
        (b"text\turl", b"a, b; c\thttp://a/", None),
        (b"text;url", b"a, b\t c;http://a/", None),
        (b'"text";"u,r,l"', b"a, b\t c;http://a/", None),
        (b"text|url,x", b"a, b|http://a/", "|"),
    ],
)
def test_the_header_tells_the_delimiter(header: bytes, row: bytes, delimiter: str | None) -> None:
    [found] = rows(header + b"\n" + row, delimiter=delimiter)
    assert isinstance(found, RawDocument)
    assert found.text.startswith("a, b")


KOREAN = (
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 똠방각하 펲시콜라. "
    "서로 형제애의 정신으로 행동하여야 한다."
)
UKRAINIAN = (
    "Реве та стогне Дніпр широкий, сердитий вітер завива, додолу верби гне високі, горами "
    "хвилю підійма."
)
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。①髙い。"
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,镕基。"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *[
            ("cp949", KOREAN),
            ("koi8_u", UKRAINIAN),
            ("cp1251", UKRAINIAN),
            ("cp932", JAPANESE),
            ("gb18030", CHINESE),
        ],
        *[
            ("iso2022_jp", JAPANESE.replace("①髙い。", "")),
            ("euc_jp", JAPANESE.replace("①髙い。", "")),
        ],
        *[
            (encoding, text)
            for encoding in ("utf-16-le", "utf-16-be")
            for text in (KOREAN, UKRAINIAN, JAPANESE, CHINESE)
        ],
    ],
)
@pytest.mark.parametrize("header", ["id,text", "текст,text"])
def test_encodings_are_found_as_those_of_plain_text(encoding: str, text: str, header: str) -> None:
    if header.isascii() or encoding in ("cp1251", "utf-16-le", "utf-16-be"):
        assert outcome(rows(f'{header}\n1,"{text}"\n2,"{text}"\n'.encode(encoding))) == [
            ("1", text),
            ("2", text),
        ]


@pytest.mark.parametrize("bad", [b"\xff", b"caf\xe9", b"\xc3"])
def test_a_bad_byte_does_not_turn_a_table_into_another_encoding(bad: bytes) -> None:
    data = b"id,text\n1,plain\n2," + bad + b" x\n" + "3,Frühjahr\n".encode() * 3
    assert outcome(rows(data)) == [
        ("1", "plain"),
        ("2", "csv/undecodable"),
        *[(row, "Frühjahr") for row in "345"],
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(encoding: str) -> None:
    text = "Der Bär ging über die Straße. Ça va très bien, señor. " * 20
    [found] = rows(f'text,url\n"{text}",http://a/\n'.encode(encoding))
    assert found == RawDocument("1", text.strip(), url="http://a/")


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (b"one", "csv/wrong-width"),
        (b"one,two,three", "csv/wrong-width"),
        (b"one \xff,two", "csv/undecodable"),
        (b'"one"two,three', "csv/bad-quotes"),
        (b"x" * 200 + b",two", "csv/too-large"),
        (b'"' + b"x" * 80 + b"\n" + b"x" * 80 + b'\n""","two"', "csv/too-large"),
        (b" ,two", "extract/empty"),
    ],
)
def test_a_bad_row_costs_itself_only(bad: bytes, rule: str) -> None:
    records = rows("text,url\nöne,1\n".encode() + bad + b"\nthree,3\n", max_field=100)
    before, found, after = records
    assert (before, after) == (RawDocument("1", "öne", url="1"), RawDocument("3", "three", url="3"))
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule) == ("2", rule)
    assert found.detail


def test_a_quote_left_open_is_a_reject() -> None:
    assert outcome(rows(b'text,url\none,1\n"two,2\nthree,3\n')) == [
        ("1", "one"),
        ("2", "csv/bad-quotes"),
    ]


def test_a_quote_left_open_does_not_swallow_a_large_file() -> None:
    found = outcome(rows(b'text,url\n"one,1\n' + b"two,2\n" * 1000, max_field=100))
    assert found[0] == ("1", "csv/too-large")
    assert len(found) > 900
    assert {each for _, each in found[2:]} == {"two"}


def test_a_break_inside_a_large_field_does_not_raise() -> None:
    data = 'text,url\n"'.encode("utf-16") + ("x" * 300).encode("utf-16-le") + b"\x00\xd8x\0" * 9
    assert [each.rule for each in rows(data, max_field=100)] == ["csv/undecodable"]
    data = 'text,url\n"'.encode("utf-16") + ("x\n" * 5000).encode("utf-16-le") + b"\x00\xd8x\0" * 9
    assert {each.rule for each in rows(data, max_field=100)} <= {
        "csv/too-large",
        "csv/undecodable",
        "csv/wrong-width",
    }


def test_a_large_field_is_read() -> None:
    [found] = rows(b"text\n" + b"word " * 200_000)
    assert len(found.text) == 999_999


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "csv/missing-text"),
        (b"title,url\na,b\nc,d\n", "csv/missing-text"),
        (b'"text,url\na,b\n', "csv/bad-header"),
        (b"x" * 200, "csv/bad-header"),
        ("text\na\n".encode("utf-16")[:-1], "csv/undecodable"),
    ],
)
def test_a_table_without_texts_is_one_reject(data: bytes, rule: str) -> None:
    [found] = rows(data, max_field=100)
    assert isinstance(found, RawReject)
    assert (found.rule, found.stage) == (rule, "read")
    assert found.detail


def test_a_mapped_column_is_named_in_the_reject() -> None:
    [found] = rows(b"title,url\n", fields={"text": "body"})
    assert found.detail == "no column 'body' in the header: title, url"


def test_compressed_files(tmp_path: Path) -> None:
    data = b"text,url\n" + b"some text,http://a/\n" * 1000
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(data))
    (tmp_path / "b.csv.zst").write_bytes(zstandard.compress(data))
    (tmp_path / "c.tsv").write_bytes(data.replace(b",", b"\t"))
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(data)[:-12])
    found = {
        path.name: list(read_records(str(path), kind="csv", options={"fields": {}}))
        for path in sorted(tmp_path.iterdir())
    }
    assert found["a.csv.gz"] == found["b.csv.zst"] == found["c.tsv"]
    assert len(found["a.csv.gz"]) == 1000
    assert found["cut.csv.gz"][-1].rule == "read/broken-file"


@given(st.binary(max_size=400), st.binary(max_size=20))
def test_any_bytes_end_in_rows_with_consecutive_numbers(body: bytes, header: bytes) -> None:
    for data in (b"text,url\n" + body, header + body):
        found = [each.locator for each in rows(data, max_field=60)]
        assert found in (
            ["header"],
            [str(number) for number in range(1, len(found) + 1)],
            [*map(str, range(1, len(found))), f"{len(found)}+"],
        )


# the module csv, and its limit, which is one for the whole process


@pytest.fixture(params=[60, 131072])
def limit(request: pytest.FixtureRequest) -> Any:
    """Set a limit of the caller's, which another library could have set."""
    before = csv.field_size_limit(request.param)
    yield request.param
    csv.field_size_limit(before)


def test_the_limit_of_the_caller_stays_and_does_not_matter(limit: int) -> None:
    large = "word " * 100_000
    found = read_csv(io.BytesIO(f'text,url\n"{large}",1\n{large},2\nb,3\n'.encode()), fields={})
    for record, url in zip(found, "123", strict=True):
        assert csv.field_size_limit() == limit
        assert isinstance(record, RawDocument)
        assert record.url == url
    assert csv.field_size_limit() == limit
    found = read_csv(io.BytesIO(b"text\n" + b"x" * 300), fields={}, max_field=200)
    assert [each.rule for each in found] == ["csv/too-large"]
    assert csv.field_size_limit() == limit


def test_readers_with_limits_of_their_own_take_turns() -> None:
    data = b"text\n" + b"\n".join([b"x" * 150, b"y", b"z" * 50] * 20)
    small, large = (read_csv(io.BytesIO(data), fields={}, max_field=size) for size in (100, 200))
    pairs = list(zip(small, large, strict=True))
    assert len(pairs) == 60
    assert {left.rule for left, _ in pairs[::3]} == {"csv/too-large"}
    assert all(isinstance(right, RawDocument) for _, right in pairs)
    assert pairs[1][0] == pairs[1][1] == RawDocument("2", "y")


def test_threads_read_at_once() -> None:
    data = b"text\n" + b"\n".join([b"x" * 150, b"y"] * 500)
    found: dict[int, list[tuple[str, str]]] = {}

    def read(size: int) -> None:
        found[size] = outcome(list(read_csv(io.BytesIO(data), fields={}, max_field=size)))

    threads = [threading.Thread(target=read, args=(size,)) for size in (100, 101, 200, 201)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[100] == found[101] != found[200] == found[201]
    assert found[100][:2] == [("1", "csv/too-large"), ("2", "y")]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab ,;\t"\n\r\0é\u2028\x0b')), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_module_csv_writes_is_read(
    table: list[list[str]], delimiter: str, end: str, quoting: int
) -> None:
    if any(sign in value for row in table for value in row for sign in "\r\n"):
        quoting = (
            csv.QUOTE_ALL
        )  # before Python 3.13 the writer leaves line ends other than its own without quotes
    width = max(map(len, table))
    table = [[*row, *[""] * (width - len(row))] for row in table]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["text", *map(str, range(width))])
    writer.writerows([["x", *row] for row in table])
    keep = [str(number) for number in range(width)]
    found = list(
        read_csv(
            io.BytesIO(out.getvalue().encode()), fields={}, delimiter=delimiter, keep_columns=keep
        )
    )
    assert [[json_row[name] for name in keep] for json_row in map(kept, found)] == table


def kept(record: Record) -> dict[str, Any]:
    assert isinstance(record, RawDocument)
    return json.loads(record.kept or "{}")


@given(st.text(st.sampled_from('ab, "\n\r'), max_size=40))
def test_rows_are_those_of_the_module_csv(body: str) -> None:
    """Strict, and line by line if one has an error. Rows of white space are blank here."""
    lines = io.StringIO(body, newline="")
    expected: list[list[str] | None] = []
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            expected.append(None)
            continue
        if row and not (len(row) == 1 and not row[0].strip(" ") and '"' not in body):
            expected.append(row)
    found = list(
        read_csv(
            io.BytesIO(f"text,1,2,3,4\n{body}".encode()),
            fields={},
            delimiter=",",
            keep_columns=["1"],
        )
    )
    if '"' in body and any(row and len(row) == 1 and not row[0].strip(" ") for row in expected):
        return  # whether a blank row was quoted is not to be seen any more
    assert len(found) == len(expected)
    for record, row in zip(found, expected, strict=True):
        if row is None:
            assert isinstance(record, RawReject)
            assert record.rule == "csv/bad-quotes"
        elif len(row) != 5:
            assert isinstance(record, RawReject)
            assert record.detail == f"{len(row)} fields, the header has 5"
        else:
            assert isinstance(record, RawDocument) == bool(row[0].strip())


# Tables from real tools.

GOOD = [("1", "one"), ("2", "two")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbftext,url\none,1\ntwo,2\n", GOOD),
        (b"sep=;\r\ntext;url\r\none;1\r\ntwo;2\r\n", GOOD),
        (b"\xef\xbb\xbfSEP=\t\ntext\turl\none\t1\ntwo\t2\n", GOOD),
        (b"\n\r\n\ntext,url\n\none,1\n   \ntwo,2\n\n\n", GOOD),
        ("text\turl\r\none\t1\r\ntwo\t2\r\n".encode("utf-16"), GOOD),  # "Unicode text" of Excel
        ("text,url\r\none,1\r\ntwo,2\r\n".encode("utf-16-le"), GOOD),
        ("text,url\r\none,1\r\ntwo,2\r\n".encode("utf-16-be"), GOOD),
        (b"text,url\rone,1\rtwo,2\r", GOOD),
        (b'"text","url"\n"one","a""b"\n"two",""', GOOD),
        (b" text , url \none,1\ntwo,2", GOOD),
        (b"text,url,url\none,1,2\ntwo,3,4\n", GOOD),
        (b"text,,\none,,\ntwo,,\n", GOOD),
        (b'o,text\n5" disk,one\n6",two\n', GOOD),
        (b"text,url\n", []),
        (b"text,url", []),
        (
            b"text,url\n,,\n,\none,1\n",
            [("1", "csv/wrong-width"), ("2", "extract/empty"), ("3", "one")],
        ),
        (b"text,text\none,two\n", [("header", "csv/bad-header")]),
        (b",,\none,two,\n", [("header", "csv/missing-text")]),
        (b"\0\0\0\0\0\n", [("header", "csv/bad-header")]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", [("header", "csv/missing-text")]),
    ],
)
def test_tables_in_the_wild(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert outcome(rows(data)) == expected


def test_nul_characters_go_as_in_every_kind() -> None:
    assert rows(b"text,url\no\0ne,h\0ttp://a/\n") == [RawDocument("1", "one", url="h\0ttp://a/")]


def test_columns_are_kept_as_they_stand() -> None:
    data = b'id,text,note,n\n007,one,"a ""b""\r\nc",1.50\n'
    [found] = rows(data, keep_columns=["id", "note", "n"])
    assert kept(found) == {"id": "007", "note": 'a "b"\r\nc', "n": "1.50"}
    [found] = rows(data, keep_columns=["absent"])
    assert found == RawDocument("1", "one")


def test_a_column_that_is_asked_for_and_there_twice_is_named() -> None:
    data = b"text,id,id\none,1,2\n"
    [found] = rows(data, keep_columns=["id"])
    assert (found.rule, found.detail) == (
        "csv/bad-header",
        "2 columns 'id' in the header: text, id, id",
    )
    assert outcome(rows(data, fields={"url": "id"})) == [("header", "csv/bad-header")]


@pytest.mark.parametrize(
    "data", [b"text,url\n", b"sep=|\ntext|url\none|1", "text\turl\r\n".encode("utf-16")]
)
def test_the_header_alone(data: bytes) -> None:
    assert csv_header(io.BytesIO(data), fields={}) == ["text", "url"]
