"""Split a zstd or lz4 file into frames by their block headers; each frame is decoded alone.

Formats: RFC 8878, 3.1 (zstd, skippable frames), and the LZ4 Frame Format Description 1.6.
`.warc.zst` files may begin with their dictionary in a skippable frame
(https://iipc.github.io/warc-specifications/specifications/warc-zstd/).
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import zstandard

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
_SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
_DICTIONARY = b"\x5d\x2a\x4d\x18"
_BLOCK = 1 << 16


class Packed:
    """A stream of compressed bytes with read-ahead; `position` is the file offset of the next."""

    def __init__(self, stream: BinaryIO, position: int = 0):
        self._stream = stream
        self._buffer = b""
        self.position = position

    def peek(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        while len(self._buffer) < size and (block := self._stream.read(max(_BLOCK, size))):
            self._buffer += block
        return self._buffer[:size]

    def read(self, size: int = _BLOCK) -> bytes:
        """Between 1 and `size` bytes; none only at the end."""
        data = self._buffer or self._stream.read(size)
        self._buffer = data[size:]
        data = data[:size]
        self.position += len(data)
        return data

    def seek(self, position: int) -> None:
        self._stream.seek(position)
        self._buffer, self.position = b"", position

    def unread(self, data: bytes) -> None:
        self._buffer = data + self._buffer
        self.position -= len(data)

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes, at most 4 MiB. Raises EOFError if there are fewer."""
        data = self.peek(size)
        if len(data) < size:
            raise EOFError
        self._buffer = self._buffer[size:]
        self.position += size
        return data

    def pieces(self, size: int) -> Iterator[bytes]:
        """Exactly `size` bytes in pieces. Raises EOFError if there are fewer."""
        while size:
            piece = self.read(min(size, _BLOCK))
            if not piece:
                raise EOFError
            size -= len(piece)
            yield piece


class Frame:
    """One frame as a stream that ends with the frame.

    `cut`: the file ends inside the frame. `is_frame`: its first bytes are those of a frame.
    """

    def __init__(self, pieces: Iterator[bytes], *, is_frame: bool):
        self.is_frame = is_frame
        self._pieces = pieces
        self._left = b""
        self.cut = False
        self._read = 0

    def tell(self) -> int:
        return self._read

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            try:
                self._left = next(self._pieces, b"")
            except EOFError:
                self.cut = True
        size = len(self._left) if size < 0 else size
        data, self._left = self._left[:size], self._left[size:]
        self._read += len(data)
        return data


def is_zstd(head: bytes) -> bool:
    return head.startswith((ZSTD_MAGIC, *_SKIPPABLE))


def zstd_frames(packed: Packed) -> Iterator[tuple[int, Frame, Any]]:
    """Yield (file offset, frame, reader of its content) for each frame.

    A frame must be read completely before the next one is requested.
    """
    decompressor = zstandard.ZstdDecompressor()
    while head := packed.peek(4):
        start = packed.position
        if head in _SKIPPABLE:
            content = _skippable(packed)
            if head == _DICTIONARY and start == 0:
                data = b"".join(content)
                data = (
                    zstandard.ZstdDecompressor().decompress(data, max_output_size=64 << 20)
                    if data.startswith(ZSTD_MAGIC)
                    else data
                )
                decompressor = zstandard.ZstdDecompressor(
                    dict_data=zstandard.ZstdCompressionDict(data)
                )
            else:
                for _ in content:
                    pass
            continue
        frame = Frame(_zstd_pieces(packed), is_frame=head == ZSTD_MAGIC)
        yield start, frame, decompressor.stream_reader(cast(BinaryIO, frame))


def lz4_frames(
    packed: Packed, open_reader: Callable[[Any], Any]
) -> Iterator[tuple[int, Frame, Any]]:
    """Like `zstd_frames`; `open_reader` opens a reader for a frame's content."""
    while head := packed.peek(4):
        if head in _SKIPPABLE:
            for _ in _skippable(packed):
                pass
            continue
        start = packed.position
        frame = Frame(_lz4_pieces(packed), is_frame=head == LZ4_MAGIC)
        yield start, frame, open_reader(frame)


def _skippable(packed: Packed) -> Iterator[bytes]:
    packed.take(4)
    yield from packed.pieces(int.from_bytes(packed.take(4), "little"))


def _zstd_pieces(packed: Packed) -> Iterator[bytes]:
    head = packed.take(min(5, max(1, len(packed.peek(5)))))
    if not head.startswith(ZSTD_MAGIC) or len(head) < 5:
        # The decoder reports the error.
        yield head
        if ZSTD_MAGIC.startswith(head[:4]):
            raise EOFError
        return
    descriptor = head[4]
    single = descriptor >> 5 & 1
    content_size = (single, 2, 4, 8)[descriptor >> 6]
    yield head + packed.take(1 - single + (0, 1, 2, 4)[descriptor & 3] + content_size)
    last = False
    while not last:
        block = packed.take(3)
        yield block
        value = int.from_bytes(block, "little")
        last = bool(value & 1)
        yield from packed.pieces(1 if value >> 1 & 3 == 1 else value >> 3)
    if descriptor >> 2 & 1:
        yield packed.take(4)


def _lz4_pieces(packed: Packed) -> Iterator[bytes]:
    head = packed.take(min(6, max(1, len(packed.peek(6)))))
    if not head.startswith(LZ4_MAGIC) or len(head) < 6:
        yield head
        if LZ4_MAGIC.startswith(head[:4]):
            raise EOFError
        return
    flags = head[4]
    yield head + packed.take(1 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0))
    while True:
        block = packed.take(4)
        yield block
        size = int.from_bytes(block, "little") & 0x7FFFFFFF
        if not size:
            break
        yield from packed.pieces(size + (4 if flags & 16 else 0))
    if flags & 4:
        yield packed.take(4)
