"""Sets of n-grams (shingles) of words or characters of a batch of documents, as sorted 64-bit hashes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.arrays import join_ranges, starts_run, to_offsets
from transforms.words import Words, hash_words, mix64, squeezed_text

_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, kw_only=True, eq=False)
class ShingleSets:
    """One set a document: `values` uint64 [shingles], strictly increasing within a document; `offsets` int64 [documents + 1]."""

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Distinct shingles of each document: int64 [documents]."""
        return np.diff(self.offsets)

    def take(self, documents: np.ndarray) -> "ShingleSets":
        """The sets of the documents named by int64 [n], in that order."""
        sizes = self.sizes[documents]
        return ShingleSets(values=self.values[join_ranges(self.offsets[:-1][documents], sizes)], offsets=to_offsets(sizes))


def concatenate_sets(parts: Sequence[ShingleSets]) -> ShingleSets:
    """The documents of several batches, one after the other."""
    sizes = np.concatenate([np.zeros(0, np.int64), *(part.sizes for part in parts)])
    return ShingleSets(values=np.concatenate([np.zeros(0, np.uint64), *(part.values for part in parts)]), offsets=to_offsets(sizes))


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """What n-grams are made of: `hashes` uint64 [tokens] and `offsets` int64 [documents + 1]."""

    hashes: np.ndarray
    offsets: np.ndarray


def word_tokens(words: Words) -> Tokens:
    """The words of each document."""
    return Tokens(hashes=hash_words(words), offsets=words.offsets)


def character_tokens(words: Words) -> Tokens:
    """The characters of each document, punctuation too, where runs of white space count as one space and those at the ends as none."""
    code_points, bounds = squeezed_text(words)
    filled = np.diff(bounds) > 0
    inside = np.ones(len(code_points), bool)
    inside[bounds[1:][filled] - 1] = False
    return Tokens(hashes=_hash_characters(code_points[inside]), offsets=to_offsets(np.diff(bounds) - filled))


def blank_token() -> np.ndarray:
    """The hash of a space as a character token: uint64 [1]."""
    return _hash_characters(np.array([ord(" ")]))


def shingle_sets(tokens: Tokens, *, width: int) -> ShingleSets:
    """The distinct shingles of `width` tokens of each document.

    A document of fewer tokens is one shingle of them all; one without tokens has the empty set. Shingling is that of Broder,
    "On the resemblance and containment of documents" (1997); the hashes are uniform in 64 bits, so in a set of a million
    shingles two of them share a hash with a chance of 3 in 10**8.
    """
    hashes, starts = tokens.hashes, tokens.offsets[:-1]
    counts = np.diff(tokens.offsets)
    sizes = np.where(counts < width, np.minimum(counts, 1), counts - width + 1)
    offsets = to_offsets(sizes)
    first = join_ranges(starts, sizes)
    whole = np.repeat(counts >= width, sizes)
    grams = _roll(hashes, width)
    values = np.empty(offsets[-1], np.uint64)
    values[whole] = grams[first[whole]]
    for document in np.flatnonzero((counts > 0) & (counts < width)).tolist():
        start, count = starts[document], int(counts[document])
        values[offsets[document]] = _roll(hashes[start : start + count], count)[0]
    return _distinct(mix64(values), offsets)


def _hash_characters(code_points: np.ndarray) -> np.ndarray:
    return mix64(code_points.astype(np.uint64) + np.uint64(1))


def _roll(hashes: np.ndarray, width: int) -> np.ndarray:
    """For each run of `width` neighbours a polynomial in them and in their number: uint64 [n - width + 1]."""
    length = max(len(hashes) - width + 1, 0)
    grams = np.full(length, width, np.uint64)
    for index in range(width):
        grams *= _MULTIPLIER
        grams += hashes[index : index + length]
    return grams


def _distinct(values: np.ndarray, offsets: np.ndarray) -> ShingleSets:
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        values[start:end].sort()
    new = starts_run(values)
    starts = offsets[:-1]
    new[starts[starts < offsets[1:]]] = True
    kept = to_offsets(new)
    return ShingleSets(values=values[new], offsets=kept[offsets])
