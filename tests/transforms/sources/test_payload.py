"""Payloads: decoded in any stored form, whole or marked as truncated, never above the limit."""

import gzip
import io
import subprocess
import sys
import zlib

import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter

from tests.conftest import PROJECT
from tests.transforms.sources.test_warc import GOOD, PAGE, PARAGRAPH, record
from transforms.sources.http_message import parse_response
from transforms.sources.payload import Payload, TooLargeError, read_payload
from transforms.sources.records import RawDocument, RawReject
from transforms.sources.warc import read_warc

PAGE_BYTES = PAGE.format(PARAGRAPH).encode()


def brotli(data: bytes) -> bytes:
    buffer = io.BytesIO()
    writer = BrotliWriter(buffer)
    writer.write(data)
    writer.close()
    return buffer.getvalue()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


PACKED = [
    ("Server: x", lambda data: data),
    ("Content-Encoding: identity", lambda data: data),
    ("Content-Encoding: gzip", gzip.compress),
    ("content-encoding:  X-GZIP ", gzip.compress),
    ("Content-Encoding: deflate", zlib.compress),
    ("Content-Encoding: br", brotli),
    ("Content-Encoding: zstd", zstandard.ZstdCompressor().compress),
    ("Transfer-Encoding: chunked", chunked),
    (
        "Transfer-Encoding: chunked\r\nContent-Encoding: gzip",
        lambda data: chunked(gzip.compress(data)),
    ),
    ("Content-Encoding: br, gzip", lambda data: gzip.compress(brotli(data))),
]


def payload(data: bytes, headers: str, *, limit: int = 10**9) -> Payload:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{headers}\r\n\r\n".encode() + data
    return read_payload(parse_response(block), block, limit=limit)


@pytest.mark.parametrize(("headers", "pack"), PACKED)
@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_the_limit(headers: str, pack, size: int) -> None:
    assert payload(pack(b"x" * size), headers, limit=size) == Payload(b"x" * size)
    if size:
        with pytest.raises(TooLargeError):
            payload(pack(b"x" * size), headers, limit=size - 1)


CHUNKS = [PAGE_BYTES[:100], PAGE_BYTES[100:101], PAGE_BYTES[101:]]


def in_chunks(head: bytes = b"%x\r\n", end: bytes = b"\r\n", last: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(head % len(chunk) + chunk + end for chunk in CHUNKS) + last


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


zstd = zstandard.ZstdCompressor().compress
WHOLE = [
    *(
        ("Transfer-Encoding: chunked", in_chunks(*parts))
        for parts in (
            (),
            (b"%x;name=value\r\n",),
            (b'%x ;a="b;c"\r\n',),
            (b"00%X \r\n",),
            (b" %x\r\n",),
            (b"%x\n", b"\n", b"0\n\n"),
            (b"%x\r\n", b"\r\n", b"0;last\r\nExpires: now\r\nX: y\r\n\r\n"),
            (b"%x\r\n", b"\r\n", b"000\r\n"),
        )
    ),
    ("Transfer-Encoding: chunked", b"\r\n" + in_chunks()),
    ("Transfer-Encoding: Chunked", PAGE_BYTES),
    ("Transfer-Encoding: identity", PAGE_BYTES),
    ("Transfer-Encoding: gzip, chunked", chunked(gzip.compress(PAGE_BYTES))),
    ("Transfer-Encoding: chunked, chunked", chunked(in_chunks())),
    ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip", PAGE_BYTES),
    ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip", gzip.compress(PAGE_BYTES)),
    ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip", in_chunks()),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", in_chunks()),
    ("X-Crawl-Transfer-Encoding: chunked", in_chunks()),
    *(
        (f"Content-Encoding: {name}", gzip.compress(PAGE_BYTES))
        for name in ("gzip", "x-gzip", "GZip", "gzip;q=1", "deflate", "br", "utf-8", "")
    ),
    ("X-Crawl-Content-Encoding: gzip", gzip.compress(PAGE_BYTES)),
    ("Content-Encoding: gzip", gzip.compress(PAGE_BYTES[:50]) + gzip.compress(PAGE_BYTES[50:])),
    ("Content-Encoding: gzip", gzip.compress(PAGE_BYTES) + b"\0" * 20),
    ("Content-Encoding: gzip", gzip.compress(PAGE_BYTES) + b"<!-- served by 7 -->"),
    ("Content-Encoding: gzip", gzip.compress(PAGE_BYTES)[:-8]),
    ("Content-Encoding: gzip", b"\r\n" + gzip.compress(PAGE_BYTES)),
    ("Content-Encoding: gzip", gzip.compress(gzip.compress(PAGE_BYTES))),
    ("Content-Encoding: gzip, gzip", gzip.compress(gzip.compress(PAGE_BYTES))),
    ("Content-Encoding: gzip, gzip", gzip.compress(PAGE_BYTES)),
    ("Content-Encoding: gzip\r\nContent-Encoding: gzip", gzip.compress(PAGE_BYTES)),
    ("Content-Encoding: gzip\r\nContent-Length: 99999", gzip.compress(PAGE_BYTES)),
    ("Content-Encoding: gzip", zlib.compress(PAGE_BYTES)),
    ("Content-Encoding: deflate", zlib.compress(PAGE_BYTES)),
    ("Content-Encoding: deflate", raw_deflate(PAGE_BYTES)),
    ("Content-Encoding: x-deflate", zlib.compress(PAGE_BYTES) + b"junk"),
    ("Content-Encoding: br", brotli(PAGE_BYTES)),
    ("Content-Encoding: zstd", zstd(PAGE_BYTES)),
    ("Content-Encoding: zstd", zstd(PAGE_BYTES[:50]) + zstd(PAGE_BYTES[50:])),
    ("Content-Encoding: zstd", zstd(PAGE_BYTES) + b"junk"),
    ("Content-Encoding: gzip, br", brotli(gzip.compress(PAGE_BYTES))),
    ("Content-Encoding: br, gzip", gzip.compress(PAGE_BYTES)),
    *(
        (f"Content-Encoding: {name}", PAGE_BYTES)
        for name in (
            "none",
            "utf-8",
            "UTF8",
            "identity",
            "gzip",
            "x-gzip",
            "deflate",
            "br",
            "zstd",
            "compress",
            "sdch",
            "aws-chunked",
            "chunked",
            "iso-8859-1",
            "gzip, br",
        )
    ),
    ("Content-Length: 3", PAGE_BYTES),
    ("Content-Length: nonsense", PAGE_BYTES),
    (f"Content-Length: {len(PAGE_BYTES)}", PAGE_BYTES),
    (f"Content-Length: {len(PAGE_BYTES)}, {len(PAGE_BYTES)}", PAGE_BYTES),
]


@pytest.mark.parametrize(("headers", "body"), WHOLE)
def test_whatever_was_undone_already_the_whole_body_comes_out(headers: str, body: bytes) -> None:
    assert payload(body, headers) == Payload(PAGE_BYTES)


LONG = b"".join(b"%d " % (number * number) for number in range(20_000))
CUT = [
    ("Content-Length: 200000", LONG, "body"),
    ("Content-Length: 200000", b"", "body"),
    ("Transfer-Encoding: chunked", chunked(LONG)[:-5], "body"),
    ("Transfer-Encoding: chunked", chunked(LONG)[:60_000], "body"),
    ("Transfer-Encoding: chunked", b"5\r\nabcde\r\n", "body"),
    ("Transfer-Encoding: chunked", b"5\r\nabcde\r\nnonsense", "body"),
    *(
        (f"Content-Encoding: {name}", pack(LONG)[:40_000], "encoding")
        for name, pack in (
            ("gzip", gzip.compress),
            ("deflate", zlib.compress),
            ("deflate", raw_deflate),
            ("br", brotli),
        )
    ),
    ("Content-Encoding: zstd", zstd(LONG)[:-10], "encoding"),
    (
        "Content-Encoding: gzip",
        gzip.compress(LONG[:50_000]) + gzip.compress(LONG[50_000:])[:-100],
        "encoding",
    ),
    (
        "Transfer-Encoding: chunked\r\nContent-Encoding: gzip",
        chunked(gzip.compress(LONG))[:40_000],
        "body",
    ),
]


@pytest.mark.parametrize(("headers", "body", "why"), CUT)
def test_a_body_that_ends_early_is_kept_as_far_as_it_goes_and_says_so(
    headers: str, body: bytes, why: str
) -> None:
    found = payload(body, headers)
    assert found.truncated == why
    assert found.fault is None
    assert found.data == b"abcde" or (
        LONG.startswith(found.data) and len(found.data) >= min(len(LONG) // 4, len(body))
    )


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, zstd])
def test_a_coding_that_is_damaged_is_a_fault(pack) -> None:
    """The output behind the damage is noise, and its start is unknown."""
    packed = pack(LONG)
    name = {gzip.compress: "gzip", zlib.compress: "deflate"}.get(pack, "zstd")
    assert payload(
        packed[:30_000] + b"\xff" * 5000 + packed[35_000:], f"Content-Encoding: {name}"
    ).fault


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "compress", "nonsense"])
def test_bytes_that_are_neither_coded_nor_text_are_a_fault(name: str) -> None:
    assert (
        payload(bytes(range(256)) * 20, f"Content-Encoding: {name}").fault
        == f"the body cannot be decoded as {name}"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"0\r\nThe score.",
        b"BAD\nnews\n",
        b"cafe\r\n" + b"a" * 0xCAFE + b"more",
        b"5",
        b"1234\n",
        b"a\r\nshort",
    ],
)
def test_a_text_that_begins_like_a_chunk_is_no_chunk_unless_it_is_one(body: bytes) -> None:
    assert payload(body, "Server: x") == Payload(body)
    if body[-5:] not in (b"short",):
        assert payload(body, "Transfer-Encoding: chunked").data == body


@pytest.mark.parametrize(("headers", "pack"), PACKED)
def test_a_larger_payload_is_a_reject_and_costs_itself_only(headers: str, pack) -> None:
    large, small = (
        record(pack(body), headers=f"Content-Type: text/html\r\n{headers}")
        for body in (PAGE_BYTES + b" " * 50_000, PAGE_BYTES)
    )
    stream = io.BytesIO(b"".join(map(gzip.compress, (GOOD, large, small, GOOD))))
    before, found, same, after = read_warc(stream, max_payload_megabytes=0.05)
    assert isinstance(found, RawReject)
    assert (found.rule, found.stage, found.url) == (
        "warc/payload-too-large",
        "extract",
        "http://example.org/a",
    )
    assert "50000" in found.detail
    assert isinstance(before, RawDocument)
    assert isinstance(after, RawDocument)
    assert same.text == before.text == after.text


@pytest.mark.parametrize("headers", [headers for headers, _ in PACKED[2:]])
def test_a_body_that_cannot_be_decoded_costs_itself_only(headers: str) -> None:
    bad = record(b"<html>as it is", headers=f"Content-Type: text/html\r\n{headers}")
    before, found, *after = read_warc(
        io.BytesIO(b"".join(map(gzip.compress, (GOOD, bad, GOOD, GOOD))))
    )
    assert found.locator == str(len(gzip.compress(GOOD)))
    assert [each.text for each in after] == [before.text] * 2


@pytest.mark.parametrize("packed", [True, False])
def test_a_block_larger_than_the_limit_is_never_held(packed: bool) -> None:
    body = b"x" * 3_000_000
    parts = [record(body), GOOD]
    found, after = read_warc(
        io.BytesIO(b"".join(map(gzip.compress, parts)) if packed else b"".join(parts)),
        max_payload_megabytes=1,
    )
    assert found.rule == "warc/payload-too-large"
    assert isinstance(after, RawDocument)


BOMB = """
import io, resource, sys, zlib, gzip
from tests.transforms.sources.test_warc import record
from transforms.sources.warc import read_warc
def pack(blocks):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(block) for block in blocks), packer.flush()])
bomb = pack([bytes(1 << 20)] * 1500)
twice = pack([bomb])
records = [
    record(bomb, headers="Content-Encoding: gzip"),
    record(twice, headers="Content-Encoding: gzip, gzip"),
]
data = b"".join(map(gzip.compress, records))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rules = [each.rule for each in read_warc(io.BytesIO(data))]
print(rules, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_bomb_takes_no_memory() -> None:
    """1.5 GB in 1.5 MB, and that compressed again to a few KB."""
    done = subprocess.run(
        [sys.executable, "-c", BOMB], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    rules, megabytes = done.stdout.rsplit(" ", 1)
    assert rules == "['warc/payload-too-large', 'warc/payload-too-large']"
    assert int(megabytes) < 60


def test_blanks_before_a_colon_hide_no_coding() -> None:
    block = (
        b"HTTP/1.1 200 OK\r\n Content-Encoding : gzip\r\nContent-Type: text/html\r\n\r\n"
        + gzip.compress(b"a" * 5_000_000)
    )
    with pytest.raises(TooLargeError):
        read_payload(parse_response(block), block, limit=1_000_000)
