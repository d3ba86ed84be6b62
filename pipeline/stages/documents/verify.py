"""Checks of the `documents` stage: its counts, and that every id is that of its place in the input and occurs once."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.folder import read_plan
from pipeline.runner.units import add_counters
from pipeline.stages.check import Check, Checked, differing_keys
from transforms import storage
from transforms.arrays import binary_rows
from transforms.contracts.documents import document_id
from transforms.ingest.unit import PartPaths, count_part

STAGE = "documents"
_BATCH_ROWS = 1 << 14


def check_counts(checked: Checked, check: Check) -> None:
    """Read = kept + rejected, by source and rule, and every counter of the manifest is what the files give."""
    rejects = checked.files(STAGE, "rejects")
    total: dict[str, Any] = {}
    for part, path in checked.files(STAGE, "part").items():
        _, counts = count_part(PartPaths(part=path, rejects=rejects[part]))
        total = add_counters(total, counts.by_source())
    stated = checked.manifests[STAGE].counters["sources"]
    for fault in differing_keys(stated, total):
        check.add(fault)
    for name, source in stated.items():
        if source["read"] != source["kept"] + sum(source["rejected"].values()):
            check.add(f"{name}: {source['read']:,} records read are not those kept and rejected together")
    check.checked = f"{sum(source['read'] for source in total.values()):,} records of {len(total)} sources"


def check_ids(checked: Checked, check: Check) -> None:
    """The id of each row is the hash of its source, origin and locator; no id occurs twice; each row's file is in the plan."""
    units = read_plan(checked.run.stage(STAGE))["units"]
    seen = [np.zeros(0, np.uint64)]
    rows = 0
    for prefix in ("part", "rejects"):
        for part, path in checked.files(STAGE, prefix).items():
            planned = {(file["source"], file["origin"]) for file in units[part]["files"]}
            first = 0
            with storage.open_input(path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=["id", "source", "origin", "locator"], batch_size=_BATCH_ROWS):
                    columns = (batch.column(name).cast(pa.string()).to_pylist() for name in ("source", "origin", "locator"))
                    places = list(zip(*columns, strict=True))
                    for row, (place, found) in enumerate(zip(places, batch.column("id").to_pylist(), strict=True), first):
                        if document_id(*place) != found:
                            check.add(f"{path}:{row} has the id {found.hex()}, which is not that of {' '.join(place)}")
                    for source, origin in sorted({place[:2] for place in places} - planned):
                        check.add(f"{path} has rows of {source} {origin}, which the plan does not read for it")
                    seen.append(_first_half(batch.column("id")))
                    first += len(batch)
            rows += first
    _find_repeated(np.concatenate(seen), checked, check)
    check.checked = f"{rows:,} ids"


def _first_half(ids: pa.Array) -> np.ndarray:
    """The first eight bytes of each id: uint64 (n,)."""
    return np.ascontiguousarray(binary_rows(ids)[:, :8]).view(np.uint64).reshape(-1)


def _find_repeated(halves: np.ndarray, checked: Checked, check: Check) -> None:
    """Eight bytes of each id are held; only where two agree in them are whole ids compared."""
    values, times = np.unique(halves, return_counts=True)
    suspects = values[times > 1]
    if not len(suspects):
        return
    places: dict[bytes, str] = {}
    for prefix in ("part", "rejects"):
        for path in checked.files(STAGE, prefix).values():
            with storage.open_input(path) as stream:
                ids = pq.read_table(stream, columns=["id"])["id"].combine_chunks()
            for row in np.flatnonzero(np.isin(_first_half(ids), suspects)).tolist():
                found = ids[row].as_py()
                if found in places:
                    check.add(f"{path}:{row} has the id of {places[found]}: {found.hex()}")
                places.setdefault(found, f"{path}:{row}")
