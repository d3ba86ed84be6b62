"""Filter `gopher-repetition`: the repetition rules of Gopher (Rae et al. 2021, arXiv:2112.11446).

The rules of table A1, implemented as in datatrove. Empty lines divide paragraphs, line feeds divide
lines; tokens are those of `transforms.filters.tokens`. The second and later copies count as
duplicates. Shares of characters are of all characters of the text, white space included.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.filters.filter import Filter
from transforms.filters.tokens import Tokens
from transforms.filters.verdicts import Verdicts

_BASE = np.uint64(0x9E3779B97F4A7C15)
_BLOCK_TOKENS = 1 << 17


def judge_gopher_repetition(
    text: pa.LargeStringArray,
    tokens: Tokens,
    *,
    max_duplicate_paragraphs: float = 0.30,
    max_duplicate_paragraph_characters: float = 0.20,
    max_duplicate_lines: float = 0.30,
    max_duplicate_line_characters: float = 0.20,
    max_top_2_gram: float = 0.20,
    max_top_3_gram: float = 0.18,
    max_top_4_gram: float = 0.16,
    max_duplicated_5_grams: float = 0.15,
    max_duplicated_6_grams: float = 0.14,
    max_duplicated_7_grams: float = 0.13,
    max_duplicated_8_grams: float = 0.12,
    max_duplicated_9_grams: float = 0.11,
    max_duplicated_10_grams: float = 0.10,
    measure_all: bool = False,
) -> Verdicts:
    """Rejects documents with too large a share of repeated paragraphs, lines or token n-grams.

    Rules in order:
    - `empty`;
    - duplicate paragraphs as a share of the paragraphs, then of the characters; then the same for
      lines;
    - the most frequent n-gram of 2, 3, 4 tokens (the first of equals, even if its count is 1):
      its tokens joined by spaces, times its count, as a share of the characters;
    - duplicated n-grams of 5 to 10 tokens as a share of the characters. The text is scanned from
      its start: an n-gram seen before counts with the characters of its tokens, and the scan
      continues behind it.
    """
    characters = pc.utf8_length(text).to_numpy(zero_copy_only=False).astype(np.int64)
    verdicts = Verdicts.where(
        characters > 0, rule="gopher-repetition/empty", value=characters, threshold=1
    )
    divisor = np.maximum(characters, 1)
    strings = text.to_pylist()
    for kind, pieces, most, most_characters in (
        (
            "paragraph",
            map(_paragraphs, strings),
            max_duplicate_paragraphs,
            max_duplicate_paragraph_characters,
        ),
        ("line", map(_lines, strings), max_duplicate_lines, max_duplicate_line_characters),
    ):
        share, repeated = duplicate_shares(pieces, len(text))
        verdicts = verdicts.then(_at_most(share, f"duplicate-{kind}s", most))
        verdicts = verdicts.then(
            _at_most(repeated / divisor, f"duplicate-{kind}-characters", most_characters)
        )

    top = {2: max_top_2_gram, 3: max_top_3_gram, 4: max_top_4_gram}
    duplicated = {
        5: max_duplicated_5_grams,
        6: max_duplicated_6_grams,
        7: max_duplicated_7_grams,
        8: max_duplicated_8_grams,
        9: max_duplicated_9_grams,
        10: max_duplicated_10_grams,
    }
    return verdicts.then(
        _judge_ngrams(
            tokens,
            divisor,
            top,
            duplicated,
            rows=verdicts.keep | measure_all,
            measure_all=measure_all,
        )
    )


def _paragraphs(text: str) -> list[str]:
    """Split a stripped text at runs of empty lines."""
    parts = text.strip().split("\n\n")
    return (
        [stripped for part in parts if (stripped := part.lstrip("\n"))] if len(parts) > 1 else parts
    )


def _lines(text: str) -> list[str]:
    """Split a text at runs of line feeds; runs at its start or end give an empty piece each.

    The order of the pieces differs from that of the text.
    """
    parts = text.split("\n")
    if len(parts) == 1:
        return parts
    return [*filter(None, parts), *(edge for edge in (parts[0], parts[-1]) if not edge)]


def duplicate_shares(pieces: Iterable[list[str]], documents: int) -> tuple[np.ndarray, np.ndarray]:
    """Measure the later copies among the pieces of each document.

    Returns their share of the pieces, float64 [documents], and their characters, int64 [documents].
    """
    shares, characters = np.zeros(documents), np.zeros(documents, np.int64)
    for row, parts in enumerate(pieces):
        different = set(parts)
        if len(different) < len(parts):
            shares[row] = (len(parts) - len(different)) / len(parts)
            characters[row] = sum(map(len, parts)) - sum(map(len, different))
    return shares, characters


def _judge_ngrams(
    tokens: Tokens,
    characters: np.ndarray,
    top: dict[int, float],
    duplicated: dict[int, float],
    *,
    rows: np.ndarray,
    measure_all: bool,
) -> Verdicts:
    hashes = tokens.hashes()
    lengths = tokens.spans.ends - tokens.spans.starts
    verdicts = Verdicts.kept(len(characters))
    rules = [(n, f"top-{n}-gram", limit) for n, limit in top.items()]
    rules += [(n, f"duplicated-{n}-grams", limit) for n, limit in duplicated.items()]
    shares = np.full((len(rules), len(characters)), np.nan)
    offsets = tokens.spans.offsets
    for first, last in _blocks(offsets):
        begin, end = offsets[first], offsets[last]
        if begin == end:
            shares[:, first:last] = 0
            continue
        block = _Block.of(hashes[begin:end], lengths[begin:end], offsets[first : last + 1] - begin)
        undecided = rows[first:last].copy()
        for rule, ((n, _, limit), (at, begins)) in enumerate(
            zip(rules, block.repeated_ngrams(rules[-1][0]), strict=True)
        ):
            most = limit * characters[first:last]
            if n in top:
                repeated = block.top(at, begins, n).astype(np.float64)
            else:
                repeated = block.duplicated(
                    at,
                    begins,
                    n,
                    least=np.zeros(len(most)) if measure_all else most,
                    rows=undecided,
                )
            shares[rule, first:last] = repeated / characters[first:last]
            undecided &= measure_all | ~(repeated > most)
    for share, (_, rule_name, limit) in zip(shares, rules, strict=True):
        verdicts = verdicts.then(_at_most(share, rule_name, limit))
    return verdicts


def _blocks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Split documents into runs of about _BLOCK_TOKENS tokens, whose arrays fit the CPU cache."""
    first = 0
    while first < len(offsets) - 1:
        last = max(
            int(np.searchsorted(offsets, offsets[first] + _BLOCK_TOKENS, side="right")) - 1,
            first + 1,
        )
        yield first, last
        first = last


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """The tokens of a run of documents.

    hashes    uint64 [tokens]
    sums      int64 [tokens + 1]: cumulative token lengths in characters
    document  int64 [tokens]: the document of each token
    offsets   int64 [documents + 1]: the first token of each document
    """

    hashes: np.ndarray
    sums: np.ndarray
    document: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, hashes: np.ndarray, lengths: np.ndarray, offsets: np.ndarray) -> "_Block":
        sums = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=sums[1:])
        return cls(
            hashes=hashes,
            sums=sums,
            document=np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)),
            offsets=offsets,
        )

    def repeated_ngrams(self, largest: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield, for n from 2 to `largest`, the n-grams that occur more than once in a document.

        Yields their token positions, grouped by n-gram and ascending in each group: int64
        [positions]; and whether a position is the first of its group: bool [positions].
        """
        grams = self.hashes.copy()
        at = np.flatnonzero(self.document[:-1] == self.document[1:])
        for n in range(2, largest + 1):
            grams[at] = grams[at] * _BASE + self.hashes[at + n - 1]
            # One integer holds the high bits of the hash and the position: sorting these values is
            # three times as fast as an argsort by hash.
            mask = np.uint64((1 << len(grams).bit_length()) - 1)
            keys = grams[at] & ~mask | at.astype(np.uint64)
            keys.sort()
            at = (keys & mask).astype(np.int64)
            later = np.zeros(len(at), bool)
            later[1:] = (grams[at[1:]] == grams[at[:-1]]) & (
                self.document[at[1:]] == self.document[at[:-1]]
            )
            repeated = later.copy()
            repeated[:-1] |= later[1:]
            at, later = at[repeated], later[repeated]
            yield at, ~later
            # An n-gram can only be repeated where both (n-1)-grams in it are.
            seen = np.zeros(len(grams) + 1, bool)
            seen[at] = True
            at = np.flatnonzero(seen[:-1] & seen[1:])

    def top(self, at: np.ndarray, begins: np.ndarray, n: int) -> np.ndarray:
        """Characters of each document's most frequent n-gram, times its count: int64 [documents].

        The tokens of the n-gram are joined by spaces. `at` and `begins` come from
        `repeated_ngrams`.
        """
        whole = np.diff(self.offsets) >= n
        first, count = self.offsets[:-1].copy(), np.ones(len(whole), np.int64)
        if len(at):
            heads = np.flatnonzero(begins)
            counts = np.diff(np.append(heads, len(at)))
            document = self.document[at[heads]]
            order = np.lexsort((at[heads], -counts, document))
            best = order[np.unique(document[order], return_index=True)[1]]
            first[document[best]], count[document[best]] = at[heads[best]], counts[best]
        first = np.where(whole, first, 0)
        return np.where(
            whole, (self.sums[np.where(whole, first + n, 0)] - self.sums[first] + n - 1) * count, 0
        )

    def duplicated(
        self, at: np.ndarray, begins: np.ndarray, n: int, *, least: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """Characters in duplicated n-grams: float64 [documents].

        NaN where `rows` is false, and where an upper bound shows that they are not more than
        `least` > 0.
        """
        result = np.where(rows & (least == 0), 0, np.nan)
        if not len(at):
            return result
        # The scan counts at most all later copies. Their sum is an upper bound that saves most
        # documents the scan.
        copies = at[~begins]
        bound = np.bincount(
            self.document[copies],
            weights=self.sums[copies + n] - self.sums[copies],
            minlength=len(least),
        )
        suspects = np.flatnonzero(rows & (bound > least))
        if not len(suspects):
            return result
        names = np.cumsum(begins)
        order = np.argsort(at)
        at, names = at[order], names[order]
        edges = np.searchsorted(at, self.offsets)
        for row in suspects.tolist():
            part = slice(edges[row], edges[row + 1])
            taken = np.array(_scan(at[part].tolist(), names[part].tolist(), n), np.int64)
            result[row] = (self.sums[taken + n] - self.sums[taken]).sum()
        return result


def _scan(positions: list[int], names: list[int], n: int) -> list[int]:
    """Ascending positions of n-grams and their ids -> the positions counted as duplicates."""
    seen: set[int] = set()
    taken, following = [], 0
    for position, name in zip(positions, names, strict=True):
        if position < following:
            continue
        if name in seen:
            taken.append(position)
            following = position + n
        else:
            seen.add(name)
    return taken


def _at_most(share: np.ndarray, rule: str, limit: float) -> Verdicts:
    return Verdicts.where(
        ~(share > limit), rule=f"gopher-repetition/{rule}", value=share, threshold=limit
    )


GOPHER_REPETITION = Filter(
    name="gopher-repetition", judge=judge_gopher_repetition, columns=("text", "tokens")
)
