"""Filter `line-rules`: drops navigation lines, and rejects pages with too many of them.

The rules are those of RefinedWeb (Penedo et al. 2023, arXiv:2306.01116, appendix G.2) as DCLM
implements them (Li et al. 2024, arXiv:2406.11794, `dclm_baseline_refinedweb.yaml`). One difference:
for the last rule a word is a run of letters and digits.
"""

import re
from collections import Counter
from functools import cache

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.verdicts import Verdicts
from transforms.words import split_words

_COUNTED = (
    "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views"
    "|followers"
)
_COUNTER = re.compile(rf"[\W]*[0-9][0-9.,]*[kmb]?\s+(?:{_COUNTED})\W*", re.IGNORECASE)
_PHRASES = re.compile(r"\s?items in cart|\s?read more\.\.\.$|^sign-in\s?", re.IGNORECASE)
_PHRASE_WORDS = ("items in cart", "read more...", "sign-in")
_COUNTER_WORDS = tuple(_COUNTED.split("|"))
_KINDS = ("upper-case", "digits", "counters", "short", "phrases")


def judge_line_rules(
    text: pa.LargeStringArray,
    *,
    max_upper_case: float = 0.5,
    max_digits: float = 0.999999,
    counters: bool = True,
    min_words_per_line: int = 2,
    max_words_with_phrase: int = 10,
    max_removed_words: float = 0.05,
) -> Verdicts:
    """Drops or cuts navigation lines, then rejects documents that lost too many words.

    Rules for lines, in order, with their counts:
    - `line-rules/upper-case`: more than `max_upper_case` of the characters are capitals;
    - `digits`: more than `max_digits` of the characters are digits;
    - `counters`: a counter such as "3 likes", unless `counters` is false;
    - `short`: fewer than `min_words_per_line` words between white space;
    - `phrases`: in lines of at most `max_words_with_phrase` words, "items in cart", "Read more..."
      at the end and "Sign-in" at the start are removed, and the line if nothing else is left.

    Rules for documents: `line-rules/removed-words` when more than the share `max_removed_words` of
    the words was removed, then `line-rules/nothing-left`.
    """
    strings = text.to_pylist()
    counts = {f"line-rules/{kind}": np.zeros(len(strings), np.int64) for kind in _KINDS}
    capitals, digits = _shares(text)
    edited, left, at = [], [], 0
    for row, string in enumerate(strings):
        lines = string.split("\n")
        here = slice(at, at + len(lines))
        at += len(lines)
        loud, numbers = (
            (capitals[here] > max_upper_case).tolist(),
            (digits[here] > max_digits).tolist(),
        )
        dropped_lines: Counter[str] = Counter()
        lower = string.lower()
        phrases = any(phrase in lower for phrase in _PHRASE_WORDS)
        counted = counters and any(word in lower for word in _COUNTER_WORDS)
        kept = []
        for line, is_loud, is_number in zip(lines, loud, numbers, strict=True):
            if not line:
                kept.append(line)
            elif is_loud:
                dropped_lines["upper-case"] += 1
            elif is_number:
                dropped_lines["digits"] += 1
            elif counted and _COUNTER.fullmatch(line):
                dropped_lines["counters"] += 1
            elif len(line.split(None, min_words_per_line)) < min_words_per_line:
                dropped_lines["short"] += 1
            elif (
                phrases
                and len(line.split(None, max_words_with_phrase + 1)) <= max_words_with_phrase
                and _PHRASES.search(line)
            ):
                dropped_lines["phrases"] += 1
                if cut := _PHRASES.sub("", line).strip():
                    kept.append(cut)
            else:
                kept.append(line)
        if dropped_lines:
            edited.append(row)
            left.append("\n".join(kept).strip())
            for kind, number in dropped_lines.items():
                counts[f"line-rules/{kind}"][row] = number
    removed = np.zeros(len(strings))
    if edited:
        before = split_words(
            pa.array([strings[row] for row in edited], pa.large_string()), lower=False
        ).words_per_document
        after = split_words(pa.array(left, pa.large_string()), lower=False).words_per_document
        removed[edited] = (before - after) / np.maximum(before, 1)
    for row, string in zip(edited, left, strict=True):
        strings[row] = string
    few = Verdicts.where(
        removed <= max_removed_words,
        rule="line-rules/removed-words",
        value=removed,
        threshold=max_removed_words,
    )
    some = Verdicts.where(
        np.fromiter(map(bool, strings), bool, len(strings)), rule="line-rules/nothing-left"
    )
    return few.then(some).with_text(pa.array(strings, pa.large_string())).with_counts(counts)


def _shares(text: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of capitals and of digits among the characters of each line.

    Returns two float64 [lines], over the lines of all documents in order; 0 for an empty line.
    """
    lines = [line for string in text.to_pylist() for line in string.split("\n")]
    capitals, digits = _character_tables()
    points = np.frombuffer("\n".join([*lines, ""]).encode("utf-32-le"), np.uint32)
    bounds = np.cumsum([0, *(len(line) + 1 for line in lines)])
    length = np.maximum(np.diff(bounds) - 1, 1)
    per_line = (
        np.diff(np.cumsum(table[points], dtype=np.int64)[bounds[1:] - 1], prepend=0)
        for table in (capitals, digits)
    )
    first, second = (number / length for number in per_line)
    return first, second


@cache
def _character_tables() -> tuple[np.ndarray, np.ndarray]:
    """Lookup tables over all code points, two bool [0x110000]: is a capital, is a digit."""
    characters = list(map(chr, range(0x110000)))
    return np.fromiter(map(str.isupper, characters), bool), np.fromiter(
        map(str.isdigit, characters), bool
    )


LINE_RULES = Filter(name="line-rules", judge=judge_line_rules)
