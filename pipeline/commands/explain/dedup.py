"""What deduplication did with one document: whether it stays, for whose sake it goes, who went for it, which lines it lost."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.addresses import address_text, unpack_address
from transforms.contracts.dedup import LINES_KEY
from transforms.contracts.names import CONTAMINATION, DROPS, clusters_path
from transforms.dedup.lines.removed_lines import read_removed
from transforms.lookup import find_rows, read_matches, read_rows_of, same

STAGE = "dedup"
LISTED = 10

Describe = Callable[[int], dict[str, Any]]
"""A document's address -> what a person knows it by."""


def explain_dedup(run: Run, part: int, row: int, *, text: str, group: dict[str, Any] | None, describe: Describe) -> dict[str, Any]:
    """The verdict on a document of a deduplicated run: `kept` or `dropped` with rule, similarity and keeper, and what belongs to it.

    A keeper that goes itself has its own verdict under `then`. `text` is the document's, for the lines that it lost; `group` is
    that of `find_groups`.
    """
    folder = run.stage(STAGE)
    verdict: dict[str, Any] = {"verdict": "kept"}
    step, seen = verdict, {(part, row)}
    at = part, row
    while drop := _drop_of(folder, *at):
        step |= {"verdict": "dropped", "rule": drop["rule"], "similarity": drop["similarity"], "other": drop["other"]}
        if drop["keeper"] is None or drop["other"] is not None:
            step["keeper"] = _elsewhere(drop) if drop["keeper_id"] else None
            break
        step["keeper"] = {"document": address_text(drop["keeper"]), "id": drop["keeper_id"].hex(), **describe(drop["keeper"])}
        at = unpack_address(drop["keeper"])
        if at in seen:
            break
        seen.add(at)
        step["keeper"]["then"] = step = {"verdict": "kept"}
    if group is not None:
        went = [
            {"document": address_text(one["member"]), "similarity": one["similarity"], **describe(one["member"])} for one in group["went"]
        ]
        verdict["group"] = group | {"went": went}
    verdict["lines"] = _lines(run, part, row, text)
    verdict["evaluation_texts"] = _contamination(folder, part, row)
    return {key: value for key, value in verdict.items() if value not in (None, [])}


def find_groups(run: Run, addresses: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The group of duplicates of each document that has one: `documents` in it, how many `stay`, how many went for this document

    (`went_for_it`), and `member` and `similarity` of the first LISTED of these: `went`. Reads `clusters.parquet` twice, a batch at a time.
    """
    path = clusters_path(run.stage(STAGE))
    wanted = pa.array(addresses, pa.uint64())
    found: dict[int, dict[str, Any]] = {}
    components: dict[int, int] = {}
    for batch in _batches(path, ["component", "size", "member"]):
        for own in batch.filter(pc.is_in(batch.column("member"), wanted)).to_pylist():
            found[own["member"]] = {"documents": own["size"], "stay": 0, "went_for_it": 0, "went": []}
            components[own["member"]] = own["component"]
    if not found:
        return {}
    stay: Counter[int] = Counter()
    chosen = pa.array(sorted(set(components.values())), pa.uint64())
    for batch in _batches(path, ["component", "member", "keeper", "similarity"]):
        batch = batch.filter(pc.is_in(batch.column("component"), chosen))
        stays = pc.equal(batch.column("member"), batch.column("keeper"))
        stay.update(batch.filter(stays).column("component").to_pylist())
        goes = batch.filter(pc.and_(pc.invert(stays), pc.is_in(batch.column("keeper"), wanted)))
        for keeper, number in Counter(goes.column("keeper").to_pylist()).items():
            group = found[keeper]
            own = goes.filter(pc.equal(goes.column("keeper"), pa.scalar(keeper, pa.uint64()))).slice(0, LISTED - len(group["went"]))
            group["went_for_it"] += number
            group["went"] += own.select(["member", "similarity"]).to_pylist()
    for address, group in found.items():
        group["stay"] = stay[components[address]]
    return found


def _batches(path: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with storage.open_input(path) as stream:
        yield from pq.ParquetFile(stream).iter_batches(columns=columns)


def removed_lines(run: Run, part: int, row: int) -> np.ndarray:
    """The numbers of the lines that a document lost: int64, rising."""
    path = DROPS.path(run.stage(STAGE), part)
    with storage.open_input(path) as stream:
        name = (pq.read_schema(stream).metadata or {}).get(LINES_KEY)
    removed = read_removed(path, name)
    return np.zeros(0, np.int64) if removed is None else removed.of(row)


def _drop_of(folder: str, part: int, row: int) -> dict[str, Any] | None:
    found, _ = read_matches(DROPS.path(folder, part), _DROP_COLUMNS, same("row", row), limit=1)
    return found[0] if found else None


def _elsewhere(drop: dict[str, Any]) -> dict[str, Any]:
    """The keeper of a drop that is not of this run."""
    return {"document": None if drop["keeper"] is None else address_text(drop["keeper"]), "id": drop["keeper_id"].hex()}


_DROP_COLUMNS = ("row", "rule", "keeper", "keeper_id", "similarity", "other")


def _lines(run: Run, part: int, row: int, text: str) -> list[dict[str, Any]]:
    """The lines that went, by number from 0, with their text."""
    lines = text.split("\n")
    return [{"line": number, "text": lines[number]} for number in removed_lines(run, part, row).tolist()]


def _contamination(folder: str, part: int, row: int) -> list[dict[str, Any]]:
    path = CONTAMINATION.path(folder, part)
    if not storage.exists(path):
        return []
    found = find_rows(path, ["row"], same("row", row))
    return [{name: values[name] for name in ("set", "grams", "excerpt")} for _, values in read_rows_of(path, found)]
