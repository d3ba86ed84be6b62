"""The encoding that an HTML or XML file declares: `<meta>` elements and the XML declaration.

`<meta>` is found as in the HTML standard's prescan:
https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
"""

import re

from transforms.sources.whatwg import encoding_of

# In bytes. The standard says 1,024, but browsers reload a page when they meet a later declaration.
_PRESCANNED = 1 << 16
_SPACE = rb"\t\n\f\r "
_TAG = re.compile(rb"<(?:!--|/?([A-Za-z][^\t\n\f\r />]*)|[!/?])")
_ATTRIBUTE = re.compile(
    rb"[%b/]*(?:>|([^%b/>][^%b/=>]*)(?:[%b]*=[%b]*(?:\"([^\"]*)\"|'([^']*)'|(?![\"'])([^%b>]*)))?)"
    % ((_SPACE,) * 6),
    re.DOTALL,
)
# Elements whose content is not markup.
_RAW_TEXT = frozenset((b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noframes"))
_CONTENT_CHARSET = re.compile(
    rb"charset[%b]*=[%b]*(?:\"([^\"]*)\"|'([^']*)'|(?![\"'])([^%b;]*))" % ((_SPACE,) * 3),
    re.IGNORECASE,
)
_XML_DECLARATION = re.compile(
    rb"\s{0,100}<\?xml\b[^>]{0,400}?\bencoding\s{0,20}=\s{0,20}[\"']\s{0,20}([\w.:-]{1,100})",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(
    rb"<html\b[^>]{0,2000}?\slang\s{0,20}=\s{0,20}[\"']?\s{0,20}([A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?)",
    re.IGNORECASE,
)


def meta_label(body: bytes) -> str | None:
    """The first known label that a page's `<meta>` elements declare.

    Comments, scripts and attribute values are skipped.
    """
    head = body[:_PRESCANNED]
    if b"charset" not in head.lower():
        return None
    at = 0
    while tag := _TAG.search(head, at):
        if tag[0] == b"<!--":
            at = head.find(b"-->", tag.end() - 2)
            if at < 0:
                return None
        elif tag[1] is None:
            at = head.find(b">", tag.end())
            if at < 0:
                return None
        else:
            name = tag[1].lower()
            at, attributes = _read_attributes(head, tag.end())
            if name == b"meta" and (label := _label_of(attributes)):
                return label
            if name in _RAW_TEXT and tag[0][1:2] != b"/":
                end = re.compile(rb"</%b[%b/>]" % (name, _SPACE), re.IGNORECASE).search(head, at)
                if end is None:
                    return None
                at = end.start()
    return None


def _read_attributes(head: bytes, at: int) -> tuple[int, dict[bytes, bytes]]:
    """Read the attributes of a tag -> (end of the tag, values); the first of a name counts."""
    attributes: dict[bytes, bytes] = {}
    while match := _ATTRIBUTE.match(head, at):
        at = match.end()
        if match[1] is None:
            break
        attributes.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    return at, attributes


def _label_of(attributes: dict[bytes, bytes]) -> str | None:
    label = attributes.get(b"charset")
    if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        match = _CONTENT_CHARSET.search(attributes.get(b"content", b""))
        label = (match[1] or match[2] or match[3]) if match else None
    text = (label or b"").decode("latin-1")
    return text if is_known(text) else None


def xml_label(body: bytes) -> str | None:
    """The label of the XML declaration at the start of the file, if it is known."""
    match = _XML_DECLARATION.match(body)
    label = match[1].decode("ascii", "replace") if match else None
    return label if is_known(label) else None


def language_of(body: bytes) -> str | None:
    """The value of `<html lang>` in lowercase, its first two subtags."""
    match = _LANGUAGE.search(body[:_PRESCANNED])
    return match[1].decode().lower() if match else None


_OTHER_CODECS = {
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr",
    "csiso2022kr": "iso2022_kr",
    "utf-32": "utf_32",
    "utf-32le": "utf_32_le",
    "utf-32be": "utf_32_be",
    **{
        f"{prefix}{page}": f"cp{page}"
        for page in (437, 737, 775, 850, 852, 855, 857, 858, 862, 869, 1125)
        for prefix in ("cp", "ibm")
    },
    "johab": "johab",
    "mac-greek": "mac_greek",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-mac-ce": "mac_latin2",
}


# Python's codecs of these names know fewer characters than browsers, or have another name.
_CODECS = {
    **{
        "euc-kr": "cp949",
        "shift_jis": "cp932",
        "gbk": "gb18030",
        "big5": "big5hkscs",
        "windows-874": "cp874",
        "iso-8859-8-i": "iso8859_8",
    },
    **{
        "macintosh": "mac_roman",
        "x-mac-cyrillic": "mac_cyrillic",
        "ibm866": "cp866",
        "utf-16le": "utf-16-le",
        "utf-16be": "utf-16-be",
    },
}


def python_codec(label: str | None) -> str | None:
    """Python's codec for an encoding that still occurs in texts but that no browser decodes."""
    return _OTHER_CODECS.get(label.strip().lower()) if label else None


def is_known(label: str | None) -> bool:
    return encoding_of(label) not in (None, "replacement") or python_codec(label) is not None


def codec_of(encoding: str) -> str:
    """Python's codec closest to an encoding of the standard or of `python_codec`.

    For text that is decoded incrementally.
    """
    return _CODECS.get(encoding) or python_codec(encoding) or encoding
