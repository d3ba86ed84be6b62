"""Tokens as the published filters count them: words, numbers and punctuation of a batch of texts.

The published thresholds were chosen with word tokenizers of the Penn Treebank family (NLTK, spaCy).
The rules here generalise theirs, over arrays with one element per run of word characters and per
symbol between them. A chunk is a run of characters without white space.

- Quotes, brackets and most punctuation are split off both ends of a chunk, one symbol per token.
- A full stop is split off too, but not after an initial ("U.S.", "J.") or an abbreviation ("Mr.");
  two or more are one token.
- Inside a chunk, symbols join their neighbours ("1,000", "foo_bar", "AT&T", "O'Brien"). Separate
  tokens are: dashes, ":", "/", "=", "<" and ">" between a letter or digit and a letter; "," between
  letters; "." between a lowercase and a capital letter; operators between digits; an ellipsis; and
  pictographs. URLs and e-mail addresses ("example.org/a-b") are not split.
- Contractions are two tokens ("do" "n't", "it" "'s", "can" "not"), as are a number and its unit
  ("10" "km").
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pyarrow as pa

from transforms.words import (
    IDEOGRAPH,
    LETTER,
    MARK,
    NUMBER,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    Words,
    character_classes,
    hash_words,
    split_words,
)

FIRST, LAST, PICTOGRAPH, QUOTE, HYPHEN, APOSTROPHE, AFTER_NUMBER = (
    np.uint8(1 << bit) for bit in range(7)
)
"""Flags of symbols.

FIRST is split off the start of a chunk, LAST off its end, AFTER_NUMBER off its end after a digit.
"""

FIRST_SIGNS = "!\"#%&'*,:;<=>?_`¡§´·¿،؛؟٪۔।–—…、。！，：；？～"
LAST_SIGNS = "!\"#&'*,.:;<>?_`¡´·¿،؛؟٪۔।–—…、。！，：；？～"
HYPHENS = "-–—~"
QUOTES = "'\"`´‘’‚“”„«»"
WORDS_BY_THEMSELVES = "•·§¶†‡′″¿¡‐‑―"
"""Punctuation characters that are a word when they are a token, as in the published code."""

AFTER_STOP = np.array([ord(symbol) for symbol in "%²-+"], np.uint32)
SEPARATORS = np.array([ord(symbol) for symbol in ":<>=/"], np.uint32)
OPERATORS = np.array([ord(symbol) for symbol in "+-*^"], np.uint32)
SENTENCE_ENDS = np.array([ord(symbol) for symbol in ".!?。！？।؟۔"], np.uint32)

_ADDRESS = re.compile(
    r"(?:https?://|ftp://)?(?:[^\s/@]+@)?(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d{2,5})?(?:[/?#]\S*)?"
)

MERGED = {
    "cannot": 3,
    "Cannot": 3,
    "dont": 2,
    "Dont": 2,
    "gonna": 3,
    "gotta": 3,
    "Im": 1,
    "Ive": 1,
    "doesnt": 4,
    "didnt": 3,
    "cant": 2,
}
MERGED |= {"Id": 1, "id": 1, "Wed": 2, "wed": 2}
"""Contractions written as one word -> characters of their first token.

The last four follow the published code.
"""

_ABBREVIATIONS = """
Adm Bros Co Corp Dr Gen Gov Inc Jr Ltd Messrs Mr Mrs Ms Mt Ph Prof Rep Rev Sen Sr St vs
Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec
Ala Ariz Ark Calif Colo Conn Del Fla Ga Ia Id Ill Ind Kan Kans Ky La Mass Md Mich Minn Miss Mo Mont
Neb Nebr Nev Okla Ore Pa Tenn Va Wash Wis
"""
_UNITS = """
am pm AM PM km m cm mm nm ft yd in ha kg g mg t lb lbs oz mph kmh mb MB kb KB gb GB TB T G M K
hPa Pa mbar
"""
ABBREVIATIONS = tuple(_ABBREVIATIONS.split())
UNITS = tuple(_UNITS.split())
_LOWERCASE_INITIALS = np.array(
    [ord(pair[0]) * 1024 + ord(pair[1]) for pair in ("eg", "ie", "am", "pm", "vs")], np.uint32
)
"""The initials in lowercase that keep their last full stop, such as "e.g." and "a.m.".

A pair of letters is coded as the first code point * 1024 + the second.
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """The tokens of a batch of documents.

    spans          the characters of the batch; `starts`, `ends`, `offsets` are those of tokens
    is_word        bool [tokens]: has a character that is not punctuation
    has_letter     bool [tokens]: has a letter
    ends_sentence  bool [tokens]: is a full stop, a question mark or an exclamation mark
    """

    spans: Words
    is_word: np.ndarray
    has_letter: np.ndarray
    ends_sentence: np.ndarray

    @property
    def per_document(self) -> np.ndarray:
        """The number of tokens of each document: int64 [documents]."""
        return self.spans.words_per_document

    def hashes(self) -> np.ndarray:
        """Hash the tokens: uint64 [tokens], equal for equal tokens."""
        return hash_words(self.spans)

    def sum_per_document(self, values: np.ndarray) -> np.ndarray:
        """Sum values [tokens] over each document: int64 [documents], 0 without tokens."""
        sums = np.zeros(len(values) + 1, np.int64)
        np.cumsum(values, out=sums[1:])
        return sums[self.spans.offsets[1:]] - sums[self.spans.offsets[:-1]]

    def sentences_per_document(self, *, before_lowercase: bool = True) -> np.ndarray:
        """Count the sentences of each document: int64 [documents].

        A sentence begins at the first word of a document and at each word after a sentence end.
        `before_lowercase` allows a sentence to begin with a lowercase letter.
        """
        solid = np.flatnonzero(self.is_word)
        if not len(solid):
            return np.zeros(self.spans.documents, np.int64)
        ended = np.zeros(len(self.is_word) + 1, np.int64)
        np.cumsum(self.ends_sentence, out=ended[1:])
        begins = np.ones(len(solid), bool)
        begins[1:] = ended[solid[1:]] > ended[solid[:-1] + 1]
        if not before_lowercase:
            heads = self.spans.code_points[self.spans.starts[solid]]
            begins &= ~_is_lowercase(heads)
        document = np.searchsorted(self.spans.offsets, solid, side="right") - 1
        first = np.ones(len(solid), bool)
        first[1:] = document[1:] != document[:-1]
        return np.bincount(document[begins | first], minlength=self.spans.documents).astype(
            np.int64
        )


def tokenize(texts: pa.Array) -> Tokens:
    """Split a batch of texts (string or large_string, no nulls) into tokens."""
    words = split_words(texts, lower=False)
    points, classes = words.code_points, words.classes
    solid = classes != SPACE
    begins = solid.copy()
    begins[1:] &= ~solid[:-1]
    symbols = np.flatnonzero(solid & ((classes > IDEOGRAPH) | (classes < MARK)))
    if len(symbols):
        _mark_symbols(begins, words, symbols)
    _mark_inside_words(begins, words)
    begins &= solid
    starts = np.flatnonzero(begins)
    ends_here = solid
    ends_here[:-1] &= begins[1:] | ~solid[1:]
    ends = np.flatnonzero(ends_here) + 1
    is_word = _any_character(_counts_as_word(), points, starts, ends)
    has_letter = _any_character(_letters(), points, starts, ends)
    ends_sentence = (ends - starts == 1) & np.isin(points[starts], SENTENCE_ENDS)
    spans = replace(words, starts=starts, ends=ends, offsets=np.searchsorted(starts, words.bounds))
    return Tokens(spans=spans, is_word=is_word, has_letter=has_letter, ends_sentence=ends_sentence)


def _any_character(
    table: np.ndarray, points: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Whether a token has a character that is set in the bool [0x110000] table: bool [tokens]."""
    result = table[points[starts]]
    rest = np.flatnonzero(~result & (ends - starts > 1))
    if len(rest):
        # The first character decides most tokens. `at` lists the positions of the characters of the
        # others, token by token; `before` is where each token begins in it.
        lengths = ends[rest] - starts[rest]
        before = np.cumsum(lengths) - lengths
        at = np.repeat(starts[rest] - before, lengths) + np.arange(lengths.sum())
        result[rest] = np.logical_or.reduceat(table[points[at]], before)
    return result


def _mark_symbols(begins: np.ndarray, words: Words, at: np.ndarray) -> None:
    """Set the token starts in bool `begins` [characters] that follow from the symbols.

    `at` holds the positions of the symbols, int64, ascending.
    """
    points, classes = words.code_points, words.classes
    near = _Neighbours(points, classes, at)
    symbol, left, right = near.symbol, near.left, near.right
    kind = _kinds(symbol)
    dot, hyphen = symbol == ord("."), kind & HYPHEN > 0
    ellipsis = (dot & ((left == ord(".")) | (right == ord(".")))) | (symbol == ord("…"))

    first = (kind & FIRST > 0) | ellipsis | ((symbol == ord("+")) & ~near.digit_right)
    last = ((kind & LAST > 0) & ~dot) | ellipsis | (near.digit_left & ((kind & AFTER_NUMBER) > 0))
    stops = dot & (
        near.small_left | near.digit_left | (_kinds(left) & LAST > 0) | np.isin(left, AFTER_STOP)
    )
    stops |= dot & near.capital_left & (classes[at - 2] == LETTER) & _is_capital(points[at - 2])
    candidates = np.flatnonzero(stops & ~ellipsis & (near.small_left | near.capital_left))
    stops[candidates] &= ~_abbreviated(words, at[candidates])
    last |= stops
    lead, trail = _edges(at, near, first=first, last=last)

    cut = (
        (hyphen | np.isin(symbol, SEPARATORS))
        & (near.letter_left | near.digit_left)
        & near.letter_right
    )
    cut |= (symbol == ord(",")) & near.letter_left & near.letter_right
    cut |= (
        dot
        & (near.small_left | (_kinds(left) & QUOTE > 0))
        & (near.capital_right | (_kinds(right) & QUOTE > 0))
    )
    cut |= np.isin(symbol, OPERATORS) & near.digit_left & (near.digit_right | (right == ord("-")))
    double = hyphen & ((left == symbol) | (right == symbol))
    if double.any():
        cut[double] = _double_hyphens(at[double], near, double)
    _keep_addresses(cut, points, classes, at, near, dot)
    cut[_and_or(points, classes, at, near)] = False
    alone = lead | trail | cut | ellipsis | (kind & PICTOGRAPH > 0)

    begins[at[alone]] = True
    begins[at[alone] + 1] = True
    runs = alone & (left == symbol) & (dot | double & cut)
    begins[at[runs]] = False
    _mark_contractions(
        begins,
        points,
        classes,
        at[(kind & APOSTROPHE > 0) & (near.letter_left | near.digit_left) & near.letter_right],
    )


class _Neighbours:
    """The symbols of a batch and the characters next to them, as arrays [symbols]."""

    def __init__(self, points: np.ndarray, classes: np.ndarray, at: np.ndarray):
        # A line feed follows each text. For the first character of the batch, index -1 reads the
        # line feed at the end of the array.
        self.symbol, self.left, self.right = points[at], points[at - 1], points[at + 1]
        left_class, right_class = classes[at - 1], classes[at + 1]
        self.space_left, self.space_right = left_class == SPACE, right_class == SPACE
        self.digit_left, self.digit_right = left_class == NUMBER, right_class == NUMBER
        self.letter_left, self.letter_right = left_class == LETTER, right_class == LETTER
        self.capital_left, self.capital_right = _is_capital(self.left), _is_capital(self.right)
        self.small_left, self.small_right = (
            self.letter_left & ~self.capital_left,
            self.letter_right & ~self.capital_right,
        )


def _edges(
    at: np.ndarray, near: _Neighbours, *, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the symbols that are split off the start and off the end of their chunk.

    A symbol is split off only if all symbols between it and the edge are. Returns two bool
    [symbols].
    """
    follows = np.zeros(len(at), bool)
    follows[1:] = at[1:] == at[:-1] + 1
    heads = np.flatnonzero(~follows)
    run = np.cumsum(~follows) - 1
    tails = np.append(heads[1:], len(at)) - 1
    kept = np.cumsum(~first)
    lead = near.space_left[heads][run] & (kept == (kept[heads] - ~first[heads])[run]) & first
    kept = np.cumsum(~last)
    trail = near.space_right[tails][run] & (kept == kept[tails][run]) & last
    return lead, trail


def _double_hyphens(at: np.ndarray, near: _Neighbours, double: np.ndarray) -> np.ndarray:
    """Whether a run of two or three hyphens is between a letter or digit and a letter.

    Returns bool [double hyphens].
    """
    follows = np.zeros(len(at), bool)
    follows[1:] = at[1:] == at[:-1] + 1
    heads = np.flatnonzero(~follows)
    tails = np.append(heads[1:], len(at)) - 1
    ok = (
        (near.letter_left | near.digit_left)[double][heads]
        & near.letter_right[double][tails]
        & (tails - heads < 3)
    )
    return ok[np.cumsum(~follows) - 1]


def _keep_addresses(
    cut: np.ndarray,
    points: np.ndarray,
    classes: np.ndarray,
    at: np.ndarray,
    near: _Neighbours,
    dot: np.ndarray,
) -> None:
    """Undo the cuts inside chunks such as "www.example.org/a-b" or "name@example.org"."""
    if not cut.any():
        return
    dots = np.flatnonzero(dot & (near.letter_left | near.digit_left) & near.small_right)
    dots = dots[(classes[np.minimum(at[dots] + 2, len(points) - 1)] == LETTER)]
    if not len(dots):
        return
    spaces = (classes == SPACE).tobytes()
    stop = 0
    for position in at[dots].tolist():
        if position < stop:
            continue
        start, stop = spaces.rfind(1, 0, position) + 1, spaces.find(1, position)
        chunk = (
            points[start:stop]
            .tobytes()
            .decode("utf-32-le", "surrogatepass")
            .rstrip(".,;:!?)]}>\"'”’»")
            .lstrip("([{<\"'“‘«")
        )
        if _ADDRESS.fullmatch(chunk):
            cut[np.searchsorted(at, start) : np.searchsorted(at, stop)] = False


def _and_or(
    points: np.ndarray, classes: np.ndarray, at: np.ndarray, near: _Neighbours
) -> np.ndarray:
    """Indices of the symbols that are the "/" of a word "and/or", which is one token: int64."""
    slashes = np.flatnonzero(
        (near.symbol == ord("/")) & (near.left == ord("d")) & (near.right == ord("o"))
    )
    slashes = slashes[at[slashes] + 3 < len(points)]
    place = at[slashes]
    whole = ~_joins(points, classes, place - 4) & ~_joins(points, classes, place + 3)
    letters = (
        (points[place - 3] == ord("a"))
        & (points[place - 2] == ord("n"))
        & (points[place + 2] == ord("r"))
    )
    return slashes[whole & letters]


def _joins(points: np.ndarray, classes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether a character joins a word next to it, such as a letter or a digit: bool [at].

    Symbols join unless they are split off the edges of a chunk; hyphens join, full stops do not.
    """
    kind = _kinds(points[at])
    return (
        (classes[at] != SPACE)
        & ((kind & (FIRST | LAST) == 0) | (kind & HYPHEN > 0))
        & (points[at] != ord("."))
    )


def _abbreviated(words: Words, at: np.ndarray) -> np.ndarray:
    """Whether a full stop belongs to a known abbreviation or to initials: bool [at].

    Initials are single letters at the start of their chunk.
    """
    index = np.minimum(np.searchsorted(words.ends, at), len(words) - 1)
    starts = words.starts[index]
    before = words.code_points[starts - 1]
    opens = (words.classes[starts - 1] == SPACE) | (
        (_kinds(before) & FIRST > 0) & ~_is_word_class(words.classes[starts - 2])
    )
    single = at - starts == 1
    initials = single & (before == ord(".")) & (words.classes[starts - 2] == LETTER)
    initials &= (words.classes[starts - 3] == SPACE) | (
        _kinds(words.code_points[starts - 3]) & FIRST > 0
    )
    pair = (words.code_points[starts - 2] | 0x20) * np.uint32(1024) + words.code_points[starts]
    initials &= _is_capital(words.code_points[starts]) | np.isin(pair, _LOWERCASE_INITIALS)
    known = np.isin(hash_words(replace(words, starts=starts, ends=at)), _hashes_of(ABBREVIATIONS))
    return (opens & (single | known)) | initials


def _mark_contractions(
    begins: np.ndarray, points: np.ndarray, classes: np.ndarray, at: np.ndarray
) -> None:
    """Set token starts before "'s", "'ll", "'re", ... and before "n't".

    `at` holds the positions of apostrophes between a letter or digit and a letter.
    """
    one, two = (points[np.minimum(at + step, len(points) - 1)] | 0x20 for step in (1, 2))
    ends = [~_is_word_class(classes[np.minimum(at + step, len(points) - 1)]) for step in (2, 3)]
    short = ends[0] & np.isin(one, [ord(letter) for letter in "smd"])
    long = (
        ~ends[0]
        & ends[1]
        & np.isin(
            one * 1024 + two, [ord(pair[0]) * 1024 + ord(pair[1]) for pair in ("ll", "re", "ve")]
        )
    )
    begins[at[short | long]] = True
    negative = (
        ends[0]
        & (one == ord("t"))
        & ((points[at - 1] | 0x20) == ord("n"))
        & (classes[at - 2] == LETTER)
    )
    begins[at[negative] - 1] = True


def _mark_inside_words(begins: np.ndarray, words: Words) -> None:
    """Set token starts around ideographs, before units and in contractions written as one word."""
    points, classes = words.code_points, words.classes
    alone = np.flatnonzero(classes[words.starts] == IDEOGRAPH)
    begins[words.starts[alone]] = True
    begins[words.ends[alone]] = True
    length = words.ends - words.starts
    mixed = np.flatnonzero(
        (classes[words.starts] == NUMBER)
        & (classes[words.ends - 1] == LETTER)
        & (points[words.starts - 1] != ord(":"))
    )
    if len(mixed):
        units = words.ends[mixed] - 1
        for _ in range(3):
            units = units - (classes[units - 1] == LETTER)
        unit = classes[units - 1] == NUMBER
        units, ends = units[unit], words.ends[mixed[unit]]
        known = np.isin(hash_words(replace(words, starts=units, ends=ends)), _hashes_of(UNITS))
        begins[units[known]] = True
    heads = points[words.starts] | 0x20
    some = (length >= min(map(len, MERGED))) & (length <= max(map(len, MERGED)))
    candidates = np.flatnonzero(some & _merged_heads()[np.minimum(heads, 127)])
    heads, length = heads[candidates], length[candidates]
    for merged, cut in MERGED.items():
        matches = candidates[(length == len(merged)) & (heads == (ord(merged[0]) | 0x20))]
        for offset, letter in enumerate(merged):
            matches = matches[points[words.starts[matches] + offset] == ord(letter)]
        matches = matches[
            ~_joins(points, classes, words.starts[matches] - 1)
            & ~_joins(points, classes, words.ends[matches])
        ]
        begins[words.starts[matches] + cut] = True


def _is_word_class(classes: np.ndarray) -> np.ndarray:
    return (classes >= MARK) & (classes <= IDEOGRAPH)


def _kinds(points: np.ndarray) -> np.ndarray:
    return _kind_table()[points]


def _is_capital(points: np.ndarray) -> np.ndarray:
    return _capital_table()[points]


def _is_lowercase(points: np.ndarray) -> np.ndarray:
    return (character_classes()[points] == LETTER) & ~_is_capital(points)


@cache
def _kind_table() -> np.ndarray:
    """Lookup table of the flags of symbols: uint8 [0x110000]."""
    table = np.zeros(0x110000, np.uint8)
    classes = character_classes()
    for point in np.flatnonzero((classes == PUNCTUATION) | (classes == SYMBOL)).tolist():
        match unicodedata.category(chr(point)):
            case "Ps" | "Pe" | "Pi" | "Pf":
                table[point] = FIRST | LAST
            case "So":
                table[point] = FIRST | LAST | PICTOGRAPH
            case "Sc":
                table[point] = FIRST | AFTER_NUMBER
    apostrophes, after_number = "'’", "+%"
    more = (
        (FIRST_SIGNS, FIRST),
        (LAST_SIGNS, LAST),
        (HYPHENS, HYPHEN),
        (apostrophes, APOSTROPHE),
        (QUOTES, QUOTE),
    )
    for symbols, kind in (*more, (after_number, AFTER_NUMBER)):
        table[[ord(symbol) for symbol in symbols]] |= kind
    table.flags.writeable = False
    return table


@cache
def _capital_table() -> np.ndarray:
    table = np.isin(character_classes(), (LETTER, NUMBER, SYMBOL))
    cased = np.flatnonzero(table)
    table[cased] = np.fromiter((chr(point).isupper() for point in cased.tolist()), bool, len(cased))
    table.flags.writeable = False
    return table


@cache
def _counts_as_word() -> np.ndarray:
    """Lookup table of characters that make a token a word: bool [0x110000]."""
    classes = character_classes()
    table = (classes != SPACE) & (classes != PUNCTUATION)
    table[:128] &= classes[:128] != SYMBOL
    table[:32] = table[127:160] = False
    table[[ord(symbol) for symbol in WORDS_BY_THEMSELVES]] = True
    table.flags.writeable = False
    return table


@cache
def _merged_heads() -> np.ndarray:
    """Lookup table of the lowercase first letters of MERGED: bool [128]."""
    table = np.zeros(128, bool)
    table[[ord(merged[0]) | 0x20 for merged in MERGED]] = True
    return table


@cache
def _letters() -> np.ndarray:
    classes = character_classes()
    return (classes == LETTER) | (classes == IDEOGRAPH)


@cache
def _hashes_of(words: tuple[str, ...]) -> np.ndarray:
    texts = split_words(pa.array([" ".join(words)]), lower=False)
    return np.unique(hash_words(texts))
