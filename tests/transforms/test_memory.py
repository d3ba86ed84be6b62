"""Memory of this machine, and the passes that keep an exchange within it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import memory
from transforms.dedup.settings import DedupConfig
from transforms.memory import local_memory, machine_memory, pass_of, passes_for


def test_memory_of_this_machine(monkeypatch: pytest.MonkeyPatch):
    assert machine_memory() > 0
    assert local_memory(DedupConfig(memory_limit="800 MB").memory_bytes) == 800_000_000
    monkeypatch.setattr(memory, "machine_memory", lambda: 10**10)
    assert local_memory(DedupConfig().memory_bytes) == 6 * 10**9


def test_passes():
    """One where another place holds what is grouped; a small memory works in small steps."""
    assert passes_for(10**15, None) == 1
    assert passes_for(0, 10**9) == 1
    assert passes_for(10**9, 10**10) == 2
    assert passes_for(10**9, 10**9) == 90


@given(st.integers(1, 40), st.integers(1, 40))
def test_each_range_is_in_one_pass(ranges: int, passes: int):
    """In order, in shares that differ by at most one range; numbers and arrays give the same."""
    passes = min(passes, ranges)
    found = pass_of(np.arange(ranges), ranges=ranges, passes=passes)
    assert found.tolist() == [
        pass_of(number, ranges=ranges, passes=passes) for number in range(ranges)
    ]
    sizes = np.bincount(found, minlength=passes)
    assert len(sizes) == passes
    assert sizes.max() - sizes.min() <= 1
