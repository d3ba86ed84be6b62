"""Star contraction, group by group as in a runner, equals scipy's components after all rounds."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.near.test_clusters import as_dict, edges_of, oracle
from transforms.dedup.near.clusters import Forest, spanning_forest
from transforms.dedup.near.stars import (
    Edges,
    both_ways,
    label_stars,
    large_star,
    resolve,
    small_star,
)


def by_group(star: Callable[[np.ndarray, np.ndarray], Edges], edges: Edges, groups: int) -> Edges:
    """Applies a star where all edges of a node are in one of some groups."""
    parts = [
        star(*(ends[edges[0] % np.uint64(groups) == group] for ends in edges))
        for group in range(groups)
    ]
    return tuple(np.concatenate([part[index] for part in parts]) for index in (0, 1))


def contract(edges: Edges, rounds: int, groups: int) -> tuple[dict[int, int], int]:
    """Node -> component, and how many edges were loose after these rounds."""
    for _ in range(rounds):
        edges = by_group(large_star, both_ways(*edges), groups)
        edges = by_group(small_star, edges, groups)
    nodes, neighbours = both_ways(*edges)
    labels = [
        label_stars(*(ends[nodes % np.uint64(groups) == group] for ends in (nodes, neighbours)))
        for group in range(groups)
    ]
    first, second = (
        np.concatenate([getattr(label, name) for label in labels]) for name in ("first", "second")
    )
    forest = spanning_forest(first, second)
    found: dict[int, int] = {}
    for label in labels:
        found |= as_dict(Forest(nodes=label.nodes, roots=resolve(label.roots, forest)))
    return found, len(first)


@given(edges_of, st.integers(0, 4), st.integers(1, 4), st.randoms())
def test_equals_scipy_after_any_number_of_rounds(
    edges: list[tuple[int, int]], rounds: int, groups: int, random
):
    edges = [edge for edge in edges if edge[0] != edge[1]]
    turned = [tuple(random.sample(edge, 2)) for edge in edges]
    first, second = np.array(turned, np.uint64).reshape(-1, 2).T
    assert contract((first, second), rounds, groups)[0] == oracle(edges)


@pytest.mark.parametrize("shape", ["clusters", "path", "star", "random"])
def test_few_rounds_leave_stars(shape: str):
    """Eight rounds contract graphs of 20,000 nodes; paths of all nodes need twice as many."""
    count = 20_000
    random = np.random.default_rng(5)
    nodes = np.arange(count, dtype=np.uint64)
    first, second = {
        "clusters": (
            nodes[random.integers(0, 2_000, 30_000) * 10],
            nodes[random.integers(0, 10, 30_000)] + nodes[:1],
        ),
        "path": (nodes[:-1], nodes[1:]),
        "star": (np.full(count - 1, count - 1, np.uint64), nodes[:-1]),
        "random": tuple(random.integers(0, count, (2, count), dtype=np.uint64)),
    }[shape]
    apart = first != second
    first, second = first[apart], second[apart]
    found, loose = contract((first, second), 16 if shape == "path" else 8, 3)
    assert found == as_dict(spanning_forest(first, second))
    assert loose == 0
