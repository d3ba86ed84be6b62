"""The members of a gzip file: where a range of a WARC file begins, and where reading goes on behind damage.

Two neighbouring ranges look for the same member, so one ends exactly where the other begins, whatever lies between.
"""

import io
import re
import zlib
from typing import BinaryIO

GZIP_MAGIC = b"\x1f\x8b\x08"
_BLOCK = 1 << 16
_LONGEST_STORED_BLOCK = 0xFFFF  # bytes that deflate can hold as they are without a word of its own between them (RFC 1951, 3.2.4)
_LONGEST_HEADER = 1 << 16
_CLOSING = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)


def find_member(stream: BinaryIO, start: int, *, end: int | None = None) -> int | None:
    """The first byte in [start, end) where a chain of gzip members with whole WARC records begins; None without one.

    Each member of the chain must inflate with the right checksum and length and hold nothing but whole records. The chain
    must reach the file's end or be longer than a stored block of deflate: an archive inside a record, which a compressor
    left as it is, breaks off at such a block's end and is therefore never taken for the file's own members. None for a
    file that is not gzip. Reads up to `end` and the chain, a block at a time; leaves the stream anywhere.
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
    """The first byte at or after `start` where a whole gzip member lies whose content begins with some bytes; None without one.

    Behind damage one whole member is enough, so that good records between two damaged ones are not lost. Leaves the stream anywhere.
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
    """Where the chain of members that starts at a byte breaks; None for a chain that is long enough."""
    position = start
    while position < size and position - start <= _LONGEST_STORED_BLOCK:
        following = _member_end(stream, position, _WholeRecords())
        if following is None:
            return position
        position = following
    return None


def _member_end(stream: BinaryIO, start: int, records: "_WholeRecords | None") -> int | None:
    """The byte after the gzip member at `start`; None for none there, a damaged one, or one that is not whole records."""
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
    """Reads a member's content block by block and tells whether it is WARC records, each as long as its header says."""

    def __init__(self) -> None:
        self._left = 0
        self._pending = b""
        self._closing = b""  # what must stand before the next record

    @property
    def whole(self) -> bool:
        return self._left == 0 and self._pending == self._closing == _CLOSING

    def feed(self, data: bytes) -> bool:
        """False once the content cannot be records any more."""
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
