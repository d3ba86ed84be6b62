"""The registry of quality filters: look up by name, check options, apply to a batch.

A new filter is one file that ends with its `Filter` (transforms.filters.filter) and one line here.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from transforms.filters.filter import Columns, Filter
from transforms.filters.presets import PRESETS
from transforms.filters.verdicts import Verdicts
from transforms.registered import registered

# The filters, in the order in which messages list them.
# ruff: noqa: F401
# isort: off
from transforms.filters.length import LENGTH
from transforms.filters.gopher import GOPHER
from transforms.filters.gopher_repetition import GOPHER_REPETITION
from transforms.filters.c4 import C4_PAPER
from transforms.filters.c4 import C4_TFDS
from transforms.filters.fineweb import FINEWEB_QUALITY
from transforms.filters.fineweb import FINEWEB_QUALITY_PAPER
from transforms.filters.blocked_words import BLOCKED_WORDS
from transforms.filters.encoding_noise import ENCODING_NOISE
from transforms.filters.fasttext_classifier import FASTTEXT_CLASSIFIER
from transforms.filters.language_paragraphs import LANGUAGE_PARAGRAPHS
from transforms.filters.line_rules import LINE_RULES
from transforms.filters.perplexity import PERPLEXITY
from transforms.filters.pii import PII
from transforms.filters.prose import PROSE
from transforms.filters.url import URL
# isort: on

FILTERS: dict[str, Filter] = registered(globals().values(), Filter)

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def check_filter(name: str, options: Mapping[str, Any]) -> None:
    """Check the name and the options of a filter.

    Raises ValueError for an unknown filter, an unknown or missing option and a wrong value; the
    message lists what is allowed.
    """
    if name not in FILTERS:
        raise ValueError(
            f"{name!r} is not a filter; there are {', '.join(sorted(FILTERS))} "
            f"and the presets {', '.join(sorted(PRESETS))}"
        )
    known = FILTERS[name].options()
    for key, value in options.items():
        if key not in known:
            raise ValueError(
                f"{key!r} is not an option of filter {name!r}; "
                f"it has {', '.join(sorted(known)) or 'none'}"
            )
        try:
            TypeAdapter(known[key].annotation, config=_STRICT).validate_python(_with_tuples(value))
        except ValidationError as error:
            message = error.errors()[0]["msg"].lower().replace("tuple", "list")
            raise ValueError(
                f"option {key!r} of filter {name!r}: {message}, not {value!r}"
            ) from error
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in options:
            raise ValueError(f"option {key!r} of filter {name!r} is missing")


def _with_tuples(value: Any) -> Any:
    """Convert the lists of a TOML value to tuples, recursively."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def judge(
    columns: Columns, *, name: str, options: Mapping[str, Any], measure_all: bool = False
) -> Verdicts:
    """Apply one filter to a batch of documents.

    `measure_all` requests every value of every row among the signals.
    """
    chosen = FILTERS[name]
    given = {key: _with_tuples(value) for key, value in options.items()}
    return chosen.judge(
        *(columns[column] for column in chosen.columns),
        **given,
        **chosen.keywords(measure_all=measure_all),
    )
