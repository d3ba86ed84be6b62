"""Find the members of a gzip file: where a range of a WARC file begins, and the next after damage.

Neighbouring ranges look for the same member, so one ends exactly where the other begins.
"""

import io
import re
import zlib
from typing import BinaryIO

GZIP_MAGIC = b"\x1f\x8b\x08"
_BLOCK = 1 << 16
# In bytes. Deflate stores at most this many bytes uncompressed and without a block header in
# between (RFC 1951, 3.2.4).
_LONGEST_STORED_BLOCK = 0xFFFF
_LONGEST_HEADER = 1 << 16
_CLOSING = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)


def find_member(stream: BinaryIO, start: int, *, end: int | None = None) -> int | None:
    """The first byte in [start, end) where a chain of gzip members with whole WARC records begins.

    Each member of the chain must inflate with the right checksum and length and contain only whole
    records. The chain must reach the end of the file or be longer than a stored block of deflate.
    An archive inside a record that a compressor stored uncompressed is interrupted at the end of
    such a block, so it is never mistaken for the members of the file. None if there is no such
    chain or the file is not gzip. Reads up to `end` and the chain, one block at a time; leaves the
    stream at any position.
    """
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    if stream.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
        return None
    position, end = start, size if end is None else min(end, size)
    while position < end:
        stream.seek(position)
        block = stream.read(_BLOCK)
        at = block.find(GZIP_MAGIC)
        if at < 0:
            position += max(len(block) - len(GZIP_MAGIC) + 1, 1)
            continue
        candidate = position + at
        if candidate >= end:
            return None
        broken = _chain_breaks(stream, candidate, size)
        if broken is None:
            return candidate
        position = broken + 1
    return None


def next_member(stream: BinaryIO, start: int, begins: bytes) -> int | None:
    """The first byte at or after `start` of a whole gzip member whose content starts with `begins`.

    None if there is none. After damage one whole member is enough, so that valid records between
    two damaged ones are not lost. Leaves the stream at any position.
    """
    stream.seek(position := start)
    while block := stream.read(_BLOCK):
        at = block.find(GZIP_MAGIC)
        if at < 0:
            position += max(len(block) - len(GZIP_MAGIC) + 1, 1)
        elif (
            _begins(stream, position + at, begins)
            and _member_end(stream, position + at, None) is not None
        ):
            return position + at
        else:
            position += at + 1
        stream.seek(position)
    return None


def _begins(stream: BinaryIO, start: int, begins: bytes) -> bool:
    stream.seek(start)
    try:
        return (
            zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(stream.read(_BLOCK), len(begins))
            == begins
        )
    except zlib.error:
        return False


def _chain_breaks(stream: BinaryIO, start: int, size: int) -> int | None:
    """Where the chain of members that starts at a byte breaks; None if it is long enough."""
    position = start
    while position < size and position - start <= _LONGEST_STORED_BLOCK:
        following = _member_end(stream, position, _WholeRecords())
        if following is None:
            return position
        position = following
    return None


def _member_end(stream: BinaryIO, start: int, records: "_WholeRecords | None") -> int | None:
    """The byte after the gzip member at `start`.

    None if there is no member, if it is damaged, or if it does not consist of whole `records`.
    """
    stream.seek(start)
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    read = 0
    try:
        while not member.eof:
            block = member.unconsumed_tail
            if not block:
                block = stream.read(_BLOCK)
                read += len(block)
            data = member.decompress(block, _BLOCK)
            if not (block or data) or (records is not None and not records.feed(data)):
                return None
    except zlib.error:
        return None
    return start + read - len(member.unused_data) if records is None or records.whole else None


class _WholeRecords:
    """Checks block by block whether a member consists of WARC records of the stated lengths."""

    def __init__(self) -> None:
        self._left = 0
        self._pending = b""
        # Bytes that must precede the next record.
        self._closing = b""

    @property
    def whole(self) -> bool:
        return self._left == 0 and self._pending == self._closing == _CLOSING

    def feed(self, data: bytes) -> bool:
        """Check the next block; False once the content cannot be whole records."""
        while data:
            skipped = min(self._left, len(data))
            self._left -= skipped
            data = self._pending + data[skipped:]
            self._pending = b""
            if self._left:
                return True
            start = self._closing + b"WARC/1."
            if not (data.startswith(start) or start.startswith(data)):
                return False
            head, closing, rest = data[len(self._closing) :].partition(_CLOSING)
            if not closing:
                self._pending = data
                return len(data) <= _LONGEST_HEADER
            length = _LENGTH.search(head + b"\r\n")
            if length is None:
                return False
            self._left, self._closing, data = int(length[1]), _CLOSING, rest
        return True
