"""Documents of one normalised URL: a hash and an order key of each, and which document is kept."""

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from transforms import storage
from transforms.arrays import (
    binary_rows,
    first_of_run,
    gather,
    key_columns,
    rows_to_binary,
    split_by,
    starts_run,
    to_batch,
)
from transforms.contracts.addresses import pack_address
from transforms.contracts.dedup import EXACT_BYTES, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import PARTS
from transforms.dedup.keep_order import Traits, order_keys
from transforms.dedup.near.bands import range_of
from transforms.dedup.screens.screened import addressed_drops, screened_rows, screens_before
from transforms.dedup.settings import DedupConfig
from transforms.urls.normalize import normalize_url

_ORDER_BYTES = 8 + ID_BYTES
_BATCH_ROWS = 1 << 14

URL_SCHEMA = pa.schema(
    [
        pa.field("url", pa.binary(EXACT_BYTES), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("order", pa.binary(_ORDER_BYTES), nullable=False),
    ]
)
"""A document with a URL, 48 bytes: hash of the URL, address, and an order key.

The order key ends in the id. Of documents with one URL the one with the smallest key in byte order
is kept.
"""


def hash_urls(
    ids: pa.Array,
    urls: pa.Array,
    published: pa.Array,
    addresses: np.ndarray,
    *,
    wins: Literal["newest", "first"],
) -> pa.RecordBatch:
    """Columns of n documents -> `URL_SCHEMA`, a row for each document whose URL can be normalised.

    Tracking parameters are left out of URLs. "newest" keeps the document published last, those
    without a date after all others, ties by id; "first" keeps the smallest address.
    """
    normalized = [
        normalize_url(url, strip_tracking=True) if url else None for url in urls.to_pylist()
    ]
    known = np.array([url is not None for url in normalized], bool)
    hashes = pa.array(
        [xxhash.xxh3_128_digest(url.encode()) for url in normalized if url is not None],
        pa.binary(EXACT_BYTES),
    )
    if wins == "newest":
        sources, characters = pa.nulls(len(ids), pa.string()), np.zeros(len(ids), np.int64)
        orders = order_keys(
            ("newest",),
            Traits(ids=ids, sources=sources, characters=characters, published=published),
        )
    else:
        # Big-endian, so that byte order is the order of addresses.
        first = addresses.astype(">u8").view(np.uint8).reshape(len(ids), 8)
        orders = rows_to_binary(np.concatenate([first, binary_rows(ids)], axis=1))
    return to_batch(URL_SCHEMA, hashes, addresses[known], orders.filter(pa.array(known)))


def urls_of_part(
    documents: str, out: str, part: int, config: DedupConfig, *, ranges: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The documents of a part that earlier screens leave, by range of the URL's hash.

    The batches are of `URL_SCHEMA`.
    """
    dropped = screened_rows(out, part, config, screens=screens_before("urls", config))
    wins: Literal["newest", "first"] = "newest" if config.urls == "newest" else "first"
    first = 0
    with storage.open_input(PARTS.path(documents, part)) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(
            columns=["id", "url", "published"], batch_size=_BATCH_ROWS
        ):
            rows = np.setdiff1d(np.arange(first, first + len(batch)), dropped)
            left = batch.take(pa.array(rows - first))
            first += len(batch)
            ids, urls, published = left.columns
            hashed = hash_urls(ids, urls, published, pack_address(part, rows), wins=wins)
            yield from split_by(
                range_of(key_columns(binary_rows(hashed.column("url")))[-1], ranges), hashed
            )


def link_urls(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Links documents of one URL: batches of `URL_SCHEMA` -> `ADDRESSED_DROP_SCHEMA`.

    All documents of a URL but the first in keep order are dropped; that one is their keeper.
    """
    columns = gather(batches, URL_SCHEMA)
    urls = key_columns(columns["url"])
    order = np.lexsort([columns["address"], *key_columns(columns["order"]), *urls])
    new = starts_run(*(column[order] for column in urls))
    keepers, dropped = order[first_of_run(new)][~new], order[~new]
    ids = columns["order"][:, -ID_BYTES:]
    return addressed_drops(
        members=columns["address"][dropped],
        ids=rows_to_binary(ids[dropped]),
        rule=SCREEN_RULES["urls"],
        keepers=pa.array(columns["address"][keepers]),
        keeper_ids=rows_to_binary(ids[keepers]),
    )
