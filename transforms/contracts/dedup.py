"""The contracts of the dedup stage: drops, groups of duplicates, signatures and removed lines.

A document is dropped under one rule. Its keeper is the duplicate that is kept in its place.
"""

import pyarrow as pa

from transforms.contracts.documents import ID_BYTES

FORMAT_VERSION = 1
EXACT_BYTES = 16

RULES = ("dedup/exact", "dedup/near")
"""Rules of duplicates within the run: equal texts, and texts as similar as the threshold asks."""

SCREEN_RULES = {
    "decontaminate": "dedup/contaminated",
    "urls": "dedup/url",
    "against": "dedup/against",
}
"""Rules of the screens, which run before duplicates are searched.

Screen -> its rule, in the order of the screens.
"""

LINES_RULE = "dedup/lines"
"""The rule of documents of which no line is left once repeated lines are removed."""

ALL_RULES = (*RULES, *SCREEN_RULES.values(), LINES_RULE)

STATISTICS = (
    "candidate_pairs",
    "similar_pairs",
    "oversized_buckets",
    "oversized_documents",
    "skipped_pairs",
)
"""Figures of the search for pairs: schema metadata `tokenmill.NAME` of `clusters.parquet`."""

LINES_KEY = b"tokenmill.lines"
"""Metadata of a drops file: the name of the part's file of removed lines, which is beside it."""

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
"""`drops-*.parquet`: the dropped documents of a part, sorted by row.

row         in the part
rule        one of ALL_RULES
keeper      address of the document kept in its place, keeper_id its id; null under rules that have
            none
similarity  to the keeper; null where none was measured
other       the earlier run that holds the keeper, or the evaluation set; null for a keeper of this
            run
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
"""`clusters.parquet`: the documents that have duplicates.

component   connected component of similar documents: the smallest address in it
size        documents in the component
member      address of the document, id its id
keeper      address of its keeper; its own address if it is kept
similarity  to the keeper, 1.0 if it is kept

Rows are sorted by a hash of the component, then by member, so a component's rows are consecutive.
"""

REMOVED_LINES_SCHEMA = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("lines", pa.list_(pa.field("item", pa.uint32(), nullable=False)), nullable=False),
        pa.field("characters", pa.uint32(), nullable=False),
    ]
)
"""`lines-*.parquet`: the documents of a part that lose lines.

`lines` are the numbers of the lines from 0, `characters` those of the lines without line feeds.
"""

CONTAMINATION_SCHEMA = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("set", pa.string(), nullable=False),
        pa.field("grams", pa.uint32(), nullable=False),
        pa.field("excerpt", pa.string(), nullable=False),
    ]
)
"""`contamination-*.parquet`: documents of a part that share n-grams with an evaluation set.

`grams` is the number of distinct n-grams shared, `excerpt` the words of the first of them.
"""


def signature_fields(*, permutations: int, order_bytes: int) -> list[pa.Field]:
    """The columns of `signatures-*.parquet`, one row for each document of a part, in order.

    exact      128-bit hash of the text, equal for equal texts
    order      order key of `order_bytes` bytes: of two documents the one with the smaller key is
               kept
    shingles   distinct n-grams of the text
    signature  MinHash values, uint32 little-endian
    """
    return [
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("source", _LABEL, nullable=False),
        pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
        pa.field("order", pa.binary(order_bytes), nullable=False),
        pa.field("shingles", pa.uint32(), nullable=False),
        pa.field("signature", pa.binary(4 * permutations), nullable=False),
    ]
