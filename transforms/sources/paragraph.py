"""One paragraph while it is read: pieces of text with white space collapsed as CSS does, and what raised and lowered text becomes."""

import re

from transforms.sources import markdown_text
from transforms.sources.exponents import Around, lowered, raised

_WHITE = re.compile("[ \t\n\r\f\v\u00a0]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_AROUND_BREAKS = re.compile(r" *\n *")
_BREAKS = re.compile(r"\n{2,}")
_CONTEXT = 80
_MAX_SCRIPTS = 4


class Paragraph:
    """Pieces of one line or paragraph. A `\\n` among them is a line break of the page."""

    def __init__(self, *, markdown: bool, links: bool):
        self._markdown = markdown
        self._links = links
        self.pieces: list[str] = []
        self.keep_lines = (
            0  # how many elements are open in which line ends of the source are line breaks
        )
        self._blank = True  # the last sign is a blank, or there is none
        self._scripts: list[int] = []  # where the raised and lowered pieces that are open begin
        self._script_end = -1
        self._apart = False  # the last piece is no text of the page and ends a number: a digit after it is another number's

    def add(self, text: str) -> None:
        """Adds a text node."""
        if self.keep_lines and "\n" in text:
            first, *lines = text.split("\n")
            self._add_line(first)
            for line in lines:
                self.break_line()
                self._add_line(line)
        else:
            self._add_line(text)

    def _add_line(self, text: str) -> None:
        if not text.isascii() and (
            "\u00ad" in text or "\u200b" in text or "\ufeff" in text or "\u2060" in text
        ):
            text = _INVISIBLE.sub("", text)
        if (
            "\n" in text
            or "  " in text
            or "\t" in text
            or "\u00a0" in text
            or "\r" in text
            or "\f" in text
        ):
            text = _WHITE.sub(" ", text)
        if self._blank and text[:1] == " ":
            text = text[1:]
        if text:
            if self._apart:
                self._keep_apart(text[0])
            self._blank = text[-1] == " "
            self.pieces.append(
                markdown_text.escape(text, links=self._links) if self._markdown else text
            )

    def add_formula(self, tex: str, piece: str) -> None:
        """Adds TeX in its final form, so that no digit of it joins a number beside it."""
        if not self._blank and self.pieces:
            self._apart = self.pieces[-1][-1:].isdigit()
            self._keep_apart(tex[0])
        if self._markdown and self.pieces and self.pieces[-1].endswith("$"):
            self.pieces.append(" ")
        self.pieces.append(piece)
        self._blank = False
        self._apart = piece[-1].isdigit()

    def _keep_apart(self, following: str) -> None:
        if self._apart and following.isdigit():
            self.pieces.append(" ")
        self._apart = False

    def mark(self, sign: str) -> None:
        """Adds a sign for the beginning or end of emphasis, which is no text."""
        self.pieces.append(sign)

    def space(self) -> None:
        """A blank, unless there is one."""
        if not self._blank:
            self.pieces.append(" ")
            self._blank = True

    def break_line(self) -> None:
        self.pieces.append("\n")
        self._blank = True

    def take(self) -> str:
        """The paragraph so far, its lines stripped; two line breaks or more become an empty line. It is empty then."""
        if not self.pieces:
            return ""
        text = "".join(self.pieces)
        self.pieces = []
        self._scripts = [-1] * len(self._scripts)
        self._blank = True
        self._script_end = -1
        self._apart = False
        if self._markdown:
            text = markdown_text.resolve_emphasis(text)
        text = text.strip()
        if "\n" in text:
            text = _BREAKS.sub("\n\n", _AROUND_BREAKS.sub("\n", text))
        return text

    def context(self, end: int) -> str:
        """The last signs before a piece, without Markdown; inside a raised or lowered piece, those of this piece."""
        size, first, least = 0, end, max(self._scripts[-1], 0) if self._scripts else 0
        while first > least and size < _CONTEXT:
            first -= 1
            size += len(self.pieces[first])
        text = "".join(self.pieces[first:end])[-2 * _CONTEXT :]
        return markdown_text.unescape_marks(text) if self._markdown else text

    def open_script(self) -> bool:
        """Begins a raised or lowered piece; False for one inside too many others, which is read as plain text."""
        if len(self._scripts) >= _MAX_SCRIPTS:
            return False
        self._scripts.append(len(self.pieces))
        self.part_numbers()
        return True

    def part_numbers(self) -> None:
        """A digit that follows belongs to another number than one before it."""
        self._apart = bool(self.pieces) and self.pieces[-1][-1:].isdigit()

    def close_script(self, *, is_raised: bool, after: str, linked: bool, formula: bool) -> None:
        """Puts what a raised or lowered piece means in the place of what was added since it was opened."""
        start = self._scripts.pop()
        if start < 0:  # a block inside it has ended the paragraph
            self.part_numbers()
            return
        content = "".join(self.pieces[start:])
        if self._markdown:
            content = markdown_text.unescape_marks(content)
        before = self.context(start)
        around = Around(
            before,
            after,
            joined=self._script_end == start and start > 0,
            linked=linked,
            formula=formula,
        )
        text = raised(content, around) if is_raised else lowered(content, around)
        marks = [
            piece
            for piece in self.pieces[start:]
            if self._markdown and markdown_text.MARKS.fullmatch(piece)
        ]
        del self.pieces[start:]
        self._blank = before[-1:] in ("", " ", "\n")
        if text[:1] == "\b":
            text = text[1:]
            while self.pieces and not (last := self.pieces.pop().rstrip(" ")):
                pass
            self.pieces.append(last)
            start = len(self.pieces)
        elif self._blank:
            text = text.lstrip(" ")
        elif before[-1] == "⁄" and not is_raised and self.pieces[-1].endswith("⁄"):
            self.pieces[-1] = self.pieces[-1][:-1] + "/"
        if text:
            if text[0].isdigit() and self.pieces and self.pieces[-1][-1:].isdigit():
                text = f" {text}"
            if self._markdown:
                safe = text[0] == "_" and before[-1:].isalnum() and text[1:].isalnum()
                text = text if safe else markdown_text.escape(text, links=self._links)
            self.pieces.append(text)
            self._blank = text[-1] == " "
            if text[0] in "^_" or text[-1].isdigit():
                self._script_end = len(self.pieces)
        self._apart = (text or before)[-1:].isdigit()
        self.pieces.extend(marks)
