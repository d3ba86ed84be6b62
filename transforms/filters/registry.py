"""The quality filters by name. A new filter is one file with a judge function and one line here.

A judge takes columns of a batch of documents, each an Arrow array of n rows, and its options as keywords -> `Verdicts`.
The options' names, types and defaults are those of its signature. Besides columns of DOCUMENT_SCHEMA there is `tokens`, the
text's `Tokens`. A judge that spares itself values which no rule can be broken by takes `measure_all`, no option, which forbids that.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, ValidationError

from transforms.filters.blocked_words import judge_blocked_words
from transforms.filters.c4 import judge_c4_paper, judge_c4_tfds
from transforms.filters.encoding_noise import judge_encoding_noise
from transforms.filters.fasttext_classifier import judge_fasttext_classifier
from transforms.filters.fineweb import judge_fineweb_quality, judge_fineweb_quality_paper
from transforms.filters.gopher import judge_gopher
from transforms.filters.gopher_repetition import judge_gopher_repetition
from transforms.filters.language_paragraphs import judge_language_paragraphs
from transforms.filters.length import judge_length
from transforms.filters.line_rules import judge_line_rules
from transforms.filters.perplexity import judge_perplexity
from transforms.filters.pii import judge_pii
from transforms.filters.prose import judge_prose
from transforms.filters.tokens import Tokens, tokenize
from transforms.filters.url import judge_url
from transforms.filters.verdicts import Verdicts

_MEASURE_ALL = "measure_all"
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """`columns`: the document columns that `judge` takes, in its order. `files`: the options that name files (or lists of such)."""

    judge: Callable[..., Verdicts]
    columns: tuple[str, ...] = ("text",)
    files: tuple[str, ...] = ()

    def options(self) -> dict[str, inspect.Parameter]:
        """The keyword-only parameters of the judge by name."""
        return {name: parameter for name, parameter in self._keywords().items() if name != _MEASURE_ALL}

    def can_spare_values(self) -> bool:
        return _MEASURE_ALL in self._keywords()

    def _keywords(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.judge).parameters
        return {name: parameter for name, parameter in parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY}


class Columns:
    """The columns of a batch of documents for judges; the tokens of its text are made when first asked for, once."""

    def __init__(self, batch: pa.RecordBatch):
        self.batch = batch

    def __getitem__(self, name: str) -> pa.Array | Tokens:
        return self.tokens if name == "tokens" else self.batch.column(name)

    @functools.cached_property
    def tokens(self) -> Tokens:
        return tokenize(self.batch.column("text"))


FILTERS: dict[str, Filter] = {
    "length": Filter(judge=judge_length),
    "gopher": Filter(judge=judge_gopher, columns=("text", "language", "tokens")),
    "gopher-repetition": Filter(judge=judge_gopher_repetition, columns=("text", "tokens")),
    "c4-paper": Filter(judge=judge_c4_paper),
    "c4-tfds": Filter(judge=judge_c4_tfds),
    "fineweb-quality": Filter(judge=judge_fineweb_quality),
    "fineweb-quality-paper": Filter(judge=judge_fineweb_quality_paper),
    "blocked-words": Filter(judge=judge_blocked_words, columns=("text", "language"), files=("files", "lists", "folder")),
    "encoding-noise": Filter(judge=judge_encoding_noise),
    "fasttext-classifier": Filter(judge=judge_fasttext_classifier, files=("model",)),
    "language-paragraphs": Filter(judge=judge_language_paragraphs, columns=("text", "language"), files=("model",)),
    "line-rules": Filter(judge=judge_line_rules),
    "perplexity": Filter(judge=judge_perplexity, columns=("text", "language"), files=("model", "tokenizer", "folder")),
    "pii": Filter(judge=judge_pii),
    "prose": Filter(judge=judge_prose, columns=("text", "language", "tokens")),
    "url": Filter(
        judge=judge_url, columns=("url",), files=("domain_lists", "url_lists", "ut1", "word_lists", "substring_lists", "soft_word_lists")
    ),
}

_Step = tuple[str, Mapping[str, Any]]
_REPETITION: _Step = ("gopher-repetition", {})
_C4: _Step = ("c4-paper", {"end_marks": False})
_BEFORE_FINEWEB: tuple[_Step, ...] = (_REPETITION, ("gopher", {}), _C4)
_LABELS_REPEAT: Mapping[str, Any] = {
    "max_duplicate_paragraphs": 0.6,
    "max_duplicate_paragraph_characters": 0.4,
    "max_duplicate_lines": 0.7,
    "max_duplicate_line_characters": 0.4,
    **{f"max_top_{n}_gram": 0.25 for n in (2, 3, 4)},
    **{f"max_duplicated_{n}_grams": 0.4 for n in range(5, 11)},
}
_SYMBOLS_AND_NUMBERS: Mapping[str, Any] = {
    "words": "whitespace",
    "min_words": 30,
    "min_mean_word_length": 2.5,
    "max_mean_word_length": 12.0,
    "max_symbol_ratio": 0.3,
    "max_bullet_lines": 1.0,
    "max_ellipsis_lines": 0.5,
    "min_alphabetic_words": 0.6,
    "min_stop_words": 1,
}

PRESETS: dict[str, tuple[_Step, ...]] = {
    "fineweb": (*_BEFORE_FINEWEB, ("fineweb-quality", {})),
    "fineweb-paper": (*_BEFORE_FINEWEB, ("fineweb-quality-paper", {})),
    "fineweb-whitespace": (_REPETITION, ("gopher", {"words": "whitespace"}), _C4, ("fineweb-quality", {})),
    "technical": (("gopher-repetition", _LABELS_REPEAT), ("gopher", _SYMBOLS_AND_NUMBERS), ("prose", {})),
}
"""Pipelines: a name that stands for several filters, with their options, in order. No name is also that of a filter.

The first two are published; `fineweb-whitespace` reads one rule of Gopher otherwise, and `technical` is for pages of documentation,
listings and products: docs/filters.md has the figures that they were chosen by.
"""

BOOK_KINDS = ("text", "epub")
_LINES_OF_ANY_LENGTH: Mapping[str, Any] = {"max_short_lines": 1.0, "max_newlines_per_word": 1.0}
_FOR_BOOKS: dict[str, Mapping[str, Any] | None] = {
    "gopher-repetition": {"max_duplicate_paragraphs": 1.0, "max_duplicate_lines": 1.0},
    "gopher": {"max_words": 1_000_000_000, "words": "whitespace"},
    "c4-paper": None,
    "fineweb-quality": {**_LINES_OF_ANY_LENGTH, "max_duplicate_characters": 0.2},
    "fineweb-quality-paper": {**_LINES_OF_ANY_LENGTH, "duplicate_characters": 0.2},
}
"""What presets change in sources of books, by filter; None leaves it out. A book is long, has verse and headings, and C4's page rules

would reject it whole for one curly bracket. Its numbers of chapters, rules between scenes and names of speakers are the same lines
again and again: repetition counts by characters only. Dialogue is a fifth punctuation by tokens: words are those between white space.
"""


def preset_filters(name: str, *, kind: str = "") -> list[_Step]:
    """The filters of a preset with their options, in order, as a kind of source takes them."""
    changes = _FOR_BOOKS if kind in BOOK_KINDS else {}
    kept = [(item, options, changes.get(item, {})) for item, options in PRESETS[name]]
    return [(item, {**options, **change}) for item, options, change in kept if change is not None]


def expand_presets(entries: Iterable[Any], *, kind: str = "") -> list[Any]:
    """The filters of a configuration, each "name" or {"name": ..., option: ...} -> the same with presets written out for a kind of source.

    What is no preset stays as it is. Raises ValueError for a preset with options: those belong to its filters.
    """
    expanded: list[Any] = []
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str) or name not in PRESETS:
            expanded.append(entry)
        elif isinstance(entry, dict) and len(entry) > 1:
            filters = ", ".join(filter_name for filter_name, _ in PRESETS[name])
            raise ValueError(f"{name!r} is a preset and takes no options; write out its filters ({filters}) to change them")
        else:
            expanded += [{"name": filter_name, **options} for filter_name, options in preset_filters(name, kind=kind)]
    return expanded


def check_filter(name: str, options: Mapping[str, Any]) -> None:
    """Raises ValueError, saying what is allowed, for a filter or an option that does not exist or has a wrong value."""
    if name not in FILTERS:
        raise ValueError(f"{name!r} is not a filter; there are {', '.join(sorted(FILTERS))} and the presets {', '.join(sorted(PRESETS))}")
    known = FILTERS[name].options()
    for key, value in options.items():
        if key not in known:
            raise ValueError(f"{key!r} is not an option of filter {name!r}; it has {', '.join(sorted(known)) or 'none'}")
        try:
            TypeAdapter(known[key].annotation, config=_STRICT).validate_python(_with_tuples(value))
        except ValidationError as error:
            message = error.errors()[0]["msg"].lower().replace("tuple", "list")
            raise ValueError(f"option {key!r} of filter {name!r}: {message}, not {value!r}") from error
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in options:
            raise ValueError(f"option {key!r} of filter {name!r} is missing")


def _with_tuples(value: Any) -> Any:
    """TOML's lists as the tuples that judges take."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def judge(columns: Columns, *, name: str, options: Mapping[str, Any], measure_all: bool = False) -> Verdicts:
    """Applies one filter to a batch of documents. `measure_all`: with every value of every row among the signals."""
    chosen = FILTERS[name]
    more = {_MEASURE_ALL: True} if measure_all and chosen.can_spare_values() else {}
    given = {key: _with_tuples(value) for key, value in options.items()}
    return chosen.judge(*(columns[column] for column in chosen.columns), **given, **more)
