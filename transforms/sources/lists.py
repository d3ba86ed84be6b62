"""Lists of a page: the number or bullet of each item."""

from dataclasses import dataclass

from transforms.sources.page_tree import PageTree

_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
# CommonMark reads at most this many digits.
_MOST_DIGITS = 9


@dataclass
class OpenList:
    """An open list; `next` is the number of its next item, `kind` one of `1aAiI`."""

    node: int
    ordered: bool
    next: int = 1
    step: int = 1
    kind: str = "1"
    items: int = 0

    def count(self, value: str | None) -> int:
        """The number of the next item; `value` is the number the item states, if any."""
        if value is not None and (stated := _integer(value)) is not None:
            self.next = stated
        self.items += 1
        number = self.next
        self.next += self.step
        return number

    def indent(self, *, markdown: bool) -> str:
        """Blanks as wide as the marker of the last item."""
        return " " * (len(f"{self.next - self.step}. ") if self.ordered else 2)

    def label(self, value: str | None, *, markdown: bool) -> str:
        """The marker of the next item: `•`, `3.`, `c.`, `iii.`; in Markdown `-` or `3.`."""
        number = self.count(value)
        if not self.ordered:
            return "-" if markdown else "•"
        if markdown:
            return f"{number}." if number >= 0 and len(str(number)) <= _MOST_DIGITS else "-"
        if self.kind in "aA" and number > 0:
            text = _letters(number)
        elif self.kind in "iI" and 0 < number < 4000:
            text = _roman(number)
        else:
            return f"{number}."
        return f"{text.upper() if self.kind in 'AI' else text}."


def open_list(page: PageTree, node: int, tag: str) -> OpenList:
    """Open the list that begins at a node, with its `start`, `reversed` and `type`."""
    if tag != "ol":
        return OpenList(node, False)
    attributes = page.attributes(node) if page.data[node] else {}
    backwards = "reversed" in attributes
    start = _integer(attributes.get("start"))
    if start is None:
        start = (
            sum(1 for child in page.children(node) if page.tags[child] == "li") if backwards else 1
        )
    kind = attributes.get("type", "1")
    return OpenList(
        node, True, start, -1 if backwards else 1, kind if kind in ("a", "A", "i", "I") else "1"
    )


def _integer(value: str | None) -> int | None:
    text = (value or "").strip()
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text
