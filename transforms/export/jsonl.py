"""JSON Lines: one object per document, in UTF-8.

The keys are those of `transforms.export.documents.export_schema`; `published` is in ISO 8601.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from pydantic import Field
from pydantic.dataclasses import dataclass

from transforms import storage
from transforms.config_types import STRICT
from transforms.export.document_columns import IS_JSON, SCHEMA
from transforms.export.formats import DocumentFormat, ExportOptions, Write
from transforms.sources.kept import finite

SUFFIXES = {"gzip": ".jsonl.gz", "zstd": ".jsonl.zst", "none": ".jsonl"}
PUBLISHED = SCHEMA.get_field_index("published")
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, config=STRICT)
class JsonlOptions(ExportOptions):
    compression: Annotated[
        Literal["gzip", "zstd", "none"], Field(description="gzip, zstd or none")
    ] = "gzip"


@contextmanager
def open_jsonl(path: str, options: JsonlOptions, schema: pa.Schema = SCHEMA) -> Iterator[Write]:
    nested = [field.name for field in schema if field.metadata == IS_JSON]
    with open(path, "wb") as file, _compressed(file, options.compression) as add:

        def write(batch: pa.RecordBatch) -> None:
            for row in batch.set_column(
                PUBLISHED, "published", _iso_dates(batch.column(PUBLISHED))
            ).to_pylist():
                row.update(
                    (name, json.loads(row[name])) for name in nested if row[name] is not None
                )
                add(_dumps(row).encode() + b"\n")

        yield write


def _dumps(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False)
    except ValueError:  # JSON has no number that is not finite
        return json.dumps(finite(row), ensure_ascii=False)


def _iso_dates(times: pa.Array) -> pa.Array:
    """Times in UTC -> "2024-05-01T06:30:00Z"; null stays null."""
    written = times.cast(pa.timestamp("s")).cast(pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(written, " ", "T"), "Z", "")


@contextmanager
def _compressed(file: BinaryIO, compression: str) -> Iterator[Callable[[bytes], object]]:
    """What writes into `file`; neither a time nor a name goes into its header."""
    if compression == "gzip":
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as sink:
            yield sink.write
    elif compression == "zstd":
        with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as sink:
            yield sink.write
    else:
        yield file.write


def count(path: str) -> int:
    lines = 0
    with storage.open_decompressed(path) as stream:
        while block := stream.read(_BLOCK):
            lines += block.count(b"\n")
    return lines


JSONL = DocumentFormat(
    name="jsonl",
    suffix=lambda options: SUFFIXES[options.compression],
    open=open_jsonl,
    count=count,
    options=JsonlOptions,
)
