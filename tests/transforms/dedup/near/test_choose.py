"""The greedy choice: a dropped document has a similar kept one, and no two kept are similar."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.dedup.near.choose import Choice, choose_keepers, drop_all, follow_representatives


@st.composite
def graphs(draw) -> tuple[list[int], dict[tuple[int, int], float]]:
    """An order of all nodes, and similarities of some pairs."""
    count = draw(st.integers(1, 12))
    order = draw(st.permutations(range(count)))
    node = st.integers(0, count - 1)
    pairs = draw(st.sets(st.tuples(node, node).filter(lambda pair: pair[0] < pair[1]), max_size=30))
    return order, {pair: draw(st.sampled_from([0.8, 0.85, 0.9, 1.0])) for pair in sorted(pairs)}


def choose(order: list[int], edges: dict[tuple[int, int], float]) -> Choice:
    first, second = np.array(list(edges), np.int64).reshape(-1, 2).T
    return choose_keepers(
        np.array(order), first, second, np.array(list(edges.values()), np.float64)
    )


@given(graphs())
def test_greedy_invariant(graph):
    order, edges = graph
    choice = choose(order, edges)
    kept = choice.kept
    similar = {**edges, **{(b, a): value for (a, b), value in edges.items()}}
    assert not any(kept[a] and kept[b] for a, b in edges)
    for document in order:
        keeper = int(choice.keepers[document])
        if not kept[document]:
            assert kept[keeper]
            assert choice.similarities[document] == similar[document, keeper]


@given(graphs())
def test_equals_a_plain_loop(graph):
    order, edges = graph
    choice = choose(order, edges)
    similar = {**edges, **{(b, a): value for (a, b), value in edges.items()}}
    kept: list[int] = []
    for document in order:
        if not any((document, other) in similar for other in kept):
            kept.append(document)
    assert np.flatnonzero(choice.kept).tolist() == sorted(kept)
    for document in set(order) - set(kept):
        best = min(
            (other for other in kept if (document, other) in similar),
            key=lambda other: (-similar[document, other], order.index(other)),
        )
        assert choice.keepers[document] == best


@given(graphs(), st.randoms())
def test_names_and_order_of_edges_do_not_matter(graph, random):
    """Renaming documents and shuffling edges renames the outcome, nothing else."""
    order, edges = graph
    names = list(range(len(order)))
    random.shuffle(names)
    pairs = list(edges)
    random.shuffle(pairs)
    renamed = {tuple(random.sample([names[a], names[b]], 2)): edges[a, b] for a, b in pairs}
    one, other = choose(order, edges), choose([names[node] for node in order], renamed)
    assert [names[keeper] for keeper in one.keepers] == other.keepers[names].tolist()
    assert one.similarities.tolist() == other.similarities[names].tolist()


def test_no_chain_of_drops():
    """a-b-c, a and c unlike: transitive closure would drop two, the greedy choice drops b alone."""
    choice = choose([0, 1, 2], {(0, 1): 0.8, (1, 2): 0.9})
    assert choice.keepers.tolist() == [0, 2, 2]
    assert choice.similarities.tolist() == [1.0, 0.9, 1.0]


def test_copies_follow():
    """1 has the keeper 0 at 0.8; its exact copy 2 has the same one; 3 is a copy of the kept 0."""
    choice = follow_representatives(
        choose([0, 1, 2, 3], {(0, 1): 0.8}), np.array([1, 0]), np.array([2, 3])
    )
    assert choice.keepers.tolist() == [0, 0, 0, 0]
    assert choice.similarities.tolist() == [1.0, 0.8, 0.8, 1.0]


@given(graphs())
def test_drop_all_leaves_only_those_without_an_edge(graph):
    order, edges = graph
    first, second = np.array(list(edges), np.int64).reshape(-1, 2).T
    similarity = np.array(list(edges.values()), np.float64)
    choice = drop_all(choose(order, edges), np.array(order), first, second, similarity)
    similar = {**edges, **{(b, a): value for (a, b), value in edges.items()}}
    ends = {end for edge in edges for end in edge}
    assert set(np.flatnonzero(~choice.kept).tolist()) == ends
    for document in ends:
        assert choice.similarities[document] == similar[document, int(choice.keepers[document])]
