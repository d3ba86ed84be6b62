"""Packing by windows loses nothing at their edges, and its memory depends on the window only."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import UserError
from transforms.tokens import windows
from transforms.tokens.encode import Encoded
from transforms.tokens.pack import PackedRows, Packing
from transforms.tokens.shards import ShardInfo
from transforms.tokens.windows import WindowPacker, window_seed

TOKEN_BYTES = np.full(70_000, 3, np.int32)


def info(packing: Packing, *, vocabulary: int = 100, seed: int = 5) -> ShardInfo:
    return ShardInfo(
        tokenizer_sha256="ab",
        vocabulary_size=vocabulary,
        end_of_text=0,
        sequence_length=8,
        packing=packing,
        source="web",
        split="train",
        seed=seed,
    )


def pack(
    counts: list[int], shard: ShardInfo, *, batch: int = 3, window_tokens: int = 64, number: int = 0
) -> list[tuple[PackedRows, np.ndarray]]:
    """Pack documents of these sizes in batches; returns the rows. Addresses are their numbers."""
    written: list[tuple[PackedRows, np.ndarray]] = []
    with mock.patch.object(windows, "WINDOW_ROWS", 1):
        packer = WindowPacker(
            shard,
            shard=number,
            token_bytes=TOKEN_BYTES,
            write=lambda packed, addresses: written.append((packed, addresses)),
            window_tokens=window_tokens,
        )
        for first in range(0, len(counts), batch):
            some = counts[first : first + batch]
            ids = np.concatenate([np.arange(1, count + 1, dtype=np.uint32) for count in some])
            packer.add(
                Encoded(ids, np.cumsum([0, *some])),
                np.arange(first, first + len(some)).astype(np.uint64),
            )
        packer.flush()
    return written


@given(
    st.lists(st.integers(1, 40), max_size=60),
    st.sampled_from(["best-fit", "concat"]),
    st.integers(1, 7),
)
def test_windows_hold_every_document_once(counts: list[int], packing: Packing, batch: int) -> None:
    written = pack(counts, info(packing), batch=batch)
    found = np.zeros(len(counts), np.int64)
    for packed, addresses in written:
        piece = packed.piece
        targets = packed.pieces.length[piece] - 1 + packed.pieces.ends[piece]
        np.add.at(found, addresses[packed.pieces.document[piece]].astype(np.int64), targets)
    assert found.tolist() == [count + 1 for count in counts]


def test_a_window_is_packed_as_soon_as_it_is_full() -> None:
    written = pack([20] * 50, info("best-fit"), batch=1, window_tokens=200)
    sizes = [len(addresses) for _, addresses in written]
    assert max(sizes) == -(-200 // (20 + windows._DOCUMENT_TOKENS))
    assert sum(sizes) == 50


@pytest.mark.parametrize(("vocabulary", "expected"), [(65_536, np.uint16), (65_537, np.uint32)])
def test_tokens_are_as_wide_as_the_vocabulary_needs(vocabulary: int, expected: type) -> None:
    ((packed, _),) = pack([5], info("concat", vocabulary=vocabulary))
    assert packed.tokens.dtype == expected


def test_seeds_of_windows_differ_by_run_shard_and_window() -> None:
    seeds = {
        window_seed(seed, shard, window)
        for seed in range(8)
        for shard in range(8)
        for window in range(8)
    }
    assert len(seeds) == 512
    (first, _), (other, _) = (
        pack([3, 9, 30, 4, 7] * 2, info("best-fit"), window_tokens=10_000, number=number)[0]
        for number in (0, 1)
    )
    assert first.tokens.tolist() != other.tokens.tolist()
    assert sorted(first.tokens.tolist()) == sorted(other.tokens.tolist())


def test_a_lost_target_stops_the_run() -> None:
    packed = pack([5, 6], info("best-fit"))[0][0]
    with (
        mock.patch.object(windows, "pack_documents", return_value=packed),
        pytest.raises(UserError, match="targets went into packing"),
    ):
        pack([5, 6, 7], info("best-fit"))
