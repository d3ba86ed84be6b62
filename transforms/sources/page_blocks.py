"""A page's tree -> its blocks: runs of inline content that stand on lines of their own, as a reader sees them."""

from itertools import compress
from typing import NamedTuple

import numpy as np

from transforms.sources.element_names import TAG_BITS, attribute_bits
from transforms.sources.page_tree import BLOCKS, TEXT, PageTree


class Blocks(NamedTuple):
    """m blocks in document order, and what is known of n nodes.

    `texts`: their characters with white space collapsed. `first`: number of the first text node. `holder`: number of the block-level
    element around each. `nodes`: all text nodes with characters, in order; block b has `nodes[starts[b]:starts[b + 1]]`.
    """

    texts: list[str]
    first: list[int]
    holder: list[int]
    nodes: list[int]
    starts: list[int]
    around: list[
        int
    ]  # by node: the block-level element that holds it (itself, if it is one); -1 where no seen text is inside
    kinds: list[int]  # by node: bits of tags of it and all elements around it
    names: list[int]  # by node: bits of names of it and all elements around it
    own_kinds: dict[int, int]  # of block-level elements
    own_names: dict[int, int]
    classes: dict[int, str]


def page_blocks(page: PageTree, seen: bytearray) -> Blocks:
    """The blocks of a page of n nodes; (n,) `seen` is 1 for the texts that may be in one: see `visible_texts`.

    Only elements around seen texts are looked at. Lines of code in one `pre` are one block, whatever elements they stand in.
    """
    tags, data = page.tags, page.data
    elements = _Elements(page)
    around, kinds, names = elements.around, elements.kinds, elements.names
    begun = np.cumsum(
        np.fromiter(map(BLOCKS.__contains__, tags), np.int32, len(tags))
    ).tolist()  # block-level elements up to each node
    texts: list[str] = []
    first: list[int] = []
    holder: list[int] = []
    nodes: list[int] = []
    starts: list[int] = []
    pieces: list[str] = []
    last, code = -1, -1
    for node in compress(range(len(tags)), seen):
        if tags[node] == TEXT:
            above = page.parents[node]
            if around[above] < 0:
                elements.look_at(above)
            over = around[above]
            text = data[node]
            if pieces and (over != holder[-1] or (begun[node] != begun[last] and over != code)):
                texts.append(" ".join("".join(pieces).split()))
                pieces = []
            if pieces or not text.isspace():
                if not pieces:
                    first.append(node)
                    holder.append(over)
                    starts.append(len(nodes))
                    code = over if tags[over] == "pre" else -1
                elif node - last > 1 and ("br" in tags[last:node] or begun[node] != begun[last]):
                    pieces.append("\n")
                pieces.append(text)
                nodes.append(node)
                kinds[node] = kinds[above]
                names[node] = names[above]
                last = node
    if pieces:
        texts.append(" ".join("".join(pieces).split()))
    starts.append(len(nodes))
    classes = {node: label for node, (_, _, label) in elements.own.items()}
    own_kinds = {node: bits for node, (bits, _, _) in elements.own.items()}
    own_names = {node: bits for node, (_, bits, _) in elements.own.items()}
    return Blocks(
        texts, first, holder, nodes, starts, around, kinds, names, own_kinds, own_names, classes
    )


class _Elements:
    """What is known of the elements around texts, by node; each is looked at once, after those around it."""

    def __init__(self, page: PageTree):
        self._page = page
        count = len(page.tags)
        self.around = [-1] * count
        self.kinds = [0] * count
        self.names = [0] * count
        self.own: dict[int, tuple[int, int, str]] = {}
        self._known: dict[str, tuple[int, int, str]] = {}  # by attributes

    def look_at(self, node: int) -> None:
        """Fills in what is known of an element and of all around it that have not been looked at."""
        tags, parents, data = self._page.tags, self._page.parents, self._page.data
        around, kinds, names, known = self.around, self.kinds, self.names, self._known
        path = []
        while node >= 0 and around[node] < 0:
            path.append(node)
            node = parents[node]
        for node in reversed(path):
            tag, above, attributes = tags[node], parents[node], data[node]
            if tag == "a" or not attributes:
                bits, named, label = TAG_BITS.get(tag, 0), 0, ""
            else:
                if (found := known.get(attributes)) is None:
                    known[attributes] = found = attribute_bits(attributes)
                bits, named, label = found
                bits |= TAG_BITS.get(tag, 0)
            if above < 0:
                around[node] = node
                self.own[node] = bits, named, label
                continue
            if tag in BLOCKS and tags[around[above]] != "pre":
                around[node] = node
                self.own[node] = bits, named, label
            else:
                around[node] = around[above]
            if (
                tag != "body"
            ):  # what names of the whole page say holds for no block more than for another
                kinds[node] = kinds[above] | bits
                names[node] = names[above] | named
