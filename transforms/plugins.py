"""Filters and sources of users: files or modules in `plugins`, loaded here and in all workers.

A plugin is Python code that calls `register_filter` or `register_source`. The text of a file is
sent to the workers; a module must be installed where they run.
"""

import hashlib
import importlib
import linecache
import os
import posixpath
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from transforms import storage
from transforms.errors import ConfigError
from transforms.filters.filter import Filter
from transforms.filters.presets import PRESETS
from transforms.filters.registry import FILTERS
from transforms.filters.verdicts import Verdicts
from transforms.sources.kind import SourceKind
from transforms.sources.records import Record
from transforms.sources.registry import KINDS, TABLE_OPTIONS

_PREFIX = "tokenmill_plugin_"
_COPY = re.compile(r"^[0-9a-f]{8}-")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_REGISTRIES: dict[type, dict[str, Any]] = {Filter: FILTERS, SourceKind: KINDS}
_BUILT_IN = {*FILTERS, *PRESETS}, set(KINDS)
_REGISTERED: dict[str, list[Filter | SourceKind]] = {}
"""The label of a plugin that ran in this process -> its registered filters and sources."""
_running: list[Filter | SourceKind] = []
"""The filters and sources that the running plugin has registered so far."""
_loaded: list[str] = []
"""The labels of the plugins whose filters and sources are in the registries."""
_lock = threading.Lock()  # a worker process of other runners has several threads

Judge = TypeVar("Judge", bound=Callable[..., Verdicts])
Reader = TypeVar("Reader", bound=Callable[..., Iterator[Record]])


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin.

    name  the path or URL of a file, or a module
    code  the text of the file, None for a module
    """

    name: str
    code: str | None

    @property
    def label(self) -> str:
        """The plugin in a fingerprint: the SHA-256 of its code, or the name of the module."""
        return self.name if self.code is None else hashlib.sha256(self.code.encode()).hexdigest()


def register_filter(
    name: str, *, columns: Sequence[str] = ("text",), files: Sequence[str] = ()
) -> Callable[[Judge], Judge]:
    """Register a function as a quality filter: `@register_filter("shouting")`.

    The function takes columns of a batch of documents, Arrow arrays of n rows, and keyword-only
    options with a type and a default; it returns `Verdicts` of n rows.

    Args:
        name: the name of the filter in the configuration.
        columns: the arguments of the function in order: columns of DOCUMENT_SCHEMA, or `tokens`,
            the `Tokens` of the text.
        files: the options that name files, besides those of type `ConfigPath`.
    """

    def add(judge: Judge) -> Judge:
        _running.append(Filter(name=name, judge=judge, columns=tuple(columns), files=tuple(files)))
        return judge

    return add


def register_source(
    kind: str,
    *,
    options: Sequence[str] = (),
    compressed: bool = False,
    suffixes: Sequence[str] = (),
) -> Callable[[Reader], Reader]:
    """Register a generator function as a kind of source: `@register_source("mail")`.

    The function takes a binary stream and keyword-only options, which are the source's table
    `options`. It yields `RawDocument` and `RawReject` in file order, each with a locator that is
    unique in its file.

    Args:
        kind: the name of the kind in the configuration.
        options: further keys of the source's table that the function takes, such as `fields`.
        compressed: whether the stream holds the raw bytes of the file; otherwise they are
            decompressed according to the file's name.
        suffixes: suffixes of the names of its files, lowercase and without `.gz`. A folder as a
            path then selects these files, otherwise all its files.

    Raises:
        ValueError: `options` names a key that no source has.
    """

    if unknown := [name for name in options if name not in TABLE_OPTIONS]:
        raise ValueError(
            f"{unknown[0]!r} is not a key of a source's table; there are {', '.join(TABLE_OPTIONS)}"
        )

    def add(read: Reader) -> Reader:
        _running.append(
            SourceKind(
                name=kind,
                read=read,
                suffixes=tuple(suffixes),
                decompresses=compressed,
                plugin=True,
                table_options={name: TABLE_OPTIONS[name] for name in options},
            )
        )
        return read

    return add


def is_file(name: str) -> bool:
    """Whether an entry of `plugins` names a file, not a module."""
    return name.endswith(".py") or "/" in name


def read_plugins(names: Sequence[str]) -> tuple[Plugin, ...]:
    """Read the code of plugins. Raises ConfigError for a file that cannot be read."""
    return tuple(Plugin(name=name, code=_read(name) if is_file(name) else None) for name in names)


def _read(path: str) -> str:
    try:
        return storage.read_bytes(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the plugin: {error}",
            where=path,
            remedy="name a Python file or an installed module",
        ) from error


def load_plugins(plugins: Sequence[Plugin]) -> None:
    """Add the filters and sources of exactly these plugins to the registries of this process.

    Each plugin runs once per process. Raises ConfigError for a plugin that fails, with its line,
    and for a name that is not allowed or already used.
    """
    with _lock:
        if [plugin.label for plugin in plugins] != _loaded:
            _loaded[:] = ["being loaded"]
            _load(plugins)
            _loaded[:] = [plugin.label for plugin in plugins]


def _load(plugins: Sequence[Plugin]) -> None:
    for registry, built_in in zip(_REGISTRIES.values(), _BUILT_IN, strict=True):
        for name in registry.keys() - built_in:
            del registry[name]
    for plugin in plugins:
        if plugin.label not in _REGISTERED:
            _running.clear()
            _run(plugin)
            _REGISTERED[plugin.label] = list(_running)
        for entry in _REGISTERED[plugin.label]:
            name, registry = entry.name, _REGISTRIES[type(entry)]
            if not _NAME.fullmatch(name):
                raise ConfigError(
                    f"{name!r} is not a name",
                    where=plugin.name,
                    remedy="use lowercase letters, digits, - and _",
                )
            if name in registry or name in PRESETS:
                raise ConfigError(
                    f"the name {name!r} is taken",
                    where=plugin.name,
                    remedy="register it under another name",
                )
            registry[name] = entry


def _run(plugin: Plugin) -> None:
    try:
        if plugin.code is None:
            # A module that other code imported before must run again: its registrations were lost.
            known = sys.modules.get(plugin.name)
            importlib.reload(known) if known else importlib.import_module(plugin.name)
        else:
            _run_code(plugin.name, plugin.code, f"{_PREFIX}{plugin.label[:16]}")
    except Exception as error:
        raise ConfigError(
            f"the plugin fails: {_reason(error, plugin.name)}",
            where=plugin.name,
            remedy="fix the plugin",
        ) from error


def _run_code(path: str, code: str, module_name: str) -> None:
    module = ModuleType(module_name)
    module.__file__ = path
    # For tracebacks on machines without the file.
    linecache.cache[path] = (len(code), None, code.splitlines(keepends=True), path)
    sys.modules[module_name] = module
    try:
        exec(compile(code, path, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[module_name]
        raise


def _reason(error: Exception, path: str) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    if isinstance(error, SyntaxError):
        return str(error)
    return f"{type(error).__name__}: {error}" + (f" (line {lines[-1]})" if lines else "")


def file_name(plugin: Plugin) -> str:
    """The name of a run's copy of a plugin's file; a copy of the copy has the same name."""
    return (
        f"{plugin.label[:8]}-{_COPY.sub('', posixpath.basename(plugin.name.replace(os.sep, '/')))}"
    )
