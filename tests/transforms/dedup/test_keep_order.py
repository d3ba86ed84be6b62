"""Order keys: byte order is the order of the policies, whatever order documents come in."""

import datetime
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.arrays import binary_rows, key_columns
from transforms.dedup.keep_order import Traits, key_bytes, order_keys

_EPOCH = datetime.datetime(1970, 1, 1)

traits_of = st.lists(
    st.tuples(
        st.sampled_from(["books", "web", "news"]),
        st.integers(0, 5) | st.integers(0, 2**40),
        st.none() | st.integers(-(2**40), 2**40),
        st.none() | st.floats(),
    ),
    min_size=1,
    max_size=12,
)


def make_traits(rows: list[tuple[str, int, int | None, float | None]]) -> Traits:
    return Traits(
        ids=pa.array([number.to_bytes(16, "big") for number in range(len(rows))], pa.binary(16)),
        sources=pa.array([row[0] for row in rows], pa.string()).dictionary_encode(),
        characters=np.array([row[1] for row in rows], np.int64),
        published=pa.array([row[2] for row in rows], pa.int64()).cast(pa.timestamp("s")),
        scores={
            name: pa.array([row[3] for row in rows], pa.float64())
            for name in ("language_score", "grade")
        },
    )


def slow_key(policy: str, row: tuple[str, int, int | None, float | None]) -> tuple:
    source, characters, published, score = row
    unknown = score is None or math.isnan(score)
    return {
        "longest": (-characters,),
        "shortest": (characters,),
        "newest": (published is None, -(published or 0)),
        "oldest": (published is None, published or 0),
        "quality": (unknown, 0.0 if unknown else -score),
        "quality:grade": (unknown, 0.0 if unknown else -score),
        "source:books": (source != "books",),
        "source:web": (source != "web",),
    }[policy]


@given(
    traits_of,
    st.lists(
        st.sampled_from(
            [
                "longest",
                "shortest",
                "newest",
                "oldest",
                "source:books",
                "source:web",
                "quality",
                "quality:grade",
            ]
        ),
        max_size=3,
    ),
)
def test_byte_order_is_policy_order(rows: list, keep: list[str]):
    keys = order_keys(keep, make_traits(rows))
    assert keys.type == pa.binary(key_bytes(keep))
    by_bytes = sorted(range(len(rows)), key=lambda index: keys[index].as_py())
    by_policy = sorted(
        range(len(rows)),
        key=lambda index: (*(slow_key(policy, rows[index]) for policy in keep), index),
    )
    assert by_bytes == by_policy
    assert np.lexsort(key_columns(binary_rows(keys))).tolist() == by_bytes


@pytest.mark.parametrize("policy", ["newest", "oldest"])
def test_without_a_date_last(policy: str):
    keys = order_keys(
        [policy], make_traits([("web", 1, date, None) for date in (None, 0, -(2**40), 2**40)])
    )
    assert max(range(4), key=lambda index: keys[index].as_py()) == 0
