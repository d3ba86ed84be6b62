"""The kept texts of a page -> plain text or Markdown, with the structure around them: blocks, lists, tables, code, formulas."""

from typing import Literal

from transforms.sources import markdown_text
from transforms.sources.inline import LARGE, STYLE, InlineRenderer
from transforms.sources.lists import OpenList, open_list
from transforms.sources.page_tables import columns, data_tables
from transforms.sources.page_tree import BLOCKS, TEXT, PageTree
from transforms.sources.preformatted import code_language, is_code_table, preformatted
from transforms.sources.visible import HIDDEN, visible_texts

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
_EDITORS = (
    "CodeMirror-code",
    "cm-content",
    "view-lines",
    "ace_text-layer",
)  # classes of what holds the lines of a code editor
_UNSEEN = frozenset(
    ("template", "script", "style", "noscript", "datalist", "rt", "rp", "rtc", "head", "title")
)
_APART = frozenset(
    ("img", "input", "select", "textarea", "button", "video", "audio", "object", "canvas", "iframe")
)


def render(
    page: PageTree,
    *,
    keep: bytearray | None = None,
    root: int = 0,
    output: Output = "text",
    links: bool = False,
) -> str:
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
    return _Renderer(
        page, visible_texts(page, root) if keep is None else keep, output == "markdown", links
    ).run(root)


class _Renderer(InlineRenderer):
    """One walk over the nodes in order: the blocks."""

    def __init__(self, page: PageTree, keep: bytearray, markdown: bool, links: bool):
        super().__init__(page, keep, markdown=markdown, links=links)
        self._lists: list[OpenList] = []
        self._tables: list[
            tuple[int, list[list[str]]] | None
        ] = []  # a data table's node and rows; None for layout
        self._known_tables: set[int] = set()
        self._tables_end = -1

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
        return self._blocks.text().rstrip().lstrip("\n")

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

    def _pass_over(self, node: int, tag: str) -> None:
        """What an element shows in which nothing is kept."""
        data = self._page.data[node]
        if tag == "br":
            self._line.break_line()
        elif tag in _UNSEEN or (("hidden" in data or "none" in data) and HIDDEN.search(data)):
            return
        elif tag in _APART:
            self._line.space()
        elif tag == "li":
            self._gap(1)
            if self._lists and self._lists[-1].node == self._page.parents[node]:
                self._lists[-1].count(self._page.attribute(node, "value"))
        elif tag in ("td", "th"):
            if self._tables and (table := self._tables[-1]) and table[1]:
                table[1][-1].extend([""] * columns(data))
            else:
                self._gap(1)
        elif tag in BLOCKS:
            self._gap(2 if tag == "hr" else 1)
        elif self._page.ends[node] - node > 1:
            inside = self._page.tags[node : self._page.ends[node]]
            if not BLOCKS.isdisjoint(inside):
                self._gap(1)
            elif "br" in inside:
                self._line.break_line()
            elif not _APART.isdisjoint(inside):
                self._line.space()

    def _open_block(self, node: int, tag: str) -> int:
        data, end = self._page.data[node], self._page.ends[node]
        if (
            "display" in data
            and tag in ("div", "p", "li")
            and (style := STYLE.search(data))
            and style["display"] == "inline"
        ):
            return node + 1
        if ("ath" in data or "katex" in data) and (formula := self._formula(node)):
            self._add_formula(formula.tex, True)
            return formula.end
        if tag in _PRE or (
            tag == "div"
            and ("-l" in data or "-c" in data)
            and any(name in data for name in _EDITORS)
            and end - node > 2
            and not self._in_cell
        ):
            return self.preformatted(node)
        if "white-space" in data and not self._in_cell and (style := STYLE.search(data)):
            if style["pre"] and end - node <= LARGE:
                return self.preformatted(node)
            if style["lines"]:
                self._keep_lines(end)
        if tag == "table":
            if "highlight" in data and is_code_table(self._page, node) and not self._in_cell:
                return self.preformatted(node)
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
        if (
            is_inside
            and self._lists[-1].items
            and self._lists[-1].node == self._page.parents[node]
            and not self._in_cell
        ):
            # A list among the items of another, as older editors write it, is inside the item before it.
            indent = self._lists[-1].indent(markdown=self._markdown)
            self._push(indent, indent)
            self._closing.append((self._page.ends[node], self._pop, (1,)))
        self._lists.append(opened)
        self._closing.append((self._page.ends[node], self._close_list, (1 if is_inside else 2,)))
        return node + 1

    def _close_list(self, gap: int) -> None:
        self._gap(gap)
        self._lists.pop()

    def _open_item(self, node: int) -> None:
        is_listed = bool(self._lists) and self._lists[-1].node == self._page.parents[node]
        label = (
            self._lists[-1].label(self._page.attribute(node, "value"), markdown=self._markdown)
            if is_listed
            else ""
        )
        first = f"{label} " if label else "- " if self._markdown else "• "
        self._push(first, " " * len(first) if self._markdown or label else "  ")
        self._closing.append((self._page.ends[node], self._pop, (1,)))

    def preformatted(self, node: int) -> int:
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
        text = (
            markdown_text.cell(self._line.take())
            if self._markdown
            else " ".join(self._line.take().split())
        )
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
        if (
            self._markdown
            and len(rows) > 1
            and width > 1
            and width * len(rows) <= 4 * cells + LARGE
        ):
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
