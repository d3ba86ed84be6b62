"""The state of a stage's folder: whether it may be skipped, resumed or must be refused, and its begin and end.

A stage folder holds `plan.json` from its start and `manifest.json` from its end. Both name the stage's fingerprint:
equal fingerprints mean equal bytes, so parts that an interrupted run has committed stay.
"""

import json
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Literal

from pipeline.run.plan import DIVISION, StagePlan, WrittenPlan, read_plan
from pipeline.run.plan import NAME as PLAN
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import FileEntry, Manifest, sha256_of, write_manifest
from transforms.contracts.plain import Json, JsonObject, to_object
from transforms.errors import UserError

State = Literal["new", "started", "done"]

_LIBRARIES = (
    "apache-beam",
    "pyarrow",
    "numpy",
    "tokenizers",
    "tiktoken",
    "fastwarc",
    "resiliparse",
    "xxhash",
    "fasttext-predict",
)


def stage_state(folder: str, plan: StagePlan[Any]) -> State:
    """Compares a stage folder with what is planned. Raises UserError, naming what differs, rather than mix two configurations."""
    if not storage.exists(storage.join(folder, PLAN)):
        leftovers = storage.list_names(folder)
        if leftovers:
            raise UserError(
                f"the folder holds {leftovers[0]!r} and others, but no plan of this tool",
                where=folder,
                remedy="name another folder, or remove it with --overwrite",
            )
        return "new"
    earlier = read_plan(folder)
    if earlier.fingerprint != plan.fingerprint:
        changes = "; ".join(_changes(earlier, plan))
        raise UserError(
            f"the folder was made from something else: {changes}",
            where=folder,
            remedy="name another folder in the configuration, or make this stage again with --overwrite",
        )
    return "done" if is_finished(folder) else "started"


def is_finished(folder: str) -> bool:
    """Whether a stage's folder holds a manifest."""
    return storage.exists(storage.join(folder, MANIFEST))


def _changes(earlier: WrittenPlan, plan: StagePlan[Any]) -> list[str]:
    """What differs between an earlier plan and this one, the most specific first."""
    if changed := changed_values(earlier.configuration, plan.configuration):
        return changed
    files, files_now = (
        {path: tuple(rest) for path, *rest in entries} for entries in (earlier.inputs, plan.inputs)
    )
    paths = sorted(
        path for path in files.keys() | files_now.keys() if files.get(path) != files_now.get(path)
    )
    if paths:
        return [
            f"input {path} is another ({len(paths)} of {len(files.keys() | files_now.keys())} files)"
            for path in paths[:1]
        ]
    return (
        ["the stage before it was made again"]
        if earlier.upstream != plan.upstream
        else ["another version of tokenmill made it"]
    )


def changed_values(before: JsonObject, now: JsonObject) -> list[str]:
    """The first keys that differ between two stages' configurations, with both values."""
    old, new = flat_values(before), flat_values(now)
    keys = sorted(
        key for key in old.keys() | new.keys() if key != DIVISION and old.get(key) != new.get(key)
    )
    return [
        f"{key} was {json.dumps(old.get(key))}, is {json.dumps(new.get(key))}" for key in keys[:3]
    ]


def flat_values(value: Json, prefix: str = "") -> JsonObject:
    """Nested objects -> one, whose keys are dotted paths."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: leaf
        for name, item in value.items()
        for key, leaf in flat_values(item, f"{prefix}.{name}" if prefix else name).items()
    }


def start_stage(folder: str, plan: StagePlan[Any]) -> None:
    """Makes the stage's folder and commits its plan. Raises UserError when the folder cannot be written."""
    try:
        storage.make_folder(folder)
        plan.write(folder)
    except OSError as error:
        raise UserError(
            f"cannot write: {error}",
            where=folder,
            remedy="name a folder that can be written in the configuration",
        ) from error


def discard_stage(folder: str) -> None:
    """Removes a stage folder. The manifest goes first: an interrupted removal leaves no folder that looks finished."""
    storage.remove(storage.join(folder, MANIFEST))
    storage.remove_folder(folder)
    leftovers = storage.list_names(folder)
    if leftovers:
        raise UserError(
            f"{leftovers[0]!r} and others could not be removed",
            where=folder,
            remedy="remove the folder by hand",
        )


def finish_stage(
    folder: str,
    plan: StagePlan[Any],
    *,
    files: dict[str, FileEntry],
    counters: object,
    seconds: float,
    cpu_seconds: float,
    details: JsonObject | None = None,
) -> Manifest:
    """Commits the manifest: from now on the stage is done."""
    manifest = Manifest(
        stage=plan.stage,
        fingerprint=plan.fingerprint,
        upstream=plan.upstream,
        configuration=plan.configuration,
        files=dict(sorted(files.items())),
        counters=to_object(counters),
        versions=versions(),
        seconds=round(seconds, 3),
        cpu_seconds=round(cpu_seconds, 3),
        details=details or {},
    )
    write_manifest(folder, manifest)
    return manifest


def file_entry(path: str, rows: int) -> FileEntry:
    """Measures a committed file."""
    return FileEntry(rows=rows, bytes=storage.size(path), sha256=sha256_of(path))


def versions() -> dict[str, str]:
    """Versions of this tool, Python and the libraries that decide what bytes come out."""
    own = {
        "tokenmill": metadata.version("tokenmill"),
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return own | {name: metadata.version(name) for name in _LIBRARIES}


def damaged_files(folder: str, manifest: Manifest, *, hashes: bool) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of a stage's files that are missing, of another size or, with `hashes`, of another sha256."""
    sizes = storage.file_sizes(folder)
    for name, entry in manifest.files.items():
        if name not in sizes:
            yield name, "is missing"
        elif sizes[name] != entry.bytes:
            yield name, f"has {sizes[name]:,} bytes, the manifest says {entry.bytes:,}"
        elif hashes and sha256_of(storage.join(folder, name)) != entry.sha256:
            yield name, "is not what was written: its sha256 is another"
