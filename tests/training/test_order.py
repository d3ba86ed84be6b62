import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.order import MixtureSchedule, permute

weights = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 100), min_size=1).filter(
    lambda values: any(value > 0 for value in values.values())
)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 3000), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 5))
def test_permute_is_a_permutation(size, seed, epoch):
    order = permute(np.arange(size), size=size, key=(seed, epoch, "web"))
    assert np.array_equal(np.sort(order), np.arange(size))


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 2**40), index=st.integers(0, 2**40 - 1))
def test_permute_sends_one_index_alone_where_it_sends_it_among_others(size, index):
    index %= size
    together = permute(np.array([0, index, size - 1]), size=size, key=(1,))
    assert permute(np.array([index]), size=size, key=(1,))[0] == together[1]
    assert (together < size).all()


def test_permute_depends_on_every_part_of_its_key_and_leaves_no_order():
    orders = {
        key: permute(np.arange(1000), size=1000, key=key)
        for key in [(0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b")]
    }
    first = orders[0, 0, "a"]
    for key, order in orders.items():
        assert (order == first).sum() == (1000 if key == (0, 0, "a") else pytest.approx(0, abs=10))
        assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.15
        assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 0.15


def test_the_order_is_pinned():
    """A new order of rows would break resuming all runs: changing it needs a new format version."""
    assert permute(np.arange(10), size=10, key=(7, 0, "web")).tolist() == [
        5,
        4,
        1,
        2,
        3,
        9,
        0,
        8,
        6,
        7,
    ]
    schedule = MixtureSchedule({"web": 0.5, "books": 0.3, "news": 0.2}, seed=7)
    assert (
        "".join(schedule.sources[source][0] for source in schedule.draw(10**9, 20)[0])
        == "nbwbwwbwnbwbwnbwnwwb"
    )


@pytest.mark.parametrize("index", [-1, 10])
def test_permute_refuses_what_is_outside(index):
    with pytest.raises(ValueError, match=r"0 \.\. 9"):
        permute(np.array([index]), size=10, key=(0,))


@settings(max_examples=60, deadline=None)
@given(weights=weights, seed=st.integers(0, 1000), position=st.integers(0, 400))
def test_schedule_counts_what_it_draws(weights, seed, position):
    schedule = MixtureSchedule(weights, seed=seed)
    chosen, drawn = schedule.draw(0, position)
    for source in range(len(schedule.sources)):
        assert np.array_equal(drawn[chosen == source], np.arange((chosen == source).sum()))
    assert np.array_equal(
        schedule.counts_before(position), np.bincount(chosen, minlength=len(schedule.sources))
    )


@settings(max_examples=60, deadline=None)
@given(weights=weights, position=st.integers(0, 10**15), split=st.integers(0, 40))
def test_schedule_is_the_same_in_any_portions(weights, position, split):
    schedule = MixtureSchedule(weights, seed=1)
    whole = np.stack(schedule.draw(position, 40))
    parts = np.concatenate(
        [
            np.stack(schedule.draw(position, split)),
            np.stack(schedule.draw(position + split, 40 - split)),
        ],
        axis=1,
    )
    assert np.array_equal(whole, parts)


@settings(max_examples=40, deadline=None)
@given(weights=weights, position=st.integers(1, 10**12))
def test_schedule_gives_each_source_its_share(weights, position):
    schedule = MixtureSchedule(weights, seed=0)
    total = sum(weights.values())
    for source, count in zip(schedule.sources, schedule.counts_before(position), strict=True):
        # 2 x 2**-32 a row is what rounding the arcs to the circle costs.
        assert abs(count - position * weights[source] / total) < 25 + position * 2.0**-31


def test_schedule_does_not_depend_on_the_order_of_the_mapping_and_leaves_out_weight_zero():
    first, second = (
        MixtureSchedule({"a": 1, "b": 2, "c": 0}, seed=5),
        MixtureSchedule({"b": 2, "a": 1}, seed=5),
    )
    assert first.sources == second.sources == ["a", "b"]
    assert np.array_equal(first.draw(0, 50), second.draw(0, 50))


def test_schedule_refuses_to_have_no_source():
    with pytest.raises(ValueError, match="no source"):
        MixtureSchedule({"a": 0.0}, seed=0)
