"""Documents as Parquet and JSON lines: every field comes back, and equal documents give equal bytes."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms import io
from transforms.documents import DOCUMENT_SCHEMA, document_id
from transforms.export.documents import SCHEMA, flat_documents
from transforms.export.formats import DocumentFormat, ExportOptions
from transforms.export.registry import FORMATS

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
    with known.open(str(path), ExportOptions(compression=compression)) as add:
        add(flat_documents(documents()))
        add(flat_documents(documents().slice(1)))
    assert known.count(str(path)) == 3


def expected(row: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(SCHEMA.names) | row | {"id": document_id(row["source"], row["origin"], row["locator"]).hex()}


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", ".jsonl.gz"), ("zstd", ".jsonl.zst"), ("none", ".jsonl")])
def test_jsonl_has_one_object_a_line(compression: str, suffix: str, tmp_path: Path) -> None:
    assert FORMATS["jsonl"].suffix(ExportOptions(compression=compression)) == suffix
    path = tmp_path / f"documents{suffix}"
    write("jsonl", path, compression=compression)
    with io.open_decompressed(str(path)) as stream:
        rows = [json.loads(line) for line in stream]
    assert list(rows[0]) == SCHEMA.names
    assert rows == [expected(ROWS[0]) | {"published": "2024-05-01T06:30:00Z"}, expected(ROWS[1]), expected(ROWS[1])]


def test_parquet_has_plain_types(tmp_path: Path) -> None:
    write("parquet", tmp_path / "documents.parquet")
    table = pq.read_table(tmp_path / "documents.parquet")
    assert table.schema.equals(SCHEMA)
    assert not any(pa.types.is_dictionary(kind) or pa.types.is_fixed_size_binary(kind) for kind in table.schema.types)
    assert table.to_pylist() == [expected(ROWS[0]), expected(ROWS[1]), expected(ROWS[1])]
    assert pq.read_metadata(tmp_path / "documents.parquet").row_group(0).column(1).compression == "ZSTD"


def test_gzip_has_no_time_and_no_name(tmp_path: Path) -> None:
    write("jsonl", tmp_path / "one.jsonl.gz")
    write("jsonl", tmp_path / "two.jsonl.gz")
    data = (tmp_path / "one.jsonl.gz").read_bytes()
    assert data == (tmp_path / "two.jsonl.gz").read_bytes()
    assert data[3:8] == bytes(5)  # flags: no name; then the time
    assert gzip.decompress(data).count(b"\n") == 3
