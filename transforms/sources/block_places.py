"""Where each block of a page stands: the elements around it, what these are called, and which blocks stand in like places."""

from typing import NamedTuple

import numpy as np

from transforms.sources.page_blocks import Blocks
from transforms.sources.page_tree import PageTree

LEVELS = 6


class Places(NamedTuple):
    """Of m blocks. `up`: LEVELS + 1 arrays int (m,), the block-level elements around each, from the nearest outwards. `near`: uint64 (m,),
    bits of the names of the nearest three. `alike`: int (m,), equal for blocks with equal tags and classes of the elements around.
    """

    up: list[np.ndarray]
    near: np.ndarray
    alike: np.ndarray


def block_places(page: PageTree, blocks: Blocks) -> Places:
    """m blocks, m > 0 -> where they stand."""
    around, parents = np.array(blocks.around), np.array(page.parents)
    parents[0] = 0
    up = [np.array(blocks.holder)]
    for _ in range(LEVELS):
        up.append(around[parents[up[-1]]])
    nearest = [level.tolist() for level in up[:3]]
    names = [[blocks.own_names.get(node, 0) for node in level] for level in nearest]
    near = np.bitwise_or.reduce(np.array(names, np.uint64), axis=0)
    tags, classes = page.tags, blocks.classes
    numbers: dict[tuple, int] = {}
    alike = [
        numbers.setdefault(
            (tags[first], classes.get(first), tags[second], classes.get(second), tags[third]),
            len(numbers),
        )
        for first, second, third in zip(*nearest, strict=True)
    ]
    return Places(up, near, np.array(alike))
