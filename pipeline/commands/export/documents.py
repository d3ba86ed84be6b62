"""Deduplicated documents -> Parquet or JSON lines. A unit is a part of the documents."""

import contextlib
import functools
import posixpath
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.commands.export.stage import BYTES_PER_SECOND, DocumentExportUnit, ExportStage
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport, UnitJob, plan_work, run_units
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.documents.units import sources_of_parts
from pipeline.stages.kept_parts import kept_parts
from pipeline.stages.shards.made import settings_of
from pipeline.stages.shards.stage import SHARDS
from transforms import storage
from transforms.contracts.counters import ExportCounters, ExportedCounters
from transforms.contracts.documents import DOCUMENT_SCHEMA, FORMAT_VERSION
from transforms.contracts.plain import JsonObject, from_plain
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.export.document_columns import (
    KeptColumn,
    add_kinds,
    export_schema,
    flat_documents,
    kept_columns,
    with_kept,
)
from transforms.export.formats import DocumentFormat, Write
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest

FOLDER = "data"
"""Apart from plan and manifest, which readers of a whole folder would take for documents."""


class Split(NamedTuple):
    """What puts a document into a split: the seed of the hash of its id, and the share held out."""

    seed: int
    validation: float


def split_of(config: Config, run: Run) -> Split:
    """That of the run's shards, of the configuration while there are none."""
    finished = SHARDS.finished_or_none(run)
    if finished is None:
        return Split(config.seed, config.shards.validation)
    made = settings_of(finished)
    return Split(made.seed, made.validation)


def _document_units(
    run: Run, request: ExportRequest, *, validation: float
) -> list[DocumentExportUnit]:
    """The units of an export: parts of the sources wanted, in order, with the documents that each must give."""
    parts, drops = (stage.finished(run).manifest.files for stage in (DOCUMENTS, DEDUP))
    sources = sources_of_parts(run)
    request.check_sources(set(sources))
    suffix = Writing(request=request, split=Split(0, validation)).format.suffix(request.options)
    splits = tuple(split for split in request.splits if split == "train" or validation)
    units: list[DocumentExportUnit] = []
    for number, part_path, drops_path in kept_parts(run):
        part, dropped = parts[_name(part_path)], drops[_name(drops_path)]
        if splits and request.wants(sources[number]) and part.rows > dropped.rows:
            units.append(
                DocumentExportUnit(
                    part=part_path,
                    drops=drops_path,
                    documents=part.rows - dropped.rows,
                    bytes=part.bytes,
                    files=tuple(f"{FOLDER}/{split}-{number:05d}{suffix}" for split in splits),
                    splits=splits,
                )
            )
    if not units:
        remedy = "choose another --split or other --sources"
        raise UserError(
            "nothing to export: no document is left of these sources and splits",
            where=run.folder,
            remedy=remedy,
        )
    return units


def columns_of(run: Run, request: ExportRequest) -> tuple[KeptColumn, ...]:
    """The columns that the exported sources keep, in the order of the configuration, with the types that their values have in all parts."""
    documents = DOCUMENTS.finished(run)
    if (made := documents.manifest.configuration.get("documents_format")) != FORMAT_VERSION:
        what = (
            f"the documents are of format {made}, and exports need those of format {FORMAT_VERSION}"
        )
        raise UserError(
            what, where=run.documents, remedy="rerun the stages: tokenmill run CONFIG --overwrite"
        )
    keys: list[str] = []
    kinds: dict[str, Counter[str]] = {}
    for name, columns in _keep_columns(documents.manifest.configuration).items():
        if request.wants(name):
            keys += columns
            if (counters := documents.counters.sources.get(name)) and counters.kept_columns:
                add_kinds(kinds, counters.kept_columns)
    return kept_columns(keys, kinds)


def _keep_columns(configuration: JsonObject) -> dict[str, list[str]]:
    """The columns that each source of a documents stage keeps."""
    return {
        name: source.keep_columns
        for name, source in from_plain(dict[str, _KeepColumns], configuration["sources"]).items()
    }


@dataclass(frozen=True, kw_only=True)
class _KeepColumns:
    keep_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How the documents of a part are written."""

    request: ExportRequest
    split: Split
    columns: tuple[KeptColumn, ...] = ()

    @property
    def format(self) -> DocumentFormat[Any]:
        chosen = FORMATS[self.request.format]
        assert isinstance(chosen, DocumentFormat)
        return chosen


def export_unit(
    folder: str, number: int, unit: DocumentExportUnit, *, writing: Writing
) -> StageReport[ExportCounters]:
    """Writes a part's kept documents by split unless they are there. A split without documents of this part has no file.

    Raises UserError when what was written is not what deduplication left.
    """
    names = dict(zip(unit.splits, unit.files, strict=True))
    expected = _count_splits(unit, writing.split)
    paths = {split: storage.join(folder, name) for split, name in names.items() if expected[split]}
    if not all(storage.exists(path) for path in paths.values()):
        _write_part(unit, paths, writing)
    splits, files = {}, {}
    for split, path in paths.items():
        with storage.local_copy(path) as local:
            written = writing.format.count(local)
        if written != expected[split] or sum(expected.values()) != unit.documents:
            raise UserError(
                f"{unit.documents:,} documents are kept of the part, {expected[split]:,} of them in {split}; {written:,} were written",
                where=path,
                remedy="export again with --overwrite; if that does not help, report this as a defect",
            )
        splits[split] = ExportedCounters(documents=written)
        files[names[split]] = file_entry(path, written)
    return StageReport(files=files, counters=ExportCounters(splits=splits))


def _write_part(unit: DocumentExportUnit, paths: dict[str, str], writing: Writing) -> None:
    columns = writing.columns
    schema = export_schema(columns)
    for path in paths.values():
        storage.make_folder(posixpath.dirname(path))
    with contextlib.ExitStack() as stack:
        writers: dict[str, Write] = {}
        for split, path in paths.items():
            temporary = stack.enter_context(storage.atomic_output(path))
            writers[split] = stack.enter_context(
                writing.format.open(temporary, writing.request.options, schema)
            )
        for _, batch in read_kept(unit.part, unit.drops, columns=DOCUMENT_SCHEMA.names):
            for split, mask in _split_masks(batch, writing.split).items():
                if split in writers and mask.any():
                    chosen = batch.filter(pa.array(mask))
                    flat = flat_documents(chosen)
                    writers[split](
                        with_kept(flat, chosen.column("kept"), columns) if columns else flat
                    )


def _count_splits(unit: DocumentExportUnit, split: Split) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, batch in read_kept(unit.part, unit.drops, columns=["id"]):
        counts.update({name: int(mask.sum()) for name, mask in _split_masks(batch, split).items()})
    return counts


def _split_masks(batch: pa.RecordBatch, split: Split) -> dict[str, np.ndarray]:
    """The split of each document, as the shards have it: bool (n,) for each."""
    held_out = share_mask(
        seeded_hash(batch.column("id"), seed=split.seed, purpose="validation"), split.validation
    )
    return {"train": ~held_out, "validation": held_out}


def _name(path: str) -> str:
    return path.rpartition("/")[2]


class DocumentExport(ExportStage[DocumentExportUnit]):
    """An export of a run's deduplicated documents."""

    unit = DocumentExportUnit

    def __init__(self, config: Config, run: Run, request: ExportRequest):
        self.writing = Writing(request=request, split=split_of(config, run))

    def folder(self, run: Run) -> str:
        return self.writing.request.to

    def plan(self, config: Config, run: Run) -> StagePlan[DocumentExportUnit]:
        request, split = self.writing.request, self.writing.split
        return StagePlan(
            stage=self.name,
            configuration=request.values() | {"seed": split.seed, "validation": split.validation},
            upstream=DEDUP.finished(run).manifest.fingerprint,
            units=_document_units(run, request, validation=split.validation),
        )

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[DocumentExportUnit],
        *,
        out: str,
    ) -> StageReport[ExportCounters]:
        writing = replace(self.writing, columns=columns_of(run, self.writing.request))
        work = functools.partial(export_unit, writing=writing)
        job = UnitJob(folder=out, unit=self.unit, work=work, none=ExportCounters(splits={}))
        return run_units(job, settings, plan_work(plan, bytes_per_second=BYTES_PER_SECOND))
