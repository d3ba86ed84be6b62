"""MosaicML Streaming: `train/SOURCE/*.mds` with an `index.json` for each source and each split.

Samples have one column, `tokens`: `sequence_length` int32, cut from the concatenated documents of a
shard with an end-of-text token after each, as in LLM Foundry's `convert_dataset_hf.py
--concat_tokens`. The last sample of a shard is padded with end-of-text; that script drops the rest.

The bytes equal those of mosaicml-streaming's `MDSWriter`. The package itself is not used: it needs
another numpy version and the clients of four clouds, and it cannot write the files of a dataset on
different machines.
"""

import itertools
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from transforms.config_types import STRICT
from transforms.contracts.manifest import FileEntry
from transforms.export.bare_tokens import close_documents
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.shards import ShardInfo

FILE_BYTES = 1 << 26  # MDSWriter's own limit; offsets in a file are uint32


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MdsOptions(ExportOptions):
    sequence_length: Annotated[
        int,
        Field(ge=0, description="tokens of a sample; 0: those that a row of the shards predicts"),
    ] = 0


def _configuration(length: int) -> dict[str, object]:
    """How samples are encoded: in the header of each file, and in the index."""
    return {
        "column_encodings": [f"ndarray:int32:{length}"],
        "column_names": ["tokens"],
        "column_sizes": [4 * length],
        "compression": None,
        "format": "mds",
        "hashes": [],
        "size_limit": FILE_BYTES,
        "version": 2,
    }


def _header(length: int) -> bytes:
    return json.dumps(_configuration(length), sort_keys=True).encode()


def samples_a_file(length: int) -> int:
    """As many as MDSWriter puts into a file of at most FILE_BYTES, and at least one."""
    return max(1, (FILE_BYTES - 8 - len(_header(length))) // (4 * length + 4))


def samples_of(size: int, length: int) -> int:
    """The samples of a file of so many bytes."""
    return (size - 8 - len(_header(length))) // (4 * length + 4)


def names(group: Group, options: MdsOptions) -> list[str]:
    samples = -(-group.positions // options.sequence_length)
    files = max(1, -(-samples // samples_a_file(options.sequence_length)))
    return [
        f"{group.split}/{group.source}/{group.index:05d}.{number:05d}.mds"
        for number in range(files)
    ]


def write(paths: Sequence[str], documents: Documents, info: ShardInfo, options: MdsOptions) -> None:
    """Fills the files in order; those that are not needed hold no samples."""
    length = options.sequence_length
    samples = _samples(documents, length, info.end_of_text)
    for path in paths:
        write_file(
            path,
            np.concatenate([np.zeros((0, length), "<i4"), *_take(samples, samples_a_file(length))]),
        )
    assert next(samples, None) is None


def _samples(documents: Documents, length: int, end_of_text: int) -> Iterator[np.ndarray]:
    """Documents -> single samples, int32 (length,)."""
    rest = np.zeros(0, "<i4")
    for batch in documents:
        rest = np.concatenate([rest, close_documents(batch, end_of_text)[0].astype("<i4")])
        whole = len(rest) // length * length
        yield from rest[:whole].reshape(-1, length)
        rest = rest[whole:]
    if len(rest):
        yield np.concatenate([rest, np.full(length - len(rest), end_of_text, "<i4")])


def _take(samples: Iterator[np.ndarray], number: int) -> list[np.ndarray]:
    return [sample[np.newaxis] for sample in itertools.islice(samples, number)]


def write_file(path: str, samples: np.ndarray) -> None:
    """Write samples, int32 (n, length), as an MDS shard.

    The file holds the number of samples, their offsets and the end, the encoding, and the samples.
    """
    header = _header(samples.shape[1])
    offsets = (
        np.arange(len(samples) + 1, dtype=np.uint64) * (4 * samples.shape[1])
        + 8
        + 4 * len(samples)
        + len(header)
    )
    with open(path, "wb") as sink:
        sink.write(
            np.array([len(samples)], "<u4").tobytes() + offsets.astype("<u4").tobytes() + header
        )
        samples.astype("<i4").tofile(sink)


def read_file(path: str, length: int) -> np.ndarray:
    """The samples of a file of this module: int32 (n, length), mapped."""
    with open(path, "rb") as source:
        number = int(np.frombuffer(source.read(4), "<u4")[0])
        begin = int(np.frombuffer(source.read(4), "<u4")[0])
    return (
        np.memmap(path, "<i4", mode="r", offset=begin, shape=(number, length))
        if number
        else np.zeros((0, length), "<i4")
    )


def count(paths: Sequence[str], info: ShardInfo, options: MdsOptions) -> Counts:
    """Documents and tokens, without the padding behind the last document's end-of-text."""
    files = [samples for path in paths if len(samples := read_file(path, options.sequence_length))]
    if not files:
        return Counts(0, 0)
    ends = sum(int((samples == info.end_of_text).sum()) for samples in files)
    last = np.flatnonzero(files[-1][-1] != info.end_of_text)
    padding = files[-1].shape[1] - (int(last[-1]) if len(last) else -1) - 2
    return Counts(ends - padding, sum(samples.size for samples in files) - padding)


def finish(
    files: Mapping[str, FileEntry], tokenizer: bytes, options: MdsOptions
) -> dict[str, bytes]:
    """An `index.json` in the folder of each source and, over all of them, in that of each split."""
    indexes: dict[str, list[dict[str, object]]] = {}
    for name, entry in sorted(files.items()):
        split, source, basename = name.split("/")
        if samples_of(entry.bytes, options.sequence_length):
            indexes.setdefault(split, []).append(
                _index_entry(f"{source}/{basename}", entry, options)
            )
            indexes.setdefault(f"{split}/{source}", []).append(
                _index_entry(basename, entry, options)
            )
    return {
        posixpath.join(folder, "index.json"): json.dumps(
            {"shards": shards, "version": 2}, sort_keys=True
        ).encode()
        for folder, shards in sorted(indexes.items())
    }


def _index_entry(basename: str, entry: FileEntry, options: MdsOptions) -> dict[str, object]:
    samples = samples_of(entry.bytes, options.sequence_length)
    data = {"basename": basename, "bytes": entry.bytes, "hashes": {}}
    return _configuration(options.sequence_length) | {
        "raw_data": data,
        "samples": samples,
        "zip_data": None,
    }


def settle(options: MdsOptions, info: ShardInfo) -> MdsOptions:
    return options if options.sequence_length else MdsOptions(sequence_length=info.sequence_length)


MDS = TokenFormat(
    name="mds",
    grouping="shard",
    names=names,
    write=write,
    count=count,
    finish=finish,
    options=MdsOptions,
    settle=settle,
)
