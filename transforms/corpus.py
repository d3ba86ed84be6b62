"""The corpus after deduplication: the rows of a documents part that no drop list names."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import io
from transforms.words import mix64

_PURPOSES = {"tokenizer-sample": 1, "validation": 2, "row-order": 3}


class KeptRows(NamedTuple):
    """Rows of one part: their numbers in it, int64 (n,), and n rows of the columns asked for."""

    rows: np.ndarray
    batch: pa.RecordBatch


def read_kept(part_path: str, drops_path: str | None, *, columns: Sequence[str]) -> Iterator[KeptRows]:
    """A part's documents without its drops, batch by batch in row order. Without a drops file all are kept."""
    dropped = np.zeros(0, np.int64)
    if drops_path is not None:
        with io.open_input(drops_path) as stream:
            dropped = pq.read_table(stream, columns=["row"]).column("row").to_numpy().astype(np.int64)
    first = 0
    with io.open_input(part_path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(columns), batch_size=4096):
            rows = np.arange(first, first + len(batch))
            kept = ~np.isin(rows, dropped, assume_unique=True)
            first += len(batch)
            yield KeptRows(rows[kept], batch.filter(pa.array(kept)))


def seeded_hash(ids: pa.FixedSizeBinaryArray, *, seed: int, purpose: str) -> np.ndarray:
    """A uniform hash of each document id: uint64 (n,). Choices made for different purposes or seeds are independent."""
    words = np.frombuffer(ids.cast(pa.binary(16)).buffers()[1], np.uint64)[2 * ids.offset :][: 2 * len(ids)]
    salt = mix64(np.array([(seed * 0x9E3779B97F4A7C15 + _PURPOSES[purpose]) & 0xFFFFFFFFFFFFFFFF], np.uint64))
    return mix64(words[::2] ^ mix64(words[1::2] ^ salt))


def share_mask(hashes: np.ndarray, share: float) -> np.ndarray:
    """bool (n,): true for about `share` of uniform hashes, and for all of them when `share` is 1 or more."""
    if share >= 1:
        return np.ones(len(hashes), bool)
    return hashes < np.uint64(int(share * 2**64))
