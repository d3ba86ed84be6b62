"""Sources `csv` and `parquet`: columns, encodings, and every way a row or a table can be wrong."""

import datetime
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources import tables
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records
from transforms.sources.tables import read_csv, read_parquet


def rows(data: bytes, *, fields: dict[str, str] | None = None, **options: Any) -> list[Record]:
    return list(read_csv(io.BytesIO(data), fields=fields or {}, **options))


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), out, **options)
    return out.getvalue()


def table(columns: dict[str, Any], *, fields: dict[str, str] | None = None) -> list[Record]:
    return list(read_parquet(io.BytesIO(parquet(columns)), fields=fields or {}))


def outcome(records: list[Record]) -> list[tuple[str, str]]:
    return [(each.locator, each.rule if isinstance(each, RawReject) else each.text) for each in records]


# csv


def test_fields_are_mapped_and_quoted_fields_hold_line_breaks() -> None:
    data = b'n, body ,link,headline,when\r\n1," A ""line""\r\nand, another ",http://a/,Title,2024-02-03\r\n\r\n2,b,,,1706929506.5\r\n'
    fields = {"text": "body", "url": "link", "title": "headline", "published": "when"}
    assert rows(data, fields=fields) == [
        RawDocument("1", 'A "line"\nand, another', url="http://a/", title="Title", published=1706918400),
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
        (b"one\0,two", "csv/nul-bytes"),
        (b"one,two\0", "csv/nul-bytes"),
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
    assert outcome(rows(b'text,url\none,1\n"two,2\nthree,3\n')) == [("1", "one"), ("2", "csv/bad-quotes")]


def test_a_quote_left_open_does_not_swallow_a_large_file() -> None:
    found = outcome(rows(b'text,url\n"one,1\n' + b"two,2\n" * 1000, max_field=100))
    assert found[0] == ("1", "csv/too-large")
    assert len(found) > 900
    assert {each for _, each in found[2:]} == {"two"}


def test_a_break_inside_a_large_field_does_not_raise() -> None:
    data = 'text,url\n"'.encode("utf-16") + ("x" * 300).encode("utf-16-le") + b"\x00\xd8x\0" * 9
    assert [each.rule for each in rows(data, max_field=100)] == ["csv/undecodable"]
    data = 'text,url\n"'.encode("utf-16") + ("x\n" * 5000).encode("utf-16-le") + b"\x00\xd8x\0" * 9
    assert {each.rule for each in rows(data, max_field=100)} <= {"csv/too-large", "csv/undecodable", "csv/wrong-width"}


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
    found = {path.name: list(read_records(str(path), kind="csv", options={"fields": {}})) for path in sorted(tmp_path.iterdir())}
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


# parquet


def test_rows_become_documents_numbered_from_one() -> None:
    when = datetime.datetime(2024, 2, 3, tzinfo=datetime.UTC)
    columns = {"body": [" one\r\n", "two"], "link": ["http://a/", None], "title": ["T", ""], "when": [when, None]}
    assert table(columns, fields={"text": "body", "url": "link", "published": "when"}) == [
        RawDocument("1", "one", url="http://a/", title="T", published=int(when.timestamp())),
        RawDocument("2", "two"),
    ]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_kinds_of_text_columns(kind: pa.DataType) -> None:
    column = pa.array(["a", "é", None]).cast(pa.string())
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
    assert outcome(table({"text": column})) == [("1", "a"), ("2", "é"), ("3", "parquet/missing-text")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([datetime.date(2024, 2, 3)]), 1706918400),
        (pa.array([1706918400_123], pa.timestamp("ms")), 1706918400),
        (pa.array([1706918400_123456789], pa.timestamp("ns", "Europe/Paris")), 1706918400),
        (pa.array([1706918400]), 1706918400),
        (pa.array([1706918400.5]), 1706918400),
        (pa.array(["2024-02-03"]), 1706918400),
        (pa.array(["soon"]), None),
        (pa.array([[1]]), None),
        (pa.array([True]), None),
        (pa.array([1 << 62], pa.timestamp("us")), None),
    ],
)
def test_dates(values: pa.Array, expected: int | None) -> None:
    assert table({"text": ["a"], "published": values}) == [RawDocument("1", "a", published=expected)]


def test_a_bad_value_costs_its_row_only() -> None:
    column = pa.array([b"one", b"\xff\xfe", b"", None, b"five"], pa.binary())
    assert outcome(table({"text": column})) == [
        ("1", "one"),
        ("2", "parquet/undecodable"),
        ("3", "extract/empty"),
        ("4", "parquet/missing-text"),
        ("5", "five"),
    ]


@pytest.mark.parametrize(
    ("columns", "rule", "detail"),
    [
        ({"title": ["a", "b"]}, "parquet/missing-text", "no column 'text' in 2 rows; there are title"),
        (pa.table([["a"], ["b"]], names=["text", "text"]), "parquet/missing-text", "2 columns 'text'"),
        ({"text": [1, 2]}, "parquet/wrong-type", "column 'text' of 2 rows is int64, not a string"),
        ({"text": [["a"]]}, "parquet/wrong-type", "is list"),
        ({"text": [{"a": "b"}]}, "parquet/wrong-type", "is struct"),
    ],
)
def test_a_table_without_text_is_one_reject_that_names_it(columns: Any, rule: str, detail: str) -> None:
    [found] = table(columns)
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == ("schema", rule, "read")
    assert detail in found.detail


def test_long_texts_come_in_short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number} " + "word " * 400 for number in range(50)]
    data = parquet({"text": texts, "other": [[0.5] * 100] * 50}, row_group_size=20, use_dictionary=False)
    sizes = []
    real = pq.ParquetFile.iter_batches

    def watched(self: pq.ParquetFile, *arguments: Any, **options: Any) -> Any:
        for batch in real(self, *arguments, **options):
            sizes.append((len(batch), batch.schema.names))
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    monkeypatch.setattr(tables, "BATCH_BYTES", 10_000)
    found = list(read_parquet(io.BytesIO(data), fields={}))
    assert [each.text for each in found] == [text.strip() for text in texts]
    assert max(size for size, _ in sizes) <= 5
    assert {tuple(names) for _, names in sizes} == {("text",)}


def test_broken_files_and_what_comes_before_the_break(tmp_path: Path) -> None:
    data = parquet({"text": [f"row {number}" for number in range(30)]}, row_group_size=10, use_dictionary=False, compression="none")
    damaged = bytearray(data)
    at = data.index(b"row 25") - 60
    damaged[at : at + 60] = bytes(60)
    contents = {"cut": data[: len(data) // 2], "text": b"text,url\na,b\n", "empty": b"", "damaged": bytes(damaged)}
    found = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        found[name] = list(read_records(str(tmp_path / name), kind="parquet", options={"fields": {}}))
    for name in ("cut", "text", "empty"):
        assert outcome(found[name]) == [("start+", "read/broken-file")]
    assert len(found["damaged"]) < 30
    assert outcome(found["damaged"])[-1][1] == "read/broken-file"


_WHOLE = parquet(
    {
        "text": [f"row {number} " * 5 for number in range(60)],
        "url": ["http://a/"] * 60,
        "published": pa.array([0] * 60, pa.timestamp("ms")),
    },
    row_group_size=20,
)


@given(st.data())
def test_mutated_files_never_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(_WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.parquet"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    records = list(read_records(str(path), kind="parquet", options={"fields": {}}))
    assert all(isinstance(each, RawDocument | RawReject) for each in records)
    assert len(records) == 60 or isinstance(records[-1], RawReject)
