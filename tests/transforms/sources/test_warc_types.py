"""Source `warc`: how records are read by declared type and first bytes; truncated records."""

import gzip
import io

import pytest

from tests.transforms.sources.test_warc import PAGE, PARAGRAPH, read, record
from transforms.sources.records import RawDocument, RawReject
from transforms.sources.warc import read_warc


def stored(
    body: bytes, content_type: str | None, *, kind: str = "resource", more: str = ""
) -> bytes:
    """A record whose block is not an HTTP message."""
    stated = "" if content_type is None else f"Content-Type: {content_type}\r\n"
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://example.org/a\r\nWARC-Date: "
        "2024-01-01T00:00:00Z\r\n"
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        f"{more}{stated}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


HTML_NAMES = (
    *(
        "text/html",
        "TEXT/HTML",
        "text/html charset=utf-8",
        "text/html, text/html",
        "text/html:",
        "text/htm",
        '"text/html"',
    ),
    *(
        'text/html;;charset="utf-8"',
        "text/html; charset=utf-8; charset=latin1",
        "application/xhtml+xml",
    ),
    *("text/html\r\nContent-Type: text/html", "text/plain\r\nContent-Type: text/html"),
)
OTHER_NAMES = (
    *(
        "text/css",
        "text/javascript",
        "text/vcard",
        "text/csv",
        "text/calendar",
        "text/x-python",
        "text/markdown",
        "text/rtf",
    ),
    *(
        "text/event-stream",
        "application/json",
        "application/javascript",
        "image/svg+xml",
        "application/pdf",
    ),
)
NOTHING_SAID = (
    "Server: x",
    "Content-Type:",
    "Content-Type: */*",
    "Content-Type: unknown/unknown",
    "Content-Type: none",
)
HTML_BODY = PAGE.format(PARAGRAPH).encode()
MAIN_TEXT = f"Flood\n\n{PARAGRAPH.strip()}"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 8
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>'
SITEMAP = (
    b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>'
    b"<loc>x</loc></url></urlset>"
)
XHTML = (
    b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">'
    + HTML_BODY.removeprefix(b"<html>")
)
TEXT = PARAGRAPH.encode()
NOISE = bytes(range(256)) * 20
README = (
    b'<p align="center">\n<img src="logo.png">\n</p>\n\n# The tool\n\n'
    + b"It reads and writes.\n" * 20
)


@pytest.mark.parametrize(
    ("content_type", "body", "outcome"),
    [
        # stated as HTML, in whatever form
        *((f"Content-Type: {stated}", HTML_BODY, "page") for stated in HTML_NAMES),
        ("Content-Type: text/html", XHTML, "page"),
        ("Content-Type: text/html", TEXT, "text"),
        ("Content-Type: text/html", PDF, "'text/html', and the body is application/pdf"),
        ("Content-Type: text/html", PNG, "'text/html', and the body is image/png"),
        (
            "Content-Type: application/xhtml+xml",
            PNG,
            "'application/xhtml+xml', and the body is image/png",
        ),
        ("Content-Type: text/html", b"PK\x03\x04" + NOISE, "and the body is application/zip"),
        ("Content-Type: text/html", RSS, "and the body is application/rss+xml"),
        ("Content-Type: text/html", SITEMAP, "and the body is text/xml"),
        (
            "Content-Type: text/html",
            b'{"status": "ok", "items": [1, 2]}',
            "and the body is application/json",
        ),
        ("Content-Type: text/html", b"MZ" + NOISE, "warc/not-text"),
        # stated as plain text
        ("Content-Type: text/plain", TEXT, "text"),
        ("Content-Type: text/plain;charset=utf-8", HTML_BODY, "page"),
        ("Content-Type: text/plain", README, "text as it is"),
        ("Content-Type: text/plain", PDF, "'text/plain', and the body is application/pdf"),
        ("Content-Type: text/plain", RSS, "and the body is application/rss+xml"),
        ("Content-Type: text/plain", b"\x01\x02" + NOISE, "warc/not-text"),
        # not stated, or nothing that says something
        *((stated, HTML_BODY, "page") for stated in NOTHING_SAID),
        ("Content-Type: application/octet-stream", HTML_BODY, "page"),
        ("X-Archive-Orig-Content-Type: text/html", HTML_BODY, "page"),
        ("Server: x", TEXT, "text"),
        ("Server: x", PDF, "no content type, and the body is application/pdf"),
        ("Server: x", NOISE, "no content type, and the body is application/octet-stream"),
        ("Content-Type: application/octet-stream", TEXT, "'application/octet-stream'"),
        # stated as something else
        *((f"Content-Type: {stated}", TEXT, f"'{stated}'") for stated in OTHER_NAMES),
        ("Content-Type: text/xml", RSS, "'text/xml', and the body is application/rss+xml"),
        ("Content-Type: text/xml", b"<?xml version='1.0'?><doc/>", "'text/xml'"),
        ("Content-Type: application/xml", XHTML, "page"),
        ("Content-Type: text/css", HTML_BODY, "'text/css'"),
    ],
)
def test_types_stated_and_seen(content_type: str, body: bytes, outcome: str) -> None:
    [found] = read(record(body, headers=content_type))
    if outcome in ("page", "text", "text as it is"):
        assert isinstance(found, RawDocument), found
        assert found.text == {"page": MAIN_TEXT, "text": PARAGRAPH.strip()}.get(
            outcome, body.decode().strip()
        )
    else:
        assert isinstance(found, RawReject), found
        assert found.stage == "extract"
        assert (
            outcome in (found.rule, found.detail)
            if outcome.startswith("warc/")
            else (found.rule == "warc/content-type" and found.detail.endswith(outcome))
        )


@pytest.mark.parametrize("kind", ["resource", "conversion", "response"])
@pytest.mark.parametrize(
    ("content_type", "body", "outcome"),
    [
        ("text/html", HTML_BODY, MAIN_TEXT),
        ("text/html; charset=utf-8", HTML_BODY, MAIN_TEXT),
        ("text/plain", TEXT, PARAGRAPH.strip()),
        (None, HTML_BODY, MAIN_TEXT),
        ("text/dns", b"20240101000000\nexample.org. 300 IN A 127.0.0.1\n", "warc/content-type"),
        ("image/png", PNG, "warc/content-type"),
        ("text/html", PNG, "warc/content-type"),
        (
            "application/http; msgtype=response",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML_BODY,
            MAIN_TEXT,
        ),
        ("text/html", b"", "extract/empty"),
    ],
)
def test_records_that_hold_their_document_itself(
    kind: str, content_type: str | None, body: bytes, outcome: str
) -> None:
    [found] = read(stored(body, content_type, kind=kind))
    assert (found.text if isinstance(found, RawDocument) else found.rule) == outcome
    assert found.url == "http://example.org/a"


def test_the_type_that_was_identified_counts_where_http_says_nothing() -> None:
    identified = "WARC-Identified-Payload-Type: {}\r\nWARC-Date"
    for headers, stated, outcome in (
        ("Server: x", "text/plain", README.decode().strip()),
        ("Server: x", "application/pdf", "warc/content-type"),
        ("Content-Type: text/html", "application/pdf", MAIN_TEXT),
        ("Content-Type: image/png", "text/html", "warc/content-type"),
    ):
        body = README if stated == "text/plain" else HTML_BODY
        [found] = read(
            record(body, headers=headers).replace(
                b"WARC-Date", identified.format(stated).encode(), 1
            )
        )
        assert (found.text if isinstance(found, RawDocument) else found.rule) == outcome


@pytest.mark.parametrize(
    ("headers", "more", "body", "reason"),
    [
        ("Content-Type: text/html", "", HTML_BODY, None),
        *(
            ("Content-Type: text/html", f"WARC-Truncated: {word}\r\n", HTML_BODY, reason)
            for word, reason in (
                ("length", "length"),
                ("TIME", "time"),
                ("disconnect", "disconnect"),
                ("unspecified", "unspecified"),
                ("long", "unspecified"),
            )
        ),
        ("Content-Type: text/html", "WARC-Segment-Number: 1\r\n", HTML_BODY, "segment"),
        ("Content-Type: text/html\r\nContent-Length: 99999", "", HTML_BODY, "body"),
        ("Content-Type: text/html\r\nContent-Length: 9", "", HTML_BODY, None),
        (
            "Content-Type: text/html\r\nTransfer-Encoding: chunked",
            "",
            b"%x\r\n" % 99999 + HTML_BODY,
            "body",
        ),
        (
            "Content-Type: text/html\r\nContent-Encoding: gzip",
            "",
            gzip.compress(HTML_BODY)[:-20],
            "encoding",
        ),
        (
            "Content-Type: text/html\r\nContent-Encoding: gzip",
            "WARC-Truncated: length\r\n",
            gzip.compress(HTML_BODY)[:-20],
            "length",
        ),
    ],
)
def test_what_is_cut_short_is_kept_with_its_reason_or_rejected(
    headers: str, more: str, body: bytes, reason: str | None
) -> None:
    data = gzip.compress(
        record(body, headers=headers).replace(b"WARC-Date", more.encode() + b"WARC-Date", 1)
    )
    [kept], [rejected] = (
        list(read_warc(io.BytesIO(data), truncated=option)) for option in ("keep", "reject")
    )
    assert isinstance(kept, RawDocument)
    assert kept.text.startswith("Flood\n\nThe river rose in the night")
    assert kept.truncated == reason
    if reason is None:
        assert rejected == kept
    else:
        assert isinstance(rejected, RawReject)
        assert (rejected.rule, rejected.stage, rejected.detail) == (
            "warc/truncated-payload",
            "extract",
            f"cut short: {reason}",
        )


def test_what_was_decided_by_content_is_noted() -> None:
    found = read(
        record(HTML_BODY, headers="Content-Type: application/octet-stream"),
        record(TEXT, headers="Server: x"),
        record(HTML_BODY),
        stored(
            b"Content-Type: text/html\r\n\r\n" + HTML_BODY,
            "application/http; msgtype=response",
            kind="response",
        ),
        stored(HTML_BODY, "application/http; msgtype=response", kind="response"),
    )
    notes = [[word for word, _ in each.notes] for each in found if isinstance(each, RawDocument)]
    assert notes == [
        ["html-by-content"],
        ["text-by-content"],
        [],
        ["no-status-line"],
        ["no-status-line", "html-by-content"],
    ]


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n\r\n", "warc/http-status"),
        (b"Status: 404\r\nContent-Type: text/html\r\n\r\n", "warc/http-status"),
        (b"nothing of the kind", "warc/http-status"),
        (b"", "warc/http-status"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + NOISE,
            "warc/content-encoding",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: compress\r\n\r\n"
            + NOISE,
            "warc/content-encoding",
        ),
    ],
)
def test_messages_without_a_page(block: bytes, rule: str) -> None:
    [found] = read(stored(block, "application/http; msgtype=response", kind="response"))
    assert isinstance(found, RawReject)
    assert found.rule == rule


def test_a_few_control_characters_go_and_many_are_no_text() -> None:
    [found] = read(record(b"<p>" + TEXT.replace(b"night", b"ni\x01ght\x7f", 1) + b"</p>"))
    assert isinstance(found, RawDocument)
    assert found.text == PARAGRAPH.strip()
