"""Typed values <-> plain JSON values: the one writer and the one reader of every JSON file of a run."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from pydantic import JsonValue, TypeAdapter

Json: TypeAlias = JsonValue
JsonObject: TypeAlias = dict[str, Json]
T = TypeVar("T")


@runtime_checkable
class HasPlainForm(Protocol):
    """A class that is written in a form of its own; a pydantic validator of the class reads it back."""

    def to_plain(self) -> JsonObject: ...


def to_plain(value: object) -> Json:
    """Dataclasses and mappings -> objects, named tuples and sequences -> arrays. Bytes and arrays raise TypeError.

    A field that is None is left out if None is its default: an old file without it and a new one read the same.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, HasPlainForm):
        return value.to_plain()
    if is_dataclass(value) and not isinstance(value, type):
        written = ((entry, getattr(value, entry.name)) for entry in fields(value))
        return {
            entry.name: to_plain(item)
            for entry, item in written
            if item is not None or entry.default is not None
        }
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    raise TypeError(f"not a value for JSON: {type(value).__name__}")


def to_object(value: object) -> JsonObject:
    """The same for what is written as a JSON object."""
    plain = to_plain(value)
    assert isinstance(plain, dict), f"not an object: {value!r}"
    return plain


def from_plain(kind: type[T], value: object) -> T:
    """A plain value -> a `kind`, its fields checked and converted. Raises ValueError for one that does not fit."""
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]  # a class is hashable
    return adapter.validate_python(value)


@lru_cache(None)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
