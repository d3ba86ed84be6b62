"""Documents restored from shards equal the packed ones, in order, for all cuts and shuffles."""

import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training import small_shards
from tests.transforms.export.small import END_OF_TEXT, addresses, write_documents
from transforms.errors import UserError
from transforms.export import streams
from transforms.export.bare_tokens import close_documents
from transforms.export.streams import read_documents
from transforms.tokens.shards import MappedShard, open_shard

documents_strategy = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=60), max_size=20)


def read_all(shard: MappedShard) -> tuple[list[list[int]], list[int], int]:
    """Tokens of each document, their addresses, and in how many blocks they came."""
    documents, places, blocks = [], [], 0
    for batch in read_documents(shard):
        documents += [
            batch.tokens[begin:end].tolist()
            for begin, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
        ]
        places += batch.addresses.tolist()
        blocks += 1
    return documents, places, blocks


@settings(max_examples=40)
@given(documents_strategy, st.integers(8, 40), st.integers(1, 100))
def test_documents_come_back_as_they_were_packed(
    documents: list[list[int]], sequence_length: int, block: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(streams, "_BLOCK_TOKENS", block),
    ):
        shard = write_documents(Path(folder), documents, sequence_length=sequence_length)
        found, places, _ = read_all(shard)
    assert found == documents
    assert places == addresses(documents).tolist()


@settings(max_examples=40)
@given(documents_strategy, st.integers(8, 40), st.integers(2, 30))
def test_another_packer_gives_the_same_documents(
    documents: list[list[int]], sequence_length: int, longest: int
) -> None:
    """Pieces cut in the middle of rows, documents over several record batches."""
    rows = small_shards.pack(
        documents, length=sequence_length, token_bytes=lambda token: 1, longest=longest
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shard.arrow"
        small_shards.write_shard(
            path, rows, small_shards.small_info(sequence_length=sequence_length)
        )
        assert read_all(open_shard(str(path)))[0] == documents


def test_blocks_hold_whole_documents_of_about_so_many_tokens(tmp_path: Path) -> None:
    documents = [[7] * size for size in (3, 100, 3, 3, 3, 3, 3, 3)]
    with mock.patch.object(streams, "_BLOCK_TOKENS", 10):
        found, _, blocks = read_all(write_documents(tmp_path, documents))
    assert found == documents
    assert 3 <= blocks < len(documents)


def without_row(shard: MappedShard, row: int) -> MappedShard:
    table = pa.concat_tables([shard.table.slice(0, row), shard.table.slice(row + 1)])
    return MappedShard(shard.path, shard.info, table)


@pytest.mark.parametrize("row", range(5))
def test_a_missing_row_is_an_error_that_names_the_document(tmp_path: Path, row: int) -> None:
    shard = write_documents(tmp_path, [list(range(1, 40))])
    assert len(shard) == 5
    with pytest.raises(UserError, match=r"document 3 is not whole(.|\n)*make the shards again"):
        read_all(without_row(shard, row))


def test_a_row_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    shard = write_documents(tmp_path, [list(range(1, 40))])
    twice = MappedShard(
        shard.path, shard.info, pa.concat_tables([shard.table, shard.table.slice(1, 1)])
    )
    with pytest.raises(UserError, match="document 3 is not whole"):
        read_all(twice)


def test_a_shard_without_rows_has_no_documents(tmp_path: Path) -> None:
    assert read_all(write_documents(tmp_path, [])) == ([], [], 0)


def test_closed_documents_end_with_end_of_text(tmp_path: Path) -> None:
    (batch,) = read_documents(write_documents(tmp_path, [[5, 6], [7], [8, 9, 10]]))
    stream, ends = close_documents(batch, END_OF_TEXT)
    assert stream.tolist() == [5, 6, 0, 7, 0, 8, 9, 10, 0]
    assert stream.dtype == np.uint16
    assert ends.tolist() == [3, 5, 9]
