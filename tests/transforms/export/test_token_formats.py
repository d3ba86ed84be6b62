"""Token formats byte by byte; the readers of consumers are in test_export_consumers.py."""

import itertools
import json
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.transforms.export.small import NARROW, WIDE, write_documents
from transforms.contracts.manifest import FileEntry
from transforms.errors import ConfigError, UserError
from transforms.export import llmc, mds, megatron, nanogpt
from transforms.export.formats import Counts, Group, TokenFormat
from transforms.export.registry import FORMATS
from transforms.export.streams import TokenDocuments, read_documents
from transforms.tokens.train import tokenizer_bytes, train_tokenizer

DOCUMENTS = [[5, 6], [7], list(range(8, 40))]
TOKEN_FORMATS = {name: known for name, known in FORMATS.items() if isinstance(known, TokenFormat)}
OPTIONS = {
    name: mds.MdsOptions(sequence_length=4) if name == "mds" else known.options()
    for name, known in TOKEN_FORMATS.items()
}


def export(
    name: str, folder: Path, documents: list[list[int]], *, vocabulary: int = NARROW
) -> tuple[list[Path], Counts]:
    """Write documents in a format, one at a time; returns the files and the format's counts."""
    shard = write_documents(folder, documents, vocabulary=vocabulary)
    known = TOKEN_FORMATS[name]
    group = Group(
        split="train", source="web", index=3, positions=len(shard) * shard.info.sequence_length
    )
    paths = [folder / file for file in known.names(group, OPTIONS[name])]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    known.write([str(path) for path in paths], one_at_a_time(shard), shard.info, OPTIONS[name])
    return paths, known.count([str(path) for path in paths], shard.info, OPTIONS[name])


def one_at_a_time(shard) -> Iterator[TokenDocuments]:
    for batch in read_documents(shard):
        for number, (begin, end) in enumerate(itertools.pairwise(batch.offsets.tolist())):
            yield TokenDocuments(
                batch.tokens[begin:end],
                np.array([0, end - begin]),
                batch.addresses[number : number + 1],
            )


@pytest.mark.parametrize("vocabulary", [NARROW, WIDE])
@pytest.mark.parametrize(
    "documents", [DOCUMENTS, [[1]], [[2, 2, 2, 2]], [[3, 3, 3]], [[4] * 7, [5] * 3], []]
)
@pytest.mark.parametrize("name", TOKEN_FORMATS)
def test_what_is_counted_in_the_files_is_what_went_in(
    name: str, documents: list[list[int]], vocabulary: int, tmp_path: Path
) -> None:
    _, counts = export(name, tmp_path, documents, vocabulary=vocabulary)
    assert counts == (len(documents), sum(len(document) + 1 for document in documents))


def test_nanogpt_is_bare_tokens(tmp_path: Path) -> None:
    (path,), _ = export("nanogpt", tmp_path, DOCUMENTS)
    assert path.name == "train.bin"
    assert path.read_bytes() == np.array([5, 6, 0, 7, 0, *range(8, 40), 0], "<u2").tobytes()


def test_nanogpt_refuses_a_vocabulary_that_it_cannot_read(tmp_path: Path) -> None:
    shard = write_documents(tmp_path, DOCUMENTS, vocabulary=WIDE)
    with pytest.raises(ConfigError, match="100,000"):
        nanogpt.NANOGPT.check(shard.info)
    nanogpt.NANOGPT.check(write_documents(tmp_path, DOCUMENTS, vocabulary=1 << 16).info)


def test_nanogpt_meta_encodes_characters_and_decodes_tokens() -> None:
    tokenizer = train_tokenizer(
        ["the river and the mill, the river"] * 20, vocabulary=300, minimum_frequency=2
    )
    data = tokenizer_bytes(tokenizer)
    meta = pickle.loads(nanogpt.NANOGPT.finish({}, data, OPTIONS["nanogpt"])["meta.pkl"])
    assert meta["vocab_size"] == tokenizer.get_vocab_size()
    encoded = tokenizer.encode("the river and the mill").ids
    assert len(encoded) < 12
    assert "".join(meta["itos"][number] for number in encoded) == "the river and the mill"
    characters = [meta["stoi"][character] for character in "the river\n"]
    assert Tokenizer.from_buffer(data).decode(characters) == "the river\n"


@pytest.mark.parametrize(
    ("vocabulary", "head", "dtype"), [(NARROW, (20240520, 1), "<u2"), (WIDE, (20240801, 7), "<u4")]
)
def test_llmc_has_a_header_and_end_of_text_before_each_document(
    vocabulary: int, head: tuple[int, int], dtype: str, tmp_path: Path
) -> None:
    (path,), _ = export("llmc", tmp_path, DOCUMENTS, vocabulary=vocabulary)
    assert path.name == "tokens_train_000003.bin"
    data = path.read_bytes()
    tokens = [0, 5, 6, 0, 7, 0, *range(8, 40)]
    assert struct.unpack("<256i", data[:1024]) == (*head, len(tokens), *[0] * 253)
    assert data[1024:] == np.array(tokens, dtype).tobytes()


def test_llmc_refuses_more_tokens_than_its_header_can_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llmc, "_MOST_TOKENS", 30)
    with pytest.raises(UserError, match="at most 30 tokens"):
        export("llmc", tmp_path, DOCUMENTS)


def test_megatron_index_that_belongs_to_other_data_is_refused(tmp_path: Path) -> None:
    paths, _ = export("megatron", tmp_path, DOCUMENTS)
    assert [path.name for path in paths] == ["train-web.bin", "train-web.idx"]
    paths[0].write_bytes(paths[0].read_bytes()[:-2])
    shard = write_documents(tmp_path, DOCUMENTS)
    with pytest.raises(UserError, match="the index says 38 tokens, the data are 37"):
        megatron.MEGATRON.count([str(path) for path in paths], shard.info, OPTIONS["megatron"])


WRITTEN_BY_MDSWRITER = (
    "03000000c9000000d9000000e9000000f90000007b22636f6c756d6e5f656e636f64696e6773223a205b226e6461727261793a696e7433323a34225d2c2022636f"
    "6c756d6e5f6e616d6573223a205b22746f6b656e73225d2c2022636f6c756d6e5f73697a6573223a205b31365d2c2022636f6d7072657373696f6e223a206e756c"
    "6c2c2022666f726d6174223a20226d6473222c2022686173686573223a205b5d2c202273697a655f6c696d6974223a2036373130383836342c202276657273696f"
    "6e223a20327d00000000e8030000d0070000b80b0000a00f00008813000070170000581b0000401f00002823000010270000f82a0000"
)
"""mosaicml-streaming 0.13.0: MDSWriter(columns={"tokens": "ndarray:int32:4"}), three samples.

The tokens are 0, 1000 ... 11000.
"""

INDEX_BY_MDSWRITER = (
    '{"shards": [{"column_encodings": ["ndarray:int32:4"], "column_names": ["tokens"], '
    '"column_sizes": [16], "compression": null, '
    '"format": "mds", "hashes": [], "raw_data": {"basename": "shard.00000.mds", "bytes": 249, '
    '"hashes": {}}, "samples": 3, '
    '"size_limit": 67108864, "version": 2, "zip_data": null}], "version": 2}'
)


def test_mds_has_the_bytes_of_mosaicmls_writer(tmp_path: Path) -> None:
    samples = np.arange(12, dtype=np.int32).reshape(3, 4) * 1000
    path = tmp_path / "shard.mds"
    mds.write_file(str(path), samples)
    assert path.read_bytes().hex() == WRITTEN_BY_MDSWRITER
    assert (mds.read_file(str(path), 4) == samples).all()
    entry = FileEntry(rows=0, bytes=path.stat().st_size, sha256="")
    found = mds.MDS.finish({"train/web/shard.00000.mds": entry}, b"", OPTIONS["mds"])
    assert found["train/web/index.json"].decode() == INDEX_BY_MDSWRITER
    merged = json.loads(found["train/index.json"])["shards"]
    assert [shard["raw_data"]["basename"] for shard in merged] == ["web/shard.00000.mds"]


@pytest.mark.parametrize(
    ("length", "samples"), [(2048, 8187), (300, 55738)]
)  # what MDSWriter 0.13.0 puts into a first file
def test_mds_files_are_as_full_as_those_of_mosaicmls_writer(length: int, samples: int) -> None:
    assert mds.samples_a_file(length) == samples


def test_mds_samples_go_over_files_and_the_last_is_filled_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mds, "samples_a_file", lambda length: 4)
    paths, counts = export("mds", tmp_path, DOCUMENTS)
    assert [path.name for path in paths] == [
        "00003.00000.mds",
        "00003.00001.mds",
        "00003.00002.mds",
    ]
    files = [mds.read_file(str(path), 4) for path in paths]
    assert [len(samples) for samples in files] == [4, 4, 2]
    assert np.concatenate(files).reshape(-1).tolist() == [5, 6, 0, 7, 0, *range(8, 40), 0, 0, 0]
    assert counts == (3, 38)
    entries = {
        str(path.relative_to(tmp_path)): FileEntry(rows=0, bytes=path.stat().st_size, sha256="")
        for path in paths
    }
    assert [
        shard["samples"]
        for shard in json.loads(mds.MDS.finish(entries, b"", OPTIONS["mds"])["train/index.json"])[
            "shards"
        ]
    ] == [
        4,
        4,
        2,
    ]
