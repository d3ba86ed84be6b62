"""A page's tree -> its blocks: runs of inline content that stand on lines of their own, as a reader sees them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from transforms.sources.element_names import TAG_BITS, attribute_bits
from transforms.sources.page_tree import BLOCKS, IS_BLOCK, TAG_NUMBERS, TEXT, PageTree


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
    tags = page.tags
    is_text = page.numbers == TAG_NUMBERS[TEXT]
    is_seen = is_text & (np.frombuffer(seen, np.uint8) == 1)
    seen_before = np.concatenate(([0], np.cumsum(is_seen)))
    around, kinds, names, own_kinds, own_names, classes = _look_at(
        page, np.flatnonzero(~is_text & (seen_before[page.ends_array] > seen_before[:-1])).tolist()
    )

    numbers = np.flatnonzero(is_seen)
    above = [page.parents[node] for node in numbers.tolist()]
    data = [page.data[node] for node in numbers.tolist()]
    blank = np.fromiter(map(str.isspace, data), bool, len(data))
    over = np.array([around[node] for node in above], np.intp)
    begun = np.cumsum(IS_BLOCK[page.numbers], dtype=np.int32)[
        numbers
    ]  # block-level elements up to each text
    is_code = np.zeros(len(tags), bool)
    is_code[[node for node in own_kinds if tags[node] == "pre"]] = True
    # A text goes on with the block of the last text before it that is not blank where both stand in the same block-level element, and, but
    # in code, no other begins between them. A blank one that goes on with none is in no block.
    last = np.maximum.accumulate(np.where(blank, -1, np.arange(len(blank))))
    before = np.append(-1, last)[:-1]
    goes_on = (before >= 0) & (over == over[before]) & ((begun == begun[before]) | is_code[over])
    taken = np.flatnonzero(goes_on | ~blank)
    goes_on, over, begun, node_numbers = goes_on[taken], over[taken], begun[taken], numbers[taken]
    begins = np.flatnonzero(~goes_on)
    nodes, starts = node_numbers.tolist(), [*begins.tolist(), len(taken)]

    pieces = [data[number] for number in taken.tolist()]
    is_new_line = begun[1:] != begun[:-1]
    for number in np.flatnonzero(goes_on[1:] & (np.diff(node_numbers) > 1)).tolist():
        if is_new_line[number] or "br" in tags[nodes[number] : nodes[number + 1]]:
            pieces[number + 1] = f"\n{pieces[number + 1]}"
    texts = [" ".join("".join(pieces[start:stop]).split()) for start, stop in pairwise(starts)]
    for node, number in zip(nodes, taken.tolist(), strict=True):
        kinds[node], names[node] = kinds[above[number]], names[above[number]]
    first, holder = node_numbers[begins].tolist(), over[begins].tolist()
    return Blocks(
        texts, first, holder, nodes, starts, around, kinds, names, own_kinds, own_names, classes
    )


def _look_at(
    page: PageTree, elements: list[int]
) -> tuple[list[int], list[int], list[int], dict[int, int], dict[int, int], dict[int, str]]:
    """Some elements, each after the one that holds it -> the last six of `Blocks`."""
    tags, parents, data = page.tags, page.parents, page.data
    around, kinds, names = [-1] * len(tags), [0] * len(tags), [0] * len(tags)
    own_kinds: dict[int, int] = {}
    own_names: dict[int, int] = {}
    classes: dict[int, str] = {}
    known: dict[str, tuple[int, int, str]] = {"": (0, 0, "")}  # by attributes
    for node in elements:
        tag, above = tags[node], parents[node]
        bits = TAG_BITS.get(tag, 0)
        if tag == "a":
            named, label = 0, ""
        else:
            attributes = data[node]
            if (found := known.get(attributes)) is None:
                known[attributes] = found = attribute_bits(attributes)
            hidden, named, label = found
            bits |= hidden
        if above < 0 or (tag in BLOCKS and tags[around[above]] != "pre"):
            around[node] = node
            own_kinds[node], own_names[node], classes[node] = bits, named, label
        else:
            around[node] = around[above]
        if (
            tag != "body" and above >= 0
        ):  # what names of the whole page say holds for no block more than for another
            kinds[node] = kinds[above] | bits
            names[node] = names[above] | named
    return around, kinds, names, own_kinds, own_names, classes
