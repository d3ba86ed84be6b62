"""The first reject of a stage that fails, for its error message."""

import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.names import REJECTS

_COLUMNS = ("source", "stage", "rule", "value", "threshold", "detail", "origin", "locator")
_SHOWN = 300


def first_reject(folder: str, *, source: str | None = None, stage: str | None = None) -> str:
    """Text on a folder's first reject: `; the first: RULE at LOCATOR of FILE: DETAIL`.

    `source`, `stage`: count only rejects with these values of the columns. Empty if there is none.
    """
    for name in storage.list_names(folder):
        if REJECTS.matches(name):
            with storage.open_input(storage.join(folder, name)) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=list(_COLUMNS)):
                    for row in batch.to_pylist():
                        if source in (None, row["source"]) and stage in (None, row["stage"]):
                            return _described(row)
    return ""


def _described(row: dict) -> str:
    detail = " ".join((row["detail"] or "").split())
    if not detail and row["value"] is not None:
        detail = f"{row['value']:.6g}" + (
            "" if row["threshold"] is None else f", threshold {row['threshold']:.6g}"
        )
    detail = detail if len(detail) <= _SHOWN else detail[:_SHOWN] + "…"
    return f"; the first: {row['rule']} at {row['locator']} of {row['origin']}" + (
        f": {detail}" if detail else ""
    )
