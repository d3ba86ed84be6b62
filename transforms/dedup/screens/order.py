"""Screens: what drops documents before duplicates are looked for, so that nobody goes because of one that is dropped itself.

A screen writes one file a part into `screened/`, rows of `DROP_SCHEMA`; the files go when the drops of all parts are written.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.addresses import unpack_address
from transforms.contracts.dedup import DROP_SCHEMA, SCREEN_RULES
from transforms.dedup.near.graph import write_drop_table
from transforms.dedup.settings import DedupConfig

FOLDER = "screened"

GONE_SCHEMA = pa.schema([pa.field("member", pa.uint64(), nullable=False), *(field for field in DROP_SCHEMA if field.name != "row")])
"""Drops of any parts: as `DROP_SCHEMA`, with the document's address in place of its row."""


def active_screens(config: DedupConfig) -> tuple[str, ...]:
    """The screens that a configuration asks for, in their order."""
    active = {
        "decontaminate": bool(config.decontaminate) and config.decontaminate_action == "drop",
        "urls": config.urls != "off",
        "against": bool(config.against),
    }
    return tuple(screen for screen in SCREEN_RULES if active[screen])


def screens_before(screen: str, config: DedupConfig) -> tuple[str, ...]:
    """The active screens that come before one."""
    order = list(SCREEN_RULES)
    return tuple(name for name in active_screens(config) if order.index(name) < order.index(screen))


def screened_folder(out: str) -> str:
    return storage.join(out, FOLDER)


def write_screened(out: str, screen: str, part: int, drops: pa.Table) -> None:
    """Commits what a screen drops of a part: rows of `DROP_SCHEMA` in any order, a document once."""
    write_drop_table(drops, _path(out, screen, part))


def screened_drops(out: str, part: int, config: DedupConfig, *, screens: tuple[str, ...] | None = None) -> pa.Table:
    """What the screens (all active ones unless named) drop of a part. Raises FileNotFoundError if one has not written it."""
    found = [_read(_path(out, screen, part)) for screen in (active_screens(config) if screens is None else screens)]
    return pa.concat_tables([DROP_SCHEMA.empty_table(), *found])


def screened_rows(out: str, part: int, config: DedupConfig, *, screens: tuple[str, ...] | None = None) -> np.ndarray:
    """The rows of those drops: int64 [n], sorted."""
    return np.sort(screened_drops(out, part, config, screens=screens)["row"].to_numpy().astype(np.int64))


def gone_batch(
    *,
    members: np.ndarray,
    ids: pa.Array,
    rule: str,
    keepers: pa.Array | None = None,
    keeper_ids: pa.Array | None = None,
    similarity: pa.Array | None = None,
    other: pa.Array | None = None,
) -> pa.RecordBatch:
    """n dropped documents of one rule as `GONE_SCHEMA`; what is not given is null."""
    given = {"keeper": keepers, "keeper_id": keeper_ids, "similarity": similarity, "other": other}
    rules = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(members), np.int32)), pa.array([rule]))
    columns = {"member": pa.array(members, pa.uint64()), "id": ids, "rule": rules} | {
        name: pa.nulls(len(members), GONE_SCHEMA.field(name).type) if column is None else pc.cast(column, GONE_SCHEMA.field(name).type)
        for name, column in given.items()
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in GONE_SCHEMA.names], schema=GONE_SCHEMA)


def drops_of(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Batches of `GONE_SCHEMA` of one part -> `DROP_SCHEMA`."""
    table = pa.Table.from_batches(batches, schema=GONE_SCHEMA).unify_dictionaries().combine_chunks()
    rows = unpack_address(table["member"].to_numpy())[1].astype(np.uint32)
    return table.set_column(0, DROP_SCHEMA.field("row"), pa.chunked_array([pa.array(rows)])).cast(DROP_SCHEMA)


def _path(out: str, screen: str, part: int) -> str:
    return storage.join(out, FOLDER, f"{screen}-{part:05d}.parquet")


def _read(path: str) -> pa.Table:
    with storage.open_input(path) as stream:
        table = pq.read_table(stream)
    return table.cast(DROP_SCHEMA)
