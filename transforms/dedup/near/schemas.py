"""Schemas of what deduplication exchanges between its steps: shuffled batches and work files."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from transforms.arrays import split_by, to_batch
from transforms.contracts.addresses import unpack_address
from transforms.contracts.dedup import EXACT_BYTES
from transforms.contracts.documents import ID_BYTES
from transforms.dedup.keep_order import key_bytes
from transforms.dedup.settings import DedupConfig

CHOICE_SCHEMA = pa.schema(
    [
        pa.field("component", pa.uint64(), nullable=False),
        pa.field("size", pa.uint32(), nullable=False),
        pa.field("member", pa.uint64(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("copy", pa.bool_(), nullable=False),
        pa.field("keeper", pa.uint64(), nullable=False),
        pa.field("keeper_id", pa.binary(ID_BYTES), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)
"""A document that has duplicates and its keeper, itself if it is kept.

`copy`: its text equals another's.
"""

BUCKET_SCHEMA = pa.schema([pa.field("address", pa.uint64(), nullable=False)])
"""The documents of one bucket: those that share a band hash."""

PAIR_SCHEMA = pa.schema(
    [
        pa.field("first", pa.uint64(), nullable=False),
        pa.field("second", pa.uint64(), nullable=False),
    ]
)
"""Two documents by address."""

ROW_SCHEMA = pa.schema([pa.field("row", pa.uint32(), nullable=False)])
"""Documents of one part by row."""

FOREST_SCHEMA = pa.schema(
    [pa.field("node", pa.uint64(), nullable=False), pa.field("root", pa.uint64(), nullable=False)]
)
"""A document and its connected component: the smallest address in it."""

SET_SCHEMA = pa.schema(
    [
        pa.field(
            "shingles", pa.large_list(pa.field("item", pa.uint64(), nullable=False)), nullable=False
        )
    ]
)
"""The sets of a part's candidates, shingles or signature values, in the order of the index."""


def exact_schema(config: DedupConfig) -> pa.Schema:
    """A document in the search for equal texts: hash of the text, address and order key."""
    return pa.schema(
        [
            pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
            pa.field("address", pa.uint64(), nullable=False),
            pa.field("order", pa.binary(key_bytes(config.keep)), nullable=False),
        ]
    )


def edge_schema(config: DedupConfig) -> pa.Schema:
    """Two duplicates: addresses, similarity, and the order key of each.

    `copy`: the text of `second` equals that of `first`.
    """
    key = pa.binary(key_bytes(config.keep))
    return pa.schema(
        [
            pa.field("first", pa.uint64(), nullable=False),
            pa.field("second", pa.uint64(), nullable=False),
            pa.field("similarity", pa.float64(), nullable=False),
            pa.field("copy", pa.bool_(), nullable=False),
            pa.field("first_order", key, nullable=False),
            pa.field("second_order", key, nullable=False),
        ]
    )


def index_schema(config: DedupConfig) -> pa.Schema:
    """A part's candidates sorted by row: order key and number of shingles.

    `batch` is the batch of the sets file that holds the candidate's set.
    """
    return pa.schema(
        [
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("order", pa.binary(key_bytes(config.keep)), nullable=False),
            pa.field("shingles", pa.int64(), nullable=False),
            pa.field("batch", pa.int32(), nullable=False),
        ]
    )


def rows_by_part(addresses: np.ndarray) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Addresses, uint64 (n,) -> (part, batch of `ROW_SCHEMA`) for each part among them."""
    parts, rows = unpack_address(addresses)
    return split_by(parts, to_batch(ROW_SCHEMA, rows.astype(np.uint32)))
