"""Screens: they drop documents before duplicates are searched.

So no keeper is a dropped document itself. A screen writes one file for each part into `screened/`,
rows of `DROP_SCHEMA`. The files are removed once the drops of all parts are written.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import storage
from transforms.contracts.addresses import unpack_address
from transforms.contracts.dedup import DROP_SCHEMA, SCREEN_RULES
from transforms.dedup.near.graph import write_drop_table
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import read_parquet

_FOLDER = "screened"

ADDRESSED_DROP_SCHEMA = pa.schema(
    [
        pa.field("member", pa.uint64(), nullable=False),
        *(field for field in DROP_SCHEMA if field.name != "row"),
    ]
)
"""Dropped documents of any parts: `DROP_SCHEMA` with the document's address in place of its row."""


def active_screens(config: DedupConfig) -> tuple[str, ...]:
    """The screens that a configuration asks for, in their order."""
    active = {
        "decontaminate": bool(config.decontaminate) and config.decontaminate_action == "drop",
        "urls": config.urls != "off",
        "against": bool(config.against),
    }
    return tuple(screen for screen in SCREEN_RULES if active[screen])


def screens_before(screen: str, config: DedupConfig) -> tuple[str, ...]:
    """The active screens that run before one."""
    order = list(SCREEN_RULES)
    return tuple(name for name in active_screens(config) if order.index(name) < order.index(screen))


def screened_folder(out: str) -> str:
    return storage.join(out, _FOLDER)


def write_screened(out: str, screen: str, part: int, drops: pa.Table) -> None:
    """Commits what a screen drops of a part: `DROP_SCHEMA` in any order, a document once."""
    write_drop_table(drops, _path(out, screen, part))


def screened_drops(
    out: str, part: int, config: DedupConfig, *, screens: tuple[str, ...] | None = None
) -> pa.Table:
    """What screens drop of a part: `DROP_SCHEMA`. All active screens unless some are named.

    Raises FileNotFoundError if a screen has not written its file.
    """
    names = active_screens(config) if screens is None else screens
    tables = [read_parquet(_path(out, screen, part)).cast(DROP_SCHEMA) for screen in names]
    return pa.concat_tables([DROP_SCHEMA.empty_table(), *tables])


def screened_rows(
    out: str, part: int, config: DedupConfig, *, screens: tuple[str, ...] | None = None
) -> np.ndarray:
    """The rows of those drops: int64 (n,), sorted."""
    return np.sort(
        screened_drops(out, part, config, screens=screens)["row"].to_numpy().astype(np.int64)
    )


def addressed_drops(
    *,
    members: np.ndarray,
    ids: pa.Array,
    rule: str,
    keepers: pa.Array | None = None,
    keeper_ids: pa.Array | None = None,
    similarity: pa.Array | None = None,
    other: pa.Array | None = None,
) -> pa.RecordBatch:
    """n documents dropped by one rule -> `ADDRESSED_DROP_SCHEMA`; other columns are null.

    Args:
        members: uint64 (n,), addresses of the documents; `ids`: their ids.
        keepers, keeper_ids: (n,), the documents kept in their place.
        similarity: float32 (n,), to the keepers.
        other: string (n,), the earlier run that holds the keeper, or the evaluation set.
    """
    given = {"keeper": keepers, "keeper_id": keeper_ids, "similarity": similarity, "other": other}
    rules = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(members), np.int32)), pa.array([rule])
    )
    columns = {"member": pa.array(members, pa.uint64()), "id": ids, "rule": rules}
    for name, column in given.items():
        kind = ADDRESSED_DROP_SCHEMA.field(name).type
        columns[name] = pa.nulls(len(members), kind) if column is None else pc.cast(column, kind)
    return pa.RecordBatch.from_arrays(
        [columns[name] for name in ADDRESSED_DROP_SCHEMA.names], schema=ADDRESSED_DROP_SCHEMA
    )


def drops_of_part(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Batches of `ADDRESSED_DROP_SCHEMA` of one part -> `DROP_SCHEMA`."""
    table = (
        pa.Table.from_batches(batches, schema=ADDRESSED_DROP_SCHEMA)
        .unify_dictionaries()
        .combine_chunks()
    )
    rows = unpack_address(table["member"].to_numpy())[1].astype(np.uint32)
    return table.set_column(0, DROP_SCHEMA.field("row"), pa.chunked_array([pa.array(rows)])).cast(
        DROP_SCHEMA
    )


def _path(out: str, screen: str, part: int) -> str:
    return storage.join(out, _FOLDER, f"{screen}-{part:05d}.parquet")
