"""Decode the bytes of HTML, XML and plain text: detect the encoding, count the invalid sequences.

The order is that of browsers: byte-order mark, HTTP header, declaration in the file, detection. A
declaration is followed unless it cannot be right. Each invalid sequence becomes one U+FFFD.
docs/sources.md lists the deviations from browsers, all of which yield fewer errors.
"""

import re
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding

from transforms.sources.declared import is_known, language_of, meta_label, python_codec, xml_label
from transforms.sources.whatwg import decode, encoding_of, is_single_byte

try:
    import chardetng_py
except ImportError:
    # Some systems have no wheel for Python 3.14.
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
# Maps ASCII to spaces and keeps all other bytes.
_BLANKED = bytes(32 if code < 128 else code for code in range(256))
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
    "[\ufffd\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff"
    "\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff]"
)
_MULTI_BYTE = frozenset(("shift_jis", "euc-jp", "euc-kr", "gb18030", "gbk", "big5"))
# Encodings that the detector excludes because of one bad byte, and the codec that encodes the text
# again without that byte.
_RETRIED = {
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
# Number of multi-byte sequences that may be valid UTF-8 by chance.
_SHORT = 8
# Number of bad bytes that do not invalidate a declaration of UTF-8, whatever else the text has.
_FEW = 2
# Errors per character beyond ASCII above which a declaration cannot be right. One lost byte can
# shift the byte pairs of a whole paragraph.
_WRONG_SINGLES, _WRONG_PAIRS, _WRONG_FEW_PAIRS = 0.1, 0.5, 0.8
# Number of errors that one lost byte does not cause.
_MANY = 30
# Bad sequences per valid one up to which a body is UTF-8; in other encodings the ratio is >= 1.8.
_MOSTLY = 0.5
# Errors per character up to which an encoding with some bad bytes is accepted.
_MOST_BAD = 0.02
# Errors per byte of UTF-16 that is read as UTF-8.
_LEAST_WIDE = 0.05
# The same if the bytes are valid UTF-8, which may be lines that end in NUL. UTF-16 in Latin or
# Cyrillic letters has 0.4 or more.
_LEAST_WIDE_VALID = 0.25
# Number of first bytes among which UTF-16 has a zero byte.
_FIRST = 1 << 12
_HIGH = re.compile(rb"[\x80-\xff]{1,10000}")
# Number of bytes that determine the encoding of a body, and of those given to the detector.
_LONG = 1 << 20
_SAMPLE = 1 << 16
# Language -> top-level domain that the detector knows. For other languages both are the same.
_TOP_LEVELS = {
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


# A symbol or uppercase letter in the middle of a lowercase word: the encoding was guessed wrong.
_ODD = re.compile(
    "[\x80-\x9f\ufffd]|(?<=[a-z])"
    "(?:[¡-¬®-¶¸-¿×÷‚„†‡‰‹›•™€ˆ˜ƒ\u2190-\u25ff∂-≥◊]|[À-ÖØ-ÞŒŠŽŸ])(?=[a-z])"
)
_OLDER = 4


class Decoded(NamedTuple):
    """Decoded text and its encoding.

    `source` says what determined the encoding: `bom`, `http`, `meta`, `xml`, `utf-8` (the body is
    valid UTF-8), `detected` or `default`. `errors` is the number of invalid sequences.
    """

    text: str
    encoding: str
    source: str
    errors: int = 0

    @property
    def notes(self) -> tuple[tuple[str, int], ...]:
        """Counts for the document: one `replaced-bytes` per invalid sequence (each a U+FFFD)."""
        return (("replaced-bytes", self.errors),) if self.errors else ()


def decode_html(body: bytes, *, charset: str | None = None) -> Decoded:
    """Decode a page. `charset` is the parameter of its HTTP Content-Type."""
    return _decode(body, charset, markup="html")


def decode_xml(body: bytes, *, charset: str | None = None) -> Decoded:
    """Decode XML or XHTML; the XML declaration is kept in the text.

    Like `decode_html`, but the XML declaration takes precedence over `<meta>`.
    """
    return _decode(body, charset, markup="xml")


def decode_plain(body: bytes, *, charset: str | None = None) -> Decoded:
    """Decode plain text. `charset` is an encoding known from elsewhere."""
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
        # ISO-2022 and HZ are 7-bit encodings.
        is_seven_bit = text.isascii() and (b"\x1b" in body or b"~{" in body)
        if (
            is_seven_bit
            or body.find(b"\0", 0, _FIRST) >= 0
            or (encoding_of(charset) or "").startswith("utf-16")
        ):
            reading = _decode_seven_bit_or_utf16(
                body, text, *_first_declaration(body, charset, markup)
            )
        elif (
            0 < len(body) - len(text) <= _SHORT
            and min(body.translate(None, _ASCII).decode()) >= "\u0100"
        ):
            reading = _decode_short_pairs(body, text, *_first_declaration(body, charset, markup))
        return reading or Decoded(text, "utf-8", "utf-8")
    labels = _declarations(body, charset, markup=markup)
    label, source = labels[0] if labels else (None, "detected")
    if reading := _decode_utf16(body, encoding_of(label), source=source):
        return reading
    return _decide(body, labels, markup)


def _strict_utf8(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _decide(body: bytes, labels: list[tuple[str, str]], markup: str | None) -> Decoded:
    """Decode a body that is not valid UTF-8; the encoding of a long one is chosen by a part."""
    part = _informative(body, _LONG)
    reading = _decode_declared(part, labels, markup) if labels else _decode_undeclared(part, markup)
    if len(part) == len(body):
        return reading
    text, name = _decode_as(body, reading.encoding)
    return (
        _as_utf8(body, reading.source) if name == "utf-8" else _decoded(text, name, reading.source)
    )


def _declarations(body: bytes, charset: str | None, *, markup: str | None) -> list[tuple[str, str]]:
    """The declared labels as (label, source), in the order of precedence."""
    label = (charset or "").strip(" \t\"'")
    declared = [(label, "http")] if is_known(label) else []
    readers = {"html": (meta_label, xml_label), "xml": (xml_label, meta_label), None: ()}[markup]
    for read in readers:
        if found_label := read(body):
            # Text that could be read as ASCII is not UTF-16. The rest is what browsers do.
            named = {
                "utf-16le": "utf-8",
                "utf-16be": "utf-8",
                "x-user-defined": "windows-1252",
            }.get(encoding_of(found_label) or "")
            declared.append((named or found_label, "xml" if read is xml_label else "meta"))
    return declared


def _first_declaration(
    body: bytes, charset: str | None, markup: str | None
) -> tuple[str | None, str]:
    return next(iter(_declarations(body, charset, markup=markup)), (None, "default"))


def _decode_as(body: bytes, label: str) -> tuple[str, str]:
    """Decode by a known label -> (text, encoding)."""
    if codec := python_codec(label):
        return body.decode(codec, "replace"), label.strip().lower()
    encoding = encoding_of(label) or "utf-8"
    return decode(body, encoding), encoding


def _decoded(text: str, encoding: str, source: str) -> Decoded:
    return Decoded(text, encoding, source, text.count("\ufffd"))


def _count_invalid(text: str) -> int:
    """Number of invalid characters: U+FFFD, control characters, private use, noncharacters."""
    return sum(1 for _ in _ERRORS.finditer(text))


def _valid_and_bad(body: bytes) -> tuple[int, int]:
    """Count multi-byte sequences -> (valid UTF-8, invalid).

    The bytes 0xFE and 0xFF are invalid but not counted: they are no frequent letter in any
    encoding, so they are no evidence for another one.
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


def _decode_seven_bit_or_utf16(
    body: bytes, text: str, label: str | None, source: str
) -> Decoded | None:
    """Another decoding of a body that is valid UTF-8 but contains NUL, ESC or `~{`, or None."""
    encoding = encoding_of(label)
    if text.isascii() and (
        encoding == "iso-2022-jp" or (encoding == "replacement" and python_codec(label))
    ):
        return _decoded(*_decode_as(body, label or ""), source)
    if encoding in (None, "utf-8") and _detect_iso2022jp(body[:_LONG]):
        return _decoded(decode(body, "iso-2022-jp"), "iso-2022-jp", "detected")
    return _decode_utf16(body, encoding, source=source)


def _decode_utf16(body: bytes, declared: str | None, *, source: str = "detected") -> Decoded | None:
    """Decode UTF-16 without a byte-order mark, or None.

    The bytes read as UTF-8 must contain many control characters, and the text in UTF-16 few.
    """
    if not (b"\0" in body or declared in ("utf-16le", "utf-16be")) or len(body) < 4:
        return None
    sample = body[: 1 << 16]
    narrow = sample.decode("utf-8", "replace")
    is_valid = narrow.find("\ufffd") in (-1, len(narrow) - 1) and declared not in (
        "utf-16le",
        "utf-16be",
    )
    if _count_invalid(narrow) <= (_LEAST_WIDE_VALID if is_valid else _LEAST_WIDE) * len(sample):
        return None
        # In scripts without ASCII the wrong byte order has few errors too, but it has neither
        # spaces nor line ends.
    common = {
        encoding: sum(map(decode(sample, encoding).count, " \n<>.,\u3000\u3002\u3001"))
        for encoding in ("utf-16le", "utf-16be")
    }
    encoding = max(common, key=lambda name: (common[name], name == declared))
    text = decode(sample, encoding)
    if not common[encoding] or _count_invalid(text) > _MOST_BAD * len(text):
        return None
    return _decoded(
        decode(body, encoding), encoding, source if declared == encoding else "detected"
    )


def _decode_short_pairs(body: bytes, text: str, label: str | None, source: str) -> Decoded | None:
    """The declared decoding of a few byte pairs that are valid UTF-8 by chance, or None.

    Only where the UTF-8 text has single letters of scripts in which nobody writes single letters.
    """
    encoding = encoding_of(label)
    if encoding not in _MULTI_BYTE or encoding is None or max(text) > "\u07ff":
        return None
    decoded = decode(body, encoding)
    return (
        Decoded(decoded, encoding, source)
        if _count_invalid(decoded) <= _count_invalid(text)
        else None
    )


def _decode_declared(body: bytes, labels: list[tuple[str, str]], markup: str | None) -> Decoded:
    """The declared decoding, unless it cannot be right and another one has fewer errors.

    The others are a second declaration and detection.
    """
    label, source = labels[0]
    valid, bad = _valid_and_bad(body)
    if encoding_of(label) == "utf-8":
        if not _has_escape(body) and bad <= max(_FEW, _MOSTLY * valid):
            return _as_utf8(body, source)
        other = _other_reading(body, labels[1:], markup)
        if other is None or _count_invalid(other.text) >= bad:
            return _as_utf8(body, source)
        # Byte pairs of other encodings are sometimes valid UTF-8. A page in two encodings decodes
        # without errors as one of single bytes, so it is no evidence.
        is_pairs = other.encoding in _MULTI_BYTE and 10 * _count_invalid(other.text) <= bad
        return other if bad > 2 * valid or is_pairs else _as_utf8(body, source)
    if source != "bom" and valid > _FEW and bad <= _MOSTLY * valid:
        return _as_utf8(body, "utf-8")
    text, name = _decode_as(body, label)
    if name in ("utf-16le", "utf-16be") and source != "bom":
        wrong = _count_invalid(text) > _MOST_BAD * len(text) or not any(
            common in text for common in " \n\u3000\u3002"
        )
    else:
        # In a single-byte encoding plain ASCII cannot be wrong, so it is skipped.
        rest = decode(body.translate(None, _PLAIN), name) if is_single_byte(name) else text
        errors, size = _count_invalid(rest), _beyond_ascii(rest)
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
            else _decoded(text, name, source)
        )
    if wrong:
        best = _as_utf8(body, "detected")
        second = _other_reading(body, labels[1:], markup)
        if (
            second
            and _count_invalid(second.text) < _count_invalid(best.text)
            and not (second.encoding in _LATIN and _is_other_script(body))
        ):
            best = second
        if _count_invalid(best.text) < _count_invalid(text) / 2:
            return best
    return _decoded(text, name, source)


def _other_reading(
    body: bytes, labels: list[tuple[str, str]], markup: str | None
) -> Decoded | None:
    """Decode by a second declaration if that has few errors, otherwise by detection."""
    for label, source in labels:
        if encoding_of(label) != "utf-8":
            text, name = _decode_as(body, label)
            if _count_invalid(text) <= max(_FEW, _MOST_BAD * _beyond_ascii(text)):
                return _decoded(text, name, source)
    return _decode_detected(body, markup)


def _is_other_script(body: bytes) -> bool:
    """Whether a body declared as a Latin encoding has words made only of bytes beyond ASCII."""
    high = len(body.translate(None, _ASCII))
    if high <= max(2 * _SHORT, len(body) // 200):
        return False
    # A run of few different bytes is a line of dashes.
    runs = sum(
        len(run)
        for run in body.translate(_BLANKED).split()
        if len(run) >= _RUN and len(set(run)) > 2
    )
    return runs > 2 * _SHORT and 2 * runs > high


def _decode_undeclared(body: bytes, markup: str | None) -> Decoded:
    valid, bad = _valid_and_bad(body)
    if (bad > valid or _has_escape(body)) and (detected := _decode_detected(body, markup)):
        return detected
    return _as_utf8(body, "default")


def _decode_detected(body: bytes, markup: str | None) -> Decoded | None:
    """Decode by Firefox's detector, or None if it proposes UTF-8 or nothing.

    Includes encodings that it excludes only because of a few bad bytes.
    """
    sample = _informative(body, _SAMPLE)
    top_level = _top_level_domain(body) if markup else None
    name = (
        _detect_iso2022jp(sample) or _detect_again(sample, top_level) or _detect(sample, top_level)
    )
    if name in _LATIN:
        name = _detect_dos_or_mac(sample, name) or name
    if name is None or name == "utf-8":
        return None
    text, name = _decode_as(body, name)
    return _decoded(text, name, "detected")


def _detect_dos_or_mac(sample: bytes, name: str) -> str | None:
    """An older Latin encoding, unknown to the detector, that yields fewer odd words, or None."""
    odd = {
        label: sum(1 for _ in _ODD.finditer(_decode_as(sample, label)[0]))
        for label in (name, "cp850", "cp437", "macintosh")
    }
    best = min(odd, key=lambda label: odd[label])
    return best if odd[name] > _FEW and _OLDER * odd[best] < odd[name] else None


def _detect_iso2022jp(sample: bytes) -> str | None:
    if not _has_escape(sample):
        return None
    text = decode(sample, "iso-2022-jp")
    few = max(_FEW, _MOST_BAD * len(text))
    return (
        "iso-2022-jp"
        if text.count("\ufffd") <= few and re.search("[\u3041-\u30fe]", text)
        else None
    )


def _detect_again(sample: bytes, top_level: bytes | None) -> str | None:
    """An encoding that the detector proposes after its few bad bytes are removed, or None."""
    for encoding, codec in _RETRIED.items():
        text = decode(sample, encoding)
        bad = _count_invalid(text)
        if 0 < bad <= max(_FEW, _MOST_BAD * _beyond_ascii(text)):
            again = _detect(_ERRORS.sub("", text).encode(codec, "ignore"), top_level)
            if again == encoding or (again, encoding) == ("gbk", "gb18030"):
                return encoding
    return None


def _detect(sample: bytes, top_level: bytes | None) -> str | None:
    # 0xFF is more often a stray byte than a letter.
    if sample.count(b"\xff") <= _FEW:
        sample = sample.replace(b"\xff", b"")
    name = (
        chardetng_py.detect(sample, allow_utf8=False, tld=top_level)
        if chardetng_py
        else detect_encoding(sample, html5_compatible=False)
    )
    return _PYTHON_NAMES.get(name or "") or encoding_of((name or "").replace("_", "-"))


def _informative(body: bytes, size: int) -> bytes:
    """The parts of a body beyond ASCII with their context, at most `size` bytes in all.

    A body of at most `size` bytes is returned whole.
    """
    if len(body) <= size:
        return body
    parts: list[bytes] = []
    at = left = 0
    while left < size and (match := _HIGH.search(body, at)):
        parts.append(body[max(at, match.start() - 100) : (at := match.end() + 300)])
        left += len(parts[-1])
    return b"".join(parts)[:size] if parts else body[:size]


def _top_level_domain(body: bytes) -> bytes | None:
    """The top-level domain of the declared language, as a hint for the detector."""
    tag = language_of(body) or ""
    language = tag[:2]
    domain = (
        _TOP_LEVELS.get(tag)
        or _TOP_LEVELS.get(language)
        or (language if language in _DOMAINS else None)
    )
    return domain.encode() if domain else None
