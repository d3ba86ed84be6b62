"""Filter `encoding-noise`: repairs mojibake and removes characters that are not text.

Mojibake ("schÃ¶n" for "schön") is repaired by the encoding step of ftfy (Speer 2019,
https://doi.org/10.5281/zenodo.2591652); quotes, ligatures and character widths are left unchanged.

Removed: C0 and C1 controls except tab and line feed, private-use characters, noncharacters,
byte-order marks, soft hyphens, direction marks and zero-width characters. Kept: ZWJ and ZWNJ
between characters of scripts that use them and in emoji, zero-width spaces in Thai, Lao, Khmer and
Burmese, tag characters in flags. Form feeds, vertical tabs, U+2028 and U+2029 become line feeds.
"""

import re
from collections import Counter

import ftfy
import numpy as np
import pyarrow as pa
from ftfy.badness import is_bad

from transforms.clean_text import clean_text
from transforms.filters.filter import Filter
from transforms.filters.verdicts import Verdicts

_PASSES = 4
_JOINED = (
    "\u0590-\u1fff\u2190-\u2bff"
    "\u3030-\u303d\u3297-\u3299\ua800-\uabff\ufb1d-\ufdff\ufe0f\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001f000-\U0001faff"
)
"""Characters that ZWJ and ZWNJ may stand between: emoji and scripts that shape letters."""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\u2028\u2029]")
_KINDS: dict[str, re.Pattern[str]] = {
    "controls": re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]"),
    "invisible": re.compile(
        "[\xad\u034f\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc]"
        f"|(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])"
        f"|(?<![{_UNSPACED}])\u200b|\u200b(?![{_UNSPACED}])"
    ),
    "tags": re.compile(
        "(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0000-\U000e007f]"
    ),
    "private-use": re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]"),
    "noncharacters": re.compile(
        "[\ufdd0-\ufdef\ufffe\uffff"
        + "".join(
            f"{chr(plane << 16 | 0xFFFE)}-{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17)
        )
        + "]"
    ),
    "replacement-characters": re.compile("\ufffd"),
}
_NOISE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}-{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
    + "\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)
"""The characters of all kinds in one class: a line without any has nothing to remove."""

_MOJIBAKE = re.compile("[\xc2-\xf4\u0100-\u052f\u201a\u221a\u251c][^\x00-\x7f]")
"""A UTF-8 lead byte as another code page reads it, before a non-ASCII character.

All mojibake that ftfy repairs contains a match.
"""

_FTFY = ftfy.TextFixerConfig(unescape_html=False, normalization=None)
_ODD_LEADS = np.array([0x889A, 0x949C, 0x809A], np.uint16)
"""Second and third UTF-8 byte of "√", "├" and "‚".

Mac Roman and code page 437 show UTF-8 lead bytes as these characters.
"""


def judge_encoding_noise(
    text: pa.LargeStringArray, *, repair: bool = True, max_replacement_characters: float = 0.01
) -> Verdicts:
    """Rejects documents with too many replacement characters and cleans the others.

    A document is rejected when more than `max_replacement_characters` of its characters are U+FFFD
    before cleaning, then when no text is left. `repair = False` turns the mojibake repair off.
    Counts of characters removed: `encoding-noise/controls`, `invisible`, `tags`, `private-use`,
    `noncharacters`, `replacement-characters`; replaced: `line-ends`; of lines repaired: `mojibake`.
    """
    rows = len(text)
    counts = {
        f"encoding-noise/{kind}": np.zeros(rows, np.int64)
        for kind in (*_KINDS, "line-ends", "mojibake")
    }
    strings = text.to_pylist()
    share = np.zeros(rows)
    for row in np.flatnonzero(suspects(text)).tolist():
        string = strings[row]
        share[row] = string.count("\ufffd") / max(len(string), 1)
        strings[row], repairs = clean_noise(string, repair=repair)
        for kind, number in repairs.items():
            counts[f"encoding-noise/{kind}"][row] = number
    readable = Verdicts.where(
        share <= max_replacement_characters,
        rule="encoding-noise/replacement-characters",
        value=share,
        threshold=max_replacement_characters,
    )
    left = Verdicts.where(
        np.fromiter(map(bool, strings), bool, rows), rule="encoding-noise/nothing-left"
    )
    return readable.then(left).with_text(pa.array(strings, pa.large_string())).with_counts(counts)


def clean_noise(text: str, *, repair: bool = True) -> tuple[str, Counter[str]]:
    """Clean a text: returns it repaired and without noise, and the edits by kind.

    The result is normalised as document texts are. Cleaning it again changes nothing.
    """
    counts: Counter[str] = Counter()
    for _ in range(_PASSES):
        before = text
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if not (line.isascii() and line.isprintable()):
                lines[number] = _clean_line(line, counts, repair=repair)
        text = clean_text("\n".join(lines))
        if text == before:
            break
    return text, counts


def _clean_line(line: str, counts: Counter[str], *, repair: bool) -> str:
    """Clean one line: ftfy would not repair a text in which one line was decoded correctly."""
    noisy = _NOISE.search(line)
    if repair and not line.isascii() and (noisy or (_MOJIBAKE.search(line) and is_bad(line))):
        fixed = ftfy.fix_encoding(line, _FTFY)
        if fixed != line:
            counts["mojibake"] += 1
            line, noisy = fixed, _NOISE.search(fixed)
    if not noisy:
        return line
    line, replaced = _LINE_ENDS.subn("\n", line)
    counts["line-ends"] += replaced
    for kind, pattern in _KINDS.items():
        length = len(line)
        line = pattern.sub(r"\1" if kind == "tags" else "", line)
        counts[kind] += length - len(line)
    return line


def suspects(text: pa.LargeStringArray) -> np.ndarray:
    """Find the documents that may need cleaning by the UTF-8 bytes of the whole batch: bool [rows].

    The bytes searched for are controls, soft hyphens and lead bytes of noise (private use,
    noncharacters, U+FFFD, invisible characters). For mojibake it is a character of the upper half
    of a European code page that is followed by another non-ASCII character.
    """
    suspect = np.zeros(len(text), bool)
    if not len(text):
        return suspect
    _, offsets_buffer, data = text.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[text.offset : text.offset + len(text) + 1]
    octets = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    # The positions of bytes outside printable ASCII; uint8 arithmetic wraps controls around.
    at = np.flatnonzero((octets - np.uint8(0x20)) > 0x5E)
    value = octets[at]
    noted = (
        (value < 0x20) & (value != 0x0A) & (value != 0x09)
        | (value == 0x7F)
        | (value == 0xEE)
        | (value == 0xEF)
        | (value >= 0xF3)
    )
    leads = np.flatnonzero(value >= 0xC2)
    if len(leads):
        lead, position = value[leads], at[leads]
        second = octets[position + 1]
        third = octets[np.minimum(position + 2, len(octets) - 1)]
        noise = (lead == 0xC2) & ((second < 0xA0) | (second == 0xAD))
        noise |= (lead == 0xE2) & (
            (second == 0x80)
            & ((third >= 0x8B) & (third <= 0x8F) | (third >= 0xA8) & (third <= 0xAE))
        )
        noise |= (lead == 0xE2) & (second == 0x81) & (third >= 0xA0)
        noise |= (
            (lead == 0xE1) & (second == 0xA0) & (third == 0x8E)
            | (lead == 0xCD) & (second == 0x8F)
            | (lead == 0xD8) & (second == 0x9C)
        )
        # For a two-byte character, `third` and `last` are bytes of the next character.
        last = octets[np.minimum(position + 3, len(octets) - 1)]
        noise |= (
            (lead < 0xE0) & (third >= 0xC2) & ((lead != 0xC3) | (second >= 0x82) & (second <= 0xB4))
        )
        noise |= (
            (lead == 0xE2) & (last >= 0xC2) & np.isin(second * np.uint16(256) + third, _ODD_LEADS)
        )
        # The noncharacters of planes 1 to 16 all end in BF BE or BF BF.
        noise |= (lead >= 0xF0) & (third == 0xBF) & (last >= 0xBE)
        noted[leads] |= noise
    rows = np.searchsorted(offsets[1:] - offsets[0], at[noted], side="right")
    suspect[rows] = True
    return suspect


ENCODING_NOISE = Filter(name="encoding-noise", judge=judge_encoding_noise)
