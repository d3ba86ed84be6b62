"""The WHATWG Encoding Standard: labels -> encodings, bytes -> text.

Source: https://encoding.spec.whatwg.org.

Python's codecs of the same names know fewer characters and recover differently from invalid bytes:
`euc_kr` lacks windows-949, `cp932` knows 0xA0, `gb18030` is the edition of 2000, `big5hkscs` lacks
192 pairs. Here each invalid sequence is one U+FFFD, as in browsers, and a byte below 0x80 behind an
invalid lead byte is kept. `whatwg.npz` holds the indexes of the standard.
"""

import codecs
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

_TABLES = Path(__file__).with_name("whatwg.npz")
# Number of bytes decoded at once, so that a page of 64 MB needs no arrays of its own length.
_BLOCK = 1 << 20
# Bytes that are not part of a longer sequence in any encoding here.
_SAFE = re.compile(rb"[\x00-\x2f\x3a-\x3f]")
_REPLACEMENT = 0xFFFD
_BIG5_PAIRS = {
    0xF0000: "\u00ca\u0304",
    0xF0001: "\u00ca\u030c",
    0xF0002: "\u00ea\u0304",
    0xF0003: "\u00ea\u030c",
}
_NAMES = {
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "euc-kr": (
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
        "ksc5601 ksc_5601 windows-949"
    ),
    "gb18030": "gb18030",
    "gbk": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "iso-8859-2": (
        "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2"
    ),
    "iso-8859-3": (
        "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"
    ),
    "iso-8859-4": (
        "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"
    ),
    "iso-8859-5": (
        "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
        "iso_8859-5:1988"
    ),
    "iso-8859-6": (
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
        "iso-8859-6-e iso-8859-6-i "
        "iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987"
    ),
    "iso-8859-7": (
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
        "iso_8859-7 iso_8859-7:1987 sun_eu_greek"
    ),
    "iso-8859-8": (
        "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 "
        "iso88598 iso_8859-8 iso_8859-8:1988 visual"
    ),
    "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "replacement": "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": (
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
        "iso88591 iso_8859-1 "
        "iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
    ),
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": (
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 "
        "l5 latin5 windows-1254 x-cp1254"
    ),
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "x-user-defined": "x-user-defined",
}
_LABELS = {label: name for name, labels in _NAMES.items() for label in labels.split()}


def encoding_of(label: str | None) -> str | None:
    """The lowercase name of the encoding of a label, or None if the standard does not know it.

    `replacement` stands for the labels that browsers decode to a single U+FFFD.
    """
    return _LABELS.get(label.strip("\t\n\f\r ").lower()) if label else None


def is_single_byte(encoding: str) -> bool:
    """Whether each byte of an encoding is one character."""
    return encoding in _NAMES and encoding not in _DECODERS and encoding != "utf-8"


def decode(data: bytes, encoding: str) -> str:
    """Decode bytes like TextDecoder: without byte-order mark, invalid sequences as U+FFFD.

    Raises LookupError for a name that `encoding_of` does not return.
    """
    if encoding == "utf-8":
        return data.decode("utf-8", "replace").removeprefix("\ufeff")
    if decoder := _DECODERS.get(encoding):
        return decoder(data)
    return codecs.charmap_decode(data, "strict", _single_bytes(encoding))[0]


@functools.cache
def _tables() -> dict[str, np.ndarray]:
    with np.load(_TABLES) as tables:
        return dict(tables)


@functools.cache
def _single_bytes(encoding: str) -> str:
    """The 256 characters of a single-byte encoding."""
    if encoding == "x-user-defined":
        return "".join(map(chr, [*range(128), *range(0xF780, 0xF800)]))
    tables = _tables()
    rows = np.flatnonzero(tables["single_names"] == encoding.removesuffix("-i"))
    if not len(rows):
        raise LookupError(f"unknown encoding: {encoding}")
    return "".join(map(chr, [*range(128), *tables["single"][rows[0]].tolist()]))


def _index(name: str) -> np.ndarray:
    """An index of the standard: int32 (pointers,), code points, 0 if there is none."""
    tables = _tables()
    # The points are stored as differences, which compress to half the size.
    points = np.cumsum(tables[name], dtype=np.int32) & 0xFFFF
    if (plane := tables.get(f"{name}_plane2")) is not None:
        points += np.unpackbits(plane, count=len(points)).astype(np.int32) << 17
    return points


class _Pairs(NamedTuple):
    """An encoding of byte pairs.

    leads   bool (256,), which bytes can lead a pair
    alone   int32 (256,), code points of bytes outside of pairs
    points  int32 (65,536,), code points of the pairs lead * 256 + trail; 0 for none
    """

    leads: np.ndarray
    alone: np.ndarray
    points: np.ndarray


def _span(first: int, last: int) -> np.ndarray:
    return np.arange(first, last + 1)


def _pairs(leads: np.ndarray, trails: np.ndarray, points: np.ndarray) -> _Pairs:
    """The encoding whose pairs of `leads` and `trails`, in this order, have the code points."""
    is_lead = np.zeros(256, bool)
    is_lead[leads] = True
    alone = np.arange(256, dtype=np.int32)
    alone[128:] = _REPLACEMENT
    table = np.zeros((256, 256), np.int32)
    table[np.ix_(leads, trails)] = points[: len(leads) * len(trails)].reshape(
        len(leads), len(trails)
    )
    return _Pairs(is_lead, alone, table.ravel())


@functools.cache
def _pairs_of(encoding: str) -> _Pairs:
    """The pairs of an encoding; the formulas from bytes to pointers are the standard's."""
    leads, low = _span(0x81, 0xFE), _span(0x40, 0x7E)
    if encoding == "big5":
        points = _index("big5")
        points[[1133, 1135, 1164, 1166]] = list(_BIG5_PAIRS)
        return _pairs(leads, np.append(low, _span(0xA1, 0xFE)), points)
    if encoding == "euc-kr":
        return _pairs(leads, _span(0x41, 0xFE), _index("euc-kr"))
    if encoding == "gb18030":
        pairs = _pairs(leads, np.append(low, _span(0x80, 0xFE)), _index("gb18030"))
        pairs.alone[0x80] = 0x20AC
        return pairs
    if encoding == "shift_jis":
        pairs = _pairs(
            np.append(_span(0x81, 0x9F), _span(0xE0, 0xFC)),
            np.append(low, _span(0x80, 0xFC)),
            _index("jis0208"),
        )
        pairs.alone[0x80] = 0x80
        pairs.alone[0xA1:0xE0] = _span(0xFF61, 0xFF9F)
        return pairs
    pairs = _pairs(
        _span(0xA1, 0xFE),
        _span(0xA1, 0xFE),
        _index("jis0212" if encoding == "jis0212" else "jis0208"),
    )
    pairs.leads[[0x8E, 0x8F]] = True
    pairs.points[(0x8E << 8) + _span(0xA1, 0xDF)] = _span(0xFF61, 0xFF9F)
    return pairs


def _blocks(data: bytes) -> Iterator[np.ndarray]:
    """Split bytes into blocks that end between sequences."""
    start = 0
    while start < len(data):
        match = _SAFE.search(data, start + _BLOCK - 1) if start + _BLOCK < len(data) else None
        end = match.end() if match else len(data)
        yield np.frombuffer(data, np.uint8, end - start, start)
        start = end


def _decode_pairs(data: bytes, encoding: str) -> str:
    pairs = _pairs_of(encoding)
    text = "".join(_decode_block(block, pairs, encoding) for block in _blocks(data))
    if encoding == "big5" and not text.isascii():
        for placeholder, characters in _BIG5_PAIRS.items():
            text = text.replace(chr(placeholder), characters)
    return text


def _decode_block(block: np.ndarray, pairs: _Pairs, encoding: str) -> str:
    """Decode a block of bytes: uint8 (n,) -> text.

    A byte that can lead starts a pair if an even number of such bytes stands directly before it:
    the byte before those cannot lead, and a byte of a pair from 0x80 on is never read again. So the
    starts of pairs follow from the runs of such bytes, without a loop.
    """
    is_lead = pairs.leads.take(block)
    if not is_lead.any():
        return _to_text(pairs.alone.take(block))
    marked = None
    if encoding == "euc-jp":
        block, marked = _strip_three_byte_leads(block, is_lead)
        is_lead = pairs.leads.take(block)
    starts = is_lead & _runs(is_lead)[1]
    points = pairs.alone.take(block)
    consumed = np.zeros(len(block), bool)
    if encoding == "gb18030":
        _decode_fours(block, starts, points, consumed)
    leads = np.flatnonzero(starts)
    if len(leads) and leads[-1] == len(block) - 1:
        points[leads[-1]] = _REPLACEMENT
        leads = leads[:-1]
    trails = block[leads + 1]
    keys = (block[leads].astype(np.int32) << 8) | trails
    decoded = pairs.points[keys]
    if marked is not None:
        decoded = np.where(marked[leads], _pairs_of("jis0212").points[keys], decoded)
    points[leads] = np.where(decoded, decoded, _REPLACEMENT)
    consumed[leads + 1] |= (decoded != 0) | (trails >= 0x80)
    return _to_text(points[~consumed])


def _runs(is_lead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the runs of equal values -> int (runs,), where they begin, and bool (n,).

    The second array marks the elements at an even distance from the beginning of their run.
    """
    begins = np.append(0, np.flatnonzero(is_lead[1:] != is_lead[:-1]) + 1)
    lengths = np.diff(begins, append=len(is_lead))
    odd = np.zeros(len(is_lead), np.uint8)
    odd[1::2] = 1
    return begins, odd == np.repeat((begins & 1).astype(np.uint8), lengths)


def _decode_fours(
    block: np.ndarray, starts: np.ndarray, points: np.ndarray, consumed: np.ndarray
) -> None:
    """Decode the four-byte sequences of gb18030, in place.

    Their code points are written to `points`, their lead bytes removed from `starts`, and their
    other bytes marked in `consumed`.
    """
    digits = (block >= 0x30) & (block <= 0x39)
    begun = starts[:-1] & digits[1:]
    if not begun.any():
        return
    first = (
        np.flatnonzero(begun[:-2] & starts[2:-1] & digits[3:])
        if len(block) > 3
        else np.zeros(0, int)
    )
    # The second half of one sequence may look like the first half of another.
    chains = np.diff(first, prepend=-9) != 2
    first = first[(np.arange(len(first)) - np.flatnonzero(chains)[np.cumsum(chains) - 1]) % 2 == 0]
    bytes_ = block[first[:, None] + np.arange(4)].astype(np.int32) - np.array(
        [0x81, 0x30, 0x81, 0x30]
    )
    points[first] = _points_of_fours(bytes_ @ np.array([12600, 1260, 10, 1]))
    for offset in (1, 2, 3):
        consumed[first + offset] = True
    starts[first] = starts[first + 2] = False
    # A sequence that is truncated by the end of the block is one error, including its digit.
    tail = len(block) - 2
    if begun[tail] and starts[tail]:
        points[tail], starts[tail], consumed[tail + 1] = _REPLACEMENT, False, True
    elif tail and begun[tail - 1] and starts[tail - 1] and starts[tail + 1]:
        points[tail - 1], starts[tail - 1], starts[tail + 1] = _REPLACEMENT, False, False
        consumed[tail:] = True


def _points_of_fours(pointers: np.ndarray) -> np.ndarray:
    ranges = _tables()["gb18030_ranges"].astype(np.int64)
    row = np.searchsorted(ranges[:, 0], pointers, side="right") - 1
    begins = ranges[row, 1]
    return np.where(
        begins == _REPLACEMENT, _REPLACEMENT, begins + pointers - ranges[row, 0]
    ).astype(np.int32)


def _strip_three_byte_leads(
    block: np.ndarray, is_lead: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Remove the first byte, 0x8F, of the three-byte sequences of EUC-JP.

    Returns the remaining bytes, and which of them begin a pair of JIS X 0212, or None.
    """
    candidates = np.flatnonzero(block == 0x8F)
    if not len(candidates):
        return block, None
    begins, _ = _runs(is_lead)
    taken: list[int] = []
    run, in_run = -1, 0
    for at, begin in zip(
        candidates.tolist(),
        begins[np.searchsorted(begins, candidates, side="right") - 1].tolist(),
        strict=True,
    ):
        if begin != run:
            run, in_run = begin, 0
        if (at - begin - in_run) % 2 == 0 and at + 1 < len(block) and 0xA1 <= block[at + 1] <= 0xFE:
            taken.append(at)
            in_run += 1
    marked = np.zeros(len(block), bool)
    marked[np.array(taken, int) + 1] = True
    return np.delete(block, taken), np.delete(marked, taken)


def _to_text(points: np.ndarray) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le")


def _decode_utf16(data: bytes, order: str) -> str:
    """Decode UTF-16. A lone surrogate is one U+FFFD, and so is an odd byte at the end.

    A leading surrogate before the odd byte and this byte are one U+FFFD together.
    """
    units = np.frombuffer(data, f"{order}u2", len(data) // 2)
    odd = len(data) % 2 == 1
    high, low = (units & 0xFC00) == 0xD800, (units & 0xFC00) == 0xDC00
    if high.any() or low.any():
        lone = high | low
        pairs = np.flatnonzero(high[:-1] & low[1:])
        lone[pairs] = lone[pairs + 1] = False
        odd &= not (len(high) and high[-1])
        units = np.where(lone, np.uint16(_REPLACEMENT), units)
    return (units.astype("<u2").tobytes().decode("utf-16-le") + "\ufffd" * odd).removeprefix(
        "\ufeff"
    )


_ESCAPES = {b"(B": "ascii", b"(J": "roman", b"(I": "katakana", b"$@": "jis0208", b"$B": "jis0208"}
_RUNS = {
    "ascii": re.compile(rb"[\x00-\x0d\x10-\x1a\x1c-\x7f]+"),
    "roman": re.compile(rb"[\x00-\x0d\x10-\x1a\x1c-\x7f]+"),
    "katakana": re.compile(rb"[\x21-\x5f]+"),
    "jis0208": re.compile(rb"(?:[\x21-\x7e]{2})+"),
}
_HIGH = bytes(code | 0x80 for code in range(256))


def _decode_iso2022jp(data: bytes) -> str:
    """Decode ISO-2022-JP by the standard's state machine, one run of bytes at a time."""
    parts: list[str] = []
    # `empty`: an escape sequence directly behind another one is an error.
    state, at, empty = "ascii", 0, False
    while at < len(data):
        if data[at] == 0x1B:
            new = _ESCAPES.get(data[at + 1 : at + 3])
            if new is None:
                parts.append("\ufffd")
                empty = False
                at += 1
                if data[at : at + 1] in (b"$", b"("):
                    more, at = _decode_bad_escape(data, at, state)
                    parts.append(more)
            else:
                parts.append("\ufffd" * empty)
                state, at, empty = new, at + 3, True
        elif run := _RUNS[state].match(data, at):
            parts.append(_decode_run(run[0], state))
            at, empty = run.end(), False
        else:
            # A byte outside any run, or a lead byte with an invalid trail; an escape in the trail
            # is read again.
            parts.append("\ufffd")
            cut = (
                state == "jis0208" and 0x21 <= data[at] <= 0x7E and data[at + 1 : at + 2] != b"\x1b"
            )
            at, empty = at + 1 + cut, False
    return "".join(parts)


def _decode_bad_escape(data: bytes, at: int, state: str) -> tuple[str, int]:
    """Decode the second and third byte of an invalid escape -> (text, next position).

    As in Chromium the third byte yields no U+FFFD of its own.
    """
    if at + 1 == len(data):
        return chr(data[at]), at + 1
    if state == "jis0208":
        pair = data[at : at + 2]
        whole = _RUNS[state].fullmatch(pair)
        return (
            (_decode_run(pair, state).replace("\ufffd", ""), at + 2)
            if whole
            else ("", at + 1 + (data[at + 1] != 0x1B))
        )
    swallowed = data[at + 1] != 0x1B and not _RUNS[state].match(data, at + 1)
    return _decode_run(data[at : at + 1], state), at + 1 + swallowed


def _decode_run(run: bytes, state: str) -> str:
    if state == "ascii":
        return run.decode("ascii")
    if state == "roman":
        return run.decode("ascii").replace("\\", "\u00a5").replace("~", "\u203e")
    if state == "katakana":
        return _to_text(np.frombuffer(run, np.uint8).astype(np.int32) + 0xFF61 - 0x21)
    pairs = np.frombuffer(run.translate(_HIGH), ">u2")
    points = _pairs_of("euc-jp").points[pairs]
    return _to_text(np.where(points, points, _REPLACEMENT))


_DECODERS: dict[str, Callable[[bytes], str]] = {
    **{
        name: functools.partial(_decode_pairs, encoding=name)
        for name in ("big5", "euc-jp", "euc-kr", "gb18030", "shift_jis")
    },
    "gbk": functools.partial(_decode_pairs, encoding="gb18030"),
    "iso-2022-jp": _decode_iso2022jp,
    "replacement": lambda data: "\ufffd" * bool(data),
    "utf-16be": functools.partial(_decode_utf16, order=">"),
    "utf-16le": functools.partial(_decode_utf16, order="<"),
}
