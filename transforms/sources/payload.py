"""Decode the body of an HTTP response: undo transfer and content codings that are still present.

Codings: RFC 9112, 7.1 (chunked), RFC 9110, 8.4 (gzip, deflate), RFC 7932 (br), RFC 8878 (zstd). A
body that is not coded as its headers declare is used unchanged if it is text. A result above the
limit is never held in memory, as a guard against decompression bombs.
"""

import functools
import io
import re
import zlib
from collections.abc import Callable, Generator
from typing import NamedTuple

import brotli
import zstandard

from transforms.sources.frames import Packed, is_zstd, zstd_frames
from transforms.sources.http_message import HttpMessage
from transforms.sources.mime import looks_like_text

_STEP = 1 << 16
# Bytes of content above which the size is counted before the content is held.
_HELD = 16 << 20
# Maximum size in bytes of a coded empty body.
_SHORTEST = 16
# Step in bytes for reading a damaged stream again, so that little before the damage is lost.
_SMALL_STEP = 64
_GZIP = b"\x1f\x8b\x08"
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]{0,4096})?(\r*\n)")
# Layers of gzip that are decoded although no header declares them.
_LAYERS = 2
_NO_CODING = frozenset(
    (
        "identity",
        "none",
        "",
        "utf-8",
        "utf8",
        "binary",
        "8bit",
        "7bit",
        "plain",
        "text",
        "off",
        "null",
        "identity=1",
    )
)
_ALIASES = {
    "x-gzip": "gzip",
    "x-deflate": "deflate",
    "zlib": "deflate",
    "brotli": "br",
    "x-br": "br",
    "zstandard": "zstd",
    "x-zstd": "zstd",
}


class Payload(NamedTuple):
    """A decoded body.

    `truncated`: "body" or "encoding" if that ends early. `fault`: why a coding could not be undone;
    `data` is then not the content.
    """

    data: bytes
    truncated: str | None = None
    fault: str | None = None


class TooLargeError(ValueError):
    """A payload exceeds the limit."""


class _Decoded(NamedTuple):
    """The result of decoding.

    `state`: "whole", "cut" (the input ends early) or "damaged". `end`: where it ends in the input.
    """

    data: bytes
    state: str = "whole"
    end: int = 0


class _NotCodedError(ValueError):
    """Bytes that do not have the declared coding; the message says why."""


_Pieces = Generator[bytes, None, tuple[str, int]]
"""Yields content in pieces, then returns the state and end of `_Decoded`."""


def read_payload(message: HttpMessage, block: bytes, *, limit: int) -> Payload:
    """Decode the body of a response by its headers. Raises TooLargeError above `limit` bytes.

    A body that is one whole chunked message, or gzip, is also decoded if no header declares it:
    archives and proxies drop and rename headers. Of gzip beyond the headers two layers are decoded.
    """
    body = block[message.body_at :]
    transfer = message.tokens("transfer-encoding")
    codings = [
        *message.tokens("content-encoding"),
        *(token for token in transfer if token != "chunked"),
    ]
    codings = [
        name for name in (_ALIASES.get(name, name) for name in codings) if name not in _NO_CODING
    ]
    truncated = None
    data = body
    is_chunked = "chunked" in transfer
    for _ in range(max(1, transfer.count("chunked"))):
        decoded = _dechunk(data, only_whole=not is_chunked)
        if decoded is None:
            break
        is_chunked = True
        data = decoded.data
        truncated = None if decoded.state == "whole" else "body"
    # The declared length of a coded body may be that before it was stored.
    if not is_chunked and _is_shorter(message, len(body)) and not (codings and body):
        truncated = "body"
    for coding in reversed(codings):
        try:
            # Between two codings a small body may be larger.
            decoded = _undo_coding(coding, data, limit + _STEP)
        except _NotCodedError as error:
            return Payload(data, truncated, fault=str(error))
        if decoded is not None:
            data = decoded.data
            truncated = truncated if decoded.state == "whole" else truncated or "encoding"
    for _ in range(_LAYERS):
        if not data.startswith(_GZIP):
            break
        decoded = _attempt(_gunzip, data, limit + _STEP)
        if decoded is None:
            break
        data = decoded.data
        truncated = truncated if decoded.state == "whole" else truncated or "encoding"
    if len(data) > limit:
        raise TooLargeError
    return Payload(data, truncated)


def _is_shorter(message: HttpMessage, size: int) -> bool:
    """Whether Content-Length declares more bytes than there are."""
    stated = (message.tokens("content-length") or [""])[0]
    return stated.isdecimal() and len(stated) < 19 and int(stated) > size


def _dechunk(body: bytes, *, only_whole: bool) -> _Decoded | None:
    """Decode a chunked body.

    None if it does not begin with a chunk or, with `only_whole`, does not have all of them.
    Extensions, blanks, bare line feeds and trailers are skipped. Data behind damage is dropped.
    """
    at = len(body) - len(body.lstrip(b"\r\n"))
    parts: list[bytes] = []
    is_first = True
    while True:
        head = _CHUNK.match(body, at)
        if head is None:
            if is_first:
                return None
            return None if only_whole else _Decoded(b"".join(parts), "cut")
        size, start = int(head[1], 16), head.end()
        if not size:
            if is_first and (only_whole or body[start:].strip(b"0\r\n")):
                # A page that begins with a line "0".
                return None
            return _Decoded(b"".join(parts))
        rest = body[start + size : start + size + 2]
        is_ended = rest[:1] == b"\n" or rest == b"\r\n"
        if start + size > len(body) or not is_ended:
            if only_whole or (
                is_first
                and (head[2] != b"\r\n" or (start + size <= len(body) and rest not in (b"", b"\r")))
            ):
                # A page that begins with a line of hexadecimal digits.
                return None
            parts.append(body[start : start + size])
            return _Decoded(b"".join(parts), "cut")
        parts.append(body[start : start + size])
        at = start + size + (1 if rest[:1] == b"\n" else 2)
        is_first = False


def _undo_coding(coding: str, data: bytes, limit: int) -> _Decoded | None:
    """Undo one coding of a body; None if it was stored without it.

    Raises _NotCodedError if it is neither, or damaged.
    """
    data = _without_line_ends(data)
    if not data:
        return _Decoded(b"")
    if data.startswith(_GZIP):
        return _gunzip(data, limit)
    decoders: list[Callable[[bytes, int], _Decoded]] = []
    if is_zstd(data):
        decoders = [_unzstd]
    elif coding in ("gzip", "deflate"):
        decoders = [_inflate_zlib] if _has_zlib_head(data) else []
        decoders += [_inflate_raw] if coding == "deflate" else []
    elif coding == "br":
        decoders = [_unbrotli]
    attempts = [decoded for decode in decoders if (decoded := _attempt(decode, data, limit))]
    whole = next(
        (
            decoded
            for decoded in attempts
            if decoded.state == "whole" and (decoded.data or len(data) <= _SHORTEST)
        ),
        None,
    )
    if whole is not None:
        return whole
    if looks_like_text(data):
        return None
    best = max(
        (decoded for decoded in attempts if decoded.data and decoded.state == "cut"),
        key=lambda decoded: len(decoded.data),
        default=None,
    )
    if best is None:
        raise _NotCodedError(f"the body cannot be decoded as {coding}")
    return best


def _attempt(decode: Callable[[bytes, int], _Decoded], data: bytes, limit: int) -> _Decoded | None:
    try:
        return decode(data, limit)
    except _NotCodedError:
        return None


def _without_line_ends(data: bytes) -> bytes:
    """Remove the second blank line that some writers put behind the head.

    Known of Common Crawl, August 2018.
    """
    bare = data[:4].lstrip(b"\r\n")
    return bare + data[4:] if bare.startswith(_GZIP[: len(bare)]) and bare else data


def _has_zlib_head(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _collect(read: Callable[[], _Pieces], limit: int) -> _Decoded:
    """Join all pieces. Raises TooLargeError above `limit` bytes, with at most _HELD in memory."""
    for counted in (False, True):
        parts: list[bytes] = []
        size = 0
        pieces = read()
        try:
            while True:
                part = next(pieces)
                size += len(part)
                if size > limit:
                    raise TooLargeError
                if size <= _HELD or counted:
                    parts.append(part)
                else:
                    parts = []
        except StopIteration as stopped:
            state, end = stopped.value
        if size <= _HELD or counted:
            break
    return _Decoded(b"".join(parts), state, end)


def _gunzip(data: bytes, limit: int) -> _Decoded:
    """Decompress all members of a gzip body; bytes behind them are ignored.

    A wrong checksum is damage, a missing one is not.
    """
    parts: list[bytes] = []
    size = 0
    while data.startswith(_GZIP):
        decoded = _collect(
            functools.partial(_inflated, data, 16 + zlib.MAX_WBITS, _STEP), limit - size
        )
        if decoded.state == "cut":
            # The stream is whole if only the checksum is missing.
            decoded = _inflate_raw(data[_gzip_header(data) :], limit - size)._replace(end=0)
        parts.append(decoded.data)
        size += len(decoded.data)
        if decoded.state == "damaged":
            raise _NotCodedError(f"the gzip coding is damaged after {size} bytes of content")
        if decoded.state == "cut" or not decoded.end:
            return _Decoded(b"".join(parts), decoded.state)
        data = data[decoded.end :]
    return _Decoded(b"".join(parts))


def _gzip_header(data: bytes) -> int:
    """The length in bytes of a gzip member's header (RFC 1952, 2.3)."""
    flags, at = data[3] if len(data) > 3 else 0, 10
    if flags & 4:
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for bit in (8, 16):
        if flags & bit:
            end = data.find(b"\0", at)
            at = end + 1 if end >= 0 else len(data)
    return at + (2 if flags & 2 else 0)


def _inflate_zlib(data: bytes, limit: int) -> _Decoded:
    decoded = _collect(functools.partial(_inflated, data, zlib.MAX_WBITS, _STEP), limit)
    return _inflate_raw(data[2:], limit) if decoded.state == "cut" else decoded


def _inflate_raw(data: bytes, limit: int) -> _Decoded:
    return _collect(functools.partial(_inflated, data, -zlib.MAX_WBITS, _STEP), limit)


def _inflated(data: bytes, bits: int, step: int) -> _Pieces:
    """Decompress one deflate stream in pieces; `bits` is zlib's `wbits`."""
    stream = zlib.decompressobj(bits)
    at = 0
    try:
        while at < len(data) and not stream.eof:
            packed = data[at : at + step]
            at += step
            part = b""
            while (packed or len(part) == _STEP) and not stream.eof:
                part = stream.decompress(packed, _STEP)
                packed = stream.unconsumed_tail
                if part:
                    yield part
    except zlib.error:
        return "damaged", 0
    return ("whole", min(at, len(data)) - len(stream.unused_data)) if stream.eof else ("cut", 0)


def _unbrotli(data: bytes, limit: int) -> _Decoded:
    decoded = _collect(functools.partial(_unbrotlied, data, _STEP), limit)
    if decoded.state != "damaged":
        return decoded
    # The library reports data behind the end as an error, unless a step ends there.
    return _collect(
        functools.partial(_unbrotlied, data, 1 if len(data) < _STEP else _SMALL_STEP), limit
    )


def _unbrotlied(data: bytes, step: int) -> _Pieces:
    stream = brotli.Decompressor()
    at = 0
    try:
        while not stream.is_finished():
            packed = b""
            if stream.can_accept_more_data():
                packed, at = data[at : at + step], at + step
            if part := stream.process(packed, output_buffer_limit=_STEP):
                yield part
            elif at >= len(data) and not packed:
                break
    except brotli.error:
        return "damaged", 0
    return ("whole", at) if stream.is_finished() else ("cut", 0)


def _unzstd(data: bytes, limit: int) -> _Decoded:
    return _collect(functools.partial(_unzstded, data), limit)


def _unzstded(data: bytes) -> _Pieces:
    """Decompress all frames of a zstd body in pieces; bytes behind them are ignored."""
    for number, (_, frame, reader) in enumerate(zstd_frames(Packed(io.BytesIO(data)))):
        try:
            while part := reader.read(_STEP):
                yield part
        except zstandard.ZstdError:
            return ("whole", 0) if number and not frame.is_frame else ("damaged", 0)
        if frame.cut:
            return "cut", 0
    return "whole", len(data)
