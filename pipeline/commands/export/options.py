"""The options of export formats as options of the command line."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from transforms.export.request import FormatOption, format_options


def with_format_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command for typer an option for each option of a format of the registry, in place of its parameter `options`.

    The command itself gets them as one mapping, `options`, by name.
    """
    known = format_options()

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        command(
            **{name: value for name, value in values.items() if name not in known},
            options={name: values[name] for name in known},
        )

    added = [_parameter(option) for option in known.values()]
    parameters = [
        new
        for old in inspect.signature(command).parameters.values()
        for new in (added if old.name == "options" else [old])
    ]
    with_options.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    with_options.__annotations__ = {
        parameter.name: parameter.annotation for parameter in parameters
    }
    return with_options


def _parameter(option: FormatOption) -> inspect.Parameter:
    shown = typer.Option(
        option.flag, min=option.minimum, help=f"{', '.join(option.formats)}: {option.description}"
    )
    kind: Any = type(option.default)
    annotation: Any = Annotated[kind, shown]
    return inspect.Parameter(
        option.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=option.default,
        annotation=annotation,
    )
