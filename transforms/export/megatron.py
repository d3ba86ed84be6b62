"""Megatron-LM: `train-SOURCE.bin` and `.idx`, an end-of-text after each document.

The data are those of `preprocess_data.py --append-eod`. The index is that of
`megatron/core/datasets/indexed_dataset.py`: magic, version, type code, counts, then of each
sequence its length (int32) and where it begins in bytes (int64), then the sequences at which
documents begin and the last ends (int64). A document is one sequence.
"""

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from transforms.errors import UserError
from transforms.export.bare_tokens import close_documents, token_dtype
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.shards import ShardInfo

_MAGIC = b"MMIDIDX\x00\x00"
_HEAD = "<9sQBQQ"
_CODES = {"<u2": 8, "<i4": 4}


def _dtype(info: ShardInfo) -> np.dtype:
    dtype = token_dtype(info)
    return dtype if dtype.itemsize == 2 else np.dtype("<i4")


def names(group: Group, options: ExportOptions) -> list[str]:
    return [f"{group.split}-{group.source}.bin", f"{group.split}-{group.source}.idx"]


def write(
    paths: Sequence[str], documents: Documents, info: ShardInfo, options: ExportOptions
) -> None:
    dtype = _dtype(info)
    lengths = [np.zeros(0, np.int64)]
    with open(paths[0], "wb") as sink:
        for batch in documents:
            close_documents(batch, info.end_of_text)[0].astype(dtype).tofile(sink)
            lengths.append(np.diff(batch.offsets) + 1)
    with open(paths[1], "wb") as sink:
        _write_index(sink, np.concatenate(lengths), dtype)


def _write_index(sink: BinaryIO, lengths: np.ndarray, dtype: np.dtype) -> None:
    sequences = len(lengths)
    pointers = (np.cumsum(lengths) - lengths) * dtype.itemsize
    sink.write(struct.pack(_HEAD, _MAGIC, 1, _CODES[dtype.str], sequences, sequences + 1))
    sink.write(lengths.astype("<i4").tobytes())
    sink.write(pointers.astype("<i8").tobytes())
    sink.write(np.arange(sequences + 1, dtype="<i8").tobytes())


def count(paths: Sequence[str], info: ShardInfo, options: ExportOptions) -> Counts:
    """Documents by the index, tokens by the data.

    Raises UserError when the two do not belong together.
    """
    with open(paths[1], "rb") as source:
        sequences = struct.unpack(_HEAD, source.read(struct.calcsize(_HEAD)))[3]
        indexed = int(np.frombuffer(source.read(4 * sequences), "<i4").sum(dtype=np.int64))
    tokens = os.path.getsize(paths[0]) // _dtype(info).itemsize
    if tokens != indexed:
        raise UserError(
            f"the index says {indexed:,} tokens, the data are {tokens:,}",
            where=paths[1],
            remedy="export again with --overwrite",
        )
    return Counts(sequences, tokens)


MEGATRON = TokenFormat(name="megatron", grouping="source", names=names, write=write, count=count)
