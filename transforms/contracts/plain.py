"""Converts typed values to plain JSON values and back, for all JSON files of a run."""

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
    """A class with a custom JSON form; a pydantic validator of the class reads it back."""

    def to_plain(self) -> JsonObject: ...


def to_plain(value: object) -> Json:
    """Convert a value to plain JSON values.

    Dataclasses and mappings become objects, named tuples and sequences become arrays. A field that
    is None is omitted if None is its default, so files from before the field existed read the same.
    Raises TypeError for other types, such as bytes and numpy arrays.
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
    """Convert a value that is written as a JSON object; see `to_plain`."""
    plain = to_plain(value)
    assert isinstance(plain, dict), f"not an object: {value!r}"
    return plain


def from_plain(kind: type[T], value: object) -> T:
    """Convert a plain value to a `kind`, whose fields are checked.

    Raises ValueError if the value does not fit.
    """
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]  # a class is hashable
    return adapter.validate_python(value)


@lru_cache(None)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
