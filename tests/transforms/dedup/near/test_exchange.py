"""The exchange of bands: each entry once, for any ranges and passes, with equal bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.contracts.addresses import pack_address
from transforms.dedup.near import exchange as module
from transforms.dedup.near.bands import band_hashes, range_of
from transforms.dedup.near.exchange import (
    Exchange,
    entries_of_pass,
    pack_entries,
    plan_exchange,
    unpack_entries,
)
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError

_CONFIG = DedupConfig(permutations=12, bands=4, rows=3)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**32 - 1),
            st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))),
        )
    )
)
def test_entries_come_back(parts: list[tuple[int, list[tuple[int, int]]]]):
    packed = [
        pack_entries(
            part,
            np.array([entry[0] for entry in entries], np.uint64),
            np.array([entry[1] for entry in entries], np.uint32),
        )
        for part, entries in parts
    ]
    hashes, addresses = unpack_entries(packed)
    assert hashes.tolist() == [entry[0] for _, entries in parts for entry in entries]
    assert addresses.tolist() == [
        pack_address(part, entry[1]) for part, entries in parts for entry in entries
    ]
    assert sum(map(len, packed)) == 8 * len(parts) + 12 * len(hashes)


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_passes_share_all_entries(ranges: int, passes: int, documents: int, seed: int):
    generator = np.random.default_rng(seed)
    signatures = generator.integers(0, 2**32, (documents, 12), dtype=np.uint32)
    rows = np.flatnonzero(generator.random(documents) < 0.7)
    exchange = Exchange(ranges=ranges, passes=min(passes, 4 * ranges))
    found: dict[tuple[int, int], bytes] = {}
    for number in range(exchange.passes):
        for key, data in entries_of_pass(3, signatures, rows, _CONFIG, exchange, number=number):
            assert key not in found
            found[key] = data
    hashes = band_hashes(signatures, bands=4, rows=3)
    for band in range(4):
        for number in range(ranges):
            chosen = rows[range_of(hashes[band][rows], ranges) == number]
            got = unpack_entries([found[band, number]] if (band, number) in found else [])
            assert got[0].tolist() == hashes[band][chosen].tolist()
            assert got[1].tolist() == pack_address(3, chosen).tolist()


@given(st.integers(1, 64), st.integers(1, 100))
def test_passes_are_even(ranges: int, passes: int):
    exchange = Exchange(ranges=ranges, passes=min(passes, 21 * ranges))
    numbers = np.concatenate(
        [exchange.pass_of(band, np.arange(ranges), bands=21) for band in range(21)]
    )
    counts = np.bincount(numbers, minlength=exchange.passes)
    assert len(counts) == exchange.passes
    assert counts.max() - counts.min() <= 1


@given(st.integers(1, 64), st.data())
def test_exact_passes_cover_ranges(ranges: int, data):
    passes = data.draw(st.integers(1, ranges))
    numbers = Exchange(ranges=ranges, exact_passes=passes).exact_pass_of(np.arange(ranges))
    assert set(numbers.tolist()) == set(range(passes))


def test_ranges_follow_the_corpus():
    plans = [
        plan_exchange(documents, DedupConfig(), memory=None)
        for documents in (0, 10**6, 10**8, 10**9, 10**11)
    ]
    assert [plan.ranges for plan in plans] == [4, 4, 96, 954, 4096]
    assert {plan.passes for plan in plans} == {1}
    assert [plan.rounds > 0 for plan in plans] == [False, False, True, True, True]
    assert plan_exchange(10**9, DedupConfig(ranges=7, passes=3), memory=None) == Exchange(
        ranges=7, passes=3, rounds=module.STAR_ROUNDS
    )


def test_passes_follow_the_memory():
    """A pass holds at most what the memory allows; less memory never means fewer passes."""
    passes = [
        plan_exchange(10**7, DedupConfig(), memory=memory).passes
        for memory in (10**11, 10**10, 4 * 10**9, 10**9)
    ]
    assert passes == sorted(passes)
    assert passes[0] == 1
    assert passes[1] == 3
    assert plan_exchange(10**7, DedupConfig(), memory=3 * 10**9).exact_passes == 3
    small = plan_exchange(10**8, DedupConfig(), memory=2 * 10**8)
    assert small.exact_passes == small.ranges == 2160
    with pytest.raises(
        ConfigError, match=r"memory_limit = 100 MB is too little for 100,000,000 documents"
    ):
        plan_exchange(10**8, DedupConfig(memory_limit="100 MB", ranges=4), memory=10**8)
