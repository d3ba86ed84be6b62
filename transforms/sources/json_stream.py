"""Read JSON values that are not one per line: elements of an array, or consecutive objects."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_BLOCK = 1 << 16
# Maximum number of characters of one value.
_LARGEST = 64 << 20
_EXCERPT = 1000
# A truncated value fails at its end, or before it by at most the length of a literal or escape.
_NEAR_END = 16
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
# The result of `surrogateescape` for a byte that cannot be decoded.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Number of digits of the longest integer that Python parses.
_DIGITS = 4300

_DECODER = json.JSONDecoder()
_LONG_INTEGERS = json.JSONDecoder(
    parse_int=lambda digits: int(digits) if len(digits) < _DIGITS else digits
)


class Broken(ValueError):
    """A value that is not JSON; the message says why."""


def decode_value(text: str, position: int) -> tuple[Any, int]:
    """Parse the JSON value at a position -> (value, end).

    An integer of 4,300 digits or more is returned as a string. Raises json.JSONDecodeError, or
    RecursionError for a value that is nested too deep.
    """
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _LONG_INTEGERS.raw_decode(text, position)


def read_values(stream: BinaryIO, head: bytes) -> Iterator[tuple[int, Any, str]]:
    """Yield (byte offset, value or Broken, excerpt) for each value of a stream.

    `head` is the part of the stream that was already read. The elements of a top-level array are
    values of their own. After an invalid value reading continues at the next line that begins like
    the line of the first value, if values begin on their own lines; otherwise the rest of the
    stream is one Broken.
    """
    buffer = _Buffer(stream, head)
    in_array = False
    while character := buffer.next_character():
        if character == "[" and not in_array:
            in_array = True
            buffer.skip(1)
        elif in_array and character in ",]":
            in_array = character == ","
            buffer.skip(1)
        else:
            offset = buffer.offset
            try:
                yield (offset, *buffer.take_value())
            except Broken as error:
                excerpt = buffer.excerpt()
                continues = buffer.skip_to_similar_line()
                yield (
                    offset,
                    error if continues else Broken(f"{error}; what follows is not read"),
                    excerpt,
                )
                if not continues:
                    return
    if in_array:
        yield buffer.offset, Broken("the file ends inside an array"), ""


class _Buffer:
    """A window of a stream's text. `offset`: number of bytes before the position."""

    def __init__(self, stream: BinaryIO, head: bytes):
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = self._decoder.decode(head)
        self._position = 0
        self._ended = False
        self._indent: str | None = None
        self.offset = 0

    def next_character(self) -> str:
        """Skip white space and return the next character; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._position)
            assert match is not None
            self.skip(match.end() - self._position)
            if self._position < len(self._text) or not self._read_more():
                return self._text[self._position : self._position + 1]

    def skip(self, characters: int) -> None:
        skipped = self._text[self._position : self._position + characters]
        self.offset += (
            len(skipped) if skipped.isascii() else len(skipped.encode("utf-8", "surrogateescape"))
        )
        self._position += characters

    def excerpt(self) -> str:
        return _NOT_UTF8.sub("\ufffd", self._text[self._position : self._position + _EXCERPT])

    def take_value(self) -> tuple[Any, str]:
        """Take the value at the position -> (value, excerpt). Raises Broken and does not move."""
        if self._indent is None:
            line = self._text[: self._position].rpartition("\n")[2]
            self._indent = line if not line.strip(" \t") else ""
        while True:
            try:
                value, end = decode_value(self._text, self._position)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _NEAR_END or error.msg.startswith(
                    "Unterminated string"
                )
                if cut and len(self._text) - self._position < _LARGEST and self._read_more():
                    continue
                at_end = error.pos >= len(self._text.rstrip()) or error.msg.startswith(
                    "Unterminated string"
                )
                what = (
                    "the file ends inside a value"
                    if at_end
                    else f"{error.msg}, {error.pos - self._position} characters on"
                )
                raise Broken(what) from error
            except RecursionError as error:
                raise Broken(f"RecursionError: {error}") from error
            excerpt = self.excerpt()
            if _NOT_UTF8.search(self._text, self._position, end):
                raise Broken("the value is not UTF-8")
            self.skip(end - self._position)
            return value, excerpt

    def skip_to_similar_line(self) -> bool:
        """Move to the next line with an object indented like the first value; False if none."""
        start = f"{self._indent}{{"
        while True:
            end = self._text.find("\n", self._position)
            if end < 0:
                self.skip(len(self._text) - self._position)
                if not self._read_more():
                    return False
                continue
            self.skip(end + 1 - self._position)
            while len(self._text) - self._position < len(start) and self._read_more():
                pass
            if self._text.startswith(start, self._position):
                return True

    def _read_more(self) -> bool:
        """Read at least as much as is waiting; False at the end of the stream."""
        if self._ended:
            return False
        if self._position > _BLOCK:
            self._text, self._position = self._text[self._position :], 0
        data = self._stream.read(max(_BLOCK, len(self._text) - self._position))
        self._ended = not data
        self._text += self._decoder.decode(data, final=not data)
        return True
