"""The choice of blocks: highest expected F1, copies for two screen widths, groups; the trees."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sources.block_model import LEAF_SCALE, BlockModel, block_model
from transforms.sources.main_blocks import best_expected_f1, with_alike, without_repeats


def expected_f1(taken: np.ndarray, probabilities: np.ndarray, words: np.ndarray) -> float:
    return (
        2
        * float((probabilities * words)[taken].sum())
        / float(words[taken].sum() + (probabilities * words).sum())
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 9)), min_size=1, max_size=8))
def test_no_other_choice_has_a_higher_expected_f1(blocks: list[tuple[int, int]]) -> None:
    probabilities, words = (
        np.array([p / 16 for p, _ in blocks]),
        np.array([float(n) for _, n in blocks]),
    )
    taken = best_expected_f1(probabilities, words)
    best = max(
        expected_f1(np.array(choice), probabilities, words)
        for choice in itertools.product((False, True), repeat=len(blocks))
        if any(choice)
    )
    assert expected_f1(taken, probabilities, words) == pytest.approx(best)


def test_certain_pages_are_cut_sharply_and_of_uncertain_ones_more_is_taken() -> None:
    words = np.full(4, 10.0)
    assert best_expected_f1(np.array([0.99, 0.98, 0.3, 0.02]), words).tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert best_expected_f1(np.array([0.3, 0.3, 0.3, 0.02]), words).tolist() == [
        True,
        True,
        True,
        False,
    ]


LONG = (
    "A long paragraph about the river, the ferry and the people who live on both sides of it. " * 4
)


@pytest.mark.parametrize(
    ("blocks", "kept"),
    [
        ([("a", 1), (LONG, 1), ("b", 2), (LONG, 3)], [0, 1, 2]),
        ([("Size: 9 cm", 1), (LONG[:90], 1), ("Size: 9 cm", 2), (LONG[:90], 2)], [0, 1]),
        ([("By Ann", 1), ("x", 1), ("By Ann", 2), ("y", 2), ("By Ann", 3)], [0, 1, 2, 3, 4]),
        (
            [
                ("O the river is rising again tonight!", 1),
                ("one", 1),
                ("O the river is rising again tonight!", 1),
                ("two", 1),
            ],
            [0, 1, 2, 3],
        ),
        ([(LONG, 1), (LONG, 1)], [0, 1]),
        ([], []),
    ],
)
def test_what_a_page_holds_twice_in_other_places_goes(
    blocks: list[tuple[str, int]], kept: list[int]
) -> None:
    texts, regions = [text for text, _ in blocks], [region for _, region in blocks]
    assert (
        np.flatnonzero(without_repeats(texts, regions, np.ones(len(blocks), bool))).tolist() == kept
    )


def test_blocks_of_a_group_move_towards_its_mean_by_words() -> None:
    moved = with_alike(np.array([1.0, 0.0, 0.5]), np.array([1.0, 1.0, 7.0]), np.array([0, 0, 1]))
    assert moved.tolist() == pytest.approx([0.8, 0.2, 0.5])


def test_trees_give_the_leaf_that_the_splits_lead_to() -> None:
    leaves = np.array([[0, 1, 2, 3], [0, 0, 0, 8]], np.int32) * LEAF_SCALE
    model = BlockModel(
        ("a", "b"),
        np.array([[0, 1], [1, 1]]),
        np.array([[0.5, 2.0], [1.0, 3.0]], np.float32),
        leaves,
        bias=-LEAF_SCALE,
    )
    features = np.array([[9, 9, 9, 9], [0, 1, 1, 0], [0.0, 0.0, 2.5, 4.0]], np.float32)
    log_odds = np.array([-1 + 0, -1 + 1, -1 + 3, -1 + 2 + 8])
    found = model.probabilities(features, ["other", "a", "b"])
    assert found == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-4)
    assert (found * (1 << 16) % 1 == 0).all()


def test_a_model_whose_sums_32_bits_do_not_hold_is_refused() -> None:
    leaves = np.full((3, 4), -(1 << 30), np.int32)
    with pytest.raises(ValueError, match="32 bits"):
        BlockModel(("a",), np.zeros((3, 2), int), np.zeros((3, 2), np.float32), leaves, bias=0)


def test_the_model_that_comes_with_the_package_is_whole() -> None:
    model = block_model()
    trees, depth = model.splits.shape
    assert model.leaves.shape == (trees, 1 << depth)
    assert 0 <= model.splits.min() <= model.splits.max() < len(model.names)
