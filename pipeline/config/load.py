"""One TOML file -> the configuration. Unknown keys and wrong values are errors that say what is allowed."""

import difflib
import os
import tomllib
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import tomli_w
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.schema import Config
from transforms import storage
from transforms.config_types import BASE_FOLDER, absolute_path
from transforms.errors import ConfigError
from transforms.ingest.settings import FilterConfig, SourceConfig
from transforms.plugins import is_file, load_plugins, read_plugins
from transforms.sources.registry import TABLE_OPTIONS


def load_config(path: str) -> Config:
    """Reads a TOML file. Raises ConfigError naming the file, the key and the allowed values."""
    try:
        values = tomllib.loads(storage.read_bytes(path).decode())
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no such configuration",
            where=path,
            remedy="`tokenmill init` writes one to start from",
        ) from error
    except IsADirectoryError as error:
        raise ConfigError(
            "this is a folder, not a configuration",
            where=path,
            remedy="name a TOML file, or a folder with a run.toml",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"not valid TOML: {error}",
            where=path,
            remedy="correct the line; strings stand in quotes",
        ) from error
    return parse_config(values, where=path)


def parse_config(values: dict[str, Any], *, where: str) -> Config:
    """A TOML file's values -> the configuration, paths made absolute against the folder of `where`, a path or URL."""
    base = where.rsplit("/", 1)[0] if "://" in where else os.path.dirname(os.path.abspath(where))
    values = _with_plugins(values, base, where)
    try:
        return TypeAdapter(Config).validate_python(values, context={BASE_FOLDER: base})
    except ValidationError as error:
        raise _config_error(error.errors()[0], where) from error


def config_values(config: Any) -> dict[str, Any]:
    """A configuration dataclass -> plain values, None left out, filters as TOML writes them."""
    if isinstance(config, FilterConfig | SourceConfig):
        return config.values()
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"not a configuration: {config!r}")
    values = {entry.name: _plain(getattr(config, entry.name)) for entry in fields(config)}
    return {key: value for key, value in values.items() if value is not None}


def config_toml(config: Config) -> str:
    """The resolved configuration as TOML, which `load_config` reads back to an equal one."""
    return tomli_w.dumps(config_values(config))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return config_values(value) if is_dataclass(value) else value


def _with_plugins(values: dict[str, Any], base: str, where: str) -> dict[str, Any]:
    """Loads the plugins, whose names the rest of the configuration may use; returns the values with their paths made absolute."""
    names = values.get("plugins", [])
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(
            f"plugins = {names!r}: it is not a list of names",
            where=where,
            remedy='write plugins = ["./my_filters.py", "a.module"]',
        )
    resolved = [absolute_path(name, base) if is_file(name) else name for name in names]
    load_plugins(read_plugins(resolved))
    return {**values, "plugins": resolved}


def _config_error(details: ErrorDetails, where: str) -> ConfigError:
    location = [str(part) for part in details["loc"]]
    key = ".".join(location) or "the configuration"
    if details["type"] in ("unexpected_keyword_argument", "unexpected_positional_argument"):
        allowed = _keys_at(location[:-1])
        near = difflib.get_close_matches(location[-1], allowed, n=1)
        what = f"unknown key {key}" + (f"; did you mean {near[0]!r}?" if near else "")
        return ConfigError(what, where=where, remedy=f"allowed keys: {', '.join(allowed)}")
    if details["type"] in ("missing", "missing_argument"):
        return ConfigError(
            f"{key} is missing",
            where=where,
            remedy=f"add {location[-1]!r}; `tokenmill init` shows every key with its default",
        )
    message = details["msg"].removeprefix("Value error, ")
    value = details["input"]
    shown = "" if isinstance(value, dict) or is_dataclass(value) else f" = {value!r}"
    remedy = "`tokenmill init` shows every key with its default and meaning"
    return ConfigError(
        f"{key}{shown}: {message[:1].lower()}{message[1:]}", where=where, remedy=remedy
    )


def _keys_at(location: list[str]) -> list[str]:
    """The keys of the table at a place in the configuration."""
    table: Any = Config
    for part in location:
        if table is dict or not is_dataclass(table):
            break
        hint = get_type_hints(table).get(part)
        if part == "sources":
            return (
                [*(entry.name for entry in fields(SourceConfig)), *TABLE_OPTIONS]
                if len(location) > 1
                else []
            )
        table = hint if is_dataclass(hint) else (get_args(hint) or (None,))[0]
    return [entry.name for entry in fields(table)] if is_dataclass(table) else []


def stage_values(config: Config, *sections: str) -> dict[str, Any]:
    """The plain values of some sections or keys of a configuration: what a stage's fingerprint is made of."""
    values = config_values(config)
    return {section: values[section] for section in sections}
