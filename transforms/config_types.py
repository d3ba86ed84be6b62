"""Types of configuration values that more than one table has: paths, and lists that may be written as one value.

A relative path of a configuration starts at the folder of its file. The types below resolve it while pydantic validates the
table that holds it; the loader gives the folder as `context={BASE_FOLDER: ...}`. Without a context, as in a program that makes a
table itself, paths stay as they are.
"""

import os
import posixpath
from collections.abc import Callable
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, ValidationInfo

from transforms.storage import globs

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""What every table of the configuration has: unknown keys, NaN and infinity are errors."""

BASE_FOLDER = "base_folder"
"""The key of the validation context under which the loader gives the folder, a path or URL."""


def as_list(value: Any) -> Any:
    """A string where a list may stand -> a list of it; all else as it is."""
    return [value] if isinstance(value, str) else value


def absolute_path(path: str, base: str) -> str:
    """A path relative to the folder `base` -> an absolute one. URLs stay as they are."""
    path = path.removeprefix("file://")
    if "://" in path:
        return path
    if "://" in base and not os.path.isabs(path):
        protocol, inner = base.split("://", 1)
        return f"{protocol}://{posixpath.normpath(posixpath.join(inner, path))}"
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


def absolute_pattern(pattern: str, base: str) -> str:
    """The same for a glob. Wildcard characters in the name of `base` are escaped: they are no wildcards."""
    return absolute_path(pattern, globs.escape(base))


class ResolvePath:
    """A pydantic validator that marks a string of the configuration as a path, and resolves it with `absolute(path, base)`."""

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
    """Whether a type is a path of the configuration, or a list or table of such."""
    marks = getattr(annotation, "__metadata__", ())
    if any(isinstance(getattr(mark, "func", None), ResolvePath) for mark in marks):
        return True
    return any(holds_paths(argument) for argument in get_args(annotation))


def resolve_paths(value: Any, info: ValidationInfo) -> Any:
    """A path, or a list or table of paths, as TOML has it -> the same with absolute paths."""
    if isinstance(value, str):
        return ResolvePath(absolute_path)(value, info)
    if isinstance(value, list | tuple):
        return [resolve_paths(path, info) for path in value]
    return (
        {key: resolve_paths(path, info) for key, path in value.items()}
        if isinstance(value, dict)
        else value
    )
