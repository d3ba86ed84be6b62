"""Types of configuration values shared by several tables: paths, and lists or single values.

A relative path of a configuration starts at the folder of its file. The types below resolve it
while pydantic validates its table; the loader passes the folder as `context={BASE_FOLDER: ...}`.
Without a context, as in a program that constructs a table, paths are unchanged.
"""

import os
import posixpath
from collections.abc import Callable
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, ValidationInfo

from transforms.storage import globs

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""The pydantic settings of all tables: unknown keys, NaN and infinity are errors."""

BASE_FOLDER = "base_folder"
"""The key of the folder, a path or URL, in the validation context."""


def as_list(value: Any) -> Any:
    """Wrap a string in a list; other values are unchanged."""
    return [value] if isinstance(value, str) else value


def absolute_path(path: str, base: str) -> str:
    """Resolve a path relative to the folder `base`; URLs are unchanged."""
    path = path.removeprefix("file://")
    if "://" in path:
        return path
    if "://" in base and not os.path.isabs(path):
        protocol, inner = base.split("://", 1)
        return f"{protocol}://{posixpath.normpath(posixpath.join(inner, path))}"
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


def absolute_pattern(pattern: str, base: str) -> str:
    """Resolve a glob relative to the folder `base`, in whose name wildcards are escaped."""
    return absolute_path(pattern, globs.escape(base))


class ResolvePath:
    """A pydantic validator that marks a string as a path; `absolute(path, base)` resolves it."""

    def __init__(self, absolute: Callable[[str, str], str]):
        self._absolute = absolute

    def __call__(self, path: str, info: ValidationInfo) -> str:
        base = (info.context or {}).get(BASE_FOLDER)
        return self._absolute(path, base) if base is not None and path else path


ConfigPath = Annotated[str, AfterValidator(ResolvePath(absolute_path))]
ConfigPaths = Annotated[tuple[ConfigPath, ...], BeforeValidator(as_list)]
ConfigPattern = Annotated[str, AfterValidator(ResolvePath(absolute_pattern))]
ConfigPatterns = Annotated[tuple[ConfigPattern, ...], BeforeValidator(as_list)]


def holds_paths(annotation: Any) -> bool:
    """Whether a type is a path of the configuration, or a list or table of paths."""
    marks = getattr(annotation, "__metadata__", ())
    if any(isinstance(getattr(mark, "func", None), ResolvePath) for mark in marks):
        return True
    return any(holds_paths(argument) for argument in get_args(annotation))


def resolve_paths(value: Any, info: ValidationInfo) -> Any:
    """Make a path, or a list or table of paths of a TOML file, absolute."""
    if isinstance(value, str):
        return ResolvePath(absolute_path)(value, info)
    if isinstance(value, list | tuple):
        return [resolve_paths(path, info) for path in value]
    return (
        {key: resolve_paths(path, info) for key, path in value.items()}
        if isinstance(value, dict)
        else value
    )
