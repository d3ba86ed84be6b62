from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shards import END_OF_TEXT, finish, pack, rows_of, small_info, write_shard, write_shards

from training.data import IGNORE, RowReader, Rows, ShardFolder, make_batch, spread
from transforms.contracts.manifest import FileEntry
from transforms.errors import ConfigError, UserError


def reference(row, length):
    """Targets and document starts of one row, token by token, as the contract says them."""
    targets, starts = [], []
    for position in range(length):
        target, start = IGNORE, None
        for segment in row.segments:
            first, end = segment["start"], segment["start"] + segment["length"]
            if first <= position < end:
                start = first
                if position < end - 1 or segment["ends"]:
                    target = row.tokens[position + 1]
        if start is None:
            start = max(
                [
                    0,
                    *(
                        segment["start"] + segment["length"]
                        for segment in row.segments
                        if segment["start"] + segment["length"] <= position
                    ),
                ]
            )
        targets.append(target)
        starts.append(start)
    return targets, starts


documents = st.lists(st.lists(st.integers(1, 49), max_size=40), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(documents=documents, length=st.integers(4, 24), longest=st.integers(2, 30))
def test_batches_are_what_the_contract_says(documents, length, longest):
    packed = pack(documents, length=length, token_bytes=lambda token: 1, longest=longest)
    batch = make_batch(rows_of(packed, length))
    for index, row in enumerate(packed):
        targets, starts = reference(row, length)
        assert batch.inputs[index].tolist() == row.tokens[:-1]
        assert batch.targets[index].tolist() == targets
        assert batch.document_start[index].tolist() == starts


@settings(max_examples=100, deadline=None)
@given(documents=documents, length=st.integers(4, 24), longest=st.integers(2, 30))
def test_every_token_of_every_document_and_its_end_is_a_target_once(documents, length, longest):
    packed = pack(documents, length=length, token_bytes=lambda token: 1, longest=longest)
    batch = make_batch(rows_of(packed, length))
    expected = sorted(token for document in documents for token in [*document, END_OF_TEXT])
    assert sorted(batch.targets[batch.targets != IGNORE].tolist()) == expected
    assert batch.scored == len(expected)


def test_rows_without_segments_have_no_targets():
    batch = make_batch(
        Rows(
            np.zeros((2, 9), np.int64),
            np.zeros(2, np.int64),
            *(np.empty(0, np.int64) for _ in range(3)),
            np.empty(0, bool),
        )
    )
    assert batch.scored == 0
    assert (batch.document_start == 0).all()


def all_rows(folder, split):
    return {
        source: folder.gather([(rows, index) for index in range(len(rows))]).tokens
        for source, rows in folder.split(split).items()
    }


def test_folder_holds_all_rows_of_all_its_files(tmp_path):
    packed = pack(
        [[number % 49 + 1] * 11 for number in range(90)], length=16, token_bytes=lambda token: 2
    )
    folder = ShardFolder(
        write_shards(
            tmp_path, {("train", "web"): packed, ("validation", "web"): []}, small_info(), shards=3
        )
    )
    tokens = all_rows(folder, "train")["web"].tolist()
    assert tokens == [row.tokens for start in range(3) for row in packed[start::3]]
    assert folder.split("validation") == {}
    gathered = folder.gather(
        [(folder.split("train")["web"], index) for index in range(len(packed))]
    )
    assert gathered.bytes.sum() == 90 * 11 * 2
    batch, expected = (
        make_batch(gathered),
        make_batch(rows_of([row for start in range(3) for row in packed[start::3]], 16)),
    )
    assert np.array_equal(batch.targets, expected.targets)
    assert np.array_equal(batch.document_start, expected.document_start)


def test_an_epoch_draws_every_row_once_and_the_next_one_in_another_order(shards):
    folder = ShardFolder(shards)
    count = sum(len(rows) for rows in folder.split("train").values())
    reader = RowReader(folder, seed=1, mixture={"web": 1})
    web = len(folder.split("train")["web"])
    epochs = [[row for _, row in reader.places(epoch * web, web)] for epoch in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(web))] * 2
    assert epochs[0] != epochs[1]
    assert epochs[0] != list(range(web))
    drawn = {(source.source, row) for source, row in RowReader(folder, seed=1).places(0, count)}
    assert (
        len(drawn) > 0.9 * count
    )  # by number of rows: an epoch of the whole is nearly an epoch of each


@settings(max_examples=25, deadline=None)
@given(
    portions=st.lists(st.integers(1, 30), max_size=6),
    after=st.integers(1, 40),
    seed=st.integers(0, 50),
)
def test_reading_on_from_a_state_is_reading_on(shards, portions, after, seed):
    folder = ShardFolder(shards)
    through = RowReader(folder, seed=seed, mixture={"web": 2, "books": 1})
    for portion in portions:
        through.next_rows(portion)
    resumed = RowReader(ShardFolder(shards), seed=seed, mixture={"books": 1, "web": 2})
    resumed.restore(through.state())
    one, two = through.next_rows(after), resumed.next_rows(after)
    for field in ("tokens", "bytes", "segment_row", "start", "length", "ends"):
        assert np.array_equal(getattr(one, field), getattr(two, field))
    assert through.state() == resumed.state()
    assert through.rows_consumed == sum(portions) + after


def test_the_same_rows_whatever_the_batch(shards):
    folder = ShardFolder(shards)
    readers = [RowReader(folder, seed=9) for _ in range(2)]
    assert np.array_equal(
        readers[0].next_rows(24).tokens,
        np.concatenate([readers[1].next_rows(count).tokens for count in (1, 7, 16)]),
    )


def test_mixture_decides_how_often_a_source_is_drawn(shards):
    folder = ShardFolder(shards)
    names = [
        source.source
        for source, _ in RowReader(folder, seed=0, mixture={"news": 3, "books": 1}).places(0, 400)
    ]
    assert names.count("news") == pytest.approx(300, abs=5)
    assert names.count("books") == pytest.approx(100, abs=5)


def refused(call, *words, error=UserError):
    with pytest.raises(error) as caught:
        call()
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    for word in words:
        assert word in str(caught.value)


def test_refuses_a_mixture_of_sources_that_are_not_there(shards):
    folder = ShardFolder(shards)
    refused(
        lambda: RowReader(folder, seed=0, mixture={"wbe": 1}), "'wbe'", "'web'", error=ConfigError
    )
    refused(lambda: RowReader(folder, seed=0, mixture={"web": 0}), "mixture", error=ConfigError)
    refused(lambda: RowReader(folder, seed=0, split="test"), "'test'")


def test_refuses_a_state_of_another_run(shards):
    folder = ShardFolder(shards)
    state = RowReader(folder, seed=0).state()
    refused(lambda: RowReader(folder, seed=1).restore(state), "seed")
    refused(lambda: RowReader(folder, seed=0, mixture={"web": 1}).restore(state), "mixture")


def test_refuses_an_unfinished_folder(tmp_path):
    refused(lambda: ShardFolder(str(tmp_path)), "manifest.json", str(tmp_path))


def test_refuses_a_folder_without_shards(tmp_path):
    finish(tmp_path, {})
    refused(lambda: ShardFolder(str(tmp_path)), "no shards")


def test_refuses_another_tokenizer(tmp_path, shards):
    other = tmp_path / "tokenizer.json"
    other.write_text("{}")
    refused(lambda: ShardFolder(shards, tokenizer=str(other)), "tokenizer", str(other), ".arrow")


def test_refuses_another_sequence_length(shards):
    refused(lambda: ShardFolder(shards, sequence_length=1024), "sequence length 48", "1024")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"vocabulary_size": 51}, "vocabulary size"),
        ({"tokenizer_sha256": "1" * 64}, "tokenizer"),
        ({"end_of_text": 1}, "end-of-text"),
        ({"sequence_length": 17}, "sequence length"),
    ],
)
def test_refuses_shards_that_do_not_belong_together(tmp_path, change, word):
    entries = {}
    for name, info in (
        ("train-web-00000-of-00002.arrow", small_info()),
        ("train-web-00001-of-00002.arrow", replace(small_info(), **change)),
    ):
        write_shard(tmp_path / name, [], info)
        entries[name] = FileEntry(rows=0, bytes=0, sha256="")
    finish(tmp_path, entries)
    refused(lambda: ShardFolder(str(tmp_path)), word, "00001-of-00002")


def test_refuses_files_that_are_missing_cut_off_foreign_or_of_another_number_of_rows(tmp_path):
    packed = pack([[1, 2, 3]], length=16, token_bytes=lambda token: 1)
    path = tmp_path / "train-web-00000-of-00001.arrow"
    write_shard(path, packed, small_info())
    finish(tmp_path, {path.name: FileEntry(rows=2, bytes=0, sha256="")})
    refused(lambda: ShardFolder(str(tmp_path)), "1 rows", "2", str(path))
    path.write_bytes(path.read_bytes()[:-20])
    refused(lambda: ShardFolder(str(tmp_path)), str(path))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("x", pa.int8())])):
        pass
    refused(lambda: ShardFolder(str(tmp_path)), "not a token shard")
    path.unlink()
    refused(lambda: ShardFolder(str(tmp_path)), str(path))


def test_refuses_a_token_outside_the_vocabulary(tmp_path):
    packed = pack([[1, 60, 3]], length=16, token_bytes=lambda token: 1)
    folder = ShardFolder(write_shards(tmp_path, {("train", "web"): packed}, small_info(), shards=1))
    refused(lambda: RowReader(folder, seed=0).next_rows(1), "token 60", "50", "row 0")


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [(3, None, [0, 1, 2]), (3, 5, [0, 1, 2]), (10, 3, [0, 3, 6]), (4, 0, [0, 1, 2, 3]), (0, 3, [])],
)
def test_spread(count, limit, expected):
    assert spread(count, limit) == expected
