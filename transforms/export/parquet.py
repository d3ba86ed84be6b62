"""Parquet, zstd, in row groups of about 8 MB."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.export.document_columns import SCHEMA
from transforms.export.formats import DocumentFormat, ExportOptions, Write
from transforms.ingest.unit import PartWriter


@contextmanager
def open_parquet(path: str, options: ExportOptions, schema: pa.Schema = SCHEMA) -> Iterator[Write]:
    with closing(PartWriter(path, schema)) as writer:
        yield writer.write


def count(path: str) -> int:
    return pq.read_metadata(path).num_rows


PARQUET: DocumentFormat[ExportOptions] = DocumentFormat(
    name="parquet", suffix=lambda options: ".parquet", open=open_parquet, count=count
)
