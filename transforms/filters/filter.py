"""What a quality filter is: a judge function, the columns that it takes, and its options.

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

    name     in the configuration, `quality = ["length"]`
    judge    columns of a batch of documents, each an Arrow array of n rows, and options as keywords -> `Verdicts` of n rows. Names,
             types and defaults of the options are those of the signature. A judge that leaves out values which no rule can be
             broken by has the keyword `measure_all`, no option, which forbids that
    columns  what `judge` takes, in its order: columns of DOCUMENT_SCHEMA, or `tokens`, the text's `Tokens`
    files    the options that name files, or lists or tables of such: those of type `ConfigPath`, and those given here
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
        """What the judge is given besides its options. `measure_all`: every value of every row is wanted among the signals."""
        return {_MEASURE_ALL: True} if measure_all and _MEASURE_ALL in self._keywords() else {}

    def _keywords(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.judge).parameters
        return {
            name: parameter
            for name, parameter in parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }


class Columns:
    """The columns of a batch of documents for judges; the tokens of its text are made when first asked for, once."""

    def __init__(self, batch: pa.RecordBatch):
        self.batch = batch

    def __getitem__(self, name: str) -> pa.Array | Tokens:
        return self.tokens if name == "tokens" else self.batch.column(name)

    @functools.cached_property
    def tokens(self) -> Tokens:
        return tokenize(self.batch.column("text"))
