"""Stage 2, `dedup`: documents -> which rows to drop, and for whose sake."""

import time
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq

from pipeline.config.load import stage_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run, StagePlan, file_entry, stage_manifest
from pipeline.runner.beam import RunnerSettings, run_pipeline
from pipeline.runner.units import UnitReport, plan_work
from pipeline.stages.dedup.report import dropped_by_rule, write_report
from pipeline.stages.dedup.screens import evaluation_files, run_lines, run_screens
from transforms import storage
from transforms.beam.drop_duplicates import DropDuplicates
from transforms.contracts.names import PARTS
from transforms.dedup.near.exchange import plan_exchange
from transforms.dedup.near.graph import write_clusters, write_drops
from transforms.dedup.screens.earlier_runs import open_runs
from transforms.dedup.screens.screened import screened_drops, screened_folder
from transforms.dedup.summary import summarise
from transforms.errors import UserError
from transforms.memory import local_memory

STAGE = "dedup"
BYTES_A_SECOND = 4e6  # of compressed parts on one core
_NOT_IN_BYTES = ("ranges", "passes", "memory_limit", "max_drop_rate")


def plan_dedup(config: Config, run: Run) -> StagePlan:
    manifest = stage_manifest(run, "documents")
    parts = [(name, entry) for name, entry in sorted(manifest.files.items()) if PARTS.matches(name)]
    values = stage_values(config, "dedup")["dedup"]
    evaluation = evaluation_files(config.dedup)
    values["decontaminate"] = list(evaluation)
    # Names and fingerprints in place of paths: a folder that was moved is the same run.
    earlier_runs = open_runs(config.dedup.against, config.dedup, own=run.folder)
    values["against"] = [[earlier.name, earlier.fingerprint, earlier.documents is not None] for earlier in earlier_runs]
    return StagePlan(
        stage=STAGE,
        configuration={"dedup": {key: value for key, value in values.items() if key not in _NOT_IN_BYTES}},
        upstream=manifest.fingerprint,
        inputs=tuple((f"evaluation: {name}", file.size, file.version) for name, file in evaluation.items()),
        units=[{"part": PARTS.number(name), "bytes": entry.bytes, "documents": entry.rows} for name, entry in parts],
    )


def execute_dedup(config: Config, run: Run, settings: RunnerSettings, plan: StagePlan, *, out: str | None = None) -> UnitReport:
    """Finds duplicates and commits their drops; to the folder `out`, which exists, instead of the stage's own if it is given.

    Raises UserError, before anything is read, when a part is missing or not what it was.
    """
    started = time.process_time()
    documents, out = run.stage("documents"), out or run.stage(STAGE)
    check_parts(documents, plan)
    parts = [unit["part"] for unit in plan.units]
    work = plan_work(plan, bytes_a_second=BYTES_A_SECOND)
    earlier = open_runs(config.dedup.against, config.dedup, own=run.folder)
    found = run_screens(config.dedup, documents, out, parts, settings, work, earlier=earlier)
    if config.dedup.enabled:
        memory = None if settings.names_runner else local_memory(config.dedup.memory_bytes)
        exchange = plan_exchange(sum(unit["documents"] for unit in plan.units), config.dedup, memory=memory)
        transform = DropDuplicates(documents, out, config.dedup, exchange)
        run_pipeline(lambda pipeline: _build(pipeline, parts, transform), settings, work)
    else:
        for part in parts:
            write_drops(out, part, [], screened=screened_drops(out, part, config.dedup))
        write_clusters(out, [], {})
    storage.remove_folder(screened_folder(out))
    text_bytes = sum(source["text_bytes"] for source in stage_manifest(run, "documents").counters["sources"].values())
    found |= run_lines(config.dedup, documents, out, parts, settings, work, text_bytes=text_bytes)
    counters = summarise(out, documents) | found
    names = [name for name in storage.list_names(out) if name.endswith(".parquet")]
    files = {name: file_entry(storage.join(out, name), _rows(storage.join(out, name))) for name in names}
    return UnitReport(files=files, counters=counters, cpu_seconds=time.process_time() - started)


def check_drop_rate(config: Config, counters: dict[str, Any], folder: str, *, report: str | None = None) -> None:
    """Raises UserError when more than `max_drop_rate` of a source would go; nothing reads its drops then.

    The message names a report with the largest groups and samples of what would go, which is written unless it is there.
    """
    for name, source in counters["sources"].items():
        if source["dropped"] > config.dedup.max_drop_rate * source["documents"]:
            what = (
                f"{source['dropped']} of {source['documents']} documents of source {name!r} would go as duplicates "
                f"({dropped_by_rule(source)}), more than dedup.max_drop_rate = {config.dedup.max_drop_rate}"
            )
            report = report or write_report(Run(config.folder), counters, folder, heading=what)
            raise UserError(
                what,
                where=folder,
                remedy=f"read {report}: the largest groups, with excerpts; raise dedup.max_drop_rate if they are duplicates indeed",
            )


def check_parts(documents: str, plan: StagePlan) -> None:
    """Raises UserError when a part of the documents is missing or not as long as its manifest says."""
    found = storage.file_sizes(documents)
    for unit in plan.units:
        name = PARTS.name(unit["part"])
        if found.get(name) != unit["bytes"]:
            now = f"has {found[name]:,} bytes" if name in found else "is missing"
            raise UserError(
                f"a part of the documents {now}; the manifest says {unit['bytes']:,} bytes",
                where=storage.join(documents, name),
                remedy="bring the file back, or make the documents again with --overwrite",
            )


def _build(pipeline: beam.Pipeline, parts: list[int], transform: DropDuplicates) -> None:
    _ = pipeline | "Parts" >> beam.Create(parts, reshuffle=False) | "Drop" >> transform


def _rows(path: str) -> int:
    with storage.open_input(path) as stream:
        return pq.ParquetFile(stream).metadata.num_rows
