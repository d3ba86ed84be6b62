"""The content of an archive that is gzip, zstd, lz4 or plain, as one stream that knows where its members begin and where it broke.

A barrier is a place in the content that no record reaches across: a gzip member that begins as a record does, the place of damage, or
the end. Whoever reads says when to go on behind one.
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
_ENOUGH_TO_TELL = 16  # bytes of a member's content that show whether a record begins there


class Block(NamedTuple):
    """Content, and where in the file the member lies that begins with it; or the `stop` behind all content before it."""

    data: bytes = b""
    member: int | None = None
    stop: str = ""
    detail: str = ""


class Barrier(NamedTuple):
    """`position` in the content. `kind`: "member" (a record begins behind it), "damage" (`detail`, in the member at `offset`), "cut" (the

    file ends inside a member or frame), "bound" (the next range begins behind it) or "end".
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
        """Whether a record is known to begin behind it."""
        return self.kind in ("member", "bound")


class Content:
    """Bytes of an archive's content from the member at `start` on; with `end` up to the member that `find_member` finds there.

    `position` is that of the next byte in the content. What breaks a zstd or lz4 file, or the reading, is raised.
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
        self._loaded = position  # content position behind the buffer

    def offset(self, position: int) -> int:
        """Where in the file the member begins that holds a byte of the content, or the byte itself of a plain file.

        Positions must not go back behind the last one that was asked for.
        """
        while len(self._members) > 1 and self._members[1][0] <= position:
            self._members.popleft()
        first, offset = self._members[0]
        return offset + position - first if self.packing == "plain" else offset

    def is_start_of_member(self, position: int) -> bool:
        """Whether a member's content begins at the position that `offset` was asked for last."""
        return self.packing != "plain" and self._members[0][0] == position

    def barrier(self) -> Barrier | None:
        """The next barrier that is known: at or behind `position`."""
        return self._barriers[0] if self._barriers else None

    def pass_barrier(self) -> None:
        """Lets reading go on behind the barrier at `position`."""
        self._barriers.popleft()

    def peek(self, size: int, *, after: int = 0) -> bytes:
        """The next bytes, or those after some; fewer only before a barrier."""
        have = self.available(after + size)
        return self._buffer[self._at + after : self._at + have]

    def find(self, pattern: re.Pattern[bytes], size: int) -> int | None:
        """Where among the next `size` bytes a pattern is found first."""
        match = pattern.search(self._buffer, self._at, self._at + self.available(size))
        return None if match is None else match.start() - self._at

    def skip(self, size: int) -> None:
        """Goes on behind bytes that are known to be available."""
        self._at += size
        self.position += size

    def take(self, size: int) -> bytes:
        """As `peek`, and goes on behind them."""
        data = self.peek(size)
        self.skip(len(data))
        return data

    def mark(self, position: int) -> tuple[int, int, int]:
        """What `go_back` needs to come to a position of the content that was taken since the last `offset`."""
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
        """Reads again from a marked position. False for a stream that cannot seek."""
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
        """How many of the next `size` bytes there are before a barrier; they are held then."""
        have = len(self._buffer) - self._at
        if have < size:
            have = self._load(have, size)
        if self._barriers:
            have = min(have, self._barriers[0].position - self.position)
        return min(size, have)

    def _load(self, have: int, size: int) -> int:
        parts = []
        size += have // 8  # so that a large buffer is not copied for each block
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
        yield from _joined(offset, functools.partial(reader.read, _BLOCK))
        while frame.read(_BLOCK):
            pass
        if frame.cut:
            yield Block(stop="cut")
            return


def _joined(offset: int, read: Callable[[], bytes]) -> Iterator[Block]:
    """A member's content in blocks, of which the first is long enough to tell what begins there."""
    first = b""
    while len(first) < _ENOUGH_TO_TELL and (data := read()):
        first += data
    if first:
        yield Block(first, member=offset)
    while data := read():
        yield Block(data)


def _gzip_blocks(stream: BinaryIO, packed: Packed, end: int | None) -> Iterator[Block]:
    """The members of a gzip file; behind damage and junk those from the next on that is whole and begins as a record does."""
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
                    f"an archive inside the record at byte {last} looks like this file's own members",
                    where=str(getattr(stream, "name", None) or f"byte {following}"),
                    remedy="set `split = false` for this source",
                )
        last = offset
        fault = None
        if GZIP_MAGIC.startswith(head):
            inflate = _Inflate(packed)
            yield from _joined(offset, inflate.read)
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
    """Passes over bytes of zero, with which some writers fill up a file; False if there are none."""
    skipped = False
    while (data := packed.read(_BLOCK)) and not data.strip(b"\0"):
        skipped = True
    rest = data.lstrip(b"\0")
    packed.unread(rest)
    return skipped or len(rest) < len(data)


class _Inflate:
    """Reads one gzip member. `cut`: the file ends inside it; `fault`: what zlib says of it."""

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
