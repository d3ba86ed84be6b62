"""Packing: every token of every document is a target exactly once, and nothing else is."""

from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import IGNORE, Rows, make_batch
from transforms.contracts.addresses import pack_address
from transforms.tokens import pack as pack_module
from transforms.tokens.encode import Encoded
from transforms.tokens.pack import PackedRows, Packing, cut_documents, fit_best, pack_documents
from transforms.tokens.shards import ShardInfo, ShardWriter, open_shard

EOT = 0
TOKEN_BYTES = np.array([0] + [index % 5 + 1 for index in range(1, 100)], np.int32)


def encoded(documents: list[list[int]]) -> Encoded:
    offsets = np.concatenate(
        [[0], np.cumsum([len(document) for document in documents], dtype=np.int64)]
    )
    return Encoded(
        np.array([token for document in documents for token in document], np.uint32),
        offsets.astype(np.int64),
    )


def pack(
    documents: list[list[int]], sequence_length: int, seed: int = 1, packing: Packing = "best-fit"
) -> PackedRows:
    return pack_documents(
        encoded(documents),
        packing=packing,
        sequence_length=sequence_length,
        end_of_text=EOT,
        token_bytes=TOKEN_BYTES,
        seed=seed,
    )


def targets_of(packed: PackedRows) -> dict[int, dict[int, int]]:
    """{document: {index in its stream: target token}} by the contract; repeated targets fail."""
    found: dict[int, dict[int, int]] = {}
    for row, tokens in enumerate(packed.tokens):
        for segment in range(packed.segment_offsets[row], packed.segment_offsets[row + 1]):
            start, piece = int(packed.start[segment]), packed.piece[segment]
            length, ends = int(packed.pieces.length[piece]), bool(packed.pieces.ends[piece])
            document, offset = int(packed.pieces.document[piece]), int(packed.pieces.offset[piece])
            for position in range(start, start + length):
                is_last = position == start + length - 1
                if is_last and not ends:
                    continue
                index = offset + position - start + 1
                assert index not in found.setdefault(document, {})
                found[document][index] = int(tokens[position + 1])
    return found


documents_strategy = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=60), max_size=25)


packings = st.sampled_from(["best-fit", "concat"])


@given(documents_strategy, st.integers(8, 40), st.integers(0, 3), packings)
def test_each_token_and_closing_end_is_a_target_exactly_once(
    documents: list[list[int]], sequence_length: int, seed: int, packing: Packing
) -> None:
    packed = pack(documents, sequence_length, seed, packing)
    found = targets_of(packed)
    assert found == {
        number: dict(enumerate([*document, EOT], 1)) for number, document in enumerate(documents)
    }
    assert packed.targets.sum() == sum(len(document) + 1 for document in documents)
    assert packed.bytes.sum() == sum(
        int(TOKEN_BYTES[token]) for document in documents for token in document
    )


@given(documents_strategy, st.integers(8, 40), st.integers(1, 50))
def test_blocks_of_any_size_lay_out_the_same(
    documents: list[list[int]], sequence_length: int, block: int
) -> None:
    whole = pack(documents, sequence_length)
    with mock.patch.object(pack_module, "_BLOCK_TOKENS", block):
        parts = pack(documents, sequence_length)
    assert (whole.tokens == parts.tokens).all()
    assert (whole.bytes == parts.bytes).all()


@given(documents_strategy, st.integers(8, 40), packings)
def test_segments_do_not_overlap_and_inputs_are_the_documents_own(
    documents: list[list[int]], sequence_length: int, packing: Packing
) -> None:
    packed = pack(documents, sequence_length, packing=packing)
    for row, tokens in enumerate(packed.tokens):
        free = 0
        for segment in range(packed.segment_offsets[row], packed.segment_offsets[row + 1]):
            piece = packed.piece[segment]
            start, length = int(packed.start[segment]), int(packed.pieces.length[piece])
            assert start >= free
            free = start + length
            stream = [EOT, *documents[packed.pieces.document[piece]]]
            offset = int(packed.pieces.offset[piece])
            assert tokens[start:free].tolist() == stream[offset : offset + length]
        assert free <= sequence_length + 1


@given(documents_strategy, st.integers(8, 40), packings)
def test_the_trainer_scores_each_target_once(
    documents: list[list[int]], sequence_length: int, packing: Packing
) -> None:
    packed = pack(documents, sequence_length, packing=packing)
    piece = packed.piece
    rows = Rows(
        tokens=packed.tokens.astype(np.int64),
        bytes=packed.bytes.astype(np.int64),
        segment_row=np.repeat(np.arange(len(packed.tokens)), np.diff(packed.segment_offsets)),
        start=packed.start.astype(np.int64),
        length=packed.pieces.length[piece],
        ends=packed.pieces.ends[piece],
    )
    targets = make_batch(rows).targets
    expected = sorted(token for document in documents for token in [*document, EOT])
    assert sorted(targets[targets != IGNORE].tolist()) == expected


@given(documents_strategy, st.integers(8, 40))
def test_in_turn_only_the_last_row_has_padding(
    documents: list[list[int]], sequence_length: int
) -> None:
    packed = pack(documents, sequence_length, packing="concat")
    expected = -(-sum(len(document) + 1 for document in documents) // sequence_length)
    assert len(packed.tokens) == expected
    assert (packed.targets < sequence_length).sum() <= 1


@given(st.lists(st.integers(1, 3000), max_size=40), st.integers(2000, 4000))
def test_best_fit_is_that_of_the_definition(weights: list[int], capacity: int) -> None:
    """Against a plain search of all rows; capacities of several words of bits."""
    weights = [min(weight, capacity) for weight in weights]
    rooms: list[int] = []
    for weight in sorted(weights, reverse=True):
        fitting = [index for index, room in enumerate(rooms) if room >= weight]
        if fitting:
            rooms[min(fitting, key=rooms.__getitem__)] -= weight
        else:
            rooms.append(capacity - weight)
    rows, count = fit_best(np.array(weights, np.int64), capacity=capacity)
    loads = np.bincount(rows, weights=weights, minlength=count) if weights else np.zeros(0)
    assert sorted(capacity - loads) == sorted(rooms)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [(0, 2, True)]),
        (7, [(0, 8, True)]),
        (8, [(0, 9, False), (8, 1, True)]),
        (15, [(0, 9, False), (8, 8, True)]),
        (16, [(0, 9, False), (8, 9, False), (16, 1, True)]),
    ],
)
def test_cuts_at_the_edges(count: int, expected: list[tuple[int, int, bool]]) -> None:
    pieces = cut_documents(np.array([count]), sequence_length=8)
    assert (
        list(zip(pieces.offset.tolist(), pieces.length.tolist(), pieces.ends.tolist(), strict=True))
        == expected
    )


@given(st.lists(st.integers(1, 20), max_size=60))
def test_best_fit_never_overfills_and_opens_a_row_only_when_no_other_has_room(
    weights: list[int],
) -> None:
    rows, count = fit_best(np.array(weights, np.int64), capacity=20)
    loads = np.bincount(rows, weights=weights, minlength=count) if weights else np.zeros(0)
    assert (loads <= 20).all()
    assert len(loads) == count
    least = np.sort(loads)[:2]
    assert count < 2 or least.sum() > 20


@pytest.mark.parametrize("packing", ["best-fit", "concat"])
def test_rows_are_shuffled_by_the_seed_and_by_nothing_else(packing: Packing) -> None:
    documents = [[number] * 8 for number in range(1, 60)]
    once, again, other = (pack(documents, 9, seed, packing) for seed in (1, 1, 2))
    assert (once.tokens == again.tokens).all()
    assert (once.tokens != other.tokens).any()
    assert sorted(map(tuple, once.tokens.tolist())) == sorted(map(tuple, other.tokens.tolist()))


def test_a_shard_reads_back_as_it_was_packed(tmp_path) -> None:
    documents = [[1, 2, 3], list(range(1, 30)), [4], [5, 6]]
    packed = pack(documents, 8)
    info = ShardInfo(
        tokenizer_sha256="ab",
        vocabulary_size=100,
        end_of_text=EOT,
        sequence_length=8,
        packing="best-fit",
        source="web",
        split="train",
        seed=1,
    )
    path = str(tmp_path / "shard.arrow")
    with ShardWriter(path, info) as shard_writer:
        shard_writer.write(packed, np.array([7, 8, 9, pack_address(1, 0)], np.uint64))
    shard = open_shard(path)
    assert shard.info == info
    assert shard.table.schema.field("tokens").type.value_type == pa.uint16()
    assert np.concatenate(list(shard.token_chunks())).tolist() == packed.tokens.tolist()
    segments = [segment for row in shard.table.column("segments").to_pylist() for segment in row]
    assert sorted({segment["document"] for segment in segments}) == [7, 8, 9, pack_address(1, 0)]
    assert (
        sum(segment["length"] - 1 + segment["ends"] for segment in segments) == packed.targets.sum()
    )
    assert shard.table.column("bytes").to_pylist() == packed.bytes.tolist()
