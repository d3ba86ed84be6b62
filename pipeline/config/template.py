"""`tokenmill init`: a commented configuration, made from the configuration's own fields, descriptions and defaults."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

import tomli_w
from pydantic.fields import FieldInfo

from pipeline.config.load import config_values
from pipeline.config.schema import Config
from transforms.filters.presets import PRESETS, preset_filters
from transforms.ingest.settings import SourceConfig, source_defaults
from transforms.sources.registry import KINDS

_WIDTH = 110
_HEAD = """\
# tokenmill: raw text in, token shards out. `tokenmill run` this file; only `folder` and one source are required.
# Every other key stands here with its default. Relative paths start at the folder of this file.
"""
_EXAMPLES: dict[str, Any] = {"kind": "jsonl", "paths": ["news/*.jsonl.gz"]}


def commented_template(*, folder: str = "runs/first", source: str = "news") -> str:
    """A whole TOML file. Loading it gives the defaults and one source, `source`."""
    sections = [
        entry.name for entry in fields(Config) if is_dataclass(get_type_hints(Config)[entry.name])
    ]
    top = [
        _line(Config, "folder", folder),
        *(
            _line(Config, name, _default(Config, name))
            for name in ("seed", "workers", "plugins", "max_error_rate", "common_crawl", "signals")
        ),
    ]
    parts = [_HEAD, "\n".join(top), f"[sources.{source}]\n" + "\n".join(_source_lines())]
    for section in sections:
        kind = get_type_hints(Config)[section]
        parts.append(
            f"[{section}]\n"
            + "\n".join(
                _line(kind, entry.name, _default(kind, entry.name)) for entry in fields(kind)
            )
        )
    return "\n\n".join(parts) + "\n"


def _source_lines() -> Iterator[str]:
    """The keys of a source's table: those of every kind, then the options of readers."""
    for entry in fields(SourceConfig):
        line = _line(
            SourceConfig, entry.name, _EXAMPLES.get(entry.name, _default(SourceConfig, entry.name))
        )
        yield f"{_presets()}\n{line}" if entry.name == "quality" else line
    for name, (description, default) in source_defaults().items():
        yield _setting(name, list(default) if isinstance(default, tuple) else default, description)


def _presets() -> str:
    """Comment lines: what each preset stands for."""
    lines = []
    books = " or ".join(name for name, kind in KINDS.items() if kind.books)
    for name in PRESETS:
        for note, of_books in (("", False), (f" in sources of kind {books}", True)):
            filters = ", ".join(
                _filter(item, options) for item, options in preset_filters(name, books=of_books)
            )
            lines += textwrap.wrap(
                f'"{name}" is [{filters}]{note}',
                _WIDTH,
                initial_indent="# ",
                subsequent_indent="#   ",
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _filter(name: str, options: Mapping[str, Any]) -> str:
    return _inline({"name": name, **options}) if options else f'"{name}"'


def _line(kind: type, name: str, value: Any) -> str:
    hint = get_type_hints(kind, include_extras=True)[name]
    description = next(
        (
            item.description
            for item in getattr(hint, "__metadata__", ())
            if getattr(item, "description", None)
        ),
        "",
    )
    return _setting(name, value, description)


def _setting(name: str, value: Any, description: str) -> str:
    """`name = value` under its description; None is a key that is commented out."""
    comment = "\n".join(
        textwrap.wrap(description, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    )
    if value is None:
        return f"{comment}\n# {name} =" if comment else f"# {name} ="
    setting = (
        tomli_w.dumps({name: value}).strip() if not isinstance(value, dict) else f"{name} = {{}}"
    )
    setting = (
        setting
        if len(setting.splitlines()) == 1
        else f"{name} = [{', '.join(_inline(item) for item in value)}]"
    )
    return f"{comment}\n{setting}" if comment else setting


def _inline(item: Any) -> str:
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {_inline(value)}" for key, value in item.items()) + " }"
    return tomli_w.dumps({"x": item}).strip().removeprefix("x = ")


def _default(kind: type, name: str) -> Any:
    entry = next(entry for entry in fields(kind) if entry.name == name)
    value: Any = entry.default_factory() if entry.default_factory is not MISSING else entry.default
    if isinstance(value, FieldInfo):
        value = value.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        return [config_values(item) if is_dataclass(item) else item for item in value]
    return value
