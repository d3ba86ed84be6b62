"""Words of a batch against a slow reference made of regular expressions, one text at a time."""

import sys
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from transforms.words import (
    _BLOCK,
    IDEOGRAPH,
    LETTER,
    MARK,
    NUMBER,
    OTHER,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    Words,
    character_classes,
    hash_words,
    split_words,
)

# U+02BC is a Latin letter that Thai also uses, U+1D360 to U+1D371 are counting rods: neither is
# written as Han text is.
_UNSPACED = (
    r"[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Mymr}]"
    r"&&[\p{L}\p{N}]--[\u02BC\U0001D360-\U0001D371]]"
)
_WORD = regex.compile(rf"{_UNSPACED}\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--{_UNSPACED}]+", regex.V1)

# `regex` may have a newer Unicode version than this interpreter: only characters that both assign
# to the same category are compared.
_ASSIGNED = [
    chr(point)
    for point in range(sys.maxunicode + 1)
    if unicodedata.category(chr(point)) not in ("Cn", "Cs")
    and regex.match(rf"\p{{{unicodedata.category(chr(point))}}}", chr(point))
]
_LETTERS = (
    "aZßéΣİж٣०5²_'-. \n\t#…€中文あア々ー々ไทยก็ລາວខ្មែរမြန်မာ\u0301\u0e31क्षि\U00020000\U0001f600"
)
texts_of = st.lists(
    st.text(st.one_of(st.sampled_from(_LETTERS), st.sampled_from(_ASSIGNED)), max_size=30),
    max_size=6,
)


def words_by_document(words: Words) -> list[list[str]]:
    characters = words.code_points.astype("<u4").tobytes().decode("utf-32-le")
    spans = [characters[start:end] for start, end in zip(words.starts, words.ends, strict=True)]
    return [
        spans[first:last] for first, last in zip(words.offsets[:-1], words.offsets[1:], strict=True)
    ]


def split(*texts: str, lower: bool = True) -> list[list[str]]:
    return words_by_document(split_words(pa.array(texts, pa.large_string()), lower=lower))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t", []),
        ("Don't stop, 3.14!", ["don", "t", "stop", "3", "14"]),
        ("naïve nai\u0308ve", ["naïve", "nai\u0308ve"]),
        ("word", ["word"]),
        ("日本語です。OK", ["日", "本", "語", "で", "す", "ok"]),
        ("か\u3099き", ["か\u3099", "き"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("x中y", ["x", "中", "y"]),
        ("\u0301a", ["\u0301a"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("क्षितिज हिन्दी", ["क्षितिज", "हिन्दी"]),
        ("ΣΑΣ", ["σας"]),
        ("a_b a-b", ["a", "b", "a", "b"]),
    ],
)
def test_cases(text: str, expected: list[str]):
    assert split(text) == [expected]
    assert split("before", text, "", "after") == [["before"], expected, [], ["after"]]


def test_case_is_kept_unless_asked():
    assert split("Ab CD", lower=False) == [["Ab", "CD"]]


@given(texts_of, st.booleans())
def test_equals_regular_expression(texts: list[str], lower: bool):
    expected = [_WORD.findall(text.lower() if lower else text) for text in texts]
    assert split(*texts, lower=lower) == expected


def test_classes_equal_regular_expressions():
    classes = character_classes()
    unspaced = regex.compile(_UNSPACED, regex.V1)
    wrong = [
        hex(ord(character))
        for character in _ASSIGNED
        if (classes[ord(character)] == IDEOGRAPH) != bool(unspaced.match(character))
    ]
    assert wrong == []
    whole = "".join(_ASSIGNED)
    for number, pattern in ((MARK, r"\p{M}"), (PUNCTUATION, r"\p{P}")):
        assert {ord(c) for c in regex.findall(pattern, whole)} == {
            ord(c) for c in _ASSIGNED if classes[ord(c)] == number
        }
    assert all(classes[ord(c)] == SPACE for c in _ASSIGNED if c.isspace())


@given(texts_of)
def test_words_of_each_document_are_counted(texts: list[str]):
    words = split_words(pa.array(texts, pa.string()), lower=False)
    assert words.documents == len(texts)
    assert words.words_per_document.tolist() == [
        len(document) for document in words_by_document(words)
    ]
    assert words.words_per_document.sum() == len(words)


@given(texts_of)
def test_hashes_follow_the_word_and_nothing_else(texts: list[str]):
    words = split_words(pa.array(texts, pa.large_string()), lower=True)
    seen: dict[str, int] = {}
    for word, value in zip(
        (w for d in words_by_document(words) for w in d), hash_words(words).tolist(), strict=True
    ):
        assert seen.setdefault(word, value) == value
    assert len(set(seen.values())) == len(seen)


def test_hashes_across_blocks():
    """The hash of a word does not depend on its block, even if the word is longer than a block."""
    long = "x" * (3 * _BLOCK)
    texts = ["alpha beta " * (_BLOCK // 5), long, "beta alpha"]
    words = split_words(pa.array(texts, pa.large_string()), lower=True)
    hashes = hash_words(words)
    alpha, beta = hashes[:2]
    assert (hashes[: words.offsets[1]].reshape(-1, 2) == [alpha, beta]).all()
    assert hashes[-2:].tolist() == [beta, alpha]
    alone = split_words(pa.array([long], pa.large_string()), lower=True)
    assert hash_words(alone)[0] == hashes[words.offsets[1]]


def test_hashes_are_pinned():
    """A change of these would make signatures that are on disk disagree with new ones."""
    words = split_words(pa.array(["the quick", "中"], pa.large_string()), lower=True)
    assert [hex(value) for value in hash_words(words).tolist()] == [
        "0x664a9f1256da3dcf",
        "0x5128c18edd6abff5",
        "0xe6d9663ef423691c",
    ]


def test_hash_bits_are_balanced():
    numbers = split_words(
        pa.array([" ".join(map(str, range(20_000)))], pa.large_string()), lower=True
    )
    hashes = hash_words(numbers)
    assert len(np.unique(hashes)) == 20_000
    ones = np.unpackbits(hashes.view(np.uint8)).reshape(20_000, 64).mean(axis=0)
    assert ((ones > 0.47) & (ones < 0.53)).all()


def test_null_texts_are_refused():
    with pytest.raises(ValueError, match="1 of 2 texts are null"):
        split_words(pa.array(["a", None], pa.large_string()), lower=True)


def test_letters_are_not_numbers():
    words = split_words(pa.array(["12 a1 ४५ क"], pa.large_string()), lower=True)
    assert (words.classes[words.starts] == [NUMBER, LETTER, NUMBER, LETTER]).all()


def test_classes_are_those_of_unicode_categories() -> None:
    expected = {"M": MARK, "L": LETTER, "N": NUMBER, "P": PUNCTUATION, "S": SYMBOL, "Z": SPACE}
    for point, found in enumerate(character_classes().tolist()):
        wanted = expected.get(unicodedata.category(chr(point))[0], OTHER)
        assert (
            found == wanted
            or (found == IDEOGRAPH and wanted in (LETTER, NUMBER))
            or (found == SPACE and chr(point).isspace())
        ), hex(point)
