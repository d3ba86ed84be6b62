"""Filters `c4-paper` and `c4-tfds`: the cleaning rules of C4, which drop lines, then documents.

`c4-paper` is Raffel et al. 2020 (arXiv:1910.10683, section 2.2) as datatrove implements it;
`c4-tfds` is the code that built the dataset (TensorFlow Datasets, c4_utils.py). Other modules have
the language rule (`language`), repeated lines across pages (`dedup.lines`) and blocked words.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.tokens import tokenize
from transforms.filters.verdicts import Verdicts

END_MARKS = (".", "?", "!", '"')
POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")


def judge_c4_paper(
    text: pa.LargeStringArray,
    *,
    end_marks: bool = True,
    min_words_per_line: int = 3,
    max_word_length: int = 1000,
    min_sentences: int = 5,
    measure_all: bool = False,
) -> Verdicts:
    """Drops lines that are no sentences, then rejects documents with placeholders or little text.

    Lines are dropped, in this order:
    - with a word longer than `max_word_length` characters;
    - that do not end in . ? ! " or ', or that end in "..."; `end_marks = False` turns this rule
      off, as FineWeb does;
    - of fewer than `min_words_per_line` words;
    - with "javascript" or a phrase of POLICIES, in any case.

    Documents are rejected with "lorem ipsum" or "{" in a line that passed the rules before it; then
    with fewer than `min_sentences` sentences; then when no text is left. Citation marks ("[1]",
    "[edit]", "[citation needed]") are removed after words are counted.
    """
    rules = _LineRules(
        name="c4-paper",
        marks=(*END_MARKS, "'") if end_marks else (),
        min_words=min_words_per_line,
        max_word_length=max_word_length,
        cited_words=True,
    )
    return _judge(
        text, rules, min_sentences=min_sentences, before_lowercase=True, measure_all=measure_all
    )


def judge_c4_tfds(
    text: pa.LargeStringArray,
    *,
    end_marks: bool = True,
    min_words_per_line: int = 5,
    max_word_length: int = 1000,
    min_sentences: int = 3,
    max_characters: int = 190_000,
    measure_all: bool = False,
) -> Verdicts:
    """Applies the rules of `judge_c4_paper` as the TensorFlow Datasets code implements them.

    Documents of more than `max_characters` are rejected first, "'" does not end a line, and words
    are counted after citation marks are removed. A sentence does not begin with a lowercase letter
    (the original uses NLTK's Punkt model).
    """
    length = np.fromiter(map(len, text.to_pylist()), np.int64, len(text))
    rules = _LineRules(
        name="c4-tfds",
        marks=END_MARKS if end_marks else (),
        min_words=min_words_per_line,
        max_word_length=max_word_length,
        cited_words=False,
    )
    short = Verdicts.where(
        length <= max_characters, rule="c4-tfds/too-long", value=length, threshold=max_characters
    )
    return short.then(
        _judge(
            text,
            rules,
            min_sentences=min_sentences,
            before_lowercase=False,
            measure_all=measure_all,
        )
    )


@dataclass(frozen=True, kw_only=True)
class _LineRules:
    """The line rules of one filter.

    marks        endings that a line must have one of; empty: any ending
    cited_words  whether a citation mark counts as a word
    """

    name: str
    marks: tuple[str, ...]
    min_words: int
    max_word_length: int
    cited_words: bool

    def clean(self, text: str) -> list[str] | str:
        """A document -> its kept lines, or the rule that rejects it."""
        lower = text.lower()
        cited, lorem, bracket = "[" in text, "lorem ipsum" in lower, "{" in text
        banned = [phrase for phrase in ("javascript", *POLICIES) if phrase in lower]
        kept = []
        for line in text.splitlines():
            line = line.strip()
            if len(line) > self.max_word_length and any(
                len(word) > self.max_word_length for word in line.split()
            ):
                continue
            plain = _CITATION.sub("", line) if cited else line
            if self.marks and (not plain.endswith(self.marks) or plain.endswith("...")):
                continue
            if (
                len((line if self.cited_words else plain).split(None, self.min_words))
                < self.min_words
            ):
                continue
            if lorem or bracket or banned:
                low = plain.lower()
                if lorem and "lorem ipsum" in low:
                    return f"{self.name}/lorem-ipsum"
                if "javascript" in banned and "javascript" in low:
                    continue
                if bracket and "{" in plain:
                    return f"{self.name}/curly-bracket"
                if any(phrase in low for phrase in banned):
                    continue
            kept.append(plain)
        return kept


def _judge(
    text: pa.LargeStringArray,
    rules: _LineRules,
    *,
    min_sentences: int,
    before_lowercase: bool,
    measure_all: bool,
) -> Verdicts:
    strings = text.to_pylist()
    cleaned = [rules.clean(string) for string in strings]
    verdicts = Verdicts.kept(len(strings))
    for rule in ("lorem-ipsum", "curly-bracket"):
        name = f"{rules.name}/{rule}"
        verdicts = verdicts.then(
            Verdicts.where(np.fromiter((lines != name for lines in cleaned), bool), rule=name)
        )
    lines_left = [lines if isinstance(lines, list) else [] for lines in cleaned]
    enough = sys.maxsize if measure_all else min_sentences
    sentences = _sentences(lines_left, enough=enough, before_lowercase=before_lowercase)
    left = ["\n".join(lines).strip() for lines in lines_left]
    return (
        verdicts.then(
            Verdicts.where(
                sentences >= min_sentences,
                rule=f"{rules.name}/too-few-sentences",
                value=sentences,
                threshold=min_sentences,
            )
        )
        .then(Verdicts.where(np.fromiter(map(bool, left), bool), rule=f"{rules.name}/nothing-left"))
        .with_text(pa.array(left, pa.large_string()))
    )


def _sentences(lines: Sequence[list[str]], *, enough: int, before_lowercase: bool) -> np.ndarray:
    """Count the sentences of each document line by line: int64 [documents].

    A line has at least one sentence, so a document with `enough` lines is not tokenized: its number
    of lines is returned instead.
    """
    counts = np.fromiter(map(len, lines), np.int64)
    few = np.flatnonzero(counts < enough)
    rows = np.repeat(few, counts[few])
    if not len(rows):
        return counts

    def flat() -> Iterator[str]:
        for row in few.tolist():
            yield from lines[row]

    sentences = tokenize(pa.array(flat(), pa.large_string())).sentences_per_document(
        before_lowercase=before_lowercase
    )
    counts[few] = 0
    np.add.at(counts, rows, np.maximum(sentences, 1))
    return counts


C4_PAPER = Filter(name="c4-paper", judge=judge_c4_paper)
C4_TFDS = Filter(name="c4-tfds", judge=judge_c4_tfds)
