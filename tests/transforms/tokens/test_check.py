"""Checks of a shard: the packer's output passes, and violations are reported with their place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.transforms.tokens.small_shards import TOKEN_BYTES, write_small_shard
from tests.transforms.tokens.test_rows import DOCUMENTS
from transforms.tokens import check as check_module
from transforms.tokens.check import DocumentTokens, document_faults, document_order, row_faults
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import MappedShard


def faults_of(shard: MappedShard, segments: Segments | None = None) -> dict[str, list[int]]:
    with mock.patch.object(
        check_module, "read_segments", lambda shard: segments or read_segments(shard)
    ):
        rows = list(row_faults(shard, TOKEN_BYTES))
    documents = list(document_faults(document_order(segments or read_segments(shard))))
    return {fault.what: fault.where.tolist() for fault in [*rows, *documents] if len(fault.where)}


@given(DOCUMENTS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_packed_is_right_and_gives_its_tokens_back(
    tmp_path: Path, documents: list[list[int]]
) -> None:
    shard = write_small_shard(tmp_path / "a.arrow", documents)
    assert faults_of(shard) == {}
    with mock.patch.object(check_module, "_BLOCK_TOKENS", 40):
        assert faults_of(shard) == {}
    tokens = DocumentTokens(shard, document_order(read_segments(shard)))
    ids, counts = tokens.of(tokens.documents)
    assert counts.tolist() == [len(document) for document in documents]
    assert ids.tolist() == [token for document in documents for token in document]
    ids, counts = tokens.of(tokens.documents[1::2])
    assert ids.tolist() == [token for document in documents[1::2] for token in document]


def edited(name: str, index: int, change: Callable[[int], int]) -> Callable[[Segments], Segments]:
    def edit(segments: Segments) -> Segments:
        values = getattr(segments, name).copy()
        values[index] = change(values[index])
        return replace(segments, **{name: values})

    return edit


def dropped(index: int) -> Callable[[Segments], Segments]:
    return lambda segments: segments.take(np.delete(np.arange(len(segments)), index))


# By document: 0 and 1 are the pieces of a document of 24 tokens, 2 is one of 5 tokens, which
# follows 1 in its row.
CASES = [
    (
        "shifted by one",
        edited("start", 0, lambda start: start + 1),
        {"a segment does not lie inside its row"},
    ),
    (
        "longer than its row",
        edited("length", 0, lambda length: length + 9),
        {"a segment does not lie inside its row"},
    ),
    (
        "without a length",
        edited("length", 2, lambda length: 0),
        {"a segment does not lie inside its row"},
    ),
    (
        "starts before its row",
        edited("start", 0, lambda start: -1),
        {"a segment does not lie inside its row"},
    ),
    ("into the next", edited("length", 1, lambda length: length + 3), {"segments overlap"}),
    (
        "one shorter",
        edited("length", 0, lambda length: length - 1),
        {"tokens outside segments are no end of text", "tokens are missing"},
    ),
    ("no end", edited("ends", 1, lambda ends: False), {"its end is missing", "`bytes`"}),
    ("an end too early", edited("ends", 0, lambda ends: True), {"it goes on after its end"}),
    (
        "another offset",
        edited("offset", 1, lambda offset: offset + 2),
        {"tokens are missing", "tokens are there twice"},
    ),
    ("no beginning", dropped(0), {"its beginning is missing"}),
    (
        "another document",
        edited("document", 1, lambda document: document + 5),
        {"its end is missing", "its beginning is missing"},
    ),
    ("offset of a beginning", edited("offset", 0, lambda offset: 4), {"its beginning is missing"}),
]


@pytest.mark.parametrize(
    ("edit", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_broken_segment_is_told(
    tmp_path: Path, edit: Callable[[Segments], Segments], found: set[str]
) -> None:
    shard = write_small_shard(
        tmp_path / "a.arrow", [list(range(1, 25)), [40, 41, 42, 43, 44]], seed=3
    )
    broken = edit(document_order(read_segments(shard)))
    broken = broken.take(np.lexsort((broken.start, broken.row)))
    faults = faults_of(shard, broken)
    assert any(any(what.startswith(part) for part in found) for what in faults), faults


@pytest.mark.parametrize(
    ("row", "position", "token", "what"),
    [
        (0, 3, 100, "ids beyond the vocabulary"),
        (0, 3, 65535, "ids beyond the vocabulary"),
        (0, 0, 5, "a document does not begin with an end of text"),
        (0, 5, 6, "no end of text closes a document"),
        (0, 9, 6, "tokens outside segments are no end of text"),
        (0, 2, 2, "`bytes` is not the sum over the targets"),
    ],
)
def test_another_token_is_told(
    tmp_path: Path, row: int, position: int, token: int, what: str
) -> None:
    shard = write_small_shard(tmp_path / "a.arrow", [[1, 1, 1, 1]])
    tokens = np.concatenate(list(shard.token_chunks())).copy()
    tokens[row, position] = token
    with mock.patch.object(MappedShard, "token_chunks", return_value=[tokens]):
        assert faults_of(shard)[what] == [row]
