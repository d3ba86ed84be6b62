"""The options of a source's reader: keys of the source's table in the configuration.

An option is a keyword parameter of the reader whose annotation has a description:
`Annotated[bool, Field(description=...)]`. Name, type, allowed values and default are those of the
signature. Options of several kinds are defined here, an option of one kind beside its reader.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, make_dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from transforms.config_types import STRICT, as_list
from transforms.sources.extractors import Extractor
from transforms.sources.render import Output


def _check_distinct(names: Sequence[str]) -> Sequence[str]:
    if len(set(names)) < len(names) or "" in names:
        raise ValueError("a column is named twice, or has no name")
    return names


FieldsOption = Annotated[
    Mapping[Literal["text", "url", "title", "published"], str],
    Field(
        description='which key or column holds which field, or a path to it: { url = "meta.url" }'
    ),
]
NO_FIELDS: FieldsOption = MappingProxyType({})
KeepColumnsOption = Annotated[
    tuple[str, ...],
    BeforeValidator(as_list),
    AfterValidator(_check_distinct),
    Field(
        description="columns of yours, or paths to them, "
        "that go with the documents to their exports"
    ),
]
TruncatedOption = Annotated[
    Literal["keep", "reject"],
    Field(
        description="what becomes of a text that is known to be cut short, "
        "by the crawler or on its way"
    ),
]
ExtractorOption = Annotated[
    Extractor,
    Field(
        description="what finds the main text: ours, or others to compare with; "
        "trafilatura is slower, and an extra"
    ),
]
OutputOption = Annotated[
    Output,
    Field(
        description="plain text, or GitHub-flavoured Markdown "
        "with headings, lists, tables, code, formulas"
    ),
]
LinksOption = Annotated[
    bool | None,
    Field(
        description="Markdown keeps the addresses of links, not only their text; "
        "when not set it does for kind markdown only"
    ),
]


@dataclass(frozen=True, kw_only=True)
class SourceOption:
    """An option of a reader.

    `type` is its annotation with all constraints; `default` is MISSING for a required option.
    """

    name: str
    type: Any
    default: Any
    description: str


def reader_options(read: Callable[..., Any]) -> dict[str, SourceOption]:
    """The options of a reader by name, in the order of its signature."""
    hints = get_type_hints(read, include_extras=True)
    options = {}
    for name, parameter in inspect.signature(read).parameters.items():
        marks = getattr(hints.get(name), "__metadata__", ())
        description = next(
            (mark.description for mark in marks if getattr(mark, "description", None)), ""
        )
        if description and parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            default = MISSING if parameter.default is inspect.Parameter.empty else parameter.default
            options[name] = SourceOption(
                name=name, type=hints[name], default=_plain(default), description=description
            )
    return options


def _plain(default: Any) -> Any:
    """Convert a default to a value that can be pickled and written as TOML."""
    return dict(default) if isinstance(default, Mapping) else default


def check_options(
    options: Mapping[str, SourceOption], given: Mapping[str, Any], context: Any = None
) -> dict[str, Any]:
    """Validate the given values -> the value of every option, in the order of `options`.

    Defaults are filled in. Raises pydantic.ValidationError, which locates the value, for a wrong,
    unknown or missing one.
    """
    table = make_dataclass(
        "Options",
        [(option.name, option.type, _field(option)) for option in options.values()],
        kw_only=True,
    )
    checked = TypeAdapter(checked_dataclass(config=STRICT)(table)).validate_python(
        dict(given), context=context
    )
    return {name: getattr(checked, name) for name in options}


def _field(option: SourceOption) -> Any:
    default = option.default
    if default is MISSING:
        return field()
    return (
        field(default_factory=lambda: dict(default))
        if isinstance(default, dict)
        else field(default=default)
    )
