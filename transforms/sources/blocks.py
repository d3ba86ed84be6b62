"""Blocks of text one after another: the lines between them, and the markers of lists and quotations before them."""

from transforms.sources import markdown_text

_MAX_PREFIXES = 20


class Blocks:
    """Collects blocks. Before each stand as many line ends as asked for, and the prefixes of the lists and quotations it is in."""

    def __init__(self, *, markdown: bool):
        self._markdown = markdown
        self._out: list[str] = []
        self._gap = 0
        self._prefixes: list[
            list[str]
        ] = []  # what the first line has, what the others have, "" or "used"
        self._depth = 0

    def gap(self, lines: int) -> None:
        """The next block begins `lines` line ends after the last."""
        if lines > self._gap:
            self._gap = lines

    def push(self, first: str, rest: str) -> None:
        """Lines from here on have a prefix: the first `first`, all others `rest`. Past a depth of 20 they have none."""
        self._depth += 1
        if self._depth <= _MAX_PREFIXES:
            self._prefixes.append([first, rest, ""])

    def pop(self) -> None:
        if self._depth <= _MAX_PREFIXES:
            self._prefixes.pop()
        self._depth -= 1

    def paragraph(self, text: str, *, heading: int = 0) -> None:
        """Text whose lines are breaks of the page, with empty lines between paragraphs."""
        if not text:
            return
        if not self._markdown:
            self.block(text)
            return
        if heading:
            line = " ".join(text.split("\n"))
            line = f"{line[:-1]}\\#" if line.endswith("#") else line
            self.block(f"{'#' * heading} {line}")
            return
        paragraphs = text.split("\n\n")
        self.block(
            "\n\n".join(
                "\\\n".join(map(markdown_text.escape_line, each.split("\n"))) for each in paragraphs
            )
        )

    def block(self, text: str, *, bare: bool = False) -> None:
        """Lines as they are. `bare`: without prefixes, but for a marker that is due on the first."""
        first, rest, shared, due = "", "", "", False
        for prefix in self._prefixes:
            if prefix[2]:
                first += prefix[1]
                shared = rest + prefix[1]
            else:
                first += prefix[0]
                due = due or prefix[0] != prefix[1]
                prefix[2] = "used"
            rest += prefix[1]
        if self._out:
            # In Markdown only items follow one another without an empty line, which inside a quotation is none.
            gap = self._gap if due or not self._markdown else 2
            self._out.append(
                f"\n{shared.rstrip()}\n" if gap >= 2 and self._markdown else "\n" * max(gap, 1)
            )
        self._gap = 0
        if bare:
            first, rest = first if due else "", ""
        self._out.append(first)
        if rest and "\n" in text:
            empty = rest.rstrip()
            head, *lines = text.split("\n")
            text = "\n".join([head, *[rest + line if line else empty for line in lines]])
        self._out.append(text)

    def text(self) -> str:
        return "".join(self._out)
