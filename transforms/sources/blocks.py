"""Join blocks of text with the line ends between them and the markers of lists and quotations."""

from transforms.sources import markdown_text

_MAX_PREFIXES = 20


class Blocks:
    """Collects blocks of text.

    Each block is preceded by the requested number of line ends and by the prefixes of the lists and
    quotations it is in.
    """

    def __init__(self, *, markdown: bool):
        self._markdown = markdown
        self._out: list[str] = []
        self._gap = 0
        # [prefix of the first line, prefix of further lines, "" or "used"]
        self._prefixes: list[list[str]] = []
        self._depth = 0

    def gap(self, lines: int) -> None:
        """Start the next block at least `lines` line ends after the last one."""
        if lines > self._gap:
            self._gap = lines

    def push(self, first: str, rest: str) -> None:
        """Give the following lines a prefix: `first` for the first line, `rest` for the others.

        Prefixes nested deeper than 20 levels are ignored.
        """
        self._depth += 1
        if self._depth <= _MAX_PREFIXES:
            self._prefixes.append([first, rest, ""])

    def pop(self) -> None:
        if self._depth <= _MAX_PREFIXES:
            self._prefixes.pop()
        self._depth -= 1

    def paragraph(self, text: str, *, heading: int = 0) -> None:
        """Add a paragraph. Its line ends are line breaks; empty lines separate paragraphs."""
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
        """Add lines unchanged. `bare` omits prefixes, except an unused marker on the first line."""
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
            # In Markdown only list items follow one another without an empty line. Inside a
            # quotation the empty line has the quotation's prefix.
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
