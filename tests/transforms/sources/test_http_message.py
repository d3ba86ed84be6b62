"""Heads of HTTP responses in archives."""

import pytest

from transforms.sources.http_message import parse_response

TYPE = {"content-type": ["text/html"]}


@pytest.mark.parametrize(
    ("block", "status", "fields", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (b"HTTP/1.1 200 OK\nContent-Type: text/html\n\nbody", 200, TYPE, b"body"),
        (b"HTTP/1.1 200 OK\nContent-Type: text/html\r\n\nbody\n\nmore", 200, TYPE, b"body\n\nmore"),
        (b"HTTP/1.1 200 OK\rContent-Type: text/html\r\rbody", 200, TYPE, b"body"),
        (b"HTTP/1.1 200 OK\r\r\nContent-Type: text/html\r\r\n\r\r\nbody", 200, TYPE, b"body"),
        (b"\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (b"HTTP/2 200\r\ncontent-type: text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (b"HTTP/1.1 200\r\nCONTENT-TYPE: text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (b"http/1.0  200 ok\r\nContent-Type :text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n", 404, TYPE, b""),
        (b"HTTP/1.1 none\r\nContent-Type: text/html\r\n\r\n", None, TYPE, b""),
        (b"ICY 200 OK\r\nContent-Type: text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nbody",
            200,
            TYPE,
            b"body",
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/2 200\r\nContent-Type: "
            b"text/html\r\n\r\nbody",
            200,
            TYPE,
            b"body",
        ),
        (
            b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: "
            b"text/html\r\n\r\nbody",
            200,
            TYPE,
            b"body",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nThe protocol is HTTP/1.1", 200, {}, b"The protocol is HTTP/1.1"),
        (b"Content-Type: text/html\r\n\r\nbody", None, TYPE, b"body"),
        (
            b"Status: 404 Not Found\r\nContent-Type: text/html\r\n\r\nbody",
            404,
            TYPE | {"status": ["404 Not Found"]},
            b"body",
        ),
        (b"<html><p>One: two", None, {}, b"<html><p>One: two"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n<html>\r\n\r\nbody",
            200,
            TYPE,
            b"<html>\r\n\r\nbody",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nThe river rose.\r\nIt fell.",
            200,
            TYPE,
            b"The river rose.\r\nIt fell.",
        ),
        (
            b"HTTP/1.1 200 OK\r\na damaged line\r\nContent-Type: text/html\r\n\r\nbody",
            200,
            TYPE,
            b"body",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\na damaged line\r\n\r\nbody",
            200,
            TYPE,
            b"body",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n charset=utf-8\r\n\r\nb",
            200,
            {"content-type": ["text/html; charset=utf-8"]},
            b"b",
        ),
        (b"HTTP/1.1 200 OK\r\n Content-Type : text/html\r\n\r\nbody", 200, TYPE, b"body"),
        (
            b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nX-A:\r\n\r\nb",
            200,
            {"x-a": ["1", "2", ""]},
            b"b",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX-\xe4: \xe4\xff\r\nContent-Type: text/html\r\n\r\nbody",
            200,
            TYPE | {"x-\xe4": ["\xe4\xff"]},
            b"body",
        ),
        (b"HTTP/1.1 200 OK", 200, {}, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html", 200, TYPE, b""),
        (b"", None, {}, b""),
        (b"\r\n\r\n", None, {}, b""),
    ],
)
def test_heads(block: bytes, status: int | None, fields: dict[str, list[str]], body: bytes) -> None:
    found = parse_response(block)
    assert (found.status, found.fields, block[found.body_at :]) == (status, fields, body)


def test_what_a_field_is_where_an_archive_renamed_it() -> None:
    found = parse_response(
        b"HTTP/1.1 200 OK\r\nX-Archive-Orig-Content-Type: text/html; charset=koi8-r\r\n"
        b"X-Archive-Orig-Server: x\r\n\r\n"
    )
    assert found.values("content-type") == ["text/html; charset=koi8-r"]
    assert found.values("etag") == []


def test_list_fields() -> None:
    found = parse_response(
        b'HTTP/1.1 200 OK\r\nContent-Encoding: GZIP;q=1, "br" ,\r\nContent-Encoding: x-gzip\r\n\r\n'
    )
    assert found.tokens("content-encoding") == ["gzip", "br", "x-gzip"]


def test_a_long_head_takes_linear_time() -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 100) for number in range(20_000))
    found = parse_response(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\nbody")
    assert len(found.fields) == 20_000
    assert (
        parse_response(
            b"HTTP/1.1 200 OK\r\n" + b"\t" * 1_000_000 + b"\r\n" + b":" * 1_000_000
        ).status
        == 200
    )
