"""Bytes of pages, XML and plain text -> text: which encoding they are in, and how many bytes of it were bad.

The order is a browser's: a byte-order mark, what HTTP says, what the file says, detection. A declaration stays unless it cannot be
right, and a bad byte is one U+FFFD. Departures, each towards the reading with fewer errors, are in docs/sources.md.
"""

import re
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding

from transforms.sources.declared import is_known, language_of, meta_label, python_codec, xml_label
from transforms.sources.whatwg import decode, encoding_of, is_single_byte

try:
    import chardetng_py
except ImportError:  # there is no wheel for some systems with Python 3.14
    chardetng_py = None

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32le"),
    (b"\x00\x00\xfe\xff", "utf-32be"),
    (b"\xff\xfe", "utf-16le"),
    (b"\xfe\xff", "utf-16be"),
)
_ASCII = bytes(range(128))
_PLAIN = b"\t\n\f\r" + bytes(range(32, 127))
_BLANKED = bytes(32 if code < 128 else code for code in range(256))  # what is not ASCII stays
_RUN = 4
_LATIN = frozenset(
    (
        "windows-1252",
        "windows-1250",
        "windows-1254",
        "windows-1257",
        "iso-8859-2",
        "iso-8859-15",
        "macintosh",
    )
)
_ERRORS = re.compile(
    "[\ufffd\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff]"
)
_MULTI_BYTE = frozenset(("shift_jis", "euc-jp", "euc-kr", "gb18030", "gbk", "big5"))
_RETRIED = {  # what one bad byte rules out for the detector, with the codec that writes it anew without that byte
    **{
        "shift_jis": "cp932",
        "euc-jp": "euc_jp",
        "euc-kr": "cp949",
        "gb18030": "gb18030",
        "big5": "big5hkscs",
        "windows-874": "cp874",
    },
    **{
        "windows-1253": "cp1253",
        "windows-1255": "cp1255",
        "windows-1257": "cp1257",
        "iso-8859-7": "iso8859_7",
        "iso-8859-5": "iso8859_5",
    },
    **{"iso-8859-2": "iso8859_2", "windows-1250": "cp1250", "windows-1252": "cp1252"},
}
_SHORT = 8  # sequences that may be valid UTF-8 by chance
_FEW = 2  # bad bytes, beside which a declaration of UTF-8 stays even where nothing speaks for it
# Errors as a share of what is not ASCII, above which a declaration cannot be right. One lost byte can shift the pairs of a paragraph.
_WRONG_SINGLES, _WRONG_PAIRS, _WRONG_FEW_PAIRS = 0.1, 0.5, 0.8
_MANY = 30  # errors that a lost byte does not make
_MOSTLY = 0.5  # bad sequences as a share of the valid ones, up to which a body is UTF-8: of other encodings it is 1.8 or more
_MOST_BAD = 0.02  # the same, up to which bytes are taken for an encoding with some bad bytes
_LEAST_WIDE = 0.05  # errors of UTF-16 that is read as UTF-8, as a share of its bytes
_LEAST_WIDE_VALID = 0.25  # the same of valid UTF-8, which may be lines that end in NUL; of UTF-16 in Latin or Cyrillic letters it is 0.4 or more
_FIRST = 1 << 12  # bytes, among which UTF-16 has a zero
_HIGH = re.compile(rb"[\x80-\xff]{1,10000}")
_LONG = 1 << 20  # bytes that tell which encoding a body is in
_SAMPLE = 1 << 16  # bytes the detector looks at
_TOP_LEVELS = {  # languages and the top-level domains that the detector knows for them; other languages are their domains
    **{
        "ar": "sa",
        "be": "by",
        "cs": "cz",
        "da": "dk",
        "el": "gr",
        "et": "ee",
        "fa": "ir",
        "he": "il",
        "iw": "il",
        "ja": "jp",
        "ko": "kr",
    },
    **{
        "sl": "si",
        "sq": "al",
        "sr": "rs",
        "sv": "se",
        "uk": "ua",
        "vi": "vn",
        "zh-cn": "cn",
        "zh-hans": "cn",
    },
    **{"zh-tw": "tw", "zh-hk": "hk", "zh-hant": "tw"},
}
_PYTHON_NAMES = {
    "cp874": "windows-874",
    "cp932": "shift_jis",
    "cp949": "euc-kr",
    "big5hkscs": "big5",
    "cp866": "ibm866",
}
_DOMAINS = frozenset(
    (
        "az",
        "bg",
        "de",
        "es",
        "fi",
        "fr",
        "hr",
        "hu",
        "is",
        "it",
        "lt",
        "lv",
        "mk",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
    )
)
_DOMAINS |= {"th", "tr"}


# In the middle of a word a sign or a capital, where the word itself is of lowercase letters: of an encoding that was guessed wrong
_ODD = re.compile(
    "[\x80-\x9f\ufffd]|(?<=[a-z])(?:[¡-¬®-¶¸-¿×÷‚„†‡‰‹›•™€ˆ˜ƒ\u2190-\u25ff∂-≥◊]|[À-ÖØ-ÞŒŠŽŸ])(?=[a-z])"
)
_OLDER = 4


class Decoded(NamedTuple):
    """`source` is what decided: `bom`, `http`, `meta`, `xml`, `utf-8` (it is valid), `detected`, `default`. `errors`: bad sequences."""

    text: str
    encoding: str
    source: str
    errors: int = 0

    @property
    def notes(self) -> tuple[tuple[str, int], ...]:
        """What a document says of its bytes in the counters: one for each bad sequence, which U+FFFD stands for."""
        return (("replaced-bytes", self.errors),) if self.errors else ()


def decode_html(body: bytes, *, charset: str | None = None) -> Decoded:
    """A page's bytes -> text. `charset` is the parameter of its HTTP Content-Type."""
    return _decode(body, charset, markup="html")


def decode_xml(body: bytes, *, charset: str | None = None) -> Decoded:
    """Bytes of XML or XHTML -> text, its declaration left where it stands. As HTML, but the XML declaration goes before `<meta>`."""
    return _decode(body, charset, markup="xml")


def decode_plain(body: bytes, *, charset: str | None = None) -> Decoded:
    """Bytes of plain text -> text. `charset` is what is known of it from elsewhere."""
    return _decode(body, charset, markup=None)


def _decode(body: bytes, charset: str | None, *, markup: str | None) -> Decoded:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            content = body[len(mark) :]
            text = _strict_utf8(content) if encoding == "utf-8" else None
            return (
                _decide(content, [(encoding, "bom")], markup)
                if text is None
                else Decoded(text, encoding, "bom")
            )
    text = _strict_utf8(body)
    if text is not None:
        reading = None
        is_seven_bit = text.isascii() and (
            b"\x1b" in body or b"~{" in body
        )  # perhaps ISO-2022 or HZ
        if (
            is_seven_bit
            or body.find(b"\0", 0, _FIRST) >= 0
            or (encoding_of(charset) or "").startswith("utf-16")
        ):
            reading = _seven_bit_or_wide(body, text, *_first(body, charset, markup))
        elif (
            0 < len(body) - len(text) <= _SHORT
            and min(body.translate(None, _ASCII).decode()) >= "\u0100"
        ):
            reading = _short_pairs(body, text, *_first(body, charset, markup))
        return reading or Decoded(text, "utf-8", "utf-8")
    labels = _declarations(body, charset, markup=markup)
    label, source = labels[0] if labels else (None, "detected")
    if reading := _wide(body, encoding_of(label), source=source):
        return reading
    return _decide(body, labels, markup)


def _strict_utf8(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _decide(body: bytes, labels: list[tuple[str, str]], markup: str | None) -> Decoded:
    """The reading of a body that is not valid UTF-8, chosen by a part of it where it is long."""
    part = _informative(body, _LONG)
    reading = _unless_impossible(part, labels, markup) if labels else _undeclared(part, markup)
    if len(part) == len(body):
        return reading
    text, name = _read(body, reading.encoding)
    return _as_utf8(body, reading.source) if name == "utf-8" else _made(text, name, reading.source)


def _declarations(body: bytes, charset: str | None, *, markup: str | None) -> list[tuple[str, str]]:
    """The labels that are declared and where they stand, the one that counts first."""
    label = (charset or "").strip(" \t\"'")
    declared = [(label, "http")] if is_known(label) else []
    readers = {"html": (meta_label, xml_label), "xml": (xml_label, meta_label), None: ()}[markup]
    for read in readers:
        if own := read(body):
            # What is read as ASCII is not UTF-16; the rest is what browsers do for old pages.
            named = {
                "utf-16le": "utf-8",
                "utf-16be": "utf-8",
                "x-user-defined": "windows-1252",
            }.get(encoding_of(own) or "")
            declared.append((named or own, "xml" if read is xml_label else "meta"))
    return declared


def _first(body: bytes, charset: str | None, markup: str | None) -> tuple[str | None, str]:
    return next(iter(_declarations(body, charset, markup=markup)), (None, "default"))


def _read(body: bytes, label: str) -> tuple[str, str]:
    """Text and encoding by a label that is known."""
    if codec := python_codec(label):
        return body.decode(codec, "replace"), label.strip().lower()
    encoding = encoding_of(label) or "utf-8"
    return decode(body, encoding), encoding


def _made(text: str, encoding: str, source: str) -> Decoded:
    return Decoded(text, encoding, source, text.count("\ufffd"))


def _cost(text: str) -> int:
    """Characters that no text should have: U+FFFD, control characters, private use, noncharacters."""
    return sum(1 for _ in _ERRORS.finditer(text))


def _valid_and_bad(body: bytes) -> tuple[int, int]:
    """Sequences of more than a byte that are valid UTF-8, and bad ones.

    The bytes 0xFE and 0xFF are bad, but no encoding has a frequent letter there, so they say nothing about another one.
    """
    high = body.translate(None, _ASCII)
    if b"\xff" in high or b"\xfe" in high:
        body, high = (part.translate(None, b"\xfe\xff") for part in (body, high))
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd") - (body.count(b"\xef\xbf\xbd") if b"\xef\xbf\xbd" in high else 0)
    return len(text) - (len(body) - len(high)) - bad, bad


def _has_escape(body: bytes) -> bool:
    return b"\x1b" in body and b"\x1b$" in body


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _as_utf8(body: bytes, source: str) -> Decoded:
    text = body.decode("utf-8", "replace")
    return Decoded(text, "utf-8", source, text.count("\ufffd") - body.count(b"\xef\xbf\xbd"))


def _seven_bit_or_wide(body: bytes, text: str, label: str | None, source: str) -> Decoded | None:
    """Another reading of what is valid UTF-8 but holds NUL, ESC or `~{`."""
    encoding = encoding_of(label)
    if text.isascii() and (
        encoding == "iso-2022-jp" or (encoding == "replacement" and python_codec(label))
    ):
        return _made(*_read(body, label or ""), source)
    if encoding in (None, "utf-8") and _iso2022jp(body[:_LONG]):
        return _made(decode(body, "iso-2022-jp"), "iso-2022-jp", "detected")
    return _wide(body, encoding, source=source)


def _wide(body: bytes, declared: str | None, *, source: str = "detected") -> Decoded | None:
    """UTF-16 without a byte-order mark, where the bytes have the control characters that UTF-16 has as bytes, and the text has none."""
    if not (b"\0" in body or declared in ("utf-16le", "utf-16be")) or len(body) < 4:
        return None
    sample = body[: 1 << 16]
    narrow = sample.decode("utf-8", "replace")
    is_valid = narrow.find("\ufffd") in (-1, len(narrow) - 1) and declared not in (
        "utf-16le",
        "utf-16be",
    )
    if _cost(narrow) <= (_LEAST_WIDE_VALID if is_valid else _LEAST_WIDE) * len(sample):
        return None
    # The other order has few errors too where scripts have no ASCII, but neither spaces nor line ends.
    common = {
        encoding: sum(map(decode(sample, encoding).count, " \n<>.,\u3000\u3002\u3001"))
        for encoding in ("utf-16le", "utf-16be")
    }
    encoding = max(common, key=lambda name: (common[name], name == declared))
    text = decode(sample, encoding)
    if not common[encoding] or _cost(text) > _MOST_BAD * len(text):
        return None
    return _made(decode(body, encoding), encoding, source if declared == encoding else "detected")


def _short_pairs(body: bytes, text: str, label: str | None, source: str) -> Decoded | None:
    """The declared reading of a few pairs that only happen to be valid UTF-8: of scripts that nobody writes single letters of."""
    encoding = encoding_of(label)
    if encoding not in _MULTI_BYTE or encoding is None or max(text) > "\u07ff":
        return None
    decoded = decode(body, encoding)
    return Decoded(decoded, encoding, source) if _cost(decoded) <= _cost(text) else None


def _unless_impossible(body: bytes, labels: list[tuple[str, str]], markup: str | None) -> Decoded:
    """The declared reading, unless it cannot be right and another has fewer errors: a second declaration, or what is detected."""
    label, source = labels[0]
    valid, bad = _valid_and_bad(body)
    if encoding_of(label) == "utf-8":
        if not _has_escape(body) and bad <= max(_FEW, _MOSTLY * valid):
            return _as_utf8(body, source)
        other = _other_reading(body, labels[1:], markup)
        if other is None or _cost(other.text) >= bad:
            return _as_utf8(body, source)
        # Pairs of other encodings are valid UTF-8 here and there; a page in two encodings reads without errors as one of single bytes.
        is_pairs = other.encoding in _MULTI_BYTE and 10 * _cost(other.text) <= bad
        return other if bad > 2 * valid or is_pairs else _as_utf8(body, source)
    if source != "bom" and valid > _FEW and bad <= _MOSTLY * valid:
        return _as_utf8(body, "utf-8")
    text, name = _read(body, label)
    if name in ("utf-16le", "utf-16be") and source != "bom":
        wrong = _cost(text) > _MOST_BAD * len(text) or not any(
            common in text for common in " \n\u3000\u3002"
        )
    else:
        # Of single bytes those that are plain ASCII need no second look.
        rest = decode(body.translate(None, _PLAIN), name) if is_single_byte(name) else text
        errors, size = _cost(rest), _beyond_ascii(rest)
        share = (
            _WRONG_SINGLES
            if is_single_byte(name)
            else _WRONG_PAIRS
            if errors > _MANY
            else _WRONG_FEW_PAIRS
        )
        wrong = errors > max(_FEW, share * size)
    if name in _LATIN and not wrong and _is_other_script(body):
        other_reading = _other_reading(body, labels[1:], markup)
        return (
            other_reading
            if other_reading and other_reading.encoding not in (*_LATIN, "utf-8")
            else _made(text, name, source)
        )
    if wrong:
        best = _as_utf8(body, "detected")
        second = _other_reading(body, labels[1:], markup)
        if (
            second
            and _cost(second.text) < _cost(best.text)
            and not (second.encoding in _LATIN and _is_other_script(body))
        ):
            best = second
        if _cost(best.text) < _cost(text) / 2:
            return best
    return _made(text, name, source)


def _other_reading(
    body: bytes, labels: list[tuple[str, str]], markup: str | None
) -> Decoded | None:
    """The reading by a second declaration if that has few errors, else by detection."""
    for label, source in labels:
        if encoding_of(label) != "utf-8":
            text, name = _read(body, label)
            if _cost(text) <= max(_FEW, _MOST_BAD * _beyond_ascii(text)):
                return _made(text, name, source)
    return _detected(body, markup)


def _is_other_script(body: bytes) -> bool:
    """Whether bytes that are declared an encoding of a Latin script are words of letters beyond ASCII alone."""
    high = len(body.translate(None, _ASCII))
    if high <= max(2 * _SHORT, len(body) // 200):
        return False
    runs = sum(
        len(run)
        for run in body.translate(_BLANKED).split()
        if len(run) >= _RUN and len(set(run)) > 2
    )  # not a line of dashes
    return runs > 2 * _SHORT and 2 * runs > high


def _undeclared(body: bytes, markup: str | None) -> Decoded:
    valid, bad = _valid_and_bad(body)
    if (bad > valid or _has_escape(body)) and (detected := _detected(body, markup)):
        return detected
    return _as_utf8(body, "default")


def _detected(body: bytes, markup: str | None) -> Decoded | None:
    """The reading that Firefox's detector proposes, or of one that a few bad bytes made it rule out. None where it has none but UTF-8."""
    sample = _informative(body, _SAMPLE)
    top_level = _hint(body) if markup else None
    name = _iso2022jp(sample) or _retried(sample, top_level) or _detect(sample, top_level)
    if name in _LATIN:
        name = _of_dos_or_mac(sample, name) or name
    if name is None or name == "utf-8":
        return None
    text, name = _read(body, name)
    return _made(text, name, "detected")


def _of_dos_or_mac(sample: bytes, name: str) -> str | None:
    """An older encoding of a Latin script, which the detector does not know, in which words look more like words."""
    odd = {
        label: sum(1 for _ in _ODD.finditer(_read(sample, label)[0]))
        for label in (name, "cp850", "cp437", "macintosh")
    }
    best = min(odd, key=lambda label: odd[label])
    return best if odd[name] > _FEW and _OLDER * odd[best] < odd[name] else None


def _iso2022jp(sample: bytes) -> str | None:
    if not _has_escape(sample):
        return None
    text = decode(sample, "iso-2022-jp")
    few = max(_FEW, _MOST_BAD * len(text))
    return (
        "iso-2022-jp"
        if text.count("\ufffd") <= few and re.search("[\u3041-\u30fe]", text)
        else None
    )


def _retried(sample: bytes, top_level: bytes | None) -> str | None:
    """An encoding that the detector proposes once the few bytes are away that are bad in it."""
    for encoding, codec in _RETRIED.items():
        text = decode(sample, encoding)
        bad = _cost(text)
        if 0 < bad <= max(_FEW, _MOST_BAD * _beyond_ascii(text)):
            again = _detect(_ERRORS.sub("", text).encode(codec, "ignore"), top_level)
            if again == encoding or (again, encoding) == ("gbk", "gb18030"):
                return encoding
    return None


def _detect(sample: bytes, top_level: bytes | None) -> str | None:
    if sample.count(b"\xff") <= _FEW:  # a stray byte more often than a letter
        sample = sample.replace(b"\xff", b"")
    name = (
        chardetng_py.detect(sample, allow_utf8=False, tld=top_level)
        if chardetng_py
        else detect_encoding(sample, html5_compatible=False)
    )
    return _PYTHON_NAMES.get(name or "") or encoding_of((name or "").replace("_", "-"))


def _informative(body: bytes, size: int) -> bytes:
    """Of a body longer than `size` bytes the parts beyond ASCII, with what stands around them, up to that size."""
    if len(body) <= size:
        return body
    parts: list[bytes] = []
    at = left = 0
    while left < size and (match := _HIGH.search(body, at)):
        parts.append(body[max(at, match.start() - 100) : (at := match.end() + 300)])
        left += len(parts[-1])
    return b"".join(parts)[:size] if parts else body[:size]


def _hint(body: bytes) -> bytes | None:
    """The declared language as the top-level domain that the detector takes for a hint."""
    tag = language_of(body) or ""
    language = tag[:2]
    domain = (
        _TOP_LEVELS.get(tag)
        or _TOP_LEVELS.get(language)
        or (language if language in _DOMAINS else None)
    )
    return domain.encode() if domain else None
