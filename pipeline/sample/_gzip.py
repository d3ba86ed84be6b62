"""Gzip members whose bytes do not depend on the zlib beneath: two releases of it, or zlib-ng, compress one text to different lengths.

Offsets of WARC records are lengths of compressed records. A document's id is a hash of its offset, and what becomes validation is
drawn by the id: with other lengths the quickstart would give other figures.
"""

import struct
import zlib

_BLOCK = 65_535
_HEADER = bytes(
    (0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255)
)  # RFC 1952: deflate, no name, no time, no system


def write_member(data: bytes) -> bytes:
    """Bytes -> one gzip member that holds them as they are, in stored blocks (RFC 1951, 3.2.4)."""
    pieces = [_HEADER]
    for start in range(0, len(data) or 1, _BLOCK):
        block = data[start : start + _BLOCK]
        pieces += [
            struct.pack("<BHH", start + _BLOCK >= len(data), len(block), len(block) ^ 0xFFFF),
            block,
        ]
    return b"".join((*pieces, struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)))
