"""Sources `parquet` and `arrow`: one document per row.

`fields` maps document fields to columns, or to dotted paths into nested ones. A table without the
text column is one reject for the file.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.clean_text import clean_text
from transforms.sources.columns import FIELDS, ColumnsSeen, asked_columns, field_columns
from transforms.sources.dates import parse_date
from transforms.sources.kept import json_values, kept_text
from transforms.sources.kind import InputRate, Ranges, SourceKind
from transforms.sources.nested import Place, check_values, find_place, take_place
from transforms.sources.options import NO_FIELDS, FieldsOption, KeepColumnsOption
from transforms.sources.records import RawDocument, RawReject, Record

BATCH_ROWS = 1024
BATCH_BYTES = 8 << 20
_BUFFER_BYTES = 1 << 20
_BAD_TABLE = (pa.ArrowException, ValueError, KeyError, MemoryError, OverflowError)
_ARROW_FILE = b"ARROW1\0\0"
"""The first bytes of Arrow's file format; a stream follows them."""


@dataclass(frozen=True)
class _RequestedColumns:
    """The requested columns of a table: of each document field, and those to keep."""

    fields: Mapping[str, Place]
    kept: Mapping[str, Place]

    @property
    def names(self) -> list[str]:
        """The top-level columns that contain them."""
        return sorted({place.column for place in (*self.fields.values(), *self.kept.values())})

    @property
    def leaves(self) -> list[str]:
        """Their Parquet names; a field of a struct is read without its siblings."""
        return sorted({place.leaf for place in (*self.fields.values(), *self.kept.values())})


def read_parquet(
    stream: BinaryIO,
    *,
    fields: FieldsOption = NO_FIELDS,
    keep_columns: KeepColumnsOption = (),
    start: int = 0,
    end: int | None = None,
    columns: ColumnsSeen | None = None,
) -> Iterator[Record]:
    """Read a Parquet file -> one document or reject per row. The locator is the row, from 1.

    With `start` and `end`, the row groups whose first byte is in that range; errors of the whole
    file are reported by the range that starts at 0.

    Reads only the columns of `fields` and `keep_columns`, in batches of at most BATCH_ROWS rows or
    about BATCH_BYTES of text. A file without the text column, or with one that is not a string, is
    one reject that names it. Raises OSError, without an errno, for another or a truncated file.
    """
    try:
        table = pq.ParquetFile(
            pa.PythonFile(stream, mode="r"), buffer_size=_BUFFER_BYTES, pre_buffer=False
        )
    except OSError as error:
        if error.errno is not None or not start:
            raise
        return
    except _BAD_TABLE as error:
        if not start:
            raise OSError(f"{type(error).__name__}: {error}") from error
        return
    try:
        yield from _read_parquet(table, fields, keep_columns, start, end, columns or ColumnsSeen())
    except OSError:
        raise
    except _BAD_TABLE as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _read_parquet(
    table: pq.ParquetFile,
    fields: FieldsOption,
    keep: Sequence[str],
    start: int,
    end: int | None,
    seen: ColumnsSeen,
) -> Iterator[Record]:
    rows = table.metadata.num_rows
    located = _locate_columns("parquet", table.schema_arrow, fields, keep, seen, of=f"{rows} rows")
    if isinstance(located, RawReject):
        if not start:
            yield located
        return
    size = _batch_rows(table)
    for groups, number in _row_groups(table, start, end):
        for batch in table.iter_batches(
            size, row_groups=groups, columns=located.leaves, use_threads=False
        ):
            yield from _read_batch("parquet", batch, located, number)
            number += len(batch)


def parquet_names(
    stream: BinaryIO, *, fields: FieldsOption, keep_columns: Sequence[str] = (), **_: object
) -> list[str]:
    """The columns of a Parquet file and the requested paths that exist.

    Raises OSError for a file of another format.
    """
    return _names(
        pq.ParquetFile(pa.PythonFile(stream, mode="r")).schema_arrow, fields, keep_columns
    )


def read_arrow(
    stream: BinaryIO,
    *,
    fields: FieldsOption = NO_FIELDS,
    keep_columns: KeepColumnsOption = (),
    columns: ColumnsSeen | None = None,
) -> Iterator[Record]:
    """Read an Arrow IPC file or stream -> one document or reject per row. The locator is the row.

    Such files are Feather 2 and `save_to_disk` of Hugging Face datasets. Rows count from 1. The
    file format is read as the stream inside it, so rows before a damaged place are kept. Raises
    OSError, without an errno, for another or a truncated file.
    """
    try:
        reader = _open_arrow(stream)
        located = _locate_columns(
            "arrow", reader.schema, fields, keep_columns, columns or ColumnsSeen(), of="the table"
        )
        if isinstance(located, RawReject):
            yield located
            return
        number = 0
        for whole in reader:
            batch = whole.select(located.names)
            for column in batch.columns:
                check_values(column)
            size = max(1, min(BATCH_ROWS, BATCH_BYTES * max(1, len(batch)) // max(1, batch.nbytes)))
            for first in range(0, len(batch), size):
                yield from _read_batch("arrow", batch.slice(first, size), located, number + first)
            number += len(batch)
    except OSError:
        raise
    except _BAD_TABLE as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def arrow_names(
    stream: BinaryIO, *, fields: FieldsOption, keep_columns: Sequence[str] = (), **_: object
) -> list[str]:
    """The columns of an Arrow file and the requested paths that exist.

    Raises OSError for a file of another format.
    """
    return _names(_open_arrow(stream).schema, fields, keep_columns)


def _open_arrow(stream: BinaryIO) -> pa.RecordBatchStreamReader:
    head = stream.read(len(_ARROW_FILE))
    source = stream if head == _ARROW_FILE else _After(head, stream)
    return pa.ipc.open_stream(pa.PythonFile(source, mode="r"))


class _After:
    """A stream with the bytes that were already read from it."""

    def __init__(self, head: bytes, stream: BinaryIO):
        self._head, self._stream = head, stream
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._stream.read(size)
        head, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return head + self._stream.read(size - len(head) if size >= 0 else -1)

    def close(self) -> None:
        self.closed = True


def _names(schema: pa.Schema, fields: FieldsOption, keep: Sequence[str]) -> list[str]:
    return [
        *schema.names,
        *(
            name
            for name in asked_columns(fields, keep)
            if name not in schema.names and find_place(schema, name)
        ),
    ]


def _locate_columns(
    kind: str,
    schema: pa.Schema,
    fields: FieldsOption,
    keep: Sequence[str],
    seen: ColumnsSeen,
    *,
    of: str,
) -> _RequestedColumns | RawReject:
    """The places of the requested columns in a table.

    Returns a reject if the text column is missing, occurs twice or does not contain strings.
    """
    requested = asked_columns(fields, keep)
    places = {
        name: place
        for name in {*requested, *field_columns(fields).values()}
        if (place := find_place(schema, name))
    }
    file = seen.file(requested)
    file.add_table(
        places, _paths(schema) if any("." in name for name in requested) else schema.names
    )
    file.close()
    names = field_columns(fields)
    text = names["text"]
    shown = ", ".join(schema.names[:20])
    if text not in places:
        times = Counter(schema.names)[text]
        what = f"{times} columns" if times else "no column"
        return RawReject(
            "schema", f"{kind}/missing-text", detail=f"{what} {text!r} in {of}; there are {shown}"
        )
    if not _is_text(places[text].kind):
        detail = f"column {text!r} of {of} is {places[text].kind}, not a string"
        return RawReject("schema", f"{kind}/wrong-type", detail=detail)
    fitting = {
        field: places[name]
        for field, name in names.items()
        if name in places and not pa.types.is_nested(places[name].kind)
    }
    return _RequestedColumns(
        fields=fitting, kept={name: places[name] for name in keep if name in places}
    )


def _paths(schema: pa.Schema) -> Iterator[str]:
    yield from schema.names
    for field in schema:
        if pa.types.is_struct(field.type):
            yield from (
                f"{field.name}.{field.type.field(index).name}"
                for index in range(field.type.num_fields)
            )


def _read_batch(
    kind: str, batch: pa.RecordBatch, located: _RequestedColumns, number: int
) -> Iterator[Record]:
    """The records of a batch; `number` is the number of rows before it in the file."""
    values = {
        field: _values(take_place(batch, place), field) for field, place in located.fields.items()
    }
    kept = _kept_texts(batch, located.kept)
    name = located.fields["text"].name
    for row, text in zip(range(len(batch)), kept, strict=False):
        number += 1
        record = _read_values(
            kind, {field: column[row] for field, column in values.items()}, str(number), name
        )
        yield (
            record if text is None or isinstance(record, RawReject) else record._replace(kept=text)
        )


def _kept_texts(batch: pa.RecordBatch, kept: Mapping[str, Place]) -> Iterator[str | None]:
    if not kept:
        return itertools.repeat(None)
    columns = [json_values(take_place(batch, place)) for place in kept.values()]
    return (kept_text(dict(zip(kept, row, strict=True))) for row in zip(*columns, strict=True))


def _row_groups(
    table: pq.ParquetFile, start: int, end: int | None
) -> Iterator[tuple[list[int], int]]:
    """Yield (row groups, rows before them) for each run of row groups that begin in a byte range.

    A row group without an offset in the footer counts as beginning at 0. A whole file is one run,
    whose column entries are not read: pyarrow ends the process if their size statistics contradict
    each other.
    """
    if not start and end is None:
        yield list(range(table.num_row_groups)), 0
        return
    run: list[int] = []
    before, rows = 0, 0
    for index in range(table.num_row_groups):
        group = table.metadata.row_group(index)
        first = min(
            (_first_byte(group.column(column)) for column in range(group.num_columns)), default=0
        )
        if start <= first and (end is None or first < end):
            before = before if run else rows
            run.append(index)
        elif run:
            yield run, before
            run = []
        rows += group.num_rows
    if run:
        yield run, before


def _first_byte(column: pq.ColumnChunkMetaData) -> int:
    pages = (column.dictionary_page_offset or 0, column.data_page_offset or 0)
    return max(0, min((page for page in pages if page > 0), default=0))


def _batch_rows(table: pq.ParquetFile) -> int:
    """Rows per batch of about BATCH_BYTES, by the row group with the largest rows."""
    longest = 1
    for index in range(table.num_row_groups):
        group = table.metadata.row_group(index)
        longest = max(longest, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(BATCH_ROWS, BATCH_BYTES // longest))


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    return any(
        check(kind)
        for check in (
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_binary,
            types.is_large_binary,
        )
    )


def _values(column: pa.Array, field: str) -> list[Any]:
    """A column as Python values; text as bytes, since Arrow does not check that it is UTF-8."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if _is_text(kind):
        return column.cast(pa.large_binary()).to_pylist()
    if field == "published" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        zone = kind.tz if pa.types.is_timestamp(kind) else None
        return column.cast(pa.timestamp("s", zone), safe=False).cast(pa.int64()).to_pylist()
    if field == "published" and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return column.to_pylist()
    return [None] * len(column)


def _read_values(kind: str, values: dict[str, Any], locator: str, name: str) -> Record:
    if values["text"] is None:
        return RawReject(locator, f"{kind}/missing-text", detail=f"column {name!r} is null")
    try:
        text = clean_text(values["text"].decode("utf-8"))
    except UnicodeDecodeError as error:
        excerpt = values["text"][:1000].decode("utf-8", "replace")
        return RawReject(locator, f"{kind}/undecodable", detail=str(error), excerpt=excerpt)
    if not text:
        return RawReject(locator, "extract/empty", "extract", detail=f"column {name!r} is empty")
    url, title, published = (
        value.decode("utf-8", "replace") if isinstance(value := values.get(field), bytes) else value
        for field in FIELDS[1:]
    )
    return RawDocument(
        locator, text, url=url or None, title=title or None, published=parse_date(published)
    )


PARQUET = SourceKind(
    name="parquet",
    read=read_parquet,
    locator="number of the row, from 1",
    suffixes=(".parquet", ".pq", ".parq"),
    compressions=(),
    begins=lambda head: head.data.startswith(b"PAR1"),
    decompresses=True,
    ranges=Ranges(of="row group", files="parquet"),
    header=parquet_names,
    rates={False: InputRate(bytes_per_second=1.8e6, text=2.26, parts=1.06)},
)
ARROW = SourceKind(
    name="arrow",
    read=read_arrow,
    locator="number of the row, from 1",
    suffixes=(".arrow", ".feather", ".ipc", ".arrows"),
    begins=lambda head: head.data.startswith((_ARROW_FILE, b"\xff\xff\xff\xff")),
    header=arrow_names,
)
