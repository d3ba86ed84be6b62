"""Edges between duplicates -> which documents are kept, and the files of drops and clusters."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import (
    first_of_run,
    gather,
    key_columns,
    rows_to_binary,
    starts_run,
    to_batch,
)
from transforms.contracts.addresses import unpack_address
from transforms.contracts.dedup import CLUSTER_SCHEMA, DROP_SCHEMA, RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import DROPS, clusters_path
from transforms.dedup.keep_order import DROP_ALL
from transforms.dedup.near.choose import choose_keepers, drop_all, follow_representatives
from transforms.dedup.near.clusters import spanning_forest
from transforms.dedup.near.schemas import CHOICE_SCHEMA, edge_schema, exact_schema
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import write_parquet
from transforms.words import mix64

_GROUP_ROWS = 1 << 16


def link_copies(batches: Iterable[pa.RecordBatch], config: DedupConfig) -> pa.RecordBatch:
    """Link equal texts: batches of `exact_schema` -> `edge_schema`.

    The representative of equal texts, the first in keep order, has an edge to each of its copies.
    """
    columns = gather(batches, exact_schema(config))
    exact = key_columns(columns["exact"])
    order = np.lexsort([*key_columns(columns["order"]), *exact])
    new = starts_run(*(column[order] for column in exact))
    representatives = order[first_of_run(new)]
    copies, representatives = order[~new], representatives[~new]
    addresses, orders = columns["address"], columns["order"]
    return to_batch(
        edge_schema(config),
        addresses[representatives],
        addresses[copies],
        np.ones(len(copies), np.float64),
        np.ones(len(copies), bool),
        rows_to_binary(orders[representatives]),
        rows_to_binary(orders[copies]),
    )


def choose_in_components(batches: Iterable[pa.RecordBatch], config: DedupConfig) -> pa.RecordBatch:
    """Choose keepers: batches of `edge_schema` with whole components -> `CHOICE_SCHEMA`.

    One row for each document that has an edge, sorted by (component, member).
    """
    edges = gather(batches, edge_schema(config))
    members, at, ends = np.unique(
        np.concatenate([edges["first"], edges["second"]]), return_index=True, return_inverse=True
    )
    orders = np.concatenate([edges["first_order"], edges["second_order"]])[at]
    first, second = ends[: len(edges["first"])], ends[len(edges["first"]) :]
    copy = edges["copy"]
    near = ~copy
    order = np.lexsort(key_columns(orders))
    choice = choose_keepers(order, first[near], second[near], edges["similarity"][near])
    choice = follow_representatives(choice, first[copy], second[copy])
    is_copy = np.zeros(len(members), bool)
    is_copy[second[copy]] = True
    if DROP_ALL in config.keep:
        choice = drop_all(choice, order, first, second, edges["similarity"])
        is_copy[first[copy]] = True
    roots = spanning_forest(members[first], members[second]).roots
    _, components, sizes = np.unique(roots, return_inverse=True, return_counts=True)
    by_component = np.lexsort((members, roots))
    ids = orders[:, -ID_BYTES:]
    table = to_batch(
        CHOICE_SCHEMA,
        roots,
        sizes[components].astype(np.uint32),
        members,
        rows_to_binary(ids),
        is_copy,
        members[choice.keepers],
        rows_to_binary(ids[choice.keepers]),
        choice.similarities,
    )
    return table.take(pa.array(by_component))


def write_drops(
    out: str, part: int, batches: Iterable[pa.RecordBatch], *, screened: pa.Table | None = None
) -> int:
    """Writes `drops-PART.parquet`; returns its number of rows.

    Args:
        batches: `CHOICE_SCHEMA`, the dropped documents of the part that have duplicates.
        screened: `DROP_SCHEMA`, drops by other rules.
    """
    drops = gather(batches, CHOICE_SCHEMA)
    exact, near = RULES
    rules = pa.DictionaryArray.from_arrays(
        pa.array(np.where(drops["copy"], 0, 1), pa.int32()), pa.array([exact, near])
    )
    batch = to_batch(
        DROP_SCHEMA,
        unpack_address(drops["member"])[1].astype(np.uint32),
        rows_to_binary(drops["id"]),
        rules,
        drops["keeper"],
        rows_to_binary(drops["keeper_id"]),
        drops["similarity"].astype(np.float32),
        pa.nulls(len(drops["member"]), DROP_SCHEMA.field("other").type),
    )
    table = pa.Table.from_batches([batch])
    if screened is not None:
        table = pa.concat_tables([table, screened])
    return write_drop_table(table, DROPS.path(out, part))


def write_drop_table(
    table: pa.Table, path: str, *, metadata: Mapping[str, str] | None = None
) -> int:
    """Writes rows of `DROP_SCHEMA` in any order as a file sorted by row; returns their number.

    Labels are encoded anew from those that occur, so equal rows give equal bytes.
    """
    plain = pa.schema(
        [
            field if field.name not in ("rule", "other") else pa.field(field.name, pa.string())
            for field in DROP_SCHEMA
        ]
    )
    table = table.cast(plain).combine_chunks().sort_by("row").cast(DROP_SCHEMA)
    write_parquet(table.replace_schema_metadata(metadata), path, plain=("id", "keeper_id"))
    return table.num_rows


def cluster_order(components: np.ndarray) -> np.ndarray:
    """The value that components are sorted by in `clusters.parquet`.

    It is uniform, so that ranges of it are of similar size.
    """
    return mix64(components)


def sort_clusters(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Batches of `CHOICE_SCHEMA` with whole components -> `CLUSTER_SCHEMA`, sorted as the file."""
    table = pa.Table.from_batches(batches, schema=CHOICE_SCHEMA).combine_chunks()
    order = np.lexsort((table["member"].to_numpy(), cluster_order(table["component"].to_numpy())))
    return table.take(pa.array(order)).select(CLUSTER_SCHEMA.names).cast(CLUSTER_SCHEMA)


def write_clusters(out: str, tables: Iterable[pa.Table], statistics: Mapping[str, int]) -> None:
    """Writes `clusters.parquet` from sorted tables of `CLUSTER_SCHEMA`, one after the other.

    Row groups have one size whatever the sizes of the tables are, so that the bytes do not depend
    on how the rows were divided. `statistics` go into the schema's metadata.
    """
    schema = CLUSTER_SCHEMA.with_metadata(
        {f"tokenmill.{name}": str(statistics[name]) for name in sorted(statistics)}
    )
    compression = {name: "none" if name == "id" else "zstd" for name in schema.names}
    encoded = [name for name in schema.names if name != "id"]
    with (
        storage.atomic_output(clusters_path(out)) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression=compression, use_dictionary=encoded
        ) as writer,
    ):
        for table in _of_rows(tables, _GROUP_ROWS):
            writer.write_table(table.cast(schema), row_group_size=_GROUP_ROWS)


def _of_rows(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of `rows` rows each, the last one smaller."""
    pending = CLUSTER_SCHEMA.empty_table()
    for table in tables:
        pending = pa.concat_tables([pending, table.cast(CLUSTER_SCHEMA)])
        while pending.num_rows >= rows:
            yield pending.slice(0, rows).combine_chunks()
            pending = pending.slice(rows)
    if pending.num_rows:
        yield pending.combine_chunks()
