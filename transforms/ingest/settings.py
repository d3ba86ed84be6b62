"""The settings of ingest: the tables `[sources.NAME]` and `[language]` of the configuration."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, field
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass

from transforms.config_types import (
    STRICT,
    ConfigPath,
    ResolvePath,
    absolute_pattern,
    as_list,
    resolve_paths,
)
from transforms.filters.language import DEFAULT_THRESHOLD, find_labels
from transforms.filters.presets import expand_presets
from transforms.filters.registry import FILTERS, check_filter
from transforms.sources.common_crawl import is_crawl_name, parse_crawl_name
from transforms.sources.file_kinds import AUTO
from transforms.sources.kind import SourceKind
from transforms.sources.options import SourceOption, check_options
from transforms.sources.registry import KINDS, TABLE_OPTIONS, options_of

_ALWAYS_WRITTEN = ("fields", "keep_columns", "truncated", "reflow", "extractor", "output")
"""Options that are written for sources of all kinds, even with their defaults.

Fingerprints of runs since version 0.1 contain them. All other options are written only where they
differ from their default, so that a new option does not change the fingerprints of existing runs.
"""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FilterConfig:
    """One quality filter: a name of the registry and options that differ from its defaults."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_toml(cls, value: Any) -> Any:
        """Accept "gopher" and { name = "length", at_least = 200 }."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "options" not in value:
            return {
                "name": value.get("name"),
                "options": {key: option for key, option in value.items() if key != "name"},
            }
        return value

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> "FilterConfig":
        check_filter(self.name, self.options)
        files = {
            key: resolve_paths(self.options[key], info)
            for key in FILTERS[self.name].files
            if key in self.options
        }
        object.__setattr__(self, "options", self.options | files)
        return self

    def values(self) -> dict[str, Any]:
        """As TOML writes it."""
        return {"name": self.name, **self.options}


def _absolute_input(path: str, base: str) -> str:
    return path if is_crawl_name(path) else absolute_pattern(path, base)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SourceConfig:
    """A source: the kind and paths of its files, and how they are read and filtered.

    In TOML the options of the reader are keys of the source's table; here they are `options`,
    complete with defaults. In a source of kind `auto` each file has its own kind, and `options`
    holds those of all kinds. The options of a plugin are the table `options` in TOML; here they are
    among `options`, without defaults.
    """

    kind: Annotated[
        str,
        Field(
            description=f"what the files are: {', '.join(KINDS)}, a kind of a plugin, "
            "or auto: each as its name and content say"
        ),
    ]
    paths: Annotated[
        tuple[Annotated[str, AfterValidator(ResolvePath(_absolute_input))], ...],
        BeforeValidator(as_list),
        Field(
            min_length=1,
            description="files, globs or folders, on any file system, relative to this file; "
            "Common Crawl by name: "
            '"cc:CC-MAIN-2024-22/warc[0:4]"; '
            'the Hugging Face Hub: "hf://datasets/ORG/NAME/*.parquet"',
        ),
    ]
    quality: Annotated[
        tuple[FilterConfig, ...],
        Field(
            description="a preset, or filters in order: "
            '["gopher", { name = "length", at_least = 200 }]'
        ),
    ] = ()
    split: Annotated[
        bool,
        Field(
            description="several workers may read one large file: "
            + ", ".join(kind.ranges.files for kind in KINDS.values() if kind.ranges is not None)
        ),
    ] = True
    options: Annotated[dict[str, Any], Field(description="options of a plugin's kind")] = field(
        default_factory=dict
    )

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS and kind != AUTO:
            raise ValueError(f"it is not a kind of source; there are {', '.join(KINDS)}, {AUTO}")
        return kind

    @field_validator("quality", mode="before")
    @classmethod
    def _write_out_presets(cls, value: Any, info: ValidationInfo) -> Any:
        entries = [value] if isinstance(value, str) else value
        kind = KINDS.get(info.data.get("kind", ""))
        return (
            expand_presets(entries, books=kind is not None and kind.books)
            if isinstance(entries, list | tuple)
            else entries
        )

    @model_validator(mode="before")
    @classmethod
    def _from_toml(cls, value: Any) -> Any:
        """Move the reader's options from the table into `options`.

        Raises ValueError for options of other kinds.
        """
        if not isinstance(value, dict):
            return value
        kind, given = value.get("kind"), value.get("options", {})
        rest = {key: item for key, item in value.items() if key not in TABLE_OPTIONS}
        if not isinstance(kind, str) or kind not in (*KINDS, AUTO) or not isinstance(given, dict):
            return rest  # the validators of the fields reject it
        options, plugin_options = _kind_options(kind), _plugin_options(kind)
        for name in given:
            if name not in plugin_options:
                raise _unknown_option(name, kind)
        for name in value.keys() - rest.keys() - options.keys():
            # run.toml has some options with their defaults, for sources of any kind.
            if _plain(value[name]) != _plain(TABLE_OPTIONS[name].default):
                raise ValueError(f"{name!r} is not for kind {kind!r}")
        return rest | {
            "options": {**given, **{name: value[name] for name in options if name in value}}
        }

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> "SourceConfig":
        options, plugin_options = _kind_options(self.kind), _plugin_options(self.kind)
        for name in self.options.keys() - options.keys():
            if name not in plugin_options:
                raise _unknown_option(name, self.kind)
        for name, parameter in plugin_options.items():
            if parameter.default is parameter.empty and name not in self.options:
                raise ValueError(f"kind {self.kind!r} needs the option {name!r}")
        checked = check_options(
            options,
            {name: self.options[name] for name in options if name in self.options},
            info.context,
        )
        object.__setattr__(
            self,
            "options",
            checked | {name: self.options[name] for name in self.options if name in plugin_options},
        )
        for path in filter(is_crawl_name, self.paths):
            if (kind := parse_crawl_name(path).kind) != self.kind and self.kind != AUTO:
                raise ValueError(f"{path!r} are files of kind {kind!r}, not {self.kind!r}")
        for check in filter(None, (kind.check for kind in _kinds(self.kind))):
            check(**self.options)
        return self

    @property
    def fields(self) -> Mapping[str, str]:
        """For tables: the fields of a document and the columns that hold them."""
        return self.options.get("fields", {})

    @property
    def keep_columns(self) -> tuple[str, ...]:
        """For tables: the columns that are copied to the documents."""
        return self.options.get("keep_columns", ())

    def splits(self, path: str, kind: str = "") -> bool:
        """Whether a file of this source can be read in ranges.

        `kind` is the kind of the file in a source of kind `auto`.
        """
        return self.split and KINDS[kind or self.kind].can_split(path)

    def reader_options(self, kind: str = "") -> dict[str, Any]:
        """The keywords of the reader of a file.

        `kind` is the kind of the file in a source of kind `auto`.
        """
        return (
            {name: self.options[name] for name in KINDS[kind].options}
            if kind
            else dict(self.options)
        )

    def values(self) -> dict[str, Any]:
        """The values as in TOML, with absolute paths; fingerprints are computed from them."""
        plugin_options = _plugin_options(self.kind)
        return {
            "kind": self.kind,
            "paths": list(self.paths),
            "quality": [item.values() for item in self.quality],
            "split": self.split,
            **dict(self._written_options()),
            "options": {
                name: _plain(value)
                for name, value in self.options.items()
                if name in plugin_options
            },
        }

    def _written_options(self) -> Iterator[tuple[str, Any]]:
        for name, option in TABLE_OPTIONS.items():
            value = (
                self.options.get(name, option.default)
                if name in _kind_options(self.kind)
                else option.default
            )
            if value is not None and (name in _ALWAYS_WRITTEN or value != option.default):
                yield name, _plain(value)


def _kinds(name: str) -> list[SourceKind]:
    """The kinds that the files of a source can have."""
    return [KINDS[name]] if name != AUTO else [kind for kind in KINDS.values() if not kind.plugin]


def _kind_options(name: str) -> Mapping[str, SourceOption]:
    return options_of(_kinds(name))


def _plugin_options(name: str) -> Mapping[str, inspect.Parameter]:
    return KINDS[name].plugin_options() if name != AUTO else {}


def _unknown_option(name: str, kind: str) -> ValueError:
    return ValueError(
        f"{name!r} is not an option of kind {kind!r}; "
        f"it has {', '.join(_plugin_options(kind)) or 'none'}"
    )


def _plain(value: Any) -> Any:
    """Convert tuples to lists, as in TOML and JSON."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def source_defaults() -> dict[str, tuple[str, Any]]:
    """Key of a source's table -> (description, default), for the options of all kinds.

    A description begins with the kinds that have the option.
    """
    shown = {}
    for name, option in TABLE_OPTIONS.items():
        kinds = ", ".join(
            kind.name for kind in KINDS.values() if not kind.plugin and name in kind.options
        )
        shown[name] = (
            f"{kinds}: {option.description}",
            None if option.default is MISSING else option.default,
        )
    return shown


def _check_threshold(value: Any) -> Any:
    """Check a threshold: a number, or a table of numbers with an optional `default`.

    A table with nothing but `default` becomes that number.
    """
    values = value if isinstance(value, dict) else {"default": value}
    for name, number in values.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
            raise ValueError(
                f"{name} = {number!r} is not a number from 0 to 1; "
                "write 0.65 or { default = 0.65, sw = 0.4 }"
            )
    return (
        values["default"]
        if list(values) == ["default"]
        else {name: float(number) for name, number in values.items()}
    )


def _check_lowercase(value: Any) -> Any:
    if not isinstance(value, bool) and value != "auto":
        raise ValueError('it is true, false or "auto"')
    return value


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LanguageConfig:
    """How languages are identified and which are kept.

    `keep` and `threshold` name languages by any code of `labels_of`, not only by the model's
    labels.
    """

    identify: Annotated[
        bool,
        Field(
            description="say which language each document is in; "
            "without, keep must be empty and filters may not ask for it"
        ),
    ] = True
    keep: Annotated[
        tuple[str, ...],
        Field(
            description='languages to keep, as "en", "eng", "eng_Latn" or labels of the model; '
            "empty keeps all"
        ),
    ] = ()
    threshold: Annotated[
        float | dict[str, float],
        BeforeValidator(_check_threshold),
        Field(
            description="least probability of the language, or one for some: "
            "{ default = 0.65, sw = 0.4 }"
        ),
    ] = DEFAULT_THRESHOLD
    characters: Annotated[
        int, Field(ge=1, description="how many characters of a document are looked at")
    ] = 3000
    model: Annotated[
        ConfigPath | None,
        Field(description="path or URL of a fastText model; the bundled lid.176.ftz when not set"),
    ] = None
    screen: Annotated[
        bool,
        Field(
            description="warc, html: pages of which a sample is surely (0.8) of another language "
            "are not extracted; never with signals"
        ),
    ] = True
    lowercase: Annotated[
        bool | Literal["auto"],
        BeforeValidator(_check_lowercase),
        Field(
            description='the model reads lowercase; "auto": lid.176 always, '
            "another only texts that are in capitals"
        ),
    ] = "auto"

    @model_validator(mode="after")
    def _check(self) -> "LanguageConfig":
        if self.keep and not self.identify:
            raise ValueError("keep names languages, which are not known with identify = false")
        named = (
            [code for code in self.threshold if code != "default"]
            if isinstance(self.threshold, dict)
            else []
        )
        for code in (*self.keep, *named):
            find_labels(code, self.model)
        return self
