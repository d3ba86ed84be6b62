"""Text as documents hold it, and what tells binary data from text."""

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BINARY = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
_ASCII_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r")
_BINARY_SHARE, _FEW = 0.01, 4
_INSTEAD = {
    chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)
} | dict.fromkeys("\v\f", "\n")
_INSTEAD |= dict.fromkeys("\x1c\x1d\x1e\x1f", " ")


def _has_controls(text: str) -> bool:
    """Whether a text has control characters; for ASCII five times faster than the regex."""
    if text.isascii():
        encoded = text.encode("ascii")
        return len(encoded.translate(None, _ASCII_CONTROLS)) < len(encoded)
    return _CONTROL.search(text) is not None


def binary_detail(text: str) -> str | None:
    """Why a text is binary data, as the detail of a reject `KIND/not-text`; None for text.

    Binary data has more than four control characters, and more than 1% of them. Not counted are
    line and page ends, the DOS end of file, escapes (ISO-2022, terminals), and C1 controls that
    stand for characters of windows-1252.
    """
    if not _has_controls(text):
        return None
    count = sum(1 for _ in _BINARY.finditer(text))
    return (
        f"{count} control characters among {len(text)}"
        if count > max(_FEW, _BINARY_SHARE * len(text))
        else None
    )


def without_controls(text: str) -> str:
    """Remove control characters other than tab and line feed.

    U+0080 to U+009F become the windows-1252 characters they stand for, as do references such as
    `&#146;` (HTML standard, 13.2.5.80). Page breaks become line ends, separators blanks.
    """
    return _CONTROL.sub(lambda match: _INSTEAD.get(match[0], ""), text)


def clean_text(text: str) -> str:
    """Normalize text for documents: NFC, `\\n` line ends, stripped, no control character but tab.

    Lone surrogates are replaced. Binary data (`binary_detail`) keeps its control characters:
    `read_records` rejects such documents.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Separators (U+001C to U+001F) are controls and white space: whether the text is binary is
    # decided without those at its ends, since what is left is judged again by `read_records`.
    text = text.strip("\x1c\x1d\x1e\x1f\t\n\v\f ")
    if _has_controls(text) and binary_detail(text) is None:
        text = without_controls(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", without_surrogates(text))
    return text.strip()


def without_surrogates(text: str) -> str:
    """Replace surrogates: a pair by its character, a lone one by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
