"""Words of a whole batch of texts at once: where each starts and ends, and a 64-bit hash of each.

A word is a maximal run of letters, numbers and combining marks (Unicode general categories L, N and
M). Scripts written without spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar) give one
word per character; a mark belongs to the character before it. Classes are those of Python's
`unicodedata`, so they follow the interpreter's Unicode version.
"""

import functools
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.arrays import lengths_of, to_offsets

OTHER, MARK, LETTER, NUMBER, IDEOGRAPH, PUNCTUATION, SYMBOL, SPACE = range(8)
"""Classes of characters.

MARK to IDEOGRAPH make words; IDEOGRAPH is a letter or number that is a word of its own.
"""

_CLASS_OF_CATEGORY = {
    "M": MARK,
    "L": LETTER,
    "N": NUMBER,
    "P": PUNCTUATION,
    "S": SYMBOL,
    "Z": SPACE,
}
_SPACE_CONTROLS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"

_ASSIGNED = ((0, 0x3FFFF), (0xE0000, 0xE0FFF))
"""Code points that may have a class other than OTHER; the rest is unassigned or for private use.

Looking at these alone takes a quarter of the time.
"""

_UNSPACED = (
    (0x0E01, 0x0EDF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17F9),  # Khmer
    (0x3005, 0x30FF),  # iteration marks and zero, Hiragana, Katakana
    (0x3192, 0x3195),  # Kanbun
    (0x31F0, 0x3229),  # Katakana extensions, ideographs in parentheses
    (0x3280, 0x3289),  # ideographs in circles
    (0x3400, 0x9FFF),  # Han
    (0xA9E0, 0xA9FE),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAD9),  # Han compatibility
    (0xFF66, 0xFF9F),  # Katakana, half width
    (0x116D0, 0x116E3),  # Myanmar extended C
    (0x16FE3, 0x16FF6),  # Han iteration marks
    (0x1AFF0, 0x1B168),  # Kana extensions
    (0x20000, 0x3FFFF),  # Han, planes 2 and 3
)
"""Scripts without spaces, as ranges of code points.

Their letters and numbers are those whose Script_Extensions (Unicode standard annex 24) name one of
the seven scripts.
"""

_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_BLOCK = 1 << 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """The words of a batch of documents.

    code_points  uint32 [characters]: all texts one after the other, each closed by a line feed that
                 belongs to no text
    classes      uint8 [characters]: the class of each
    bounds       int64 [documents + 1]: the characters of document d are [bounds[d], bounds[d + 1] -
                 1)
    starts       int64 [words]: first character of each word
    ends         int64 [words]: one past the last
    offsets      int64 [documents + 1]: the words of document d are [offsets[d], offsets[d + 1])
    """

    code_points: np.ndarray
    classes: np.ndarray
    bounds: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def documents(self) -> int:
        return len(self.bounds) - 1

    @property
    def words_per_document(self) -> np.ndarray:
        """int64 [documents]."""
        return np.diff(self.offsets)


@functools.cache
def character_classes() -> np.ndarray:
    """The class of every code point: uint8 [0x110000], read only, made once per process."""
    class_of_letter = np.zeros(256, np.uint8)
    for letter, number in _CLASS_OF_CATEGORY.items():
        class_of_letter[ord(letter)] = number
    classes = np.full(sys.maxunicode + 1, OTHER, np.uint8)
    for first, last in _ASSIGNED:
        categories = "".join(map(unicodedata.category, map(chr, range(first, last + 1)))).encode()
        classes[first : last + 1] = class_of_letter[np.frombuffer(categories, np.uint8)[::2]]
    classes[[ord(character) for character in _SPACE_CONTROLS]] = SPACE
    for first, last in _UNSPACED:
        part = classes[first : last + 1]
        part[(part == LETTER) | (part == NUMBER)] = IDEOGRAPH
    classes.flags.writeable = False
    return classes


def split_words(texts: pa.Array, *, lower: bool) -> Words:
    """Splits a batch of texts (string or large_string, no nulls; [documents]) into words.

    `lower` lower-cases first (`str.lower`, full Unicode mapping). The order of words is that of the
    text. Raises ValueError when a text is null.
    """
    if texts.null_count:
        raise ValueError(f"{texts.null_count} of {len(texts)} texts are null")
    strings = texts.to_pylist()
    if lower:
        strings = [string.lower() for string in strings]
    bounds = to_offsets(lengths_of(strings) + 1)
    strings.append("")
    code_points = np.frombuffer("\n".join(strings).encode("utf-32-le"), np.dtype("<u4"))
    classes = character_classes()[code_points]
    starts, ends = _find_words(classes)
    return Words(
        code_points=code_points,
        classes=classes,
        bounds=bounds,
        starts=starts,
        ends=ends,
        offsets=np.searchsorted(starts, bounds),
    )


def _find_words(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = (classes - np.uint8(MARK)) <= IDEOGRAPH - MARK
    alone = classes == IDEOGRAPH
    if not alone.any():
        # The last character is a line feed, so runs come as whole pairs of edges once the front is
        # closed too.
        edges = np.flatnonzero(np.diff(inside, prepend=False))
        return edges[::2], edges[1::2]
    marks = classes == MARK
    bearer_alone = alone
    if marks.any():
        bearers = np.where(marks, 0, np.arange(len(classes)))
        np.maximum.accumulate(bearers, out=bearers)
        bearer_alone = alone[bearers]
    begins = inside.copy()
    begins[1:] &= ~inside[:-1] | alone[1:] | (bearer_alone[:-1] & ~marks[1:])
    stops = inside[:-1] & (begins[1:] | ~inside[1:])
    return np.flatnonzero(begins), np.flatnonzero(stops) + 1


def collapse_spaces(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """The texts with each run of whitespace collapsed to one space.

    A text that is not blank begins without a space and ends with one, so pieces of a text that are
    cut where whitespace ends join to the whole.

    Returns:
        Code points, uint32 [characters], and bounds, int64 [documents + 1].
    """
    space = words.classes == SPACE
    kept = ~space
    kept[1:] |= ~space[:-1]  # the first of a run; before the first text there is as good as a space
    bounds = np.zeros(len(words.bounds), np.int64)
    # A line feed follows each text: it is the text's last space, or part of the removed run.
    bounds[1:] = (
        np.add.reduceat(kept, words.bounds[:-1], dtype=np.int64).cumsum() if words.documents else 0
    )
    return np.where(space, np.uint32(ord(" ")), words.code_points)[kept], bounds


def mix64(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64, a bijection that spreads every bit: uint64, same shape.

    After Steele, Lea and Flood (2014).
    """
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def hash_words(words: Words) -> np.ndarray:
    """A 64-bit hash of each word: uint64 [words], equal for equal words on every machine.

    A polynomial over mixed code points modulo 2**64, by prefix sums (Karp and Rabin, 1987), then
    mixed with the length.
    """
    hashes = np.empty(len(words), np.uint64)
    values = _character_values()
    for first, last in _blocks(words):
        begin, end = int(words.starts[first]), int(words.ends[last - 1])
        length = end - begin
        sums = np.zeros(length + 1, np.uint64)
        np.cumsum(values[words.code_points[begin:end]] * _powers(_BASE, length), out=sums[1:])
        starts, ends = words.starts[first:last] - begin, words.ends[first:last] - begin
        polynomial = (sums[ends] - sums[starts]) * _powers(_BASE_INVERSE, length)[starts]
        hashes[first:last] = mix64(polynomial + (ends - starts).astype(np.uint64))
    return hashes


def _blocks(words: Words) -> Iterator[tuple[int, int]]:
    """Runs of words that begin within the same 64 Ki characters: they fit into the CPU cache."""
    edges = np.unique(
        np.searchsorted(words.starts, np.arange(0, len(words.code_points) + _BLOCK, _BLOCK))
    )
    return zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


@functools.cache
def _character_values() -> np.ndarray:
    return mix64((np.arange(sys.maxunicode + 1, dtype=np.uint64) + np.uint64(1)) * np.uint64(_BASE))


def _powers(base: int, length: int) -> np.ndarray:
    if length <= 2 * _BLOCK:
        return _common_powers(base)[:length]
    return _make_powers(base, length)


@functools.cache
def _common_powers(base: int) -> np.ndarray:
    return _make_powers(base, 2 * _BLOCK)


def _make_powers(base: int, length: int) -> np.ndarray:
    powers = np.full(length, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)
