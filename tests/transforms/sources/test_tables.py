"""Sources `parquet` and `arrow`: columns, types, and every error of a row or a table."""

import datetime
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources import tables
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records
from transforms.sources.tables import read_parquet


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), out, **options)
    return out.getvalue()


def table(columns: dict[str, Any], *, fields: dict[str, str] | None = None) -> list[Record]:
    return list(read_parquet(io.BytesIO(parquet(columns)), fields=fields or {}))


def outcome(records: list[Record]) -> list[tuple[str, str]]:
    return [
        (each.locator, each.rule if isinstance(each, RawReject) else each.text) for each in records
    ]


def test_rows_become_documents_numbered_from_one() -> None:
    when = datetime.datetime(2024, 2, 3, tzinfo=datetime.UTC)
    columns = {
        "body": [" one\r\n", "two"],
        "link": ["http://a/", None],
        "title": ["T", ""],
        "when": [when, None],
    }
    assert table(columns, fields={"text": "body", "url": "link", "published": "when"}) == [
        RawDocument("1", "one", url="http://a/", title="T", published=int(when.timestamp())),
        RawDocument("2", "two"),
    ]


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
)
def test_kinds_of_text_columns(kind: pa.DataType) -> None:
    column = pa.array(["a", "é", None]).cast(pa.string())
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
    assert outcome(table({"text": column})) == [
        ("1", "a"),
        ("2", "é"),
        ("3", "parquet/missing-text"),
    ]


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
    assert table({"text": ["a"], "published": values}) == [
        RawDocument("1", "a", published=expected)
    ]


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
        (
            {"title": ["a", "b"]},
            "parquet/missing-text",
            "no column 'text' in 2 rows; there are title",
        ),
        (
            pa.table([["a"], ["b"]], names=["text", "text"]),
            "parquet/missing-text",
            "2 columns 'text'",
        ),
        ({"text": [1, 2]}, "parquet/wrong-type", "column 'text' of 2 rows is int64, not a string"),
        ({"text": [["a"]]}, "parquet/wrong-type", "is list"),
        ({"text": [{"a": "b"}]}, "parquet/wrong-type", "is struct"),
    ],
)
def test_a_table_without_text_is_one_reject_that_names_it(
    columns: Any, rule: str, detail: str
) -> None:
    [found] = table(columns)
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == ("schema", rule, "read")
    assert detail in found.detail


def test_long_texts_come_in_short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number} " + "word " * 400 for number in range(50)]
    data = parquet(
        {"text": texts, "other": [[0.5] * 100] * 50}, row_group_size=20, use_dictionary=False
    )
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
    data = parquet(
        {"text": [f"row {number}" for number in range(30)]},
        row_group_size=10,
        use_dictionary=False,
        compression="none",
    )
    damaged = bytearray(data)
    at = data.index(b"row 25") - 60
    damaged[at : at + 60] = bytes(60)
    contents = {
        "cut": data[: len(data) // 2],
        "text": b"text,url\na,b\n",
        "empty": b"",
        "damaged": bytes(damaged),
    }
    found = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        found[name] = list(
            read_records(str(tmp_path / name), kind="parquet", options={"fields": {}})
        )
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
def test_mutated_files_never_raise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(_WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.parquet"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    records = list(read_records(str(path), kind="parquet", options={"fields": {}}))
    assert all(isinstance(each, RawDocument | RawReject) for each in records)
    assert len(records) == 60 or isinstance(records[-1], RawReject)
