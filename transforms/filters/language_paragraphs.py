"""Filter `language-paragraphs`: drops paragraphs in another language than their document.

Languages are identified as those of documents (fastText, Joulin et al. 2016, arXiv:1607.01759).
OSCAR (Abadji et al. 2022, arXiv:2201.06642) identifies lines for the same purpose.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.config_types import ConfigPath
from transforms.filters.filter import Filter
from transforms.filters.language import known_languages, load_model, lowers
from transforms.filters.language_codes import is_same_language
from transforms.filters.language_text import model_line
from transforms.filters.verdicts import Verdicts

_LABEL = "__label__"


def judge_language_paragraphs(
    text: pa.LargeStringArray,
    language: pa.Array,
    *,
    model: ConfigPath = "",
    threshold: float = 0.8,
    at_least: int = 80,
    characters: int = 1000,
) -> Verdicts:
    """Drops lines in another language than their document's.

    A line of `at_least` characters or more is dropped when the model predicts another language from
    its first `characters` characters with a probability of at least `threshold`. Members of one
    macrolanguage (Bosnian, Croatian, Serbian) count as one language. A shorter line is dropped only
    when the next longer lines on both sides are dropped. A document whose longer lines are all
    dropped is rejected (`language-paragraphs/nothing-left`). Documents without a language, or with
    one that the model does not know, are unchanged.

    `model` is a path or URL; "" is the bundled lid.176.ftz. Counts: lines dropped
    (`language-paragraphs/dropped`), documents of a language that the model does not know
    (`language-paragraphs/unknown-language`). Signal: the share of characters dropped
    (`language-paragraphs/dropped-characters`).
    """
    path = model or None
    classifier, lowercase = load_model(path).f, lowers(path, "auto")
    rows = len(text)
    strings, languages = text.to_pylist(), language.cast(pa.string()).to_pylist()
    dropped, unknown, share, left = (
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
        np.zeros(rows),
        np.ones(rows, bool),
    )
    for row, (string, code) in enumerate(zip(strings, languages, strict=True)):
        same_language = _same_language_labels(code, path) if code else ()
        if not same_language:
            unknown[row] = code is not None
            continue
        lines = string.split("\n")
        heads = (
            model_line(line[:characters], lowercase=lowercase) if len(line) >= at_least else None
            for line in lines
        )
        foreign = [
            None if head is None else _is_foreign(classifier, head, same_language, threshold)
            for head in heads
        ]
        if True not in foreign:
            continue
        left[row] = False in foreign
        kept = [line for line, drop in zip(lines, _fill(foreign), strict=True) if not drop]
        dropped[row] = len(lines) - len(kept)
        strings[row] = "\n".join(kept).strip()
        share[row] = 1 - len(strings[row]) / len(string)
    return (
        Verdicts.where(left, rule="language-paragraphs/nothing-left")
        .with_text(pa.array(strings, pa.large_string()))
        .with_counts(
            {
                "language-paragraphs/dropped": dropped,
                "language-paragraphs/unknown-language": unknown,
            }
        )
        .with_signals({"language-paragraphs/dropped-characters": share})
    )


@lru_cache(maxsize=512)
def _same_language_labels(code: str, path: str | None) -> frozenset[str]:
    """The labels of a model for a document's language and for the members of its macrolanguage.

    Empty where the model does not know the language.
    """
    return frozenset(
        _LABEL + label for label in known_languages(path) if is_same_language(code, label)
    )


def _is_foreign(
    classifier: Any, line: str, same_language: Collection[str], threshold: float
) -> bool:
    answer = classifier.predict(line + "\n", 1, 0.0, "strict")
    if not answer:
        return False
    probability, label = answer[0]
    return label not in same_language and min(probability, 1.0) >= threshold


def _fill(foreign: list[bool | None]) -> list[bool]:
    """Lines to drop: foreign lines, and lines not judged (None) between two foreign ones."""
    filled: list[bool] = []
    after: list[bool] = []
    following = False
    for verdict in reversed(foreign):
        following = following if verdict is None else verdict
        after.append(following)
    before = False
    for verdict, following in zip(foreign, reversed(after), strict=True):
        before = before if verdict is None else verdict
        filled.append(before and following)
    return filled


LANGUAGE_PARAGRAPHS = Filter(
    name="language-paragraphs", judge=judge_language_paragraphs, columns=("text", "language")
)
