"""Documents as Parquet and JSON Lines: all fields round-trip; equal documents give equal bytes."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms import storage
from transforms.contracts.documents import DOCUMENT_SCHEMA, document_id
from transforms.export.document_columns import (
    SCHEMA,
    export_schema,
    flat_documents,
    kept_columns,
    with_kept,
)
from transforms.export.formats import DocumentFormat
from transforms.export.jsonl import JsonlOptions
from transforms.export.registry import FORMATS
from transforms.sources.kept import count_kinds, kept_text

ROWS: list[dict[str, Any]] = [
    {
        "source": "web",
        "origin": "a.warc.gz",
        "locator": "405",
        "url": "https://example.org/",
        "title": "Title",
        "published": datetime(2024, 5, 1, 6, 30, tzinfo=UTC),
        "language": "en",
        "language_score": 0.5,
        "declared_language": "de",
        "text": 'Line one\nline "two" — naïve ☕ \u2028 end',
    },
    {"source": "books", "origin": "b.txt", "locator": "0", "text": "short"},
]


def documents() -> pa.RecordBatch:
    rows = [row | {"id": document_id(row["source"], row["origin"], row["locator"])} for row in ROWS]
    return pa.RecordBatch.from_pylist(rows, schema=DOCUMENT_SCHEMA)


def write(name: str, path: Path, *, compression: str = "gzip") -> None:
    known = FORMATS[name]
    assert isinstance(known, DocumentFormat)
    with known.open(
        str(path), JsonlOptions(compression=compression) if name == "jsonl" else known.options()
    ) as add:
        add(flat_documents(documents()))
        add(flat_documents(documents().slice(1)))
    assert known.count(str(path)) == 3


def expected(row: dict[str, Any]) -> dict[str, Any]:
    return (
        dict.fromkeys(SCHEMA.names)
        | row
        | {"id": document_id(row["source"], row["origin"], row["locator"]).hex()}
    )


@pytest.mark.parametrize(
    ("compression", "suffix"), [("gzip", ".jsonl.gz"), ("zstd", ".jsonl.zst"), ("none", ".jsonl")]
)
def test_jsonl_has_one_object_a_line(compression: str, suffix: str, tmp_path: Path) -> None:
    assert FORMATS["jsonl"].suffix(JsonlOptions(compression=compression)) == suffix
    path = tmp_path / f"documents{suffix}"
    write("jsonl", path, compression=compression)
    with storage.open_decompressed(str(path)) as stream:
        rows = [json.loads(line) for line in stream]
    assert list(rows[0]) == SCHEMA.names
    assert rows == [
        expected(ROWS[0]) | {"published": "2024-05-01T06:30:00Z"},
        expected(ROWS[1]),
        expected(ROWS[1]),
    ]


def test_parquet_has_plain_types(tmp_path: Path) -> None:
    write("parquet", tmp_path / "documents.parquet")
    table = pq.read_table(tmp_path / "documents.parquet")
    assert table.schema.equals(SCHEMA)
    assert not any(
        pa.types.is_dictionary(kind) or pa.types.is_fixed_size_binary(kind)
        for kind in table.schema.types
    )
    assert table.to_pylist() == [expected(ROWS[0]), expected(ROWS[1]), expected(ROWS[1])]
    assert (
        pq.read_metadata(tmp_path / "documents.parquet").row_group(0).column(1).compression
        == "ZSTD"
    )


def test_gzip_has_no_time_and_no_name(tmp_path: Path) -> None:
    write("jsonl", tmp_path / "one.jsonl.gz")
    write("jsonl", tmp_path / "two.jsonl.gz")
    data = (tmp_path / "one.jsonl.gz").read_bytes()
    assert data == (tmp_path / "two.jsonl.gz").read_bytes()
    assert data[3:8] == bytes(5)  # flags: no name; then the time
    assert gzip.decompress(data).count(b"\n") == 3


# columns that the user keeps

KEPT: list[dict[str, Any]] = [
    {
        **{"id": 7, "Text": "t", "n": 1, "x": 1.5, "b": True, "mixed": [1], "meta": {"a": None}},
        **{"big": (1 << 53) + 1, "huge": 1 << 70, "gone": None},
    },
    {
        "id": 8,
        "n": None,
        "x": "NaN",
        "mixed": "word",
        "meta": None,
        "big": 2,
        "when": "2024-02-03T04:05:06.789Z",
    },
    {},
]
NAMES = (
    "id",
    "Text",
    "kept_id",
    "n",
    "x",
    "b",
    "mixed",
    "meta",
    "big",
    "huge",
    "gone",
    "when",
    "never",
)


def write_kept(name: str, path: Path) -> None:
    texts = [kept_text(row) if row else None for row in KEPT]
    row = ROWS[1] | {"id": bytes(16)}
    batch = pa.RecordBatch.from_pylist(
        [row | {"kept": text} for text in texts], schema=DOCUMENT_SCHEMA
    )
    columns = kept_columns(NAMES, count_kinds(texts))
    known = FORMATS[name]
    assert isinstance(known, DocumentFormat)
    with known.open(
        str(path),
        JsonlOptions(compression="none") if name == "jsonl" else known.options(),
        export_schema(columns),
    ) as add:
        add(with_kept(flat_documents(batch), batch.column("kept"), columns))


def test_kept_columns_have_a_type_of_their_own_and_never_a_name_of_ours(tmp_path: Path) -> None:
    write_kept("parquet", tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    types = {field.name: str(field.type) for field in list(table.schema)[len(SCHEMA) :]}
    assert types == {
        "kept_kept_id": "int64",
        "kept_Text": "large_string",
        "kept_id": "large_string",
        **{
            "n": "int64",
            "x": "double",
            "b": "bool",
            "mixed": "large_string",
            "meta": "large_string",
            "big": "int64",
            "huge": "large_string",
        },
        **dict.fromkeys(("gone", "when", "never"), "large_string"),
    }
    own = {name for name in types if b"tokenmill.type" in (table.schema.field(name).metadata or {})}
    assert own == {"mixed", "meta", "huge"}
    assert table.column("kept_kept_id").to_pylist() == [7, 8, None]
    assert table.column("big").to_pylist() == [(1 << 53) + 1, 2, None]
    assert str(table.column("x").to_pylist()) == "[1.5, nan, None]"
    assert [value and json.loads(value) for value in table.column("mixed").to_pylist()] == [
        [1],
        "word",
        None,
    ]
    assert table.column("meta").to_pylist() == ['{"a":null}', "null", None]


def test_jsonl_holds_kept_values_as_they_are(tmp_path: Path) -> None:
    write_kept("jsonl", tmp_path / "a.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert list(rows[0])[len(SCHEMA) :] == ["kept_kept_id", "kept_Text", *NAMES[2:]]
    assert [rows[0][name] for name in NAMES[3:]] == [
        1,
        1.5,
        True,
        [1],
        {"a": None},
        (1 << 53) + 1,
        1 << 70,
        None,
        None,
        None,
    ]
    assert [rows[1][name] for name in ("kept_kept_id", "x", "mixed", "when")] == [
        8,
        "NaN",
        "word",
        "2024-02-03T04:05:06.789Z",
    ]
    assert set(rows[2].values()) == {
        ROWS[1][name] for name in ("source", "origin", "locator", "text")
    } | {None, "00" * 16}
