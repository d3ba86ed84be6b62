"""Connected components, as spanning forests that can be merged in any order."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Forest:
    """The connected components of a graph, as a spanning forest.

    nodes  uint64 (n,), ascending
    roots  uint64 (n,), the smallest node of each node's component

    The form is canonical: graphs with equal components give equal forests, in whatever order they
    were merged.
    """

    nodes: np.ndarray
    roots: np.ndarray

    def __len__(self) -> int:
        return len(self.nodes)

    def roots_of(self, nodes: np.ndarray) -> np.ndarray:
        """The component of each node: uint64 (n,) -> same shape.

        Raises KeyError for a node that is not in the forest.
        """
        index = np.searchsorted(self.nodes, nodes)
        known = index < len(self.nodes)
        known[known] = self.nodes[index[known]] == nodes[known]
        if not known.all():
            raise KeyError(f"node {nodes[~known][0]} is in no component")
        return self.roots[index]


def empty_forest() -> Forest:
    return Forest(nodes=np.zeros(0, np.uint64), roots=np.zeros(0, np.uint64))


def spanning_forest(first: np.ndarray, second: np.ndarray) -> Forest:
    """The components of the graph whose edges are (first, second), uint64 (edges,) each.

    After Shiloach and Vishkin (1982): each round hooks the larger root of every edge below the
    smaller one and then flattens the trees by pointer jumping, so every root with an edge to a
    smaller root vanishes.
    """
    nodes, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    left, right = ends[: len(first)], ends[len(first) :]
    parents = np.arange(len(nodes))
    while True:
        left, right = parents[left], parents[right]
        apart = left != right
        if not apart.any():
            return Forest(nodes=nodes, roots=nodes[parents])
        left, right = left[apart], right[apart]
        np.minimum.at(parents, np.maximum(left, right), np.minimum(left, right))
        while True:
            grandparents = parents[parents]
            if (grandparents == parents).all():
                break
            parents = grandparents


def merge_forests(forests: Iterable[Forest]) -> Forest:
    """The components of the union of the graphs.

    Associative and commutative; the empty forest is neutral.
    """
    forests = list(forests)
    if not forests:
        return empty_forest()
    return spanning_forest(
        np.concatenate([forest.nodes for forest in forests]),
        np.concatenate([forest.roots for forest in forests]),
    )
