"""The content of a gzip, zstd, lz4 or plain archive as one stream with member offsets and damage.

A barrier is a position in the content that no record spans: a gzip member that begins with a
record, a damaged place, or the end. The caller decides when to continue behind it.
"""

import functools
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from fastwarc.stream_io import Lz4Reader

from transforms.errors import UserError
from transforms.sources.frames import LZ4_MAGIC, Packed, is_zstd, lz4_frames, zstd_frames
from transforms.sources.members import GZIP_MAGIC, find_member, next_member

RECORD = b"WARC/"
_BLOCK = 1 << 16
# Bytes of a member's content that show whether a record begins there.
_SNIFFED_BYTES = 16


class Block(NamedTuple):
    """A piece of content, or the `stop` that follows all content before it.

    `member` is the file offset of the gzip member or frame that begins with this piece.
    """

    data: bytes = b""
    member: int | None = None
    stop: str = ""
    detail: str = ""


class Barrier(NamedTuple):
    """A position in the content that no record spans.

    Kinds: "member" (a record begins behind it), "damage" (`detail` describes it, `offset` is that
    of the member), "cut" (the file ends inside a member or frame), "bound" (the next range begins
    behind it), "end".
    """

    position: int
    kind: str
    detail: str = ""
    offset: int | None = None

    @property
    def is_end(self) -> bool:
        return self.kind in ("cut", "bound", "end")

    @property
    def is_followed(self) -> bool:
        """Whether a record begins behind it."""
        return self.kind in ("member", "bound")


class Content:
    """The content of an archive from the member at `start` on.

    With `end`, it stops at the member that `find_member` finds there. `position` is the content
    position of the next byte. Errors of a zstd or lz4 file, and of reading, are raised.
    """

    def __init__(self, stream: BinaryIO, *, start: int = 0, end: int | None = None):
        self._stream = stream
        self._end = end
        self.ends_at: int | None = None
        self._open(start, 0)

    def _open(self, offset: int, position: int) -> None:
        packed = Packed(self._stream, offset)
        head = packed.peek(4)
        self._blocks: Iterator[Block]
        self.packing = "plain"
        if head and GZIP_MAGIC.startswith(head[:3]):
            self.packing, self._blocks = "gzip", _gzip_blocks(self._stream, packed, self._end)
        elif is_zstd(head):
            self.packing, self._blocks = "zstd", _frame_blocks(zstd_frames(packed))
        elif head == LZ4_MAGIC:
            self.packing, self._blocks = "lz4", _frame_blocks(lz4_frames(packed, Lz4Reader))
        else:
            self._blocks = _plain_blocks(packed)
        self._buffer, self._at = b"", 0
        self.position = position
        self._members = deque([(position, offset)])
        self._barriers: deque[Barrier] = deque()
        # Content position behind the buffer.
        self._loaded = position

    def offset(self, position: int) -> int:
        """The file offset of the member that holds a content position; of the byte in a plain file.

        Positions must not decrease from call to call.
        """
        while len(self._members) > 1 and self._members[1][0] <= position:
            self._members.popleft()
        first, offset = self._members[0]
        return offset + position - first if self.packing == "plain" else offset

    def is_start_of_member(self, position: int) -> bool:
        """Whether a member begins at this position, the one last passed to `offset`."""
        return self.packing != "plain" and self._members[0][0] == position

    def barrier(self) -> Barrier | None:
        """The next known barrier at or behind `position`."""
        return self._barriers[0] if self._barriers else None

    def pass_barrier(self) -> None:
        """Continue behind the barrier at `position`."""
        self._barriers.popleft()

    def peek(self, size: int, *, after: int = 0) -> bytes:
        """The next `size` bytes behind the next `after` ones; fewer only before a barrier."""
        have = self.available(after + size)
        return self._buffer[self._at + after : self._at + have]

    def find(self, pattern: re.Pattern[bytes], size: int) -> int | None:
        """The distance to the first match of a pattern in the next `size` bytes, or None."""
        match = pattern.search(self._buffer, self._at, self._at + self.available(size))
        return None if match is None else match.start() - self._at

    def skip(self, size: int) -> None:
        """Advance by `size` bytes, which must be available."""
        self._at += size
        self.position += size

    def take(self, size: int) -> bytes:
        """Like `peek`, and advances by the bytes returned."""
        data = self.peek(size)
        self.skip(len(data))
        return data

    def mark(self, position: int) -> tuple[int, int, int]:
        """A mark for `go_back`, of a position taken since the last call of `offset`."""
        first, offset = next(
            (member for member in reversed(self._members) if member[0] <= position),
            self._members[0],
        )
        return (
            (position, offset + position - first, position)
            if self.packing == "plain"
            else (position, offset, first)
        )

    def go_back(self, mark: tuple[int, int, int]) -> bool:
        """Return to a marked position. False if the stream cannot seek."""
        position, offset, first = mark
        try:
            self._stream.seek(offset)
        except (AttributeError, io.UnsupportedOperation):
            return False
        self._open(offset, first)
        while self.position < position:
            if not self.take(min(position - self.position, _BLOCK)):
                if (barrier := self.barrier()) is None or barrier.is_end:
                    break
                self.pass_barrier()
        return True

    def available(self, size: int) -> int:
        """The number of bytes, at most `size`, before the next barrier; loads them."""
        have = len(self._buffer) - self._at
        if have < size:
            have = self._load(have, size)
        if self._barriers:
            have = min(have, self._barriers[0].position - self.position)
        return min(size, have)

    def _load(self, have: int, size: int) -> int:
        parts = []
        # Load more than requested, so that a large buffer is not copied for each block.
        size += have // 8
        while have < size and not (
            self._barriers and self._barriers[0].position <= self.position + have
        ):
            block = next(self._blocks, None) or Block(stop="end")
            if block.stop:
                self._barriers.append(Barrier(self._loaded, block.stop, block.detail, block.member))
                self.ends_at = self._loaded if block.stop != "damage" else None
                continue
            if block.member is not None:
                self._members.append((self._loaded, block.member))
                if block.data.startswith(RECORD) and self._loaded > self.position:
                    self._barriers.append(Barrier(self._loaded, "member"))
            parts.append(block.data)
            have += len(block.data)
            self._loaded += len(block.data)
        if parts:
            self._buffer = b"".join([self._buffer[self._at :], *parts])
            self._at = 0
        return have


def _plain_blocks(packed: Packed) -> Iterator[Block]:
    while data := packed.read(_BLOCK):
        yield Block(data)


def _frame_blocks(frames: Iterator[tuple[int, Any, Any]]) -> Iterator[Block]:
    for offset, frame, reader in frames:
        yield from _member_blocks(offset, functools.partial(reader.read, _BLOCK))
        while frame.read(_BLOCK):
            pass
        if frame.cut:
            yield Block(stop="cut")
            return


def _member_blocks(offset: int, read: Callable[[], bytes]) -> Iterator[Block]:
    """A member's content in blocks; the first is long enough to show whether a record begins."""
    first = b""
    while len(first) < _SNIFFED_BYTES and (data := read()):
        first += data
    if first:
        yield Block(first, member=offset)
    while data := read():
        yield Block(data)


def _gzip_blocks(stream: BinaryIO, packed: Packed, end: int | None) -> Iterator[Block]:
    """The content of the members of a gzip file.

    Behind damage or junk reading continues at the next whole member that begins with a record.
    """
    sought, following, last = False, None, packed.position
    while head := packed.peek(len(GZIP_MAGIC)):
        offset = packed.position
        if end is not None and offset >= end:
            if not sought:
                here = stream.tell()
                following, sought = find_member(stream, end), True
                stream.seek(here)
            if following is not None and offset >= following:
                if offset == following:
                    yield Block(stop="bound")
                    return
                raise UserError(
                    f"an archive inside the record at byte {last} "
                    "looks like this file's own members",
                    where=str(getattr(stream, "name", None) or f"byte {following}"),
                    remedy="set `split = false` for this source",
                )
        last = offset
        fault = None
        if GZIP_MAGIC.startswith(head):
            inflate = _Inflate(packed)
            yield from _member_blocks(offset, inflate.read)
            if inflate.cut:
                yield Block(stop="cut")
                return
            fault = inflate.fault and f"a damaged gzip member: {inflate.fault}"
        elif not _skip_padding(packed):
            fault = "bytes that are no gzip member"
        if fault:
            yield Block(member=offset, stop="damage", detail=fault)
            member = next_member(stream, offset + 1, RECORD)
            if member is None:
                return
            packed.seek(member)


def _skip_padding(packed: Packed) -> bool:
    """Skip zero bytes, which some writers use as padding. False if there are none."""
    skipped = False
    while (data := packed.read(_BLOCK)) and not data.strip(b"\0"):
        skipped = True
    rest = data.lstrip(b"\0")
    packed.unread(rest)
    return skipped or len(rest) < len(data)


class _Inflate:
    """Reads one gzip member. `cut`: the file ends inside it. `fault`: the message of zlib."""

    def __init__(self, packed: Packed):
        self._packed = packed
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._tail = b""
        self.cut = False
        self.fault = ""

    def read(self) -> bytes:
        while not (self._member.eof or self.cut or self.fault):
            packed = self._tail or self._packed.read(_BLOCK)
            if not packed:
                self.cut = True
                break
            try:
                data = self._member.decompress(packed, _BLOCK)
            except zlib.error as error:
                self.fault = str(error)
                break
            self._tail = self._member.unconsumed_tail
            if self._member.eof:
                self._packed.unread(self._member.unused_data)
            if data:
                return data
        return b""
