"""What a user asks of an export."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from transforms.errors import ConfigError
from transforms.export.formats import ExportOptions
from transforms.export.registry import FORMATS

SPLITS = ("train", "validation")


def split_names(split: str) -> tuple[str, ...]:
    """train, validation or all -> the splits. Raises ConfigError for another word."""
    if split not in (*SPLITS, "all"):
        raise ConfigError(
            f"{split!r} is not a split",
            where="--split",
            remedy=f"choose from {', '.join(SPLITS)}, all",
        )
    return SPLITS if split == "all" else (split,)


@dataclass(frozen=True, kw_only=True)
class FormatOption:
    """An option of one or several formats, as the command line shows it.

    default  its type is that of all values
    formats  that have it
    choices  the allowed words; empty where there is no such list
    minimum  of a number
    """

    name: str
    default: Any
    description: str
    formats: tuple[str, ...]
    choices: tuple[str, ...]
    minimum: int | None

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


def format_options() -> dict[str, FormatOption]:
    """The options of all formats by name.

    Formats with an option of the same name share it; the first of them defines it.
    """
    having: dict[str, list[str]] = {}
    for name, known in FORMATS.items():
        for entry in fields(known.options):
            having.setdefault(entry.name, []).append(name)
    return {option: _option(option, tuple(formats)) for option, formats in having.items()}


def _option(name: str, formats: tuple[str, ...]) -> FormatOption:
    table = FORMATS[formats[0]].options
    info = FieldInfo.from_annotation(get_type_hints(table, include_extras=True)[name])
    return FormatOption(
        name=name,
        default=getattr(table(), name),
        description=info.description or "",
        formats=formats,
        choices=() if isinstance(info.annotation, type) else get_args(info.annotation),
        minimum=next((mark.ge for mark in info.metadata if hasattr(mark, "ge")), None),
    )


def choose_options(format: str, given: Mapping[str, int | str]) -> ExportOptions:
    """Build the options of a format from values by name.

    Options of other formats are ignored where they have their default. Raises ConfigError for an
    unknown format, an option that the format does not have, and a wrong value.
    """
    known, options = _known(format), format_options()
    chosen = {}
    for name, value in given.items():
        option = options[name]
        if format in option.formats:
            chosen[name] = value
        elif value != option.default:
            remedy = f"leave it out, or export {option.formats[0]}, which it is for"
            raise ConfigError(
                f"{format} has no option {option.flag}", where=option.flag, remedy=remedy
            )
    try:
        return known.options(**chosen)
    except ValidationError as error:
        details = error.errors()[0]
        option = options[str(details["loc"][0])]
        if option.choices:
            what, remedy = (
                f"{details['input']!r} is not a {option.name}",
                f"choose from {', '.join(option.choices)}",
            )
        else:
            what, remedy = (
                f"{details['input']!r}: {details['msg'].lower()}",
                "`tokenmill export --help` says what it may be",
            )
        raise ConfigError(what, where=option.flag, remedy=remedy) from error


def _known(format: str) -> Any:
    if format not in FORMATS:
        raise ConfigError(
            f"{format!r} is not a format",
            where="--format",
            remedy=f"choose from {', '.join(FORMATS)}",
        )
    return FORMATS[format]


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """A requested export.

    format   the name of the format
    to       the target folder
    splits   the splits to export
    sources  the sources to export; empty: all
    options  the options of the format; its defaults if not given
    """

    format: str
    to: str
    splits: tuple[str, ...] = SPLITS
    sources: tuple[str, ...] = ()
    options: ExportOptions = field(default_factory=ExportOptions)

    def __post_init__(self) -> None:
        known = _known(self.format)
        if type(self.options) is ExportOptions:
            object.__setattr__(self, "options", known.options())
        if not isinstance(self.options, known.options):
            raise TypeError(
                f"the options of {self.format} are {known.options.__name__}, not {self.options!r}"
            )

    def values(self) -> dict[str, Any]:
        """What decides the bytes of the export, as plain values."""
        return {
            "format": self.format,
            "splits": list(self.splits),
            "sources": list(self.sources),
            "options": asdict(self.options),
        }

    def check_sources(self, known: set[str]) -> None:
        """Raises ConfigError for a source that the run does not have."""
        if unknown := sorted(set(self.sources) - known):
            remedy = f"choose from {', '.join(sorted(known))}"
            raise ConfigError(
                f"the run has no source {unknown[0]!r}", where="--sources", remedy=remedy
            )

    def wants(self, source: str) -> bool:
        return not self.sources or source in self.sources
