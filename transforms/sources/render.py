"""The kept texts of a page -> plain text or Markdown, with the structure around them: blocks, lists, tables, code, formulas."""

import re
from collections.abc import Callable
from typing import Literal

from transforms.sources import markdown_text
from transforms.sources.blocks import Blocks
from transforms.sources.edit_marks import without_edit_marks
from transforms.sources.formulas import Formula, formula_at
from transforms.sources.lists import OpenList, open_list
from transforms.sources.page_tables import columns, data_tables
from transforms.sources.page_tree import BLOCKS, TEXT, PageTree
from transforms.sources.paragraph import Paragraph
from transforms.sources.preformatted import code_language, preformatted
from transforms.sources.visible import visible_texts

Output = Literal["text", "markdown"]

_EMPTY_LINE = frozenset(
    str.split(
        """
    p h1 h2 h3 h4 h5 h6 ul ol dl menu dir table pre listing blockquote hr figure
    """
    )
)
"""Blocks with an empty line before and after them; the others only begin a line."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_PRE = frozenset(("pre", "listing"))
_SCRIPTS = frozenset(("sup", "sub"))
_STRONG = frozenset(("b", "strong"))
_EMPHASIS = frozenset(("i", "em"))
_CODE = frozenset(("code", "tt", "kbd", "samp"))
_FORMULAS = frozenset(("math", "script", "img", "mjx-container"))
_FORMULA_HINTS = ("ath", "katex", "frac", "tion", "atex")
_LARGE = 300  # nodes of one element, such as a formula
_LONGEST = 2_000  # characters of an element's attributes that are looked at for others inside it
_APART = frozenset(("img", "input", "select", "textarea", "button", "video", "audio", "object", "canvas", "iframe"))
_STYLE = re.compile(
    r"""\sstyle="[^"]*(?:display\s*:\s*(?P<display>[\w-]+)|vertical-align\s*:\s*(?P<align>super|sub)\b|white-space\s*:\s*(?P<pre>pre\b(?!-line)))"""
)
_SCRIPT_CLASS = re.compile(r"""\sclass="(?:[^"]*\s)?(?:(?P<sup>superscript|sup)|(?P<sub>subscript|sub))(?:\s[^"]*)?\"""")
_FORMULA_CLASS = re.compile(r"""\sclass="(?:[^"]*\s)?(?:math|texhtml|mathit|equation|mwe-math-element|ltx_Math)(?:\s[^"]*)?\"""")
_REFERENCE = re.compile(
    r"""\s(?:class|id|role|epub:type|rel)="[^"]*(?:reference|footnote|fnref|noteref|cite_ref|citation|endnote|ftnref|xref)"""
)
_NOTE_ADDRESS = re.compile(r"""\shref="(?:\#|[^"]*\#[^"]{0,40}(?:cite|note|fn|ref|bib|foot|ftn|[Cc]\d))""")
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


def render(page: PageTree, *, keep: bytearray | None = None, root: int = 0, output: Output = "text", links: bool = False) -> str:
    """A page's kept texts, in order, as text or as GitHub-flavoured Markdown.

    Args:
        page: n nodes.
        keep: (n,) bytes, 1 for a text that stays (and for an image whose `alt` is a formula): `visible_texts(page)`, or less of
            it. None for all of it.
        root: the node whose inside is rendered.
        output: `markdown` has headings, lists, tables, code, quotations, emphasis and `$formulas$`.
        links: whether Markdown has the addresses of links, not only their text.

    Returns:
        Blocks on lines of their own, without white space at the ends. Structure stands only around kept text. Takes O(n) steps.
    """
    if not page.tags:
        return ""
    return _Renderer(page, visible_texts(page, root) if keep is None else keep, output == "markdown", links).run(root)


class _Renderer:
    """One walk over the nodes in order. `_closing` holds what is to be done when an element that is open ends."""

    def __init__(self, page: PageTree, keep: bytearray, markdown: bool, links: bool):
        self._page = page
        self._keep = keep
        self._markdown = markdown
        self._links = links and markdown
        self._blocks = Blocks(markdown=markdown)
        self._line = Paragraph(markdown=markdown, links=self._links)
        self._closing: list[tuple[int, Callable[..., None], tuple]] = []
        self._lists: list[OpenList] = []
        self._tables: list[tuple[int, list[list[str]]] | None] = []  # a data table's node and rows; None for layout
        self._known_tables: set[int] = set()
        self._tables_end = -1
        self._in_cell = False
        self._heading = 0
        self._formula_depth = 0
        self._searched_end = -1
        language = (page.attribute(0, "lang") or "")[:2].lower() if page.tags[0] == "html" else ""
        self._quotes = _QUOTES.get(language, _QUOTES[""])
        self._open_quotes = 0

    def run(self, root: int) -> str:
        page, keep, line, closing = self._page, self._keep, self._line, self._closing
        tags, ends, data = page.tags, page.ends, page.data
        needed = self._needed(root)
        node, end = root, ends[root]
        while node < end:
            while closing and closing[-1][0] <= node:
                _, act, arguments = closing.pop()
                act(*arguments)
            tag = tags[node]
            if tag == TEXT:
                if keep[node]:
                    line.add(data[node])
                node += 1
            elif not needed[node]:
                self._pass_over(node, tag)
                node = ends[node]
            elif tag in BLOCKS:
                node = self._open_block(node, tag)
            else:
                node = self._open_inline(node, tag, data[node])
        while closing:
            _, act, arguments = closing.pop()
            act(*arguments)
        self._flush()
        return self._blocks.text().strip("\n") if self._markdown else self._blocks.text().strip()

    def _needed(self, root: int) -> bytearray:
        """1 for each kept node and all elements around it."""
        keep, parents = self._keep, self._page.parents
        needed = bytearray(keep)
        end = self._page.ends[root]
        node = keep.find(1, root, end)
        while node >= 0:
            parent = parents[node]
            while parent >= root and not needed[parent]:
                needed[parent] = 1
                parent = parents[parent]
            node = keep.find(1, node + 1, end)
        return needed

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
        self._flush()
        self._blocks.gap(lines)

    def _pass_over(self, node: int, tag: str) -> None:
        """What an element shows in which nothing is kept."""
        if tag == "br":
            self._line.break_line()
        elif tag in _APART:
            self._line.space()
        elif tag == "li":
            self._gap(1)
            if self._lists and self._lists[-1].node == self._page.parents[node]:
                self._lists[-1].count(self._page.attribute(node, "value"))
        elif tag in ("td", "th"):
            if self._tables and (table := self._tables[-1]) and table[1]:
                table[1][-1].extend([""] * columns(self._page.data[node]))
            else:
                self._gap(1)
        elif tag in BLOCKS:
            self._gap(2 if tag == "hr" else 1)
        elif self._page.ends[node] - node <= 8 and "br" in self._page.tags[node : self._page.ends[node]]:
            self._line.break_line()

    def _open_block(self, node: int, tag: str) -> int:
        data, end = self._page.data[node], self._page.ends[node]
        if "display" in data and tag in ("div", "p", "li") and (style := _STYLE.search(data)) and style["display"] == "inline":
            return node + 1
        if ("ath" in data or "katex" in data) and (formula := self._formula(node)):
            self._add_formula(formula.tex, True)
            return formula.end
        if tag in _PRE or ("white-space" in data and (style := _STYLE.search(data)) and style["pre"] and not self._in_cell):
            return self._preformatted(node)
        if tag == "table":
            return self._open_table(node)
        if self._tables and self._tables[-1]:
            if tag == "tr":
                self._tables[-1][1].append([])
                return node + 1
            if tag in ("td", "th"):
                self._line.take()
                self._in_cell = True
                self._closing.append((end, self._close_cell, (columns(data),)))
                return node + 1
            if tag in ("thead", "tbody", "tfoot"):
                return node + 1
            if tag == "caption":
                self._closing.append((end, self._close_caption, ()))
                return node + 1
        gap = 2 if tag in _EMPTY_LINE else 1
        if tag in _LISTS:
            return self._open_list(node, tag)
        self._gap(gap)
        if tag == "li" and not self._in_cell:
            self._open_item(node)
        elif tag in _HEADINGS:
            self._closing.append((end, self._close_heading, (self._heading, gap)))
            self._heading = _HEADINGS[tag]
        elif tag == "blockquote" and not self._in_cell:
            self._push("> " if self._markdown else "", "> " if self._markdown else "")
            self._closing.append((end, self._pop, (gap,)))
        else:
            self._closing.append((end, self._gap, (gap,)))
        return node + 1

    def _formula(self, node: int) -> Formula | None:
        """The formula that an element is. Of large elements inside one another only the outermost is looked through."""
        if not self._is_worth_a_look(node):
            return None
        return formula_at(self._page, node)

    def _is_worth_a_look(self, node: int) -> bool:
        if (end := self._page.ends[node]) - node > _LARGE:
            if node < self._searched_end:
                return False
            self._searched_end = end
        return True

    def _push(self, first: str, rest: str) -> None:
        self._blocks.push(first, rest)

    def _pop(self, gap: int) -> None:
        self._gap(gap)
        self._blocks.pop()

    def _close_heading(self, before: int, gap: int) -> None:
        self._gap(gap)
        self._heading = before

    def _open_list(self, node: int, tag: str) -> int:
        is_inside = bool(self._lists)
        opened = open_list(self._page, node, tag)
        gap = 1 if is_inside and not (self._markdown and opened.ordered and opened.next != 1) else 2
        self._gap(gap)
        self._lists.append(opened)
        self._closing.append((self._page.ends[node], self._close_list, (1 if is_inside else 2,)))
        return node + 1

    def _close_list(self, gap: int) -> None:
        self._gap(gap)
        self._lists.pop()

    def _open_item(self, node: int) -> None:
        is_listed = bool(self._lists) and self._lists[-1].node == self._page.parents[node]
        label = self._lists[-1].label(self._page.attribute(node, "value"), markdown=self._markdown) if is_listed else ""
        first = f"{label} " if label else "- " if self._markdown else "• "
        self._push(first, " " * len(first) if self._markdown or label else "  ")
        self._closing.append((self._page.ends[node], self._pop, (1,)))

    def _preformatted(self, node: int) -> int:
        end = self._page.ends[node]
        text = preformatted(self._page, node, self._keep)
        if text and self._in_cell:
            self._line.space()
            self._line.add(" ".join(text.split()))
            self._line.space()
            return end
        self._gap(2)
        if text:
            if self._markdown:
                self._blocks.block(markdown_text.code_block(text, code_language(self._page, node)))
            else:
                self._blocks.block(text, bare=True)
        self._blocks.gap(2)
        return end

    def _open_table(self, node: int) -> int:
        end = self._page.ends[node]
        if node >= self._tables_end:
            self._known_tables, self._tables_end = data_tables(self._page, node), end
        self._gap(2)
        is_data = node in self._known_tables and not self._in_cell
        self._tables.append((node, []) if is_data else None)
        self._closing.append((end, self._close_table, ()))
        return node + 1

    def _close_cell(self, span: int) -> None:
        self._in_cell = False
        text = markdown_text.cell(self._line.take()) if self._markdown else " ".join(self._line.take().split())
        table = self._tables[-1]
        if table is not None:
            if not table[1]:
                table[1].append([])
            table[1][-1].extend([text, *[""] * (span - 1)])

    def _close_caption(self) -> None:
        self._flush()
        self._blocks.gap(1)

    def _close_table(self) -> None:
        table = self._tables.pop()
        if table is None:
            self._gap(2)
            return
        self._line.take()
        rows = [row for row in table[1] if any(row)]
        if not rows:
            return
        cells, width = sum(map(len, rows)), max(map(len, rows))
        if self._markdown and len(rows) > 1 and width > 1 and width * len(rows) <= 4 * cells + _LARGE:
            self._blocks.gap(2)
            self._blocks.block(markdown_text.table(rows))
        else:
            for row in rows:
                shown = [text for text in row if text]
                if self._markdown:
                    self._blocks.paragraph("\n".join(text.replace("\\|", "|") for text in shown))
                else:
                    self._blocks.block("\t".join(shown))
                self._blocks.gap(1)
        self._blocks.gap(2)

    def _open_inline(self, node: int, tag: str, data: str) -> int:
        if (tag in _FORMULAS or (data and any(hint in data for hint in _FORMULA_HINTS))) and (formula := self._formula(node)):
            if formula.tex.startswith("\0"):
                self._line.add(formula.tex[1:])
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
                style = _STYLE.search(data)
                if style and style["align"]:
                    return self._open_script(node, is_raised=style["align"] == "super")
                if style and style["display"] in ("block", "flex", "grid", "list-item", "table"):
                    self._gap(1)
                    self._closing.append((end, self._gap, (1,)))
                elif style and style["pre"] and not self._in_cell and end - node <= _LARGE and "\n" in self._page.text(node):
                    return self._preformatted(node)
            if ("sup" in data or "sub" in data) and (found := _SCRIPT_CLASS.search(data)):
                return self._open_script(node, is_raised=found["sup"] is not None)
            if _FORMULA_CLASS.search(data):
                self._formula_depth += 1
                self._closing.append((end, self._close_formula, ()))
        if tag == "q":
            inside = self._page.data[node + 1] if node + 1 < end and self._page.tags[node + 1] == TEXT else ""
            if inside.lstrip()[:1] not in (*_QUOTE_SIGNS,):
                at = 2 * (self._open_quotes % 2)
                self._line.add(self._quotes[at])
                self._open_quotes += 1
                self._closing.append((end, self._close_quote, (self._quotes[at + 1],)))
        elif tag == "button":
            self._line.space()
            self._closing.append((end, self._line.space, ()))
        elif self._markdown:
            self._open_markup(node, tag, end)
        return node + 1

    def _open_markup(self, node: int, tag: str, end: int) -> None:
        """Emphasis, code and links of Markdown."""
        line = self._line
        if tag in _STRONG or tag in _EMPHASIS:
            signs = markdown_text.STRONG if tag in _STRONG else markdown_text.EMPHASIS
            line.mark(signs[0])
            self._closing.append((end, line.mark, (signs[1],)))
        elif tag in _CODE:
            self._closing.append((end, self._close_code, (len(line.pieces), tag)))
        elif tag == "a" and self._links and (address := self._page.attribute(node, "href")):
            self._closing.append((end, self._close_link, (len(line.pieces), address)))

    def _close_code(self, start: int, tag: str) -> None:
        self._wrap(start, lambda text: markdown_text.code_span(markdown_text.unescape_marks(text)))

    def _close_link(self, start: int, address: str) -> None:
        self._wrap(start, lambda text: markdown_text.link(text, address))

    def _wrap(self, start: int, form: Callable[[str], str]) -> None:
        pieces = self._line.pieces
        if start >= len(pieces) or "`" in pieces[-1][:1]:
            return
        text = "".join(pieces[start:])
        if "\n" in text:
            return
        pieces[start:] = [form(text)]

    def _open_script(self, node: int, *, is_raised: bool) -> int:
        start = self._line.open_script()
        if start is not None:
            end = self._page.ends[node]
            self._closing.append((end, self._close_script, (start, is_raised, self._text_after(end), self._is_reference(node))))
        return node + 1

    def _text_after(self, node: int) -> str:
        """The text that goes on at a node, as far as a raised or lowered piece must know it; past another such piece."""
        tags, ends = self._page.tags, self._page.ends
        for _ in range(4):
            if node >= len(tags) or tags[node] in BLOCKS or tags[node] == "br":
                break
            if tags[node] == TEXT:
                return self._page.data[node][:80] if self._keep[node] else ""
            node = ends[node] if tags[node] in _SCRIPTS else node + 1
        return ""

    def _close_script(self, start: int, is_raised: bool, after: str, linked: bool) -> None:
        self._line.close_script(start, is_raised=is_raised, after=after, linked=linked, formula=self._formula_depth > 0)

    def _is_reference(self, node: int) -> bool:
        """Whether a raised piece is a link to a note: by its own name, a link right inside it or right around it."""
        page = self._page
        for each in (node, page.parents[node], *range(node + 1, min(node + 4, page.ends[node]))):
            tag, attributes = page.tags[each], page.data[each][:_LONGEST]
            if tag != TEXT and ((each >= node and _REFERENCE.search(attributes)) or (tag == "a" and _NOTE_ADDRESS.search(attributes))):
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
            self._line.add_formula(tex, markdown_text.formula(tex, display=False) if self._markdown else tex)
