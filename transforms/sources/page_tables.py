"""Tables of a page: which hold data, in rows and columns, and which only place parts of the page side by side."""

import re

from transforms.sources.page_tree import TEXT, PageTree

_BLOCKS_OF_LAYOUT = frozenset(
    str.split(
        """
    table ul ol dl pre h1 h2 h3 h4 h5 h6 form blockquote article section nav header footer main figure hr fieldset menu address
    aside
    """
    )
)
_MANY_PARTS = 3
_LONG_CELL = 1_500  # characters
_SPAN = re.compile(r"\scolspan=\"(\d{1,3})\"")


def data_tables(page: PageTree, node: int) -> set[int]:
    """A table's node -> those of it and the tables inside whose cells are single pieces of text. Takes one pass over all of them.

    A table is layout where a cell holds lists, headings, code, another table, two paragraphs or more, three parts on lines of
    their own, or more than 1,500 characters; and where no row has two cells.
    """
    tags, ends, data = page.tags, page.ends, page.data
    found: set[int] = set()
    open_tables: list[
        list[int]
    ] = []  # node, end, is layout, most cells in a row, cells in this row, parts in this cell, characters in it
    each, end = node, ends[node]
    while each < end:
        while open_tables and open_tables[-1][1] <= each:
            _close(open_tables, found)
        tag = tags[each]
        table = open_tables[-1] if open_tables else None
        if tag == TEXT:
            if table:
                table[6] += len(data[each])
                if table[6] > _LONG_CELL:
                    table[2] = 1
        elif tag == "table":
            if table:
                table[2] = 1
            open_tables.append([each, ends[each], 'role="presentation"' in data[each], 0, 0, 0, 0])
        elif table:
            if tag == "tr":
                table[4] = 0
            elif tag in ("td", "th"):
                table[4] += 1
                table[3] = max(table[3], table[4])
                table[5] = table[6] = 0
            elif tag in _BLOCKS_OF_LAYOUT:
                table[2] = 1
            elif tag in ("p", "div", "br"):
                table[5] += 2 if tag == "p" else 1
                if table[5] > _MANY_PARTS:
                    table[2] = 1
        each += 1
    while open_tables:
        _close(open_tables, found)
    return found


def _close(open_tables: list[list[int]], found: set[int]) -> None:
    node, _, is_layout, width, *_ = open_tables.pop()
    if not is_layout and width >= 2:
        found.add(node)


def columns(attributes: str) -> int:
    """How many columns a cell takes, 20 at most."""
    spans = _SPAN.search(attributes) if "colspan" in attributes else None
    return min(max(int(spans[1]), 1), 20) if spans else 1
