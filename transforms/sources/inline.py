"""What stands inside paragraphs: formulas, raised and lowered text, quotations; in Markdown also emphasis, code and links."""

import re
from collections.abc import Callable

from transforms.sources import markdown_text
from transforms.sources.blocks import Blocks
from transforms.sources.edit_marks import without_edit_marks
from transforms.sources.exponents import FRACTION
from transforms.sources.formulas import Formula, formula_at
from transforms.sources.page_tree import BLOCKS, TEXT, PageTree
from transforms.sources.paragraph import Paragraph

LARGE = 300  # nodes of one element, such as a formula
STYLE = re.compile(
    r"""\sstyle="[^"]*(?:display\s*:\s*(?P<display>[\w-]+)|vertical-align\s*:\s*(?P<align>super|sub)\b|white-space\s*:\s*(?:(?P<pre>pre(?![\w-]))|(?P<lines>pre-(?:wrap|line)|break-spaces)))"""
)
_SCRIPTS = frozenset(("sup", "sub"))
_STRONG = frozenset(("b", "strong"))
_EMPHASIS = frozenset(("i", "em"))
_CODE = frozenset(("code", "tt", "kbd", "samp"))
_FORMULAS = frozenset(("math", "script", "img", "mjx-container", "math-renderer"))
_FORMULA_HINTS = (
    "ath",
    "katex",
    "frac",
    "tion",
    "atex",
    "ormula",
    "tex2jax",
    "tex-",
    'tex"',
    "tex ",
)
_STACK_TAGS = frozenset((TEXT, "br", "sup", "sub", "span", "i", "b", "var", "small"))
_MOST_STACKED, _LONGEST_STACKED = 12, 20  # nodes, characters
_MOST_PARENTS = 50
_LONGEST = 2_000  # characters of an element's attributes that are looked at for others inside it
_SCRIPT_CLASS = re.compile(
    r"""\sclass="(?:[^"]*\s)?(?:(?P<sup>superscript|sup)|(?P<sub>subscript|sub))(?:\s[^"]*)?\""""
)
_FORMULA_CLASS = re.compile(
    r"""\sclass="(?:[^"]*\s)?(?:math|texhtml|mathit|equation|mwe-math-element|ltx_Math)(?:\s[^"]*)?\""""
)
_REFERENCE = re.compile(
    r"""\s(?:class|id|role|epub:type|rel)="[^"]*(?:reference|footnote|fnref|noteref|cite_ref|citation|endnote|ftnref|xref)"""
)
_NOTE_ADDRESS = re.compile(
    r"""\shref="(?:\#|[^"]*\#[^"]{0,40}(?:cite|note|fn|ref|bib|foot|ftn|[Cc]\d))"""
)
_QUOTES = {
    "de": "„“‚‘",
    "fr": "«»“”",
    "it": "«»“”",
    "es": "«»“”",
    "ru": "«»„“",
    "pl": "„”«»",
    "ja": "「」『』",
    "cs": "„“‚‘",
    "sv": "””’’",
    "": "“”‘’",
}
_QUOTE_SIGNS = '"“”„«»‘’‚‹›「『'


class InlineRenderer:
    """The paragraph that is read. `_closing` holds what is to be done when an element that is open ends."""

    def __init__(self, page: PageTree, keep: bytearray, *, markdown: bool, links: bool):
        self._page = page
        self._keep = keep
        self._markdown = markdown
        self._links = links and markdown
        self._blocks = Blocks(markdown=markdown)
        self._line = Paragraph(markdown=markdown, links=self._links)
        self._closing: list[tuple[int, Callable[..., None], tuple]] = []
        self._in_cell = False
        self._heading = 0
        self._formula_depth = 0
        self._searched_end = -1
        self._open_codes = 0
        self._open_quotes = 0

    def preformatted(self, node: int) -> int:
        """Renders an element whose white space counts; returns the node after it."""
        raise NotImplementedError

    def _flush(self) -> None:
        text = self._line.take()
        if not text:
            return
        if self._heading:
            text = without_edit_marks(text)
        self._blocks.paragraph(text, heading=self._heading)

    def _gap(self, lines: int) -> None:
        """Ends the paragraph; in a data table's cell, only the word."""
        if self._in_cell:
            self._line.space()
            return
        if self._line.pieces:  # four times in five there are none
            self._flush()
        self._blocks.gap(lines)

    def _formula(self, node: int) -> Formula | None:
        """The formula that an element is. Of large elements inside one another only the outermost is looked through."""
        if not self._is_worth_a_look(node):
            return None
        return formula_at(self._page, node)

    def _is_worth_a_look(self, node: int) -> bool:
        if (end := self._page.ends[node]) - node > LARGE:
            if node < self._searched_end:
                return False
            self._searched_end = end
        return True

    def _open_inline(self, node: int, tag: str, data: str) -> int:
        if (
            tag in _FORMULAS
            or (data and tag != "a" and any(hint in data for hint in _FORMULA_HINTS))
        ) and (formula := self._formula(node)):
            if formula.tex.startswith("\0"):
                self._line.part_numbers()
                self._line.add(formula.tex[1:])
                self._line.part_numbers()
            else:
                self._add_formula(formula.tex, formula.display)
            return formula.end
        if tag == "img":
            self._line.space()
            return node + 1
        end = self._page.ends[node]
        if tag in _SCRIPTS:
            return self._open_script(node, is_raised=tag == "sup")
        if data and tag in ("span", "small", "font", "code", "a", "em", "i"):
            if "display" in data or "vertical-align" in data or "white-space" in data:
                if (
                    "inline-block" in data
                    and "vertical-align" in data
                    and (parts := self._stacked(node))
                ):
                    self._add_stacked(node, parts)
                    return end
                style = STYLE.search(data)
                if style and style["align"]:
                    return self._open_script(node, is_raised=style["align"] == "super")
                if style and style["display"] in ("block", "flex", "grid", "list-item", "table"):
                    self._gap(1)
                    self._closing.append((end, self._gap, (1,)))
                elif (
                    style
                    and style["pre"]
                    and not self._in_cell
                    and end - node <= LARGE
                    and "\n" in self._page.text(node)
                ):
                    return self.preformatted(node)
                elif style and style["lines"]:
                    self._keep_lines(end)
            if ("sup" in data or "sub" in data) and (match := _SCRIPT_CLASS.search(data)):
                return self._open_script(node, is_raised=match["sup"] is not None)
            if ("ath" in data or "texhtml" in data or "equation" in data) and _FORMULA_CLASS.search(
                data
            ):
                self._formula_depth += 1
                self._closing.append((end, self._close_formula, ()))
        if tag == "q":
            inside = next(
                (
                    self._page.data[each]
                    for each in range(node + 1, min(end, node + 6))
                    if self._page.tags[each] == TEXT
                ),
                "",
            )
            if inside.lstrip()[:1] not in (*_QUOTE_SIGNS,):
                at = 2 * (self._open_quotes % 2)
                quotes = self._quotes_at(node)
                self._line.add(quotes[at])
                self._open_quotes += 1
                self._closing.append((end, self._close_quote, (quotes[at + 1],)))
        elif tag == "button":
            self._line.space()
            self._closing.append((end, self._line.space, ()))
        elif self._markdown:
            self._open_markup(node, tag, end)
        return node + 1

    def _stacked(self, node: int) -> list[str]:
        """The upper and the lower text of an element in which one index stands over another (`<br>` between them); empty for others."""
        page, keep = self._page, self._keep
        end = page.ends[node]
        if (
            end - node > _MOST_STACKED
            or page.tags[node:end].count("br") != 1
            or not _STACK_TAGS.issuperset(page.tags[node + 1 : end])
        ):
            return []
        at = page.tags.index("br", node, end)
        parts = [
            "".join(
                page.data[each] for each in part if page.tags[each] == TEXT and keep[each]
            ).strip()
            for part in (range(node, at), range(at, end))
        ]
        return parts if all(0 < len(part) <= _LONGEST_STACKED for part in parts) else []

    def _add_stacked(self, node: int, parts: list[str]) -> None:
        """An upper and a lower text in one place: `+0.05` over `-0.04`, a nuclide's numbers, a charge over a count of atoms."""
        line, page = self._line, self._page
        after = self._text_after(page.ends[node])
        upper, lower = parts
        counts_atoms = lower.isdigit() and not after[:1].isalnum() and not upper.isdigit()
        for text, is_raised in (
            ((lower, False), (upper, True)) if counts_atoms else ((upper, True), (lower, False))
        ):
            if line.open_script():
                line.add(text)
                line.close_script(
                    is_raised=is_raised,
                    after=after,
                    linked=False,
                    formula=is_raised or not counts_atoms,
                )

    def _quotes_at(self, node: int) -> str:
        """The quotation marks of the language at a node: two of the outer quotation, two of those inside."""
        page = self._page
        for _ in range(_MOST_PARENTS):
            if "lang=" in page.data[node] and (
                language := page.attribute(node, "lang") or page.attribute(node, "xml:lang")
            ):
                return _QUOTES.get(language[:2].lower(), _QUOTES[""])
            node = page.parents[node]
            if node < 0:
                return _QUOTES[""]
        return self._quotes_at(0)

    def _keep_lines(self, end: int) -> None:
        """Line ends of the source are line breaks as far as `end`."""
        self._line.keep_lines += 1
        self._closing.append((end, self._end_lines, ()))

    def _end_lines(self) -> None:
        self._line.keep_lines -= 1

    def _open_markup(self, node: int, tag: str, end: int) -> None:
        """Emphasis, code and links of Markdown."""
        line = self._line
        if tag in _STRONG or tag in _EMPHASIS:
            signs = markdown_text.STRONG if tag in _STRONG else markdown_text.EMPHASIS
            line.mark(signs[0])
            self._closing.append((end, line.mark, (signs[1],)))
        elif tag in _CODE:
            if not self._open_codes:
                self._closing.append((end, self._close_code, (len(line.pieces),)))
            self._open_codes += 1
            self._closing.append((end, self._leave_code, ()))
        elif tag == "a" and self._links and (address := self._page.attribute(node, "href")):
            self._closing.append((end, self._close_link, (len(line.pieces), address)))

    def _leave_code(self) -> None:
        self._open_codes -= 1

    def _close_code(self, start: int) -> None:
        ahead = reversed(self._line.pieces[:start])
        if next(
            (piece for piece in ahead if not markdown_text.MARKS.fullmatch(piece)), ""
        ).endswith("`"):
            return  # two pieces of code side by side would be read as one with a fence of two
        self._wrap(start, lambda text: markdown_text.code_span(markdown_text.unescape_marks(text)))

    def _close_link(self, start: int, address: str) -> None:
        self._wrap(start, lambda text: markdown_text.link(text, address))

    def _wrap(self, start: int, form: Callable[[str], str]) -> None:
        pieces = self._line.pieces
        if start >= len(pieces):
            return
        text = "".join(pieces[start:])
        if "\n" in text:
            return
        pieces[start:] = [form(text)]

    def _open_script(self, node: int, *, is_raised: bool) -> int:
        end = self._page.ends[node]
        if self._line.open_script():
            self._closing.append(
                (
                    end,
                    self._close_script,
                    (is_raised, self._text_after(end), self._is_reference(node)),
                )
            )
        else:
            self._line.part_numbers()
            self._closing.append((end, self._line.part_numbers, ()))
        return node + 1

    def _text_after(self, node: int) -> str:
        """The text that goes on at a node, as far as a raised or lowered piece must know it; past another such piece."""
        tags, ends = self._page.tags, self._page.ends
        for _ in range(4):
            if node >= len(tags) or tags[node] in BLOCKS or tags[node] == "br":
                break
            if tags[node] == TEXT:
                text = self._page.data[node][:80] if self._keep[node] else ""
                if (
                    text.strip() in ("/", "⁄")
                    and node + 1 < len(tags)
                    and tags[node + 1] not in BLOCKS
                ):  # what a fraction goes on with
                    return (
                        text.rstrip()
                        + (FRACTION if tags[node + 1] == "sub" else "")
                        + self._page.text(node + 1)[:40]
                    )
                return text
            node = ends[node] if tags[node] in _SCRIPTS else node + 1
        return ""

    def _close_script(self, is_raised: bool, after: str, linked: bool) -> None:
        self._line.close_script(
            is_raised=is_raised, after=after, linked=linked, formula=self._formula_depth > 0
        )

    def _is_reference(self, node: int) -> bool:
        """Whether a raised piece is a link to a note: by its own name, a link right inside it or right around it."""
        page = self._page
        for each in (node, page.parents[node], *range(node + 1, min(node + 4, page.ends[node]))):
            tag, attributes = page.tags[each], page.data[each][:_LONGEST]
            if tag == "xref" or (
                tag != TEXT
                and (
                    (each >= node and _REFERENCE.search(attributes))
                    or (tag == "a" and _NOTE_ADDRESS.search(attributes))
                )
            ):
                return True
        return False

    def _close_formula(self) -> None:
        self._formula_depth -= 1

    def _close_quote(self, sign: str) -> None:
        self._open_quotes -= 1
        self._line.add(sign)

    def _add_formula(self, tex: str, display: bool) -> None:
        if not tex:
            return
        if display and not self._in_cell and not self._heading:
            self._gap(1)
            self._blocks.block(markdown_text.formula(tex, display=True) if self._markdown else tex)
            self._blocks.gap(1)
        else:
            self._line.add_formula(
                tex, markdown_text.formula(tex, display=False) if self._markdown else tex
            )
