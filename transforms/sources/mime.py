"""The type of a body: the declared one, parsed as browsers do, and the one of its first bytes.

Rules: WHATWG MIME Sniffing (https://mimesniff.spec.whatwg.org/, sections 4 and 6 to 8), and for
several headers WHATWG Fetch, "extract a MIME type". In addition common errors of servers are
handled.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

HTML, XHTML, PLAIN, BINARY, XML, JSON = (
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "application/octet-stream",
    "text/xml",
    "application/json",
)
UNKNOWN = frozenset(
    (
        "",
        "*/*",
        "application/unknown",
        "unknown/unknown",
        "content/unknown",
        "text",
        "none",
        "null",
        "unknown",
    )
)
"""Essences without information (the first four: WHATWG MIME Sniffing, 7)."""
_HTML_NAMES = frozenset(
    (
        *(
            "text/htm",
            "text/htmls",
            "text/html5",
            "text/x-html",
            "text/shtml",
            "text/xhtml",
            "text/xhtml+xml",
            "text/html/html",
            "html/text",
        ),
        *(
            "application/html",
            "application/xhtml",
            "application/x-html",
            "htm",
            "html",
            "text-html",
        ),
    )
)
_PLAIN_NAMES = frozenset(
    (
        "plain/text",
        "text/txt",
        "text/text",
        "text/ascii",
        "text-plain",
        "text/plain-text",
        "text/plaintext",
    )
)

_XML_NAMES = frozenset((XML, "application/xml"))
_READABLE = frozenset((HTML, XHTML, PLAIN, BINARY, *_XML_NAMES))

# A value between commas outside quotation marks.
_VALUE = re.compile(r'(?:"[^"]*(?:"|$)|[^,"])+')
_ESSENCE = re.compile(
    r"(?:\s*content-type\s*[:=])?[\s\"'<(:=;]*([!#$%&*+.^_`|~\\\w-]+(?:/[!#$%&*+.^_`|~\w-]+)*)",
    re.IGNORECASE,
)
_CHARSET = re.compile(
    r"""(?:^|[\s;,"'])charset\s*[=:]\s*(?:"([^"]*)"?|'([^']*)'?|([^\s;,"']+))""", re.IGNORECASE
)
_LONGEST_VALUE = 4096

# Number of bytes, and bytes that do not occur in text: WHATWG MIME Sniffing, 5 and 3.
_SNIFFED = 1445
_BINARY_BYTES = bytes([*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])
_BOMS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_WIDE = ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_MAGIC = (
    *((b"%PDF-", "application/pdf"), (b"%!PS-Adobe-", "application/postscript")),
    *(
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ),
    *(
        (b"\x00\x00\x01\x00", "image/x-icon"),
        (b"\x00\x00\x02\x00", "image/x-icon"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
    ),
    *(
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b"Rar!\x1a\x07", "application/x-rar-compressed"),
    ),
    *(
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (b"\x28\xb5\x2f\xfd", "application/zstd"),
        (b"BZh", "application/x-bzip2"),
    ),
    *(
        (b"\xfd7zXZ\x00", "application/x-xz"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"OggS\x00", "application/ogg"),
        (b"ID3", "audio/mpeg"),
    ),
    *(
        (b"MThd\x00\x00\x00\x06", "audio/midi"),
        (b"fLaC", "audio/flac"),
        (b"FWS", "application/x-shockwave-flash"),
    ),
    *(
        (b"CWS", "application/x-shockwave-flash"),
        (b"FLV\x01", "video/x-flv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    ),
    *(
        (b"wOFF", "font/woff"),
        (b"wOF2", "font/woff2"),
        (b"OTTO", "font/otf"),
        (b"ttcf", "font/collection"),
        (b"\x00\x01\x00\x00", "font/ttf"),
    ),
    *(
        (b"\x7fELF", "application/x-executable"),
        (b"\xca\xfe\xba\xbe", "application/java-vm"),
        (b"\x00asm", "application/wasm"),
    ),
    *(
        (b"SQLite format 3\x00", "application/vnd.sqlite3"),
        (b"WARC/", "application/warc"),
        (b"{\\rtf", "application/rtf"),
    ),
)
_FIRST_OF_MAGIC = frozenset(pattern[0] for pattern, _ in _MAGIC) | {ord("R"), ord("F"), 0xFF}
_RIFF = {b"WEBPVP": "image/webp", b"WAVE": "audio/wave", b"AVI ": "video/avi"}
_SURE = frozenset((b"%PDF-", b"%!PS-Adobe-", b"{\\rtf", b"WARC/"))
"""Patterns that need no confirmation.

Other patterns without a control character match only if binary bytes follow, since text may begin
with the same words.
"""

_TAGS = "!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p"
_TAG_NAMES = frozenset(_TAGS.encode().split(b"|"))
_HTML_START = re.compile(rb"<(?:(?:%s)[ >]|!--)" % _TAGS.encode(), re.IGNORECASE)
_WHOLE_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>/]", re.IGNORECASE)
_TAG = re.compile(rb"</?[a-zA-Z][^<>\n]{0,500}>")
_TEXT_LINE = re.compile(rb"^[^\r\n]*\S", re.MULTILINE)
_PROLOGUE = re.compile(
    rb"(?:\s+|<\?[^>]{0,2000}>|<!--.{0,60000}?-->"
    rb"|<!doctype[^>\[]{0,500}(?:\[[^\]]{0,4000}\]\s*)?>)*",
    re.IGNORECASE | re.DOTALL,
)
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_FEEDS = {
    b"rss": "application/rss+xml",
    b"feed": "application/atom+xml",
    b"rdf": "application/rdf+xml",
    b"svg": "image/svg+xml",
}
_DATA = frozenset(
    (
        b"urlset",
        b"sitemapindex",
        b"opml",
        b"kml",
        b"gpx",
        b"wsdl",
        b"envelope",
        b"error",
        b"opensearchdescription",
    )
)
_DENSITY = 0.5
_LOOKED_AT = 1 << 16
_LARGEST_JSON = 8 << 20


class MimeType(NamedTuple):
    """A declared type: `essence` in lowercase without parameters or empty, `charset` as written."""

    essence: str
    charset: str | None = None


def parse_content_type(values: Sequence[str]) -> MimeType:
    """Parse the values of all `Content-Type` headers of a message as one type.

    As in WHATWG Fetch, "extract a MIME type": all values form one list, the last one that is a type
    other than `*/*` counts, and a charset is kept from an earlier value of the same essence. A type
    ends at the first character that no type contains, so `text/html charset=utf-8` and `text/html:`
    are HTML. Other names that servers use for HTML and plain text are replaced by these.
    """
    essence, charset = "", None
    for value in _VALUE.findall(",".join(values)[:_LONGEST_VALUE]):
        match = _ESSENCE.match(value)
        stated = _CHARSET.search(value)
        name = match[1].lower().rstrip(".-_") if match else ""
        if name == "charset" and stated:
            name = ""
        declared = (
            next((group.strip() for group in stated.groups() if group is not None), None)
            if stated
            else None
        )
        if name in UNKNOWN or ("/" not in name and name not in _HTML_NAMES | _PLAIN_NAMES):
            charset = charset or declared
            continue
        name = HTML if name in _HTML_NAMES else PLAIN if name in _PLAIN_NAMES else name
        charset = declared or (charset if name == essence or not essence else None)
        essence = name
    return MimeType(essence, charset or None)


class Decision(NamedTuple):
    """How to read a body.

    `reading` is "page", "text" or, to skip the body, empty. `sniffed_type` is the type by the first
    bytes if it contradicts the declared one.
    """

    reading: str
    sniffed_type: str | None = None


def may_be_read(essence: str) -> bool:
    """Whether a body of a declared type, or of none, may be a page or text; see `decide`."""
    return essence in _READABLE or essence in UNKNOWN


def decide(essence: str, body: bytes) -> Decision:
    """Decide how to read a body by its declared type and its bytes; docs/sources.md has the table.

    HTML is a page unless its bytes are of another known type. Plain text is text unless they are,
    or are a page. A body of unknown or no type is what its bytes are. XML is a page if its root is
    `html`. Other types are skipped, whatever their bytes are: a style sheet is not prose.
    """
    if not may_be_read(essence):
        return Decision("")
    sniffed = sniff(body)
    if sniffed not in (None, HTML, BINARY):
        return Decision("", None if essence in _XML_NAMES and sniffed == XML else sniffed)
    if essence in (HTML, XHTML):
        return Decision("", JSON) if sniffed is None and is_json(body) else Decision("page")
    if essence in _XML_NAMES:
        return Decision("page", HTML) if sniffed == HTML else Decision("", None)
    if is_page(body) or (
        essence != PLAIN and sniffed is None and _WHOLE_PAGE.search(_unmarked(body[:_SNIFFED]))
    ):
        return Decision("page", HTML)
    if essence == PLAIN:
        return Decision("text")
    if essence == BINARY or sniffed == BINARY or is_json(body):
        return Decision(
            "", JSON if sniffed is None and is_json(body) else BINARY if sniffed == BINARY else None
        )
    return Decision("text", PLAIN)


def sniff(body: bytes) -> str | None:
    """The type of a body by its first bytes.

    An essence, `BINARY` for bytes that do not occur in text, or None for text of unknown form. HTML
    is what begins like a page or a fragment of one; `is_page` is stricter.
    """
    start = body[:_SNIFFED]
    for mark, encoding in _WIDE:
        if start.startswith(mark):
            text = body[2:_LOOKED_AT].decode(encoding, "ignore").encode("utf-8", "ignore")
            return BINARY if _has_binary(text[:_SNIFFED]) else _sniff_markup(text)
    start = start.removeprefix(_BOMS[0])
    if essence := _sniff_magic(start):
        return essence
    if essence := _sniff_markup(body[:_LOOKED_AT].removeprefix(_BOMS[0])):
        return essence
    return BINARY if _has_binary(start) else None


def is_page(body: bytes) -> bool:
    """Whether a body declared as plain text is HTML.

    It is a document, or a fragment with at least half as many tags as lines. A README in Markdown
    may begin with `<p>` or `<div>` and is text.
    """
    start = _unmarked(body)
    begin = _PROLOGUE.match(start)
    at = begin.end() if begin else 0
    if _WHOLE_PAGE.match(start, at) or _WHOLE_PAGE.match(start.lstrip()):
        return True
    if not _HTML_START.match(start.lstrip()):
        return False
    lines = sum(1 for _ in _TEXT_LINE.finditer(start))
    return sum(1 for _ in _TAG.finditer(start)) >= _DENSITY * lines


def looks_like_text(body: bytes) -> bool:
    """Whether the first bytes are text (WHATWG MIME Sniffing, 7.2) and no known binary format."""
    if body.startswith(_BOMS):
        return True
    start = body[:_SNIFFED]
    return _sniff_magic(start) is None and not _has_binary(start)


def binary_type(body: bytes) -> str | None:
    """The known format of a file that is not text: PDF, images, audio, video, fonts, archives."""
    return _sniff_magic(body[:_SNIFFED].removeprefix(_BOMS[0]))


def may_be_binary(body: bytes) -> bool:
    """Whether more than 1% of the bytes do not occur in text; also true of UTF-16."""
    return len(body) - len(body.translate(None, _BINARY_BYTES)) > 0.01 * len(body)


def is_json(body: bytes) -> bool:
    """Whether a body is one JSON object or array."""
    packed = body.removeprefix(_BOMS[0]).strip()
    if packed[:1] + packed[-1:] not in (b"{}", b"[]") or len(packed) > _LARGEST_JSON:
        return False
    try:
        json.loads(packed)
    except (ValueError, RecursionError):
        return False
    return True


def _unmarked(body: bytes) -> bytes:
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            return body[2:_LOOKED_AT].decode(encoding, "ignore").encode("utf-8", "ignore")
    return body[:_LOOKED_AT].removeprefix(_BOMS[0])


def _has_binary(start: bytes) -> bool:
    return len(start.translate(None, _BINARY_BYTES)) < len(start)


def _sniff_magic(start: bytes) -> str | None:
    if not start or start[0] not in _FIRST_OF_MAGIC:
        return "video/mp4" if _is_mp4(start) else None
    for pattern, essence in _MAGIC:
        if start.startswith(pattern) and (pattern in _SURE or _has_binary(start)):
            return essence
    if start.startswith(b"RIFF"):
        return next((essence for name, essence in _RIFF.items() if start.startswith(name, 8)), None)
    if start.startswith(b"FORM") and start.startswith(b"AIFF", 8):
        return "audio/aiff"
    if (
        len(start) > 3
        and start[0] == 0xFF
        and start[1] & 0xE6 == 0xE2
        and start[2] >> 4 < 15
        and _has_binary(start)
    ):
        # The header of a frame of layer III, without an ID3 tag.
        return "audio/mpeg"
    return "video/mp4" if _is_mp4(start) else None


def _is_mp4(start: bytes) -> bool:
    """Whether `ftyp` follows the first box's length (WHATWG MIME Sniffing, 6.2.1, no brands)."""
    return start.startswith(b"ftyp", 4) and int.from_bytes(start[:4], "big") % 4 == 0


def _sniff_markup(start: bytes) -> str | None:
    """HTML, a feed or other XML; the root element decides, since XHTML begins like XML."""
    text = start.lstrip()
    if not text.startswith(b"<"):
        return None
    is_xml = text.startswith(b"<?xml")
    prologue = _PROLOGUE.match(text)
    root = _ROOT.match(text, prologue.end() if prologue else 0)
    name = root[2].lower() if root else b""
    if name in _FEEDS and (is_xml or name != b"svg"):
        return _FEEDS[name]
    if name in _TAG_NAMES or (
        b"<!doctype html" in text[:_SNIFFED].lower() and not (is_xml and name in _DATA)
    ):
        return HTML
    if is_xml or name in _DATA:
        return XML
    return (
        HTML
        if _HTML_START.match(text) or (root and _HTML_START.match(text, root.start()))
        else None
    )
