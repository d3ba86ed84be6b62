"""Addresses of documents: one or many, packed and unpacked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.contracts.addresses import address_text, pack_address, unpack_address

_number = st.integers(0, 2**32 - 1)


@given(_number, st.lists(_number, max_size=5))
def test_round_trip(part: int, rows: list[int]):
    """Of an array, and of each of its elements."""
    addresses = pack_address(part, np.array(rows, np.int64))
    assert addresses.dtype == np.uint64
    assert addresses.tolist() == [pack_address(part, row) for row in rows]
    parts, found = unpack_address(addresses)
    assert parts.dtype == found.dtype == np.int64
    assert list(zip(parts.tolist(), found.tolist(), strict=True)) == [(part, row) for row in rows]
    assert [unpack_address(address) for address in addresses.tolist()] == [
        (part, row) for row in rows
    ]


@given(st.tuples(_number, _number), st.tuples(_number, _number))
def test_the_order_is_that_of_parts_and_rows(left: tuple[int, int], right: tuple[int, int]):
    assert (pack_address(*left) < pack_address(*right)) == (left < right)


def test_as_text():
    assert address_text(pack_address(3, 17)) == "3:17"
