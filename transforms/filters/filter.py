"""A quality filter: a judge function, its input columns and its options.

The module of a judge ends with its `Filter`; one line of `transforms.filters.registry` imports it.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from transforms.config_types import holds_paths
from transforms.filters.tokens import Tokens, tokenize
from transforms.filters.verdicts import Verdicts

_MEASURE_ALL = "measure_all"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A quality filter.

    name     its name in the configuration, as in `quality = ["length"]`
    judge    columns of a batch of documents, each an Arrow array of n rows, and options as
             keywords -> `Verdicts` of n rows. The signature gives the names, types and defaults of
             the options. The keyword `measure_all` is not an option: a judge that skips values
             which cannot change its verdicts has it, and computes all of them when it is true
    columns  the arguments of `judge` in order: columns of DOCUMENT_SCHEMA, or `tokens`, the
             `Tokens` of the text
    files    the options that hold file names, or lists or tables of them: all options of type
             `ConfigPath`, and those given here
    """

    name: str
    judge: Callable[..., Verdicts]
    columns: tuple[str, ...] = ("text",)
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        annotated = (
            name for name, parameter in self.options().items() if holds_paths(parameter.annotation)
        )
        object.__setattr__(self, "files", tuple(dict.fromkeys((*self.files, *annotated))))

    def options(self) -> dict[str, inspect.Parameter]:
        """The keyword-only parameters of the judge by name."""
        return {
            name: parameter for name, parameter in self._keywords().items() if name != _MEASURE_ALL
        }

    def keywords(self, *, measure_all: bool) -> dict[str, bool]:
        """The keywords of the judge that are not options.

        `measure_all` requests every value of every row among the signals.
        """
        return {_MEASURE_ALL: True} if measure_all and _MEASURE_ALL in self._keywords() else {}

    def _keywords(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.judge).parameters
        return {
            name: parameter
            for name, parameter in parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }


class Columns:
    """The columns of a batch of documents for judges; its text is tokenized once, on first use."""

    def __init__(self, batch: pa.RecordBatch):
        self.batch = batch

    def __getitem__(self, name: str) -> pa.Array | Tokens:
        return self.tokens if name == "tokens" else self.batch.column(name)

    @functools.cached_property
    def tokens(self) -> Tokens:
        """The tokens of the column `text`."""
        return tokenize(self.batch.column("text"))
