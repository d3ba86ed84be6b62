"""Filter `language-paragraphs`: drops the paragraphs of a document that are in another language than the document.

Language identification as for documents (fastText, Joulin et al. 2016, arXiv:1607.01759). OSCAR (Abadji et al. 2022, arXiv:2201.06642)
identifies lines for the same end.
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
    """Drops lines of `at_least` characters whose language, by their first `characters`, is another with probability >= `threshold`.

    Shorter lines stay unless the next longer lines on both sides are dropped. Rejects documents whose longer lines are all dropped
    (`language-paragraphs/nothing-left`). Members of one macrolanguage (Bosnian, Croatian, Serbian) are no other language. Documents
    without a language, or with one that the model does not know, stay as they are. `model` is a path or URL; "" is the bundled
    lid.176.ftz. Counts the lines dropped (`language-paragraphs/dropped`) and the documents left alone
    (`language-paragraphs/unknown-language`); the signal `language-paragraphs/dropped-characters` is the share of characters that went.
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
        own = _own_labels(code, path) if code else ()
        if not own:
            unknown[row] = code is not None
            continue
        lines = string.split("\n")
        heads = (
            model_line(line[:characters], lowercase=lowercase) if len(line) >= at_least else None
            for line in lines
        )
        foreign = [
            None if head is None else _is_foreign(classifier, head, own, threshold)
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
def _own_labels(code: str, path: str | None) -> frozenset[str]:
    """What a model answers of a paragraph that may stay: the labels of the document's language, or of its macrolanguage's members.

    Empty where the model does not know the language.
    """
    return frozenset(
        _LABEL + label for label in known_languages(path) if is_same_language(code, label)
    )


def _is_foreign(classifier: Any, line: str, own: Collection[str], threshold: float) -> bool:
    answer = classifier.predict(line + "\n", 1, 0.0, "strict")
    return bool(answer) and answer[0][1] not in own and min(answer[0][0], 1.0) >= threshold


def _fill(foreign: list[bool | None]) -> list[bool]:
    """Which lines are dropped: those that are foreign, and those not judged (None) between two that are."""
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
