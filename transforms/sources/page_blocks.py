"""A page's tree -> its blocks: runs of inline content that stand on lines of their own, as a reader sees them."""

from typing import NamedTuple

from transforms.sources.element_names import LINK_BIT, TAG_BITS, element_bits
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
    around: list[int]  # by node: the block-level element that holds it (itself, if it is one)
    kinds: list[int]  # by node: bits of tags of it and all elements around it
    names: list[int]  # by node: bits of names of it and all elements around it
    own_kinds: dict[int, int]  # of block-level elements
    own_names: dict[int, int]
    classes: dict[int, str]
    body_names: int  # bits of names of `html` and `body`, which are no part of `names`


def page_blocks(page: PageTree, seen: bytearray) -> Blocks:
    """The blocks of a page of n nodes; (n,) `seen` is 1 for the texts that may be in one: see `visible_texts`."""
    tags, parents, ends, data = page.tags, page.parents, page.ends, page.data
    count = len(tags)
    around = [0] * count
    kinds = [0] * count
    names = [0] * count
    own_kinds: dict[int, int] = {0: 0}
    own_names: dict[int, int] = {0: 0}
    classes: dict[int, str] = {0: ""}
    texts: list[str] = []
    first: list[int] = []
    holder: list[int] = []
    nodes: list[int] = []
    starts: list[int] = []
    pieces: list[str] = []
    current = -1  # the holder of the open block
    body_names = 0
    code_end = 0  # lines of code are one block, whatever elements they stand in
    for node, tag in enumerate(tags):
        above = parents[node]
        if tag == TEXT:
            if not seen[node]:
                continue
            text = data[node]
            over = around[above]
            if over != current:
                if pieces:
                    texts.append(" ".join("".join(pieces).split()))
                    pieces = []
                current = over
            if not pieces:
                if text.isspace():
                    continue
                first.append(node)
                holder.append(over)
                starts.append(len(nodes))
            pieces.append(text)
            nodes.append(node)
            kinds[node] = kinds[above]
            names[node] = names[above]
        elif tag in BLOCKS and node >= code_end:
            bits, named, label = element_bits(tag, data[node])
            around[node] = node
            own_kinds[node], own_names[node], classes[node] = bits, named, label
            if tag == "body" or tag == "html":
                body_names |= named
            else:
                kinds[node] = kinds[above] | bits
                names[node] = names[above] | named
            current = -1
            if pieces:
                texts.append(" ".join("".join(pieces).split()))
                pieces = []
            if tag == "pre":
                code_end = ends[node]
        else:
            around[node] = around[above]
            if tag == "a":
                kinds[node] = kinds[above] | LINK_BIT
                names[node] = names[above]
            elif data[node]:
                bits, named, _ = element_bits(tag, data[node])
                kinds[node] = kinds[above] | bits
                names[node] = names[above] | named
            else:
                kinds[node] = kinds[above] | TAG_BITS.get(tag, 0)
                names[node] = names[above]
            if (tag == "br" or tag in BLOCKS) and pieces:
                pieces.append("\n")
    if pieces:
        texts.append(" ".join("".join(pieces).split()))
    starts.append(len(nodes))
    return Blocks(texts, first, holder, nodes, starts, around, kinds, names, own_kinds, own_names, classes, body_names)
