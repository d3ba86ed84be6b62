"""Sets of n-grams (shingles) of words or characters, as sorted 64-bit hashes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.arrays import join_ranges, starts_run, to_offsets
from transforms.words import Words, collapse_spaces, hash_words, mix64

_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, kw_only=True, eq=False)
class ShingleSets:
    """One set for each of n documents.

    values   uint64 (shingles,), one set after the other, strictly increasing within a set
    offsets  int64 (n + 1,): set i is values[offsets[i] : offsets[i + 1]]
    """

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> np.ndarray:
        """The number of shingles of each document: int64 (n,)."""
        return np.diff(self.offsets)

    def take(self, documents: np.ndarray) -> "ShingleSets":
        """The sets of the documents of these numbers, int64 (n,), in that order."""
        sizes = self.sizes[documents]
        return ShingleSets(
            values=self.values[join_ranges(self.offsets[:-1][documents], sizes)],
            offsets=to_offsets(sizes),
        )


def concatenate_sets(parts: Sequence[ShingleSets]) -> ShingleSets:
    """The documents of several batches, one after the other."""
    sizes = np.concatenate([np.zeros(0, np.int64), *(part.sizes for part in parts)])
    return ShingleSets(
        values=np.concatenate([np.zeros(0, np.uint64), *(part.values for part in parts)]),
        offsets=to_offsets(sizes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """What n-grams are made of.

    `hashes` uint64 (tokens,), those of document i from `offsets[i]`, int64 (documents + 1,).
    """

    hashes: np.ndarray
    offsets: np.ndarray


def word_tokens(words: Words) -> Tokens:
    """The words of each document."""
    return Tokens(hashes=hash_words(words), offsets=words.offsets)


def character_tokens(words: Words) -> Tokens:
    """The characters of each document, punctuation included.

    Runs of whitespace count as one space, and at the ends of a document as none.
    """
    code_points, bounds = collapse_spaces(words)
    filled = np.diff(bounds) > 0
    inside = np.ones(len(code_points), bool)
    inside[bounds[1:][filled] - 1] = False
    return Tokens(
        hashes=_hash_characters(code_points[inside]), offsets=to_offsets(np.diff(bounds) - filled)
    )


def blank_token() -> np.ndarray:
    """The hash of a space as a character token: uint64 (1,)."""
    return _hash_characters(np.array([ord(" ")]))


def shingle_sets(tokens: Tokens, *, width: int) -> ShingleSets:
    """The distinct shingles of `width` tokens of each document.

    A document of fewer tokens is one shingle of them all; one without tokens has the empty set.
    After Broder, "On the resemblance and containment of documents" (1997). The hashes are uniform
    in 64 bits, so two of a million shingles share a hash with a probability of 3 in 10**8.
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
    """A polynomial in each `width` neighbours and in their number.

    uint64 (n,) -> (n - width + 1,).
    """
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
