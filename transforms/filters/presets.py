"""Presets: named sequences of filters with their options."""

from collections.abc import Iterable, Mapping
from typing import Any

FilterOptions = Mapping[str, bool | float | str]
Step = tuple[str, FilterOptions]
"""The name of a filter and its options."""

_REPETITION: Step = ("gopher-repetition", {})
_C4: Step = ("c4-paper", {"end_marks": False})
_BEFORE_FINEWEB: tuple[Step, ...] = (_REPETITION, ("gopher", {}), _C4)
_LABELS_REPEAT: FilterOptions = {
    "max_duplicate_paragraphs": 0.6,
    "max_duplicate_paragraph_characters": 0.4,
    "max_duplicate_lines": 0.7,
    "max_duplicate_line_characters": 0.4,
    **{f"max_top_{n}_gram": 0.25 for n in (2, 3, 4)},
    **{f"max_duplicated_{n}_grams": 0.4 for n in range(5, 11)},
}
_SYMBOLS_AND_NUMBERS: FilterOptions = {
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

PRESETS: dict[str, tuple[Step, ...]] = {
    "fineweb": (*_BEFORE_FINEWEB, ("fineweb-quality", {})),
    "fineweb-paper": (*_BEFORE_FINEWEB, ("fineweb-quality-paper", {})),
    "fineweb-whitespace": (
        _REPETITION,
        ("gopher", {"words": "whitespace"}),
        _C4,
        ("fineweb-quality", {}),
    ),
    "technical": (
        ("gopher-repetition", _LABELS_REPEAT),
        ("gopher", _SYMBOLS_AND_NUMBERS),
        ("prose", {}),
    ),
}
"""Preset -> its filters with their options, in order; no preset has the name of a filter.

The first two are published. `fineweb-whitespace` counts Gopher's words between white space, and
`technical` is for documentation, listings and product pages; docs/filters.md has the measurements
behind both.
"""

_LINES_OF_ANY_LENGTH: FilterOptions = {"max_short_lines": 1.0, "max_newlines_per_word": 1.0}
_FOR_BOOKS: dict[str, FilterOptions | None] = {
    "gopher-repetition": {"max_duplicate_paragraphs": 1.0, "max_duplicate_lines": 1.0},
    "gopher": {"max_words": 1_000_000_000, "words": "whitespace"},
    "c4-paper": None,
    "fineweb-quality": {**_LINES_OF_ANY_LENGTH, "max_duplicate_characters": 0.2},
    "fineweb-quality-paper": {**_LINES_OF_ANY_LENGTH, "duplicate_characters": 0.2},
}
"""Filter -> changes of its options for sources of books; None removes the filter from presets.

Books are long and have verse and headings, and C4's page rules would reject a book for one curly
bracket. Chapter numbers, scene breaks and speaker names repeat as lines, so only the rules on
repeated characters apply. A fifth of the tokens of dialogue is punctuation, so words are counted
between white space.
"""


def preset_filters(name: str, *, books: bool = False) -> list[Step]:
    """The filters of a preset with their options, in order; `books` adapts them to books."""
    changes = _FOR_BOOKS if books else {}
    kept = [(item, options, changes.get(item, {})) for item, options in PRESETS[name]]
    return [(item, {**options, **change}) for item, options, change in kept if change is not None]


def expand_presets(entries: Iterable[Any], *, books: bool = False) -> list[Any]:
    """Replace the presets among the filters of a configuration by their filters.

    An entry is "name" or {"name": ..., option: ...}; entries that are not presets are unchanged.
    `books` adapts the presets to books. Raises ValueError for a preset with options: only its
    filters have options.
    """
    expanded: list[Any] = []
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str) or name not in PRESETS:
            expanded.append(entry)
        elif isinstance(entry, dict) and len(entry) > 1:
            filters = ", ".join(filter_name for filter_name, _ in PRESETS[name])
            raise ValueError(
                f"{name!r} is a preset and takes no options; "
                f"write out its filters ({filters}) to change them"
            )
        else:
            expanded += [
                {"name": filter_name, **options}
                for filter_name, options in preset_filters(name, books=books)
            ]
    return expanded
