"""Components equal scipy's, however the edges are split and merged."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from transforms.dedup.near.clusters import Forest, empty_forest, merge_forests, spanning_forest

edges_of = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60)


def forest_of(edges: list[tuple[int, int]]) -> Forest:
    first, second = np.array(edges, np.uint64).reshape(-1, 2).T
    return spanning_forest(first, second)


def oracle(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Node -> smallest node of its component."""
    nodes = sorted({node for edge in edges for node in edge})
    if not nodes:
        return {}
    first, second = np.searchsorted(nodes, np.array(edges)).T
    labels = connected_components(
        coo_array((np.ones(len(edges)), (first, second)), (len(nodes), len(nodes))), directed=False
    )[1]
    smallest: dict[int, int] = {}
    for node, label in zip(nodes, labels.tolist(), strict=True):
        smallest.setdefault(label, node)
    return {node: smallest[label] for node, label in zip(nodes, labels.tolist(), strict=True)}


def as_dict(forest: Forest) -> dict[int, int]:
    return dict(zip(forest.nodes.tolist(), forest.roots.tolist(), strict=True))


@given(edges_of)
def test_equals_scipy(edges: list[tuple[int, int]]):
    assert as_dict(forest_of(edges)) == oracle(edges)


@given(edges_of, st.lists(st.integers(0, 60), max_size=5), st.randoms())
def test_any_split_and_order_gives_the_same(edges: list[tuple[int, int]], cuts: list[int], random):
    shuffled = edges.copy()
    random.shuffle(shuffled)
    bounds = [0, *sorted(min(cut, len(edges)) for cut in cuts), len(edges)]
    forests = [forest_of(shuffled[start:end]) for start, end in itertools.pairwise(bounds)]
    random.shuffle(forests)
    left = empty_forest()
    for forest in forests:
        left = merge_forests([left, forest])
    assert as_dict(merge_forests(forests)) == as_dict(left) == oracle(edges)


@pytest.mark.parametrize("shape", ["path", "reversed path", "star", "random"])
def test_large_graphs(shape: str):
    count = 50_000
    nodes = np.arange(count, dtype=np.uint64)
    first, second = {
        "path": (nodes[:-1], nodes[1:]),
        "reversed path": (nodes[::-1][:-1], nodes[::-1][1:]),
        "star": (np.full(count - 1, count - 1, np.uint64), nodes[:-1]),
        "random": tuple(
            np.random.default_rng(2).integers(0, count, (2, count // 2), dtype=np.uint64)
        ),
    }[shape]
    edges = list(zip(first.tolist(), second.tolist(), strict=True))
    assert as_dict(spanning_forest(first, second)) == oracle(edges)


def test_roots_of_unknown_node():
    with pytest.raises(KeyError, match="node 9 is in no component"):
        forest_of([(1, 2)]).roots_of(np.array([2, 9], np.uint64))
