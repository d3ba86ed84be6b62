"""Names and schemas of what deduplication writes and exchanges, and small helpers between Arrow and numpy."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import split_by, to_batch
from transforms.contracts.documents import ID_BYTES, unpack_address
from transforms.dedup.order import key_bytes
from transforms.dedup.settings import DedupConfig

FORMAT_VERSION = 1
EXACT_BYTES = 16
CLUSTERS = "clusters.parquet"
WORK = "work"
RULES = ("dedup/exact", "dedup/near")
SCREEN_RULES = {"decontaminate": "dedup/contaminated", "urls": "dedup/url", "against": "dedup/against"}
"""What goes before duplicates are looked for: screen -> rule of its drops, in the order of the screens."""
LINES_RULE = "dedup/lines"
ALL_RULES = (*RULES, *SCREEN_RULES.values(), LINES_RULE)
STATISTICS = ("candidate_pairs", "similar_pairs", "oversized_buckets", "oversized_documents", "skipped_pairs")

_LABEL = pa.dictionary(pa.int32(), pa.string())

DROP_SCHEMA = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("rule", _LABEL, nullable=False),
        pa.field("keeper", pa.uint64()),
        pa.field("keeper_id", pa.binary(ID_BYTES)),
        pa.field("similarity", pa.float32()),
        pa.field("other", _LABEL),
    ]
)
"""A document that goes: its row in the part, why, and the document that stays in its place (address, id, similarity).

`other` names the earlier run that holds that document, or the evaluation set; then and there address and id may be null.
`similarity` is null where none was measured.
"""

CLUSTER_SCHEMA = pa.schema(
    [
        pa.field("component", pa.uint64(), nullable=False),
        pa.field("size", pa.uint32(), nullable=False),
        pa.field("member", pa.uint64(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("keeper", pa.uint64(), nullable=False),
        pa.field("similarity", pa.float32(), nullable=False),
    ]
)
"""A document with duplicates: its component (the smallest address of it), how many are in it, and who stays for it.

Rows are sorted by a hash of the component, then by member: a component's rows stand together.
"""

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

BUCKET_SCHEMA = pa.schema([pa.field("address", pa.uint64(), nullable=False)])
PAIR_SCHEMA = pa.schema([pa.field("first", pa.uint64(), nullable=False), pa.field("second", pa.uint64(), nullable=False)])
ROW_SCHEMA = pa.schema([pa.field("row", pa.uint32(), nullable=False)])
FOREST_SCHEMA = pa.schema([pa.field("node", pa.uint64(), nullable=False), pa.field("root", pa.uint64(), nullable=False)])


def signature_schema(config: DedupConfig) -> pa.Schema:
    """One row a document, in the order of the part. The metadata hold the settings that the values depend on."""
    settings = {
        "format": FORMAT_VERSION,
        "unit": config.unit,
        "ngram": config.ngram,
        "permutations": config.permutations,
        "seed": config.seed,
        "keep": list(config.keep),
    }
    return pa.schema(
        [
            pa.field("id", pa.binary(ID_BYTES), nullable=False),
            pa.field("source", _LABEL, nullable=False),
            pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
            pa.field("order", pa.binary(key_bytes(config.keep)), nullable=False),
            pa.field("shingles", pa.uint32(), nullable=False),
            pa.field("signature", pa.binary(4 * config.permutations), nullable=False),
        ],
        metadata={f"tokenmill.{name}": str(value) for name, value in settings.items()},
    )


def signature_bytes(config: DedupConfig) -> int:
    """Bytes of a document's row on disk: hashes and keys lie there as they are, the rest takes about a byte."""
    return ID_BYTES + EXACT_BYTES + key_bytes(config.keep) + 4 * config.permutations + 1


def exact_schema(config: DedupConfig) -> pa.Schema:
    """What is exchanged to find equal texts."""
    return pa.schema(
        [
            pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
            pa.field("address", pa.uint64(), nullable=False),
            pa.field("order", pa.binary(key_bytes(config.keep)), nullable=False),
        ]
    )


def edge_schema(config: DedupConfig) -> pa.Schema:
    """Duplicates: two addresses, how similar, whether `second` is an exact copy of `first`, and the order key of each."""
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
    """The candidates of a part, sorted by row: order key, size of the shingle set, and which batch of the part's sets it lies in."""
    return pa.schema(
        [
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("order", pa.binary(key_bytes(config.keep)), nullable=False),
            pa.field("shingles", pa.int64(), nullable=False),
            pa.field("batch", pa.int32(), nullable=False),
        ]
    )


SET_SCHEMA = pa.schema([pa.field("shingles", pa.large_list(pa.field("item", pa.uint64(), nullable=False)), nullable=False)])
"""The shingle sets of candidates, or what stands for them, in the order of the index."""


def documents_path(folder: str, part: int) -> str:
    return storage.join(folder, f"part-{part:05d}.parquet")


def signatures_path(folder: str, part: int) -> str:
    return storage.join(folder, f"signatures-{part:05d}.parquet")


def drops_path(folder: str, part: int) -> str:
    return storage.join(folder, f"drops-{part:05d}.parquet")


def clusters_path(folder: str) -> str:
    return storage.join(folder, CLUSTERS)


def cluster_range_path(folder: str, number: int) -> str:
    return storage.join(folder, WORK, f"clusters-{number:05d}.parquet")


def work_folder(folder: str) -> str:
    return storage.join(folder, WORK)


def index_path(folder: str, part: int) -> str:
    return storage.join(folder, WORK, f"index-{part:05d}.arrow")


def sets_path(folder: str, part: int) -> str:
    return storage.join(folder, WORK, f"sets-{part:05d}.arrow")


def rows_by_part(addresses: np.ndarray) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Addresses, uint64 [n], as batches of `ROW_SCHEMA` by part."""
    parts, rows = unpack_address(addresses)
    return split_by(parts, to_batch(ROW_SCHEMA, rows.astype(np.uint32)))
