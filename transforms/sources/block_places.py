"""Where each block of a page stands: the elements around it, what these are called, and which blocks stand in like places."""

from typing import NamedTuple

import numpy as np

from transforms.sources.page_blocks import Blocks
from transforms.sources.page_tree import TAG_NUMBERS, PageTree

LEVELS = 6


class Places(NamedTuple):
    """Of m blocks. `up`: LEVELS + 1 arrays int (m,), the block-level elements around each, from the nearest outwards. `near`: uint64 (m,),
    bits of the names of the nearest three. `alike`: int (m,), equal for blocks with equal tags and classes of the elements around.
    `siblings`: LEVELS arrays int (m,), how many elements of the same tag and class each of `up` has beside it, itself counted.
    """

    up: list[np.ndarray]
    near: np.ndarray
    alike: np.ndarray
    siblings: list[np.ndarray]


def block_places(page: PageTree, blocks: Blocks) -> Places:
    """m blocks, m > 0 -> where they stand."""
    tags, parents = page.tags, page.parents
    nodes = list(
        blocks.own_names
    )  # the block-level elements in order; everything below but the result is by their places in this list
    elements = np.array(nodes)
    outer = np.searchsorted(
        elements, [blocks.around[parents[node]] if node else 0 for node in nodes]
    )
    around = [np.searchsorted(elements, blocks.holder)]
    for _ in range(LEVELS):
        around.append(outer[around[-1]])
    names = np.array(list(blocks.own_names.values()), np.uint64)
    near = names[around[0]] | names[around[1]] | names[around[2]]

    sorts: dict[tuple[str, str], int] = {}
    sort = np.array(
        [
            sorts.setdefault((tags[node], label), len(sorts))
            for node, label in blocks.classes.items()
        ]
    )
    above = np.array([parents[node] for node in nodes]) + 1
    _, beside, sizes = np.unique(above * len(sorts) + sort, return_inverse=True, return_counts=True)
    siblings = sizes[beside]
    first, second, third = sort[around[0]], sort[around[1]], page.numbers[elements[around[2]]]
    _, alike = np.unique(
        (first * len(sorts) + second) * (len(TAG_NUMBERS) + 1) + third, return_inverse=True
    )
    return Places(
        [elements[each] for each in around], near, alike, [siblings[each] for each in around[:-1]]
    )
