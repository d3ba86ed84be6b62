"""The columns that a user keeps, as JSON text in the document's column `kept`.

JSON has fewer types than Arrow. Integers keep all their digits. Decimals, times and non-finite
numbers become strings, bytes become base64, as in the JSON mapping of Protocol Buffers
(https://protobuf.dev/programming-guides/json/). Dates and times are in ISO 8601.
"""

import base64
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.clean_text import without_surrogates

# All integers up to this one are exact in float64.
_EXACT = 1 << 53
_INT64 = 1 << 63
_SPECIAL = ("NaN", "Infinity", "-Infinity")
_UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def kept_text(values: Mapping[str, Any]) -> str:
    """Columns of one record by name -> one line of JSON, keys in order; deterministic."""
    try:
        text = _dumps(values)
    except ValueError:
        # A number is not finite.
        text = _dumps(finite(values))
    return without_surrogates(text)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def finite(value: Any) -> Any:
    """Replace non-finite numbers in a JSON value by "NaN", "Infinity" or "-Infinity"."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def count_kinds(texts: Iterable[str | None]) -> dict[str, Counter[str]]:
    """Count the kinds of JSON values of each name in `kept` columns: name -> kind -> count.

    Kinds: null, boolean, integer (up to 2^53), int64 (up to 2^63), number, string, special (the
    string of a non-finite number), other.
    """
    counts: dict[str, Counter[str]] = {}
    for text in texts:
        for name, value in (json.loads(text) if text else {}).items():
            counts.setdefault(name, Counter())[_kind(value)] += 1
    return counts


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return (
            "integer" if abs(value) <= _EXACT else "int64" if -_INT64 <= value < _INT64 else "other"
        )
    if isinstance(value, str):
        return "special" if value in _SPECIAL else "string"
    return "null" if value is None else "number" if isinstance(value, float) else "other"


def json_values(column: pa.Array) -> list[Any]:
    """Convert an Arrow array of n values of any type to n JSON values."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return json_values(column.storage)
    if pa.types.is_dictionary(kind):
        return json_values(column.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return json_values(pc.run_end_decode(column))
    if pa.types.is_struct(kind):
        names = [kind.field(index).name for index in range(kind.num_fields)]
        inner = [json_values(part) for part in column.flatten()]
        rows = zip(*inner, strict=True) if inner else ((),) * len(column)
        return [
            dict(zip(names, row, strict=True)) if valid else None
            for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_map(kind):
        return _lists(column, _pairs)
    if pa.types.is_nested(kind) and hasattr(column, "value_lengths"):
        return _lists(column, lambda part: json_values(part.values))
    return _flat(column)


def _lists(column: pa.Array, read: Callable[[Any], list[Any]]) -> list[Any]:
    """Convert a column of lists or maps: their values are converted once and cut by the offsets."""
    values = read(column)
    if pa.types.is_map(column.type):
        # Maps have no value_lengths.
        offsets = column.offsets.to_pylist()
        bounds = zip(column.is_valid().to_pylist(), offsets, offsets[1:], strict=False)
        return [_as_map(values[start:end]) if valid else None for valid, start, end in bounds]
    lengths = column.value_lengths().to_pylist()
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        starts = [(column.offset + row) * size for row in range(len(column))]
    else:
        starts = column.offsets.to_pylist()[: len(column)]
    return [
        None if length is None else values[start : start + length]
        for start, length in zip(starts, lengths, strict=True)
    ]


def _pairs(column: pa.MapArray) -> list[Any]:
    return list(zip(json_values(column.keys), json_values(column.items), strict=True))


def _as_map(pairs: list[tuple[Any, Any]]) -> Any:
    """A JSON object if the keys are distinct strings, otherwise a list of pairs."""
    entries = {key: value for key, value in pairs if isinstance(key, str)}
    return entries if len(entries) == len(pairs) else [list(pair) for pair in pairs]


def _flat(column: pa.Array) -> list[Any]:
    kind, types = column.type, pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        # Convert as bytes, since Arrow does not check that strings are UTF-8.
        return _mapped(
            column.cast(pa.large_binary()), lambda value: value.decode("utf-8", "replace")
        )
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    ):
        return _mapped(column, lambda value: base64.b64encode(value).decode())
    if types.is_float16(kind) or types.is_float32(kind):
        # The shortest decimal of the same float32: 0.1, not 0.10000000149011612.
        short = np.float16 if types.is_float16(kind) else np.float32
        return _mapped(column.cast(pa.float64()), lambda value: float(str(short(value))))
    if types.is_decimal(kind):
        return _mapped(column, lambda value: format(Decimal(value), "f"))
    if types.is_timestamp(kind):
        text = column.cast(pa.timestamp(kind.unit)).cast(pa.string())
        return _mapped(text, lambda value: value.replace(" ", "T") + ("Z" if kind.tz else ""))
    if types.is_date(kind) or types.is_time(kind):
        return column.cast(pa.string()).to_pylist()
    if types.is_duration(kind):
        return _mapped(
            column.cast(pa.int64()),
            lambda value: format(Decimal(value).scaleb(-_UNITS[kind.unit]), "f") + "s",
        )
    if (
        types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
    ):
        return column.to_pylist()
    # Intervals and unions.
    return _mapped(column, str)


def _mapped(column: pa.Array, convert: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in column.to_pylist()]
