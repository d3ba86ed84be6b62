"""MosaicML Streaming: `train/SOURCE/*.mds` with an `index.json` for each source and each split.

Samples have one column, `tokens`: `sequence_length` int32, cut from the documents of a shard one
after the other, an end-of-text after each, as LLM Foundry's `convert_dataset_hf.py --concat_tokens`
does. Of each shard the last sample is filled up with end-of-text, where that script drops the rest.

The format is that of mosaicml-streaming's `MDSWriter`, and equal to its bytes. The package is not
used: it needs another numpy and the clients of four clouds, and it cannot write one file of a
dataset here and another there.
"""

import itertools
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from transforms.contracts.manifest import FileEntry
from transforms.export.bare_tokens import close_documents
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.shards import ShardInfo

FILE_BYTES = 1 << 26  # MDSWriter's own limit; offsets in a file are uint32


@dataclass(frozen=True, kw_only=True)
class _Encoding:
    """How samples are encoded: in the header of each file and, with more keys, in the index.

    The keys are MDSWriter's.
    """

    column_encodings: tuple[str, ...]
    column_names: tuple[str, ...] = ("tokens",)
    column_sizes: tuple[int, ...]
    compression: str | None = None
    format: str = "mds"
    hashes: tuple[str, ...] = ()
    size_limit: int = FILE_BYTES
    version: int = 2


@dataclass(frozen=True, kw_only=True)
class _RawData:
    """A file as the index names it."""

    basename: str
    bytes: int
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _IndexEntry(_Encoding):
    """A file of samples in the index."""

    raw_data: _RawData
    samples: int
    zip_data: _RawData | None = None


def _header(length: int) -> bytes:
    encoding = _Encoding(column_encodings=(f"ndarray:int32:{length}",), column_sizes=(4 * length,))
    return json.dumps(asdict(encoding), sort_keys=True).encode()


def samples_a_file(length: int) -> int:
    """As many as MDSWriter puts into a file of at most FILE_BYTES, and at least one."""
    return max(1, (FILE_BYTES - 8 - len(_header(length))) // (4 * length + 4))


def samples_of(size: int, length: int) -> int:
    """The samples of a file of so many bytes."""
    return (size - 8 - len(_header(length))) // (4 * length + 4)


def names(group: Group, options: ExportOptions) -> list[str]:
    samples = -(-group.positions // options.sequence_length)
    files = max(1, -(-samples // samples_a_file(options.sequence_length)))
    return [f"{group.split}/{group.source}/{group.index:05d}.{number:05d}.mds" for number in range(files)]


def write(paths: Sequence[str], documents: Documents, info: ShardInfo, options: ExportOptions) -> None:
    """Fills the files in order; those that are not needed hold no samples."""
    length = options.sequence_length
    samples = _samples(documents, length, info.end_of_text)
    for path in paths:
        write_file(path, np.concatenate([np.zeros((0, length), "<i4"), *_take(samples, samples_a_file(length))]))
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
    """Writes samples, int32 (n, length), to a file.

    It holds their number, where each begins and the last ends, how they are encoded, and the
    samples.
    """
    header = _header(samples.shape[1])
    offsets = np.arange(len(samples) + 1, dtype=np.uint64) * (4 * samples.shape[1]) + 8 + 4 * len(samples) + len(header)
    with open(path, "wb") as sink:
        sink.write(np.array([len(samples)], "<u4").tobytes() + offsets.astype("<u4").tobytes() + header)
        samples.astype("<i4").tofile(sink)


def read_file(path: str, length: int) -> np.ndarray:
    """The samples of a file of this module: int32 (n, length), mapped."""
    with open(path, "rb") as source:
        number = int(np.frombuffer(source.read(4), "<u4")[0])
        begin = int(np.frombuffer(source.read(4), "<u4")[0])
    return np.memmap(path, "<i4", mode="r", offset=begin, shape=(number, length)) if number else np.zeros((0, length), "<i4")


def count(paths: Sequence[str], info: ShardInfo, options: ExportOptions) -> Counts:
    """Documents and tokens, without the padding behind the last document's end-of-text."""
    files = [samples for path in paths if len(samples := read_file(path, options.sequence_length))]
    if not files:
        return Counts(0, 0)
    ends = sum(int((samples == info.end_of_text).sum()) for samples in files)
    last = np.flatnonzero(files[-1][-1] != info.end_of_text)
    padding = files[-1].shape[1] - (int(last[-1]) if len(last) else -1) - 2
    return Counts(ends - padding, sum(samples.size for samples in files) - padding)


def finish(files: Mapping[str, FileEntry], tokenizer: bytes, options: ExportOptions) -> dict[str, bytes]:
    """An `index.json` in the folder of each source and, over all of them, in that of each split."""
    indexes: dict[str, list[_IndexEntry]] = {}
    for name, entry in sorted(files.items()):
        split, source, basename = name.split("/")
        if samples_of(entry.bytes, options.sequence_length):
            indexes.setdefault(split, []).append(_index_entry(f"{source}/{basename}", entry, options))
            indexes.setdefault(f"{split}/{source}", []).append(_index_entry(basename, entry, options))
    return {
        posixpath.join(folder, "index.json"): json.dumps(
            {"shards": [asdict(shard) for shard in shards], "version": 2}, sort_keys=True
        ).encode()
        for folder, shards in sorted(indexes.items())
    }


def _index_entry(basename: str, entry: FileEntry, options: ExportOptions) -> _IndexEntry:
    length = options.sequence_length
    return _IndexEntry(
        column_encodings=(f"ndarray:int32:{length}",),
        column_sizes=(4 * length,),
        raw_data=_RawData(basename=basename, bytes=entry.bytes),
        samples=samples_of(entry.bytes, length),
    )


FORMAT = TokenFormat(grouping="shard", names=names, write=write, count=count, finish=finish, options=("sequence_length",))
