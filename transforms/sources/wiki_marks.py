"""Marks that stand in wikitext while it is read: Unicode noncharacters, which no text may hold.

An item (code, a formula, protected text) is taken out of the text and a mark with its number stands in its place, as MediaWiki's
strip markers do, so that no later step reads it as markup.
"""

import re
from typing import NamedTuple

ITEM, END, HOLE, LINK, LINK_END, BREAK, CODE, CODE_END = map(chr, range(0xFDD0, 0xFDD8))
CELL, HEADER_CELL, QUOTE, QUOTE_END, VERSE, JOIN, SUP, SUB = map(chr, range(0xFDD8, 0xFDE0))
SCRIPT_END, BLOCK, BLOCK_END, TABLE, TABLE_END, ROW, CAPTION = map(chr, range(0xFDE0, 0xFDE7))

ANY = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
ITEMS = re.compile(f"{ITEM}(\\d+){END}")


class Item(NamedTuple):
    """`kind`: text, code (inline), block (a code block), math, display (a formula of its own). `label`: a block's language."""

    kind: str
    text: str
    label: str = ""


class Items(list[Item]):
    """The items of one page by number."""

    def put(self, item: Item) -> str:
        """Stores an item; returns the mark that stands for it."""
        self.append(item)
        return f"{ITEM}{len(self) - 1}{END}"


def plain(text: str) -> str:
    """Text without marks; what items hold is not shown."""
    return ANY.sub("", ITEMS.sub("", text))
