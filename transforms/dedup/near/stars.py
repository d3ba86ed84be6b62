"""Connected components by star contraction, for graphs too large for one worker.

Large-star and small-star of Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, "Connected
Components in MapReduce and Beyond" (2014): each round needs the neighbours of one node at a time.
Both preserve connectivity. Alternating, they turn every component into a star around its smallest
node. Edges that are not in a star after the last round are told apart by `label_stars`, so any
number of rounds is correct.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.arrays import first_of_run, split_by, starts_run, to_batch, unique_pairs
from transforms.dedup.near.bands import range_of
from transforms.dedup.near.clusters import Forest
from transforms.dedup.near.schemas import PAIR_SCHEMA
from transforms.words import mix64

Edges = tuple[np.ndarray, np.ndarray]
"""The two ends of edges: uint64 (edges,) each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """The components of some nodes, and the edges that are not in a star.

    nodes, roots   uint64 (n,), a node and its component
    first, second  uint64 (edges,), edges whose components are still to be joined
    """

    nodes: np.ndarray
    roots: np.ndarray
    first: np.ndarray
    second: np.ndarray


def range_of_nodes(nodes: np.ndarray, ranges: int) -> np.ndarray:
    """The hash range in which the edges of each node meet: uint64 (n,) -> int64 (n,)."""
    return range_of(mix64(nodes), ranges)


def edges_by_node(edges: Edges, ranges: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Edges -> (range of the first node, batch of `PAIR_SCHEMA`)."""
    return split_by(range_of_nodes(edges[0], ranges), to_batch(PAIR_SCHEMA, *edges))


def edges_of(batch: pa.RecordBatch) -> Edges:
    """The two ends of a batch of edges."""
    return batch.column("first").to_numpy(), batch.column("second").to_numpy()


def both_ways(first: np.ndarray, second: np.ndarray) -> Edges:
    """Each edge from either end: grouped by the first node, all neighbours of a node meet."""
    return np.concatenate([first, second]), np.concatenate([second, first])


def large_star(nodes: np.ndarray, neighbours: np.ndarray) -> Edges:
    """Links each larger neighbour of a node to the least of the node and its neighbours.

    Args:
        nodes, neighbours: uint64 (n,) each, all edges of every node among `nodes`.

    Returns:
        Edges (larger, smaller), each once.
    """
    nodes, neighbours = unique_pairs(nodes, neighbours)
    least = np.minimum(_least(nodes, neighbours), nodes)
    larger = neighbours > nodes
    return unique_pairs(neighbours[larger], least[larger])


def small_star(nodes: np.ndarray, neighbours: np.ndarray) -> Edges:
    """Links a node and its smaller neighbours to the least of them.

    Args:
        nodes, neighbours: uint64 (n,) each, all edges to smaller nodes of every node among `nodes`.

    Returns:
        Edges (larger, smaller), each once.
    """
    nodes, neighbours = unique_pairs(nodes, neighbours)
    least = _least(nodes, neighbours)
    others = neighbours != least
    return unique_pairs(
        np.concatenate([nodes, neighbours[others]]), np.concatenate([least, least[others]])
    )


def label_stars(nodes: np.ndarray, neighbours: np.ndarray) -> Labels:
    """The component of each node, as far as stars tell, and the edges that belong to no star.

    A leaf, with one smaller and no larger neighbour, is in the component of that neighbour. A node
    without a smaller neighbour is its own component. So is any other node for now, and its edges
    are loose.

    Args:
        nodes, neighbours: uint64 (n,) each, all edges of every node among `nodes`.
    """
    nodes, neighbours = unique_pairs(nodes, neighbours)
    distinct, starts, counts = np.unique(nodes, return_index=True, return_counts=True)
    if not len(distinct):
        return Labels(nodes=distinct, roots=distinct, first=distinct, second=distinct)
    smaller = np.add.reduceat(neighbours < nodes, starts, dtype=np.int64)
    leaf = (smaller == 1) & (counts == 1)
    loose = np.repeat((smaller > 0) & ~leaf, counts)
    roots = np.where(leaf, neighbours[starts], distinct)
    return Labels(nodes=distinct, roots=roots, first=nodes[loose], second=neighbours[loose])


def resolve(roots: np.ndarray, forest: Forest) -> np.ndarray:
    """The components of the whole graph.

    uint64 (n,) of stars -> same shape, given the components of the loose edges.
    """
    index = np.minimum(np.searchsorted(forest.nodes, roots), max(len(forest) - 1, 0))
    if not len(forest):
        return roots
    return np.where(forest.nodes[index] == roots, forest.roots[index], roots)


def _least(nodes: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """The least neighbour of each row's node.

    Rows are sorted by (node, neighbour), so it is the first of the run.
    """
    return neighbours[first_of_run(starts_run(nodes))]
