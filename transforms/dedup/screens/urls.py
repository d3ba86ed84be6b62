"""Documents of one normalised URL: a hash and an order key of each, and which one stays."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pyarrow as pa
import xxhash

from transforms.arrays import binary_rows, first_of_run, gather, key_columns, rows_to_binary, starts_run, to_batch
from transforms.contracts.dedup import EXACT_BYTES, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.dedup.keep_order import Traits, order_keys
from transforms.dedup.screens.order import gone_batch
from transforms.urls.normalize import normalize_url

_ORDER_BYTES = 8 + ID_BYTES

URL_SCHEMA = pa.schema(
    [
        pa.field("url", pa.binary(EXACT_BYTES), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("order", pa.binary(_ORDER_BYTES), nullable=False),
    ]
)
"""What is exchanged: 128 bits of the URL, the document, and a key whose byte order is the order of preference; it ends in the id."""


def hash_urls(
    ids: pa.Array, urls: pa.Array, published: pa.Array, addresses: np.ndarray, *, wins: Literal["newest", "first"]
) -> pa.RecordBatch:
    """Columns of n documents -> a row of `URL_SCHEMA` for each whose URL can be normalised (tracking parameters are left out).

    `newest`: the one published last, those without a date after all others, ties by id. `first`: the smallest address.
    """
    spelled = [normalize_url(url, strip_tracking=True) if url else None for url in urls.to_pylist()]
    known = np.array([url is not None for url in spelled], bool)
    hashes = pa.array([xxhash.xxh3_128_digest(url.encode()) for url in spelled if url is not None], pa.binary(EXACT_BYTES))
    if wins == "newest":
        traits = Traits(ids=ids, sources=pa.nulls(len(ids), pa.string()), characters=np.zeros(len(ids), np.int64), published=published)
        orders = order_keys(("newest",), traits)
    else:
        first = addresses.astype(">u8").view(np.uint8).reshape(len(ids), 8)
        orders = rows_to_binary(np.concatenate([first, binary_rows(ids)], axis=1))
    mask = pa.array(known)
    return to_batch(URL_SCHEMA, hashes, addresses[known], orders.filter(mask))


def link_urls(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches of `URL_SCHEMA` -> `GONE_SCHEMA`: every document but the first in order of its URL, and that first one as its keeper."""
    columns = gather(batches, URL_SCHEMA)
    urls = key_columns(columns["url"])
    order = np.lexsort([columns["address"], *key_columns(columns["order"]), *urls])
    new = starts_run(*(column[order] for column in urls))
    keepers = order[first_of_run(new)][~new]
    gone = order[~new]
    ids = columns["order"][:, -ID_BYTES:]
    return gone_batch(
        members=columns["address"][gone],
        ids=rows_to_binary(ids[gone]),
        rule=SCREEN_RULES["urls"],
        keepers=pa.array(columns["address"][keepers]),
        keeper_ids=rows_to_binary(ids[keepers]),
    )
