"""Checks of the documents stage: counters, and unique ids that match the rows' origins."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.plan import read_units
from pipeline.stages.check import Check, differing_keys
from pipeline.stages.documents.units import DocumentsUnit
from pipeline.stages.finished import FinishedStages, need
from transforms import storage
from transforms.arrays import binary_rows
from transforms.contracts.counters import DocumentsCounters, add_counters
from transforms.contracts.documents import document_id
from transforms.contracts.names import PARTS, REJECTS
from transforms.contracts.plain import to_plain
from transforms.ingest.unit import PartPaths, count_part

_BATCH_ROWS = 1 << 14


def check_counts(stages: FinishedStages, check: Check) -> None:
    """Recounts the files: they match the manifest, and read = kept + rejected for each source."""
    rejects = need(stages.documents).paths(REJECTS)
    total = DocumentsCounters(sources={})
    for part, path in need(stages.documents).paths(PARTS).items():
        _, counts = count_part(PartPaths(part=path, rejects=rejects[part]))
        total = add_counters(total, DocumentsCounters(sources=counts.by_source()))
    stated = need(stages.documents).counters
    for fault in differing_keys(to_plain(stated.sources), to_plain(total.sources)):
        check.add(fault)
    for name, source in stated.sources.items():
        if source.read != source.kept + sum(source.rejected.values()):
            check.add(
                f"{name}: {source.read:,} records read are not those kept and rejected together"
            )
    check.checked = f"{total.read:,} records of {len(total.sources)} sources"


def check_ids(stages: FinishedStages, check: Check) -> None:
    """Checks the ids of all documents and rejects.

    Each id is the hash of the row's source, origin and locator. No id occurs twice. Each row's
    input file is in the plan of its part.
    """
    units = read_units(stages.run.documents, DocumentsUnit)
    seen = [np.zeros(0, np.uint64)]
    rows = 0
    for files in (PARTS, REJECTS):
        for part, path in need(stages.documents).paths(files).items():
            planned = {(file.source, file.origin) for file in units[part].files}
            first = 0
            with storage.open_input(path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(
                    columns=["id", "source", "origin", "locator"], batch_size=_BATCH_ROWS
                ):
                    columns = (
                        batch.column(name).cast(pa.string()).to_pylist()
                        for name in ("source", "origin", "locator")
                    )
                    places = list(zip(*columns, strict=True))
                    for row, (place, stored_id) in enumerate(
                        zip(places, batch.column("id").to_pylist(), strict=True), first
                    ):
                        if document_id(*place) != stored_id:
                            check.add(
                                f"{path}:{row} has the id {stored_id.hex()}, "
                                f"which is not that of {' '.join(place)}"
                            )
                    for source, origin in sorted({place[:2] for place in places} - planned):
                        check.add(
                            f"{path} has rows of {source} {origin}, "
                            "which the plan does not read for it"
                        )
                    seen.append(_first_half(batch.column("id")))
                    first += len(batch)
            rows += first
    _add_repeated_ids(np.concatenate(seen), stages, check)
    check.checked = f"{rows:,} ids"


def _first_half(ids: pa.Array) -> np.ndarray:
    """Binary ids (n,) -> their first eight bytes: uint64 (n,)."""
    return np.ascontiguousarray(binary_rows(ids)[:, :8]).view(np.uint64).reshape(-1)


def _add_repeated_ids(halves: np.ndarray, stages: FinishedStages, check: Check) -> None:
    """Adds a fault for each id that occurs twice.

    `halves`: uint64 (n,), the first eight bytes of all ids, which need half the memory of whole
    ids. Files are read a second time only if two halves are equal, and then whole ids are compared.
    """
    values, times = np.unique(halves, return_counts=True)
    suspects = values[times > 1]
    if not len(suspects):
        return
    places: dict[bytes, str] = {}
    for files in (PARTS, REJECTS):
        for path in need(stages.documents).paths(files).values():
            with storage.open_input(path) as stream:
                ids = pq.read_table(stream, columns=["id"])["id"].combine_chunks()
            for row in np.flatnonzero(np.isin(_first_half(ids), suspects)).tolist():
                full_id = ids[row].as_py()
                if full_id in places:
                    check.add(f"{path}:{row} has the id of {places[full_id]}: {full_id.hex()}")
                places.setdefault(full_id, f"{path}:{row}")
