"""The first bytes of a file, decompressed; the kinds of sources recognise their files by them."""

import functools
import re
from dataclasses import dataclass

_ROOT = re.compile(r"<(?:[\w.-]+:)?([a-z]+)\b", re.IGNORECASE)
_BEFORE_ROOT = re.compile(
    r"\s*(?:<\?.*?\?>|<!--.*?-->|<!doctype(?:[^>\[]|\[.*?\])*>|\s)*", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class FileHead:
    """The first bytes of a file: at most `transforms.sources.file_kinds.PEEK_BYTES`."""

    data: bytes

    @functools.cached_property
    def text(self) -> str:
        """The bytes as UTF-16 if they have its byte-order mark, otherwise as UTF-8."""
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return self.data.decode("utf-16", "replace")
        return self.data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")

    @functools.cached_property
    def prolog(self) -> str:
        """Everything before the root element of markup: white space, declarations, comments."""
        match = _BEFORE_ROOT.match(self.text)
        return match[0] if match else ""

    @functools.cached_property
    def root(self) -> str:
        """The local name of the root element of markup in lowercase; empty for other text."""
        match = _ROOT.match(self.text, len(self.prolog))
        return match[1].lower() if match else ""
