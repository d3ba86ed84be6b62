"""Deduplicated documents -> Parquet or JSON lines. A unit is a part of the documents."""

import contextlib
import functools
import posixpath
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.config.schema import Config
from pipeline.run.folder import Run, file_entry, read_plan, stage_manifest
from pipeline.runner.units import UnitReport
from pipeline.stages.tokenizer.stage import kept_parts
from transforms import storage
from transforms.contracts.documents import DOCUMENT_SCHEMA, FORMAT_VERSION
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.export.document_columns import KeptColumn, add_kinds, export_schema, flat_documents, kept_columns, with_kept
from transforms.export.formats import DocumentFormat, Write
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest

FOLDER = "data"
"""Apart from plan and manifest, which readers of a whole folder would take for documents."""


def split_of(config: Config, run: Run) -> dict[str, Any]:
    """The seed and share of the validation split: those of the run's shards, of the configuration while there are none."""
    if not storage.exists(storage.join(run.stage("shards"), MANIFEST)):
        return {"seed": config.seed, "validation": config.shards.validation}
    made = stage_manifest(run, "shards").configuration
    return {"seed": made["seed"], "validation": made["shards"]["validation"]}


def plan_documents(run: Run, request: ExportRequest, *, validation: float) -> list[dict[str, Any]]:
    """The units of an export: parts of the sources wanted, in order, with the documents that each must give."""
    parts, drops = (stage_manifest(run, stage).files for stage in ("documents", "dedup"))
    sources = [unit["files"][0]["source"] for unit in read_plan(run.stage("documents"))["units"]]
    request.check_sources(set(sources))
    suffix = _format(request).suffix(request.options)
    splits = [split for split in request.splits if split == "train" or validation]
    units: list[dict[str, Any]] = []
    for number, part_path, drops_path in kept_parts(run):
        part, dropped = parts[_name(part_path)], drops[_name(drops_path)]
        if splits and request.wants(sources[number]) and part.rows > dropped.rows:
            units.append(
                {
                    "part": part_path,
                    "drops": drops_path,
                    "documents": part.rows - dropped.rows,
                    "bytes": part.bytes,
                    "files": [f"{FOLDER}/{split}-{number:05d}{suffix}" for split in splits],
                    "splits": splits,
                }
            )
    if not units:
        remedy = "choose another --split or other --sources"
        raise UserError("nothing to export: no document is left of these sources and splits", where=run.folder, remedy=remedy)
    return units


def columns_of(run: Run, request: ExportRequest) -> tuple[KeptColumn, ...]:
    """The columns that the exported sources keep, in the order of the configuration, with the types that their values have in all parts."""
    manifest = stage_manifest(run, "documents")
    if (made := manifest.configuration.get("documents_format")) != FORMAT_VERSION:
        what = f"the documents are of format {made}, and exports need those of format {FORMAT_VERSION}"
        raise UserError(what, where=run.stage("documents"), remedy="make them again: tokenmill run CONFIG --overwrite")
    keys: list[str] = []
    kinds: dict[str, Counter[str]] = {}
    for name, source in manifest.configuration["sources"].items():
        if request.wants(name):
            keys += source.get("keep_columns", ())
            add_kinds(kinds, manifest.counters["sources"].get(name, {}).get("kept_columns", {}))
    return kept_columns(keys, kinds)


def document_work(
    request: ExportRequest, *, seed: int, validation: float, columns: tuple[KeptColumn, ...] = ()
) -> functools.partial[UnitReport]:
    return functools.partial(document_unit, request=request, seed=seed, validation=validation, columns=columns)


def document_unit(
    folder: str,
    number: int,
    unit: dict[str, Any],
    *,
    request: ExportRequest,
    seed: int,
    validation: float,
    columns: tuple[KeptColumn, ...] = (),
) -> UnitReport:
    """Writes a part's kept documents by split unless they are there. A split without documents of this part has no file.

    Raises UserError when what was written is not what deduplication left.
    """
    names = dict(zip(unit["splits"], unit["files"], strict=True))
    expected = _count_splits(unit, seed=seed, validation=validation)
    paths = {split: storage.join(folder, name) for split, name in names.items() if expected[split]}
    if not all(storage.exists(path) for path in paths.values()):
        _write_part(unit, paths, request=request, seed=seed, validation=validation, columns=columns)
    counters, files = {}, {}
    for split, path in paths.items():
        with storage.local_copy(path) as local:
            written = _format(request).count(local)
        if written != expected[split] or sum(expected.values()) != unit["documents"]:
            raise UserError(
                f"{unit['documents']:,} documents stay of the part, {expected[split]:,} of them in {split}; {written:,} were written",
                where=path,
                remedy="export again with --overwrite; if that does not help, report this as a defect",
            )
        counters[split] = {"documents": written}
        files[names[split]] = file_entry(path, written)
    return UnitReport(files=files, counters=counters)


def _write_part(
    unit: dict[str, Any],
    paths: dict[str, str],
    *,
    request: ExportRequest,
    seed: int,
    validation: float,
    columns: tuple[KeptColumn, ...],
) -> None:
    schema = export_schema(columns)
    for path in paths.values():
        storage.make_folder(posixpath.dirname(path))
    with contextlib.ExitStack() as stack:
        writers: dict[str, Write] = {}
        for split, path in paths.items():
            temporary = stack.enter_context(storage.atomic_output(path))
            writers[split] = stack.enter_context(_format(request).open(temporary, request.options, schema))
        for _, batch in read_kept(unit["part"], unit["drops"], columns=DOCUMENT_SCHEMA.names):
            for split, mask in _split_masks(batch, seed=seed, validation=validation).items():
                if split in writers and mask.any():
                    chosen = batch.filter(pa.array(mask))
                    flat = flat_documents(chosen)
                    writers[split](with_kept(flat, chosen.column("kept"), columns) if columns else flat)


def _count_splits(unit: dict[str, Any], *, seed: int, validation: float) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, batch in read_kept(unit["part"], unit["drops"], columns=["id"]):
        masks = _split_masks(batch, seed=seed, validation=validation)
        counts.update({split: int(mask.sum()) for split, mask in masks.items()})
    return counts


def _split_masks(batch: pa.RecordBatch, *, seed: int, validation: float) -> dict[str, np.ndarray]:
    """The split of each document, as the shards have it: bool (n,) for each."""
    held_out = share_mask(seeded_hash(batch.column("id"), seed=seed, purpose="validation"), validation)
    return {"train": ~held_out, "validation": held_out}


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _format(request: ExportRequest) -> DocumentFormat:
    found = FORMATS[request.format]
    assert isinstance(found, DocumentFormat)
    return found
