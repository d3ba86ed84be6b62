"""The corpus after deduplication: the kept documents of a part, and hashes to choose among them."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.contracts.dedup import LINES_KEY
from transforms.contracts.names import PARTS
from transforms.dedup.lines.removed_lines import RemovedLines, read_removed, remove_lines
from transforms.lookup import KeptRows, read_rows
from transforms.storage import globs
from transforms.storage.arrow_files import read_metadata, read_parquet
from transforms.words import mix64

_PURPOSES = {"tokenizer-sample": 1, "validation": 2, "row-order": 3}


def read_kept(
    part_path: str, drops_path: str | None, *, columns: Sequence[str], rows: range | None = None
) -> Iterator[KeptRows]:
    """A part's kept documents, batch by batch in row order.

    Texts come without the lines that were removed from them.

    Args:
        drops_path: the drops of the part; None: all documents are kept.
        columns: of the documents.
        rows: only these rows; the rest of the part is not read.

    Raises:
        FileNotFoundError: the file of removed lines, which the drops name, is missing.
    """
    if drops_path is None:
        yield from read_rows(part_path, np.zeros(0, np.int64), columns=columns, rows=rows)
        return
    drops = read_parquet(drops_path, ["row"])
    removed = (
        read_removed(drops_path, (drops.schema.metadata or {}).get(LINES_KEY))
        if "text" in columns
        else None
    )
    for kept in read_rows(
        part_path, drops.column("row").to_numpy().astype(np.int64), columns=columns, rows=rows
    ):
        yield kept if removed is None else KeptRows(kept.rows, _without_lines(kept, removed))


def count_documents(documents: str) -> int:
    """The documents of a folder of parts, from the footers of the files."""
    files = storage.list_files(storage.join(globs.escape(documents), PARTS.pattern))
    return sum(read_metadata(file.path).num_rows for file in files)


def _without_lines(kept: KeptRows, removed: RemovedLines) -> pa.RecordBatch:
    changed = np.flatnonzero(np.isin(kept.rows, removed.rows, assume_unique=True)).tolist()
    if not changed:
        return kept.batch
    index = kept.batch.schema.get_field_index("text")
    texts = kept.batch.column(index).to_pylist()
    for position in changed:
        texts[position] = remove_lines(texts[position], removed.of(int(kept.rows[position])))
    return kept.batch.set_column(
        index, kept.batch.schema.field(index), pa.array(texts, pa.large_string())
    )


def seeded_hash(ids: pa.FixedSizeBinaryArray, *, seed: int, purpose: str) -> np.ndarray:
    """A uniform hash of each document id: uint64 (n,).

    Choices made for different purposes or seeds are independent.
    """
    words = np.frombuffer(ids.cast(pa.binary(16)).buffers()[1], np.uint64)[2 * ids.offset :][
        : 2 * len(ids)
    ]
    salt = mix64(
        np.array([(seed * 0x9E3779B97F4A7C15 + _PURPOSES[purpose]) & 0xFFFFFFFFFFFFFFFF], np.uint64)
    )
    return mix64(words[::2] ^ mix64(words[1::2] ^ salt))


def share_mask(hashes: np.ndarray, share: float) -> np.ndarray:
    """bool (n,): true for about `share` of uniform hashes; for all if `share` is 1 or more."""
    if share >= 1:
        return np.ones(len(hashes), bool)
    return hashes < np.uint64(int(share * 2**64))
