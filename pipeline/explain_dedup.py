"""What deduplication did with one document: whether it stays, for whose sake it goes, who went for it, which lines it lost."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipeline.run import Run
from transforms import io
from transforms.corpus import LINES_KEY, read_removed
from transforms.dedup.examine import address_text
from transforms.dedup.tables import clusters_path, drops_path
from transforms.documents import pack_address
from transforms.lookup import find_rows, read_matches, read_rows_of, same

STAGE = "dedup"
LISTED = 10

Describe = Callable[[int], dict[str, Any] | None]
"""A document's address -> what a person knows it by; None where the documents are not there."""


def explain_dedup(run: Run, part: int, row: int, text: str | None, describe: Describe) -> dict[str, Any]:
    """The verdict on a document of a deduplicated run: `kept` or `dropped` with rule, similarity and keeper, and what belongs to it.

    A keeper that goes itself has its own verdict under `then`. `text` is the document's, for the lines that it lost.
    """
    folder = run.stage(STAGE)
    verdict: dict[str, Any] = {"verdict": "kept"}
    step, seen = verdict, {(part, row)}
    at = part, row
    while drop := _drop_of(folder, *at):
        step |= {"verdict": "dropped", "rule": drop["rule"], "similarity": drop["similarity"], "other": drop["other"]}
        if drop["keeper"] is None or drop["other"] is not None:
            step["keeper"] = {"document": address_text(drop["keeper"]), "id": drop["keeper_id"].hex()} if drop["keeper_id"] else None
            break
        step["keeper"] = {"document": address_text(drop["keeper"]), "id": drop["keeper_id"].hex(), **(describe(drop["keeper"]) or {})}
        at = drop["keeper"] >> 32, drop["keeper"] & 0xFFFFFFFF
        if at in seen:
            break
        seen.add(at)
        step["keeper"]["then"] = step = {"verdict": "kept"}
    verdict["group"] = _group(folder, int(pack_address(part, np.array([row]))[0]), describe)
    verdict["lines"] = _lines(folder, part, row, text)
    verdict["evaluation_texts"] = _contamination(folder, part, row)
    return {key: value for key, value in verdict.items() if value not in (None, [])}


def removed_lines(run: Run, part: int, row: int) -> np.ndarray:
    """The numbers of the lines that a document lost: int64, rising."""
    path = drops_path(run.stage(STAGE), part)
    with io.open_input(path) as stream:
        name = (pq.read_schema(stream).metadata or {}).get(LINES_KEY)
    removed = read_removed(path, name)
    return np.zeros(0, np.int64) if removed is None else removed.of(row)


def _drop_of(folder: str, part: int, row: int) -> dict[str, Any] | None:
    found, _ = read_matches(drops_path(folder, part), _DROP_COLUMNS, same("row", row), limit=1)
    return found[0] if found else None


_DROP_COLUMNS = ("row", "rule", "keeper", "keeper_id", "similarity", "other")


def _group(folder: str, address: int, describe: Describe) -> dict[str, Any] | None:
    """Its group of duplicates: `documents` in it, `stay`, and those that went for this one: `went_for_it`, of which the first `went`."""
    path = clusters_path(folder)
    own, _ = read_matches(path, ("component", "size", "member"), same("member", address), limit=1)
    if not own:
        return None
    component = own[0]["component"]
    columns = ("component", "member", "keeper", "similarity")
    went, number = read_matches(
        path, columns, lambda batch: _both(same("keeper", address)(batch), same("member", address)(batch)), limit=LISTED
    )
    _, stay = read_matches(path, columns, lambda batch: _stays(batch, component), limit=0)
    entries = [{"document": address_text(one["member"]), "similarity": one["similarity"]} | (describe(one["member"]) or {}) for one in went]
    return {"documents": own[0]["size"], "stay": stay, "went_for_it": number, "went": entries}


def _both(is_keeper: Any, is_member: Any) -> np.ndarray:
    return is_keeper.to_numpy(zero_copy_only=False) & ~is_member.to_numpy(zero_copy_only=False)


def _stays(batch: Any, component: int) -> np.ndarray:
    columns = {name: batch.column(name).to_numpy() for name in ("component", "member", "keeper")}
    return (columns["component"] == component) & (columns["member"] == columns["keeper"])


def _lines(folder: str, part: int, row: int, text: str | None) -> list[dict[str, Any]]:
    """The lines that went, by number from 0, with their text where the documents are there."""
    numbers = removed_lines(Run(folder.rpartition("/")[0]), part, row).tolist()
    lines = [] if text is None else text.split("\n")
    return [{"line": number, "text": lines[number] if number < len(lines) else None} for number in numbers]


def _contamination(folder: str, part: int, row: int) -> list[dict[str, Any]]:
    path = io.join(folder, f"contamination-{part:05d}.parquet")
    if not io.exists(path):
        return []
    found = find_rows(path, ["row"], same("row", row))
    return [{name: values[name] for name in ("set", "grams", "excerpt")} for _, values in read_rows_of(path, found)]
