"""Filter `blocked-words`: rejects documents with words or phrases of a list.

C4 (Raffel et al. 2020, arXiv:1910.10683, section 2.2) drops pages with any word of LDNOOBW, the "List of Dirty, Naughty, Obscene, and
Otherwise Bad Words" (a file for each language, named by its code). No list comes with this filter. Such lists also drop harmless pages,
above all on medicine, law and minorities (Dodge et al. 2021, arXiv:2104.08758): hence the thresholds.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.config_types import ConfigPath
from transforms.errors import ConfigError
from transforms.filters.filter import Filter
from transforms.filters.language_codes import names_language
from transforms.filters.lists import read_entries
from transforms.filters.verdicts import Verdicts
from transforms.words import Words, hash_words, split_words

_STEP = np.uint64(0x9E3779B97F4A7C15)


def judge_blocked_words(
    text: pa.LargeStringArray,
    language: pa.Array,
    *,
    words: tuple[str, ...] = (),
    files: tuple[ConfigPath, ...] = (),
    lists: Mapping[str, ConfigPath] = {},
    folder: ConfigPath = "",
    max_found: int = 0,
    max_share: float = 0.0,
) -> Verdicts:
    """Rejects documents in which more than `max_found` words or phrases are found and these are more than `max_share` of the words.

    `words` and the lines of `files` are for all languages; `lists` = {code: file} and `folder` (a file named by each code, as LDNOOBW has
    them, with or without ".txt") for documents of that language. Entries are found in any case, as whole words; in scripts
    without spaces anywhere. An entry must stand as it is written, but for its case and the white space inside. Every place counts once
    for each entry. Value: the number of finds; signal `blocked-words/share`: finds per word.
    """
    rows = len(text)
    codes = language.cast(pa.string()).to_pylist()
    occurrences = np.zeros(rows, np.int64)
    for_all = _load(tuple(words), tuple(files))
    split = split_words(text, lower=True)
    hashes = hash_words(split)
    strings: list[str] = []
    if for_all.entries:
        strings = [string.lower() for string in text.to_pylist()]
        occurrences += for_all.count(split, hashes, strings, np.ones(rows, bool))
    for code, path in _paths(tuple(sorted(lists.items())), folder).items():
        mine = np.fromiter(
            (other is not None and names_language(code, other) for other in codes), bool, rows
        )
        if mine.any():
            strings = strings or [string.lower() for string in text.to_pylist()]
            occurrences += _load((), (path,)).count(split, hashes, strings, mine)
    share = occurrences / np.maximum(split.words_per_document, 1)
    ok = (occurrences <= max_found) | (share <= max_share)
    verdicts = Verdicts.where(
        ok, rule="blocked-words/found", value=occurrences, threshold=max_found
    )
    return verdicts.with_signals({"blocked-words/share": share})


@dataclass(frozen=True, eq=False)
class _Entry:
    """An entry in lowercase: `before` and `after` its words stand symbols, `core` is from the first word to the last."""

    before: str
    core: str
    after: str


class _Blocked:
    """A list, found by the hashes of its entries' words: `by_length[n]` has the sorted hashes of those of n words."""

    def __init__(self, entries: Iterable[str]):
        self.entries = sorted(
            {" ".join(unicodedata.normalize("NFC", entry.lower()).split()) for entry in entries}
            - {""}
        )
        split = split_words(pa.array(self.entries, pa.large_string()), lower=False)
        hashes = hash_words(split)
        grams: dict[int, dict[int, list[_Entry]]] = {}
        self.signs: list[str] = []
        for number, entry in enumerate(self.entries):
            first, last = int(split.offsets[number]), int(split.offsets[number + 1])
            if first == last:
                self.signs.append(entry)
                continue
            begin, end = (
                int(position) - int(split.bounds[number])
                for position in (split.starts[first], split.ends[last - 1])
            )
            gram = int(_grams(hashes[first:last], last - first)[0])
            grams.setdefault(last - first, {}).setdefault(gram, []).append(
                _Entry(entry[:begin], entry[begin:end], entry[end:])
            )
        self.grams = grams
        self.by_length = {
            length: np.array(sorted(of_length), np.uint64) for length, of_length in grams.items()
        }

    def count(
        self, split: Words, hashes: np.ndarray, strings: Sequence[str], rows: np.ndarray
    ) -> np.ndarray:
        """Finds in each document where bool `rows` is true: int64 [documents]. `strings`: the texts in lowercase."""
        occurrences = np.zeros(len(rows), np.int64)
        document = np.repeat(np.arange(len(rows)), split.words_per_document)
        for length, listed in self.by_length.items():
            if len(hashes) < length:
                continue
            grams = _grams(hashes, length)
            at = np.flatnonzero(
                listed[np.minimum(np.searchsorted(listed, grams), len(listed) - 1)] == grams
            )
            owner = document[at]
            for first in at[rows[owner] & (owner == document[at + length - 1])].tolist():
                row = int(document[first])
                offset = int(split.bounds[row])
                begin, end = (
                    int(split.starts[first]) - offset,
                    int(split.ends[first + length - 1]) - offset,
                )
                entries = self.grams[length][int(grams[first])]
                occurrences[row] += sum(
                    _stands(strings[row], begin, end, entry) for entry in entries
                )
        for sign in self.signs:
            for row in np.flatnonzero(rows).tolist():
                occurrences[row] += strings[row].count(sign)
        return occurrences


def _stands(text: str, begin: int, end: int, entry: _Entry) -> bool:
    core = text[begin:end]
    if core != entry.core and " ".join(core.split()) != entry.core:
        return False
    return text.endswith(entry.before, 0, begin) and text.startswith(entry.after, end)


def _grams(hashes: np.ndarray, length: int) -> np.ndarray:
    """Hashes of all runs of `length` words: uint64 [words - length + 1]."""
    count = len(hashes) - length + 1
    grams = hashes[:count].copy()
    for step in range(1, length):
        grams = grams * _STEP + hashes[step : step + count]
    return grams


@lru_cache(maxsize=64)
def _load(words: tuple[str, ...], paths: tuple[str, ...]) -> _Blocked:
    return _Blocked([*words, *(entry for path in paths for entry in read_entries(path))])


@lru_cache(maxsize=8)
def _paths(lists: tuple[tuple[str, str], ...], folder: str) -> dict[str, str]:
    """Language -> its file. Raises ConfigError for a folder without files."""
    paths = {}
    if folder:
        names = [
            name
            for name in storage.list_names(folder)
            if name.removesuffix(".txt").replace("-", "").isalpha() and name.islower()
        ]
        paths = {
            name.removesuffix(".txt"): storage.join(folder, name)
            for name in names
            if len(name.removesuffix(".txt")) <= 8
        }
        if not paths:
            raise ConfigError(
                "there is no list in the folder",
                where=folder,
                remedy='it must have files such as "en" or "de.txt"',
            )
    return {**paths, **dict(lists)}


BLOCKED_WORDS = Filter(
    name="blocked-words", judge=judge_blocked_words, columns=("text", "language")
)
