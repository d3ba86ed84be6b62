"""The computed costs follow from the formats as they are now, and the documentation shows them."""

import tracemalloc

import apache_beam as beam
import numpy as np
import pytest
from apache_beam import coders

from tests.bench.dedup_cost import (
    CANDIDATE_BYTES,
    CHOICE_BYTES,
    EDGE_BYTES,
    ELEMENT_BYTES,
    GROUP_BYTES_AN_ENTRY,
    Corpus,
    Prices,
    cost_of,
    table,
)
from tests.conftest import PROJECT
from transforms.dedup.near.bands import candidate_pairs
from transforms.dedup.near.exchange import band_bytes, exact_bytes, pack_entries, unpack_entries
from transforms.dedup.near.schemas import (
    CHOICE_SCHEMA,
    PAIR_SCHEMA,
    ROW_SCHEMA,
    edge_schema,
    exact_schema,
)
from transforms.dedup.settings import DedupConfig

_CONFIG = DedupConfig()


def row_bytes(schema) -> float:
    """Bytes of a row of columns of fixed width."""
    return sum(field.type.bit_width for field in schema) / 8


def test_rows_are_as_wide_as_the_formats():
    assert (
        band_bytes(1, _CONFIG)
        == _CONFIG.bands * (len(pack_entries(0, np.zeros(2, np.uint64), np.zeros(2))) - 8) / 2
    )
    assert exact_bytes(1, _CONFIG) == row_bytes(exact_schema(_CONFIG))
    assert row_bytes(PAIR_SCHEMA) + 2 * row_bytes(ROW_SCHEMA) == CANDIDATE_BYTES
    assert 0 <= EDGE_BYTES - row_bytes(edge_schema(_CONFIG)) < 1
    assert 0 <= CHOICE_BYTES - row_bytes(CHOICE_SCHEMA) < 1


@pytest.mark.parametrize("entries", [1, 6, 1000])
def test_an_element_is_as_long_as_beam_writes_it(entries: int):
    coder = coders.registry.get_coder(beam.typehints.Tuple[beam.typehints.Tuple[int, int], bytes])
    data = pack_entries(2**31, np.zeros(entries, np.uint64), np.zeros(entries))
    length = len(coder.encode(((20, 4095), data))) - 12 * entries
    assert length + len(coders.VarIntCoder().encode(len(data))) == pytest.approx(
        ELEMENT_BYTES, abs=1
    )


def test_memory_of_a_group():
    """The bytes of an entry hardly depend on the number of entries.

    There are 2**18 entries from parts of 26; two in a hundred are equal.
    """
    count = 1 << 18
    hashes = np.random.default_rng(1).integers(0, 2**64, count, dtype=np.uint64)
    hashes[: count // 50] = hashes[count // 50 : 2 * (count // 50)]
    packed = [
        pack_entries(part, hashes[start : start + 26], np.arange(26)[: count - start])
        for part, start in enumerate(range(0, count, 26))
    ]
    tracemalloc.start()
    candidate_pairs(*unpack_entries(packed), limit=256)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (peak + sum(map(len, packed))) / count < GROUP_BYTES_AN_ENTRY


def test_by_hand():
    """A million documents of 1,000 bytes in one part, no two alike, at round prices."""
    cost = cost_of(
        Corpus(documents=1e6, document_bytes=1000, pairs=0, part_documents=1e6), Prices(), _CONFIG
    )
    assert cost.ranges == 4
    assert cost.shuffle == pytest.approx(1e6 * (48 + 252 + 21 * ELEMENT_BYTES / 250_000))
    assert cost.core_hours == pytest.approx((14e-6 + 1000 / 25e6) * 1e6 / 3600)
    assert cost.core_dollars == pytest.approx(cost.core_hours * (0.056 + 3.75 * 0.003557))
    assert cost.shuffle_dollars == pytest.approx(2 * cost.shuffle / 1e9 * 0.011)
    free = cost_of(
        Corpus(documents=1e6), Prices(core_hour=0, gigabyte_hour=0, shuffle_gigabyte=0), _CONFIG
    )
    assert free.core_dollars == free.shuffle_dollars == 0


def test_the_documentation_shows_these_figures():
    text = (PROJECT / "docs" / "dedup.md").read_text(encoding="utf-8")
    assert table([Corpus(documents=1e9), Corpus(documents=1e11)], Prices(), _CONFIG) in text
