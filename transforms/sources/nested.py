"""Nested columns of Arrow: a dotted path of names of structs, list indices from 0 and map keys."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.sources.columns import splits


class Place(NamedTuple):
    """The place of values: `column`, or inside it after `steps`.

    name  the requested name
    kind  the type of the values
    leaf  Parquet's name for the part of the column that must be read
    """

    name: str
    column: str
    steps: tuple[str | int, ...]
    kind: pa.DataType
    leaf: str


def find_place(schema: pa.Schema, name: str) -> Place | None:
    """The place that a name or path leads to; None if there is none or if two columns match."""
    for head, rest in [(name, ""), *splits(name)]:
        if schema.names.count(head) == 1:
            kind = schema.field(head).type
            for steps, inner, leaf in _steps(kind, rest):
                return Place(name, head, steps, inner, ".".join((head, *leaf)))
    return None


def _steps(
    kind: pa.DataType, path: str
) -> Iterator[tuple[tuple[str | int, ...], pa.DataType, tuple[str, ...]]]:
    """Yield the ways in which a path leads into a type -> (steps, type there, struct names).

    Literal names come first.
    """
    if not path:
        yield (), kind, ()
    elif pa.types.is_struct(kind):
        for head, rest in [(path, ""), *splits(path)]:
            index = kind.get_field_index(head)
            if index >= 0:
                yield from (
                    ((head, *steps), inner, (head, *leaf))
                    for steps, inner, leaf in _steps(kind.field(index).type, rest)
                )
    elif pa.types.is_map(kind):
        for head, rest in [(path, ""), *splits(path)]:
            yield from (
                ((head, *steps), inner, ()) for steps, inner, _ in _steps(kind.item_type, rest)
            )
    elif _is_list(kind):
        head, _, rest = path.partition(".")
        if head.isdecimal() and head.isascii():
            yield from (
                ((int(head), *steps), inner, ())
                for steps, inner, _ in _steps(kind.value_type, rest)
            )


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    checks = (
        types.is_list,
        types.is_large_list,
        types.is_fixed_size_list,
        types.is_list_view,
        types.is_large_list_view,
    )
    return any(check(kind) for check in checks)


def take_place(batch: pa.RecordBatch, place: Place) -> pa.Array:
    """The values of a batch of n rows at a place: an array of n, null where there is none."""
    column = batch.column(batch.schema.get_field_index(place.column))
    for step in place.steps:
        column = _step(column, step)
    return column


def _step(column: pa.Array, step: str | int) -> pa.Array:
    if pa.types.is_struct(column.type):
        return pc.struct_field(column, [column.type.get_field_index(step)])
    if pa.types.is_map(column.type):
        return _of_map(column, step)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    if pa.types.is_fixed_size_list(column.type):
        starts = (column.offset + np.arange(len(column))) * column.type.list_size
    else:
        starts = column.offsets.to_numpy(zero_copy_only=False)[: len(column)]
    return column.values.take(pa.array(starts + int(step), pa.int64(), mask=lengths <= int(step)))


def _of_map(column: pa.MapArray, key: Any) -> pa.Array:
    keys, offsets = (
        column.keys.cast(pa.string(), safe=False).to_pylist(),
        column.offsets.to_pylist(),
    )
    indices: list[int | None] = []
    for valid, start, end in zip(column.is_valid().to_pylist(), offsets, offsets[1:], strict=False):
        indices.append(
            next((index for index in range(start, end) if valid and keys[index] == key), None)
        )
    return column.items.take(pa.array(indices, pa.int64()))


def check_values(column: pa.Array) -> None:
    """Raise pa.ArrowInvalid if the offsets of an array lead outside it, as in a damaged file.

    Reading such an array would crash the process. Strings are checked as bytes, since invalid UTF-8
    is an error of a row, not of the file.
    """
    with contextlib.suppress(pa.ArrowNotImplementedError, pa.ArrowTypeError):
        column = column.view(_as_bytes(column.type))
    column.validate(full=True)


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """The same type with binary in place of strings."""
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return (
            pa.binary_view()
            if types.is_string_view(kind)
            else pa.binary()
            if types.is_string(kind)
            else pa.large_binary()
        )
    if types.is_struct(kind):
        return pa.struct(
            [
                field.with_type(_as_bytes(field.type))
                for field in map(kind.field, range(kind.num_fields))
            ]
        )
    if types.is_map(kind):
        key, item = kind.key_field, kind.item_field
        return pa.map_(key.with_type(_as_bytes(key.type)), item.with_type(_as_bytes(item.type)))
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _as_bytes(kind.value_type), kind.ordered)
    if _is_list(kind):
        inner = kind.value_field.with_type(_as_bytes(kind.value_type))
        if types.is_fixed_size_list(kind):
            return pa.list_(inner, kind.list_size)
        makers = (
            (types.is_list, pa.list_),
            (types.is_large_list, pa.large_list),
            (types.is_list_view, pa.list_view),
        )
        return next((make(inner) for check, make in makers if check(kind)), kind)
    return kind
