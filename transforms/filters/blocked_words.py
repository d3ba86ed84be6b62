"""Filter `blocked-words`: rejects documents with words or phrases of a list.

C4 (Raffel et al. 2020, arXiv:1910.10683, section 2.2) drops pages with any word of LDNOOBW, the
"List of Dirty, Naughty, Obscene, and Otherwise Bad Words", which has one file per language, named
by its code. The filter ships no list. Such lists also drop harmless pages, above all on medicine,
law and minorities (Dodge et al. 2021, arXiv:2104.08758), so both thresholds are options.
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
    """Rejects documents with too many matches of blocked words or phrases.

    A document is rejected (`blocked-words/found`) when it has more than `max_found` matches and
    more than `max_share` matches per word. The value is the number of matches; the signal
    `blocked-words/share` is matches per word.

    `words` and the lines of `files` apply to all languages. `lists` = {code: file} and `folder`
    (one file per language code, with or without ".txt", as in LDNOOBW) apply to documents of that
    language. An entry matches whole words in any case, with any white space between them; an entry
    without word characters, or in a script without spaces, matches anywhere. Each occurrence counts
    once per entry.
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
    """An entry in lowercase: `core`, from its first to its last word, and the symbols around it."""

    before: str
    core: str
    after: str


class _Blocked:
    """A list indexed by hashes of word n-grams: `by_length[n]` holds the sorted hashes of n words.

    `symbols` are the entries without a word.
    """

    def __init__(self, entries: Iterable[str]):
        self.entries = sorted(
            {" ".join(unicodedata.normalize("NFC", entry.lower()).split()) for entry in entries}
            - {""}
        )
        split = split_words(pa.array(self.entries, pa.large_string()), lower=False)
        hashes = hash_words(split)
        grams: dict[int, dict[int, list[_Entry]]] = {}
        self.symbols: list[str] = []
        for number, entry in enumerate(self.entries):
            first, last = int(split.offsets[number]), int(split.offsets[number + 1])
            if first == last:
                self.symbols.append(entry)
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
        """Count the matches of each document where bool `rows` is true: int64 [documents].

        `split` and `hashes` are the words of the batch, `strings` its texts in lowercase.
        """
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
                    _matches(strings[row], begin, end, entry) for entry in entries
                )
        for symbol in self.symbols:
            for row in np.flatnonzero(rows).tolist():
                occurrences[row] += strings[row].count(symbol)
        return occurrences


def _matches(text: str, begin: int, end: int, entry: _Entry) -> bool:
    """Compare an entry with the text at [begin, end): equal hashes do not prove a match."""
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
    """Language code -> its file. Raises ConfigError for a folder without lists."""
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
