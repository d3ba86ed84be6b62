"""Reading rows back: segments and targets by the contract, position by position."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transforms.tokens.small_shards import write_small_shard
from transforms.contracts.addresses import pack_address
from transforms.tokens.rows import count_covered, read_segments, target_mask

DOCUMENTS = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=50), min_size=1, max_size=12)


@given(DOCUMENTS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_targets_are_those_of_the_contract(tmp_path: Path, documents: list[list[int]]) -> None:
    shard = write_small_shard(tmp_path / "a.arrow", documents)
    segments = read_segments(shard)
    tokens = np.concatenate(list(shard.token_chunks()))
    found = target_mask(segments, first=0, rows=len(shard), width=17)
    covered = count_covered(segments, first=0, rows=len(shard), width=17)
    expected = np.zeros_like(found)
    inside = np.zeros_like(found)
    for row, entries in enumerate(shard.table.column("segments").to_pylist()):
        for segment in entries:
            start, last = segment["start"], segment["start"] + segment["length"] - 1
            inside[row, start : last + 1] = True
            for position in range(16):
                if start <= position < last or (position == last and segment["ends"]):
                    expected[row, position + 1] = True
    assert np.array_equal(found, expected)
    assert np.array_equal(covered, inside)
    assert found.sum() == segments.targets.sum() == sum(len(document) + 1 for document in documents)
    assert (tokens[covered == 0] == 0).all()


def test_segments_of_some_rows_are_those_of_the_whole(tmp_path: Path) -> None:
    shard = write_small_shard(tmp_path / "a.arrow", [[number] * number for number in range(1, 40)])
    whole = read_segments(shard)
    for first, last in ((0, 1), (3, 9), (len(shard) - 1, len(shard)), (5, 5)):
        part = read_segments(shard, slice(first, last))
        chosen = whole.take((whole.row >= first) & (whole.row < last))
        for name in ("row", "start", "length", "document", "offset", "ends"):
            assert np.array_equal(getattr(part, name), getattr(chosen, name)), name


def test_a_document_has_the_tokens_up_to_its_last_stretch(tmp_path: Path) -> None:
    shard = write_small_shard(tmp_path / "a.arrow", [[1] * 40, [2] * 3])
    segments = read_segments(shard)
    tokens = dict(
        zip(
            segments.document[segments.ends].tolist(),
            segments.document_tokens[segments.ends].tolist(),
            strict=True,
        )
    )
    assert tokens == {pack_address(7, 0): 40, pack_address(7, 1): 3}


@pytest.mark.parametrize("rows", [slice(0, 0), slice(2, 2)])
def test_no_rows_have_no_segments(tmp_path: Path, rows: slice) -> None:
    assert len(read_segments(write_small_shard(tmp_path / "a.arrow", [[1] * 90]), rows)) == 0
