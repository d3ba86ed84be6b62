"""Whole files of every kind, from which mutated ones are made."""

import bz2
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
import zstandard

PROSE = (
    "The river rose in the night, and in the morning the lower fields lay under water.",
    "Nobody in the village had seen it so high — not even the ferryman, who was eighty-one.",
    "Am Morgen lagen die unteren Felder unter Wasser; niemand im Dorf hatte das je gesehen.",
    "夜里河水上涨了，早晨低处的田地都在水下。",
)


def _page(number: int) -> bytes:
    paragraphs = "".join(f"<p>{sentence} {number}</p>" for sentence in PROSE * 2)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Flood {number}</title></head><body><nav><a href="/">Home</a>'
        f"</nav><main><h1>The flood</h1>{paragraphs}<ul><li>one<li>two</ul></main><footer>Imprint</footer></body></html>"
    ).encode()


def _record(number: int, kind: str, block: bytes, content_type: str) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012d}>\r\n"
        f"WARC-Date: 2024-05-01T00:00:00Z\r\nWARC-Target-URI: https://example.org/{number}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def _response(number: int) -> bytes:
    body, headers = _page(number), "Content-Type: text/html; charset=utf-8\r\n"
    if number % 3 == 1:
        body, headers = gzip.compress(body, mtime=0), headers + "Content-Encoding: gzip\r\n"
    if number % 3 == 2:
        body = (
            b"".join(
                f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
                for chunk in (body[:500], body[500:])
            )
            + b"0\r\n\r\n"
        )
        headers += "Transfer-Encoding: chunked\r\n"
    return _record(
        number,
        "response",
        f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + body,
        "application/http; msgtype=response",
    )


def _warc() -> list[bytes]:
    info = _record(0, "warcinfo", b"software: a test\r\n", "application/warc-fields")
    return [info, *(_response(number) for number in range(1, 7))]


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _wild() -> list[bytes]:
    """Records and messages as servers and crawlers are known to write them; each kind of coding, whole, cut and already undone."""
    page, http = _page(9), "application/http; msgtype=response"
    chunks = (
        b"".join(
            b"%X;name=value \r\n%s\r\n" % (len(part), part) for part in (page[:300], page[300:])
        )
        + b"0\r\nExpires: 0\r\n\r\n"
    )
    bodies: list[tuple[str, bytes]] = [
        ("text/html charset=utf-8\r\nTransfer-Encoding: chunked", chunks),
        ("text/html\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip", page),
        (
            "TEXT/HTML, text/html\r\nContent-Encoding: x-gzip",
            gzip.compress(page[:200], mtime=0) + gzip.compress(page[200:], mtime=0),
        ),
        ("text/html\r\nContent-Encoding: gzip", gzip.compress(page, mtime=0)[:-90]),
        ("text/html\r\nContent-Encoding: deflate", _raw_deflate(page)),
        ("text/html\r\nContent-Encoding: br, zstd", zstandard.compress(brotli.compress(page))),
        ("text/html\r\nContent-Encoding: utf-8\r\nContent-Length: 99999", page),
        ("application/octet-stream", page),
        ("text/plain", "\n".join(PROSE).encode()),
    ]
    messages = [
        f"HTTP/1.1 200 OK\r\nContent-Type: {headers}\r\n\r\n".encode() + body
        for headers, body in bodies
    ]
    messages.append(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200\nContent-Type:\n text/html\n\n" + page
    )
    records = [
        _record(number, "response", message, http) for number, message in enumerate(messages)
    ]
    kinds = [
        ("resource", "text/html"),
        ("conversion", "text/plain"),
        ("revisit", http),
        ("request", "application/http; msgtype=request"),
    ]
    records += [
        _record(20 + number, kind, page, stated) for number, (kind, stated) in enumerate(kinds)
    ]
    wrong = [
        records[0].replace(b"Content-Length: ", b"Content-Length: 9", 1),
        records[1].replace(b"WARC-Date", b"WARC-Truncated: time\r\nWARC-Date"),
    ]
    return [records[0], wrong[0], *records[1:], wrong[1]]


def _wet() -> list[bytes]:
    return [
        _record(number, "conversion", "\n".join(PROSE).encode(), "text/plain")
        for number in range(1, 7)
    ]


def _epub() -> bytes:
    container = (
        '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(3))
    items = "".join(
        f'<item id="c{number}" href="c{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(3)
    )
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The flood</dc:title><dc:language>en</dc:language></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OPS/book.opf", package)
        for number in range(3):
            archive.writestr(
                f"OPS/c{number}.xhtml",
                _page(number).replace(b"<!doctype html>", b'<?xml version="1.0"?>'),
            )
    return out.getvalue()


def _jsonl() -> bytes:
    rows = [
        {
            "text": text,
            "title": f"Flood {row}",
            "url": f"https://example.org/{row}",
            "date": "2024-05-01",
        }
        for row, text in enumerate(PROSE * 5)
    ]
    return "".join(
        json.dumps(row, ensure_ascii=bool(number % 2)) + "\n" for number, row in enumerate(rows)
    ).encode()


def _csv() -> bytes:
    return "".join(
        [
            "text,title\r\n",
            *(f'"{text}\n{text}","Flood, {row}"\r\n' for row, text in enumerate(PROSE * 5)),
        ]
    ).encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    table = pa.table(
        {
            "text": list(PROSE * 50),
            "title": pa.array([f"Flood {row % 9}" for row in range(200)]).dictionary_encode(),
        }
    )
    pq.write_table(table, out, row_group_size=40, compression="snappy")
    return out.getvalue()


def _arrow(*, stream: bool) -> bytes:
    out = io.BytesIO()
    table = pa.table(
        {"text": list(PROSE * 5), "title": [f"Flood {row}" for row in range(len(PROSE) * 5)]}
    )
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return out.getvalue()


def _feed() -> bytes:
    items = "".join(
        f"<item><title>Flood {row}</title><link>https://example.org/{row}</link><pubDate>Wed, 01 May 2024 00:00:00 GMT</pubDate>"
        f"<content:encoded><![CDATA[<p>{text}</p>]]></content:encoded></item>"
        for row, text in enumerate(PROSE * 2)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>News</title>{items}</channel></rss>"
    ).encode()


def _wikipedia() -> bytes:
    markup = "'''The flood''' was a [[river|rise]] of water.<ref>{{cite book|title=A}}</ref>\n\n== After ==\n{| class=x\n| a || b\n|}\n* "
    pages = "".join(
        f"<page><title>Flood {row}</title><ns>{row % 3 and 0}</ns><id>{row + 7}</id><revision><id>{row}</id><timestamp>2024-05-01T00:00:00Z"
        f"</timestamp><model>wikitext</model><format>text/x-wiki</format><text xml:space='preserve'>{markup}{text}</text></revision></page>"
        for row, text in enumerate(PROSE * 2)
    )
    return (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="en"><siteinfo><sitename>W</sitename>'
        f"<base>https://en.example.org/wiki/Main_Page</base></siteinfo>{pages}</mediawiki>"
    ).encode()


def _text() -> bytes:
    start, end = (
        "*** START OF THE PROJECT GUTENBERG EBOOK THE FLOOD ***",
        "*** END OF THE PROJECT GUTENBERG EBOOK THE FLOOD ***",
    )
    return "\r\n".join(
        ["Title: The Flood", "", start, "", "CHAPTER I", "", *PROSE * 6, "", end, "", "License"]
    ).encode()


def _markdown() -> bytes:
    front = "---\ntitle: The Flood\ndate: 2024-05-01\ntags: [river, flood]\nlang: en\n---\n"
    code = "```python\nfor level in river:\n    print(level)\n```"
    table = "| day | level |\n| --- | ---: |\n| 1 | 2.5 |"
    blocks = (
        "# The flood",
        *PROSE,
        "<!-- draft -->",
        "- [one](a.md)\n- two [ref]",
        code,
        table,
        "> quoted",
        "[ref]: https://example.org/",
    )
    return (front + "\n\n".join(blocks) + "\n").encode()


def _members(records: list[bytes], compress: Callable[[bytes], bytes]) -> bytes:
    return b"".join(map(compress, records))


def _lz4(data: bytes) -> bytes:
    """One frame with one block that is stored as it is."""
    descriptor = b"\x60\x70"
    check = xxhash.xxh32_intdigest(descriptor) >> 8 & 0xFF
    return (
        b"\x04\x22\x4d\x18"
        + descriptor
        + bytes([check])
        + (len(data) | 1 << 31).to_bytes(4, "little")
        + data
        + bytes(4)
    )


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


SEEDS: dict[str, list[tuple[str, Callable[[], bytes]]]] = {
    "warc": [
        (".warc", lambda: b"".join(_warc())),
        (".warc.gz", lambda: _members(_warc(), _gzip)),
        (".warc.gz", lambda: _gzip(b"".join(_warc()))),
        (".warc.zst", lambda: _members(_warc(), zstandard.ZstdCompressor().compress)),
        (".warc.lz4", lambda: _members(_warc(), _lz4)),
        (".warc", lambda: b"".join(_wild())),
        (".warc.gz", lambda: _members(_wild(), _gzip)),
    ],
    "wet": [
        (".warc.wet", lambda: b"".join(_wet())),
        (".warc.wet.gz", lambda: _members(_wet(), _gzip)),
    ],
    "html": [(".html", lambda: _page(1)), (".html.gz", lambda: _gzip(_page(1)))],
    "text": [(".txt", _text), (".txt.gz", lambda: _gzip(_text()))],
    "markdown": [(".md", _markdown), (".md.gz", lambda: _gzip(_markdown()))],
    "epub": [(".epub", _epub)],
    "jsonl": [
        (".jsonl", _jsonl),
        (".jsonl.gz", lambda: _gzip(_jsonl())),
        (".jsonl.zst", lambda: zstandard.compress(_jsonl())),
    ],
    "csv": [(".csv", _csv), (".csv.gz", lambda: _gzip(_csv()))],
    "parquet": [(".parquet", _parquet)],
    "arrow": [(".arrow", lambda: _arrow(stream=True)), (".feather", lambda: _arrow(stream=False))],
    "feed": [(".xml", _feed), (".xml.gz", lambda: _gzip(_feed()))],
    "wikipedia": [(".xml", _wikipedia), (".xml.bz2", lambda: bz2.compress(_wikipedia()))],
}
"""Kind -> (how a file's name ends, what makes its bytes)."""
