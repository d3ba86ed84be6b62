"""The columns of exported documents: names and plain types that other tools read.

Ids are hexadecimal and labels are strings, since not every reader knows fixed-size binary and
dictionaries; times are in milliseconds, since Parquet knows no seconds. Columns that the user keeps
(`keep_columns`) follow as columns of their own.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("published", pa.timestamp("ms", tz="UTC")),
        pa.field("language", pa.string()),
        pa.field("language_score", pa.float32()),
        pa.field("declared_language", pa.string()),
        pa.field("truncated", pa.string()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
    ]
)

IS_JSON = {b"tokenmill.type": b"json"}
"""Metadata of a column whose values have no common type: each is the text of a JSON value."""
_PREFIX = "kept_"
_TYPES = (
    ({"boolean"}, "bool"),
    ({"integer", "int64"}, "int64"),
    ({"integer", "number", "special"}, "double"),
    ({"string", "special"}, "string"),
)
_ARROW = {
    "bool": pa.bool_(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.large_string(),
    "json": pa.large_string(),
}


class KeptColumn(NamedTuple):
    """A column that the user keeps.

    Its key in the documents' column `kept`, its name and its type (bool, int64, double, string,
    json).
    """

    key: str
    name: str
    type: str

    @property
    def field(self) -> pa.Field:
        return pa.field(
            self.name, _ARROW[self.type], metadata=IS_JSON if self.type == "json" else None
        )


def kept_columns(
    keys: Sequence[str], kinds: Mapping[str, Mapping[str, int]]
) -> tuple[KeptColumn, ...]:
    """The columns for some keys of `kept`.

    `kinds`: what kinds of values each has (`transforms.sources.kept.count_kinds`).

    A key that is a column of ours in any spelling of upper and lower case gets `kept_` before it. A
    column has the one type that holds all its values as they are, else it holds JSON.
    """
    taken = {name.casefold() for name in SCHEMA.names}
    names: dict[str, str] = {}
    for key in sorted(dict.fromkeys(keys), key=lambda key: key.casefold() in taken):
        name = key
        while name.casefold() in taken:
            name = _PREFIX + name
        names[key] = name
        taken.add(name.casefold())
    return tuple(
        KeptColumn(key, names[key], _type_of(set(kinds.get(key, {}))))
        for key in dict.fromkeys(keys)
    )


def _type_of(kinds: set[str]) -> str:
    kinds = kinds - {"null"} or {"string"}
    return next((name for known, name in _TYPES if kinds <= known), "json")


def export_schema(columns: Sequence[KeptColumn] = ()) -> pa.Schema:
    return pa.schema([*SCHEMA, *(column.field for column in columns)])


def flat_documents(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of `transforms.contracts.documents.DOCUMENT_SCHEMA` -> the same rows in `SCHEMA`."""
    ids = pa.array([value.hex() for value in batch.column("id").to_pylist()], pa.string())
    arrays = [
        ids if field.name == "id" else batch.column(field.name).cast(field.type) for field in SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def with_kept(
    flat: pa.RecordBatch, kept: pa.Array, columns: Sequence[KeptColumn]
) -> pa.RecordBatch:
    """Rows in `SCHEMA`, and their column `kept` -> the same rows in `export_schema(columns)`."""
    rows = [json.loads(text) if text else {} for text in kept.to_pylist()]
    arrays = [
        pa.array([_value(row, column) for row in rows], column.field.type) for column in columns
    ]
    return pa.RecordBatch.from_arrays([*flat.columns, *arrays], schema=export_schema(columns))


def _value(row: Mapping[str, Any], column: KeptColumn) -> Any:
    """A value as its column has it.

    A column of JSON knows what is null and what is not there; others do not.
    """
    if column.type == "json":
        return (
            json.dumps(row[column.key], ensure_ascii=False, separators=(",", ":"))
            if column.key in row
            else None
        )
    value = row.get(column.key)
    return float(value) if column.type == "double" and value is not None else value


def add_kinds(
    total: dict[str, Counter[str]], kinds_by_column: Mapping[str, Mapping[str, int]]
) -> None:
    for name, kinds in kinds_by_column.items():
        total.setdefault(name, Counter()).update(kinds)
