"""The work of the dedup stage: screens, the search for duplicates, and repeated lines."""

from dataclasses import replace

import apache_beam as beam
import pyarrow.parquet as pq

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings, run_pipeline
from pipeline.runner.units import StageReport, plan_work
from pipeline.stages.dedup.planning import check_parts
from pipeline.stages.dedup.screens import run_lines, run_screens
from pipeline.stages.dedup.units import DedupUnit
from pipeline.stages.documents.stage import DOCUMENTS
from transforms import storage
from transforms.beam.drop_duplicates import DropDuplicates
from transforms.contracts.counters import DedupCounters
from transforms.dedup.near.exchange import plan_exchange
from transforms.dedup.near.graph import write_clusters, write_drops
from transforms.dedup.screens.earlier_runs import open_runs
from transforms.dedup.screens.screened import screened_drops, screened_folder
from transforms.dedup.summary import summarise
from transforms.memory import local_memory

# Compressed parts on one core.
BYTES_PER_SECOND = 4e6


def find_drops(
    config: Config, run: Run, settings: RunnerSettings, plan: StagePlan[DedupUnit], *, out: str
) -> StageReport[DedupCounters]:
    """Finds duplicates and commits their drops to the folder `out`, which exists.

    The order is screens, duplicates, lines: each step skips documents that an earlier one dropped.
    Raises UserError, before anything is read, when a part of the documents is missing or has
    changed its size.
    """
    documents = run.documents
    check_parts(documents, plan)
    parts = [unit.part for unit in plan.units]
    work = plan_work(plan, bytes_per_second=BYTES_PER_SECOND)
    earlier = open_runs(config.dedup.against, config.dedup, own=run.folder)
    screened = run_screens(config.dedup, documents, out, parts, settings, work, earlier=earlier)
    if config.dedup.enabled:
        memory = None if settings.uses_external_runner else local_memory(config.dedup.memory_bytes)
        exchange = plan_exchange(
            sum(unit.documents for unit in plan.units), config.dedup, memory=memory
        )
        transform = DropDuplicates(documents, out, config.dedup, exchange)
        run_pipeline(lambda pipeline: _build(pipeline, parts, transform), settings, work)
    else:
        for part in parts:
            write_drops(out, part, [], screened=screened_drops(out, part, config.dedup))
        write_clusters(out, [], {})
    storage.remove_folder(screened_folder(out))
    text_bytes = DOCUMENTS.finished(run).counters.text_bytes
    lines = run_lines(config.dedup, documents, out, parts, settings, work, text_bytes=text_bytes)
    counters = replace(
        summarise(out, documents),
        contamination=screened.contamination,
        earlier_runs=screened.earlier_runs,
        earlier_oversized_buckets=screened.earlier_oversized_buckets,
        lines_removed=lines,
    )
    names = [name for name in storage.list_names(out) if name.endswith(".parquet")]
    files = {
        name: file_entry(storage.join(out, name), _rows(storage.join(out, name))) for name in names
    }
    return StageReport(files=files, counters=counters)


def _build(pipeline: beam.Pipeline, parts: list[int], transform: DropDuplicates) -> None:
    _ = pipeline | "Parts" >> beam.Create(parts, reshuffle=False) | "Drop" >> transform


def _rows(path: str) -> int:
    with storage.open_input(path) as stream:
        return pq.ParquetFile(stream).metadata.num_rows
