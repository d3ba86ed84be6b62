"""Stop words: every list finds the texts of its language and few of others."""

import gzip
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from transforms.filters.stop_words import STOP_WORDS, count_stop_words
from transforms.filters.tokens import tokenize


def counted(texts: list[str], languages: list[str | None]) -> list[float]:
    return count_stop_words(
        tokenize(pa.array(texts, pa.large_string())), pa.array(languages, pa.string())
    ).tolist()


def test_words_are_counted_once_in_the_language_of_their_document() -> None:
    texts = [
        "the the mill of that",
        "The Mill Of",
        "der Mann und die Frau",
        "der Mann und die Frau",
        "",
        "我的书是在这里",
        "x",
    ]
    found = counted(texts, ["en", "en", "de", "en", "de", "zh", None])
    assert found[:6] == [3, 0, 3, 0, 0, 4]
    assert np.isnan(found[6])


def test_every_word_can_be_found_alone_and_packs_differently() -> None:
    for language, words in STOP_WORDS.items():
        assert len(set(words)) == len(words) >= 8
        assert counted([" ".join(words)], [language]) == [len(words)]
        assert counted(list(words), [language] * len(words)) == [1] * len(words)


def test_batch_composition_does_not_matter() -> None:
    texts, languages = ["the of to", "och det i", "plain", "и в на"], ["en", "sv", "en", "ru"]
    assert counted(texts, languages) == [
        counted([text], [language])[0] for text, language in zip(texts, languages, strict=True)
    ]


@pytest.mark.real_data
def test_two_stop_words_are_in_texts_of_their_language_and_in_few_others(data_folder: Path) -> None:
    """Pairs of UDHR paragraphs in 56 languages, which are shorter than the texts gopher keeps."""
    with gzip.open(data_folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [(line.split("\t")[0], line.rstrip("\n").split("\t")[-1]) for line in file]
    pairs = [
        (code, f"{text} {after}")
        for (code, text), (next_code, after) in itertools.pairwise(rows)
        if code == next_code
    ]
    texts, codes = [text for _, text in pairs], np.array([code for code, _ in pairs])
    for language in STOP_WORDS:
        enough = np.array(counted(texts, [language] * len(texts))) >= 2
        assert enough[codes == language].all(), language
        assert enough[codes != language].mean() <= 0.2, language
