"""Marks in wikitext during conversion: Unicode noncharacters, which do not occur in text.

An item (code, a formula, protected text) is replaced by a mark with its number, like the strip
markers of MediaWiki, so that no later step reads it as markup.
"""

import re
from typing import NamedTuple

ITEM, END, HOLE, LINK, LINK_END, BREAK, CODE, CODE_END = map(chr, range(0xFDD0, 0xFDD8))
CELL, HEADER_CELL, QUOTE, QUOTE_END, VERSE, JOIN, SUP, SUB = map(chr, range(0xFDD8, 0xFDE0))
SCRIPT_END, BLOCK, BLOCK_END, TABLE, TABLE_END, ROW, CAPTION = map(chr, range(0xFDE0, 0xFDE7))

ANY = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
ITEMS = re.compile(f"{ITEM}(\\d+){END}")


class Item(NamedTuple):
    """An item. `label`: a block's language.

    `kind`: text, code (inline), block (a code block), math, display (a display formula).
    """

    kind: str
    text: str
    label: str = ""


class Items(list[Item]):
    """The items of one page by number."""

    def put(self, item: Item) -> str:
        """Store an item -> the mark that stands for it."""
        self.append(item)
        return f"{ITEM}{len(self) - 1}{END}"


def plain(text: str) -> str:
    """Remove marks and items from a text."""
    return ANY.sub("", ITEMS.sub("", text))
