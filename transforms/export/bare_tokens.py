"""What the formats of bare tokens share: token type, end-of-text tokens, and counting."""

import os

import numpy as np

from transforms.export.formats import Counts
from transforms.export.streams import TokenDocuments
from transforms.tokens.shards import ShardInfo

SPLIT_NAMES = {"train": "train", "validation": "val"}
"""As nanoGPT and llm.c say it."""

_BLOCK = 1 << 22


def token_dtype(info: ShardInfo) -> np.dtype:
    """The type of a shard's tokens, little-endian."""
    return info.token_dtype.newbyteorder("<")


def close_documents(documents: TokenDocuments, end_of_text: int) -> tuple[np.ndarray, np.ndarray]:
    """n documents -> one stream with an end-of-text after each, and their ends in it, int64 (n,).

    The end of a document includes its end-of-text.
    """
    ends = documents.offsets[1:]
    return np.insert(documents.tokens, ends, end_of_text), ends + np.arange(1, len(ends) + 1)


def count_tokens(path: str, dtype: np.dtype, end_of_text: int, *, skip: int = 0) -> Counts:
    """End-of-texts and tokens of a file of bare tokens behind `skip` bytes."""
    size = (os.path.getsize(path) - skip) // dtype.itemsize
    if not size:
        return Counts(0, 0)
    tokens = np.memmap(path, dtype, mode="r", offset=skip)
    count = sum(
        int((tokens[first : first + _BLOCK] == end_of_text).sum())
        for first in range(0, size, _BLOCK)
    )
    return Counts(count, size)
