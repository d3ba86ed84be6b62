"""`tokenmill dedup --dry-run`: what deduplication would drop, without leaving anything that a later run takes for a finished stage."""

from rich.console import Console

from pipeline.config.schema import Config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.dedup.report import examine, report_path, write_report
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.dedup.tables import dedup_sections
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.run_stages import execute_stage, refuse_mixtures
from pipeline.terminal import print_sections
from transforms import storage
from transforms.contracts.counters import DedupCounters
from transforms.errors import UserError

SCRATCH = "dedup-dry-run"


def dry_run(config: Config, settings: RunnerSettings, console: Console) -> DedupCounters:
    """Runs the dedup stage in a folder of its own, prints what it would drop, writes the report, and removes the folder again.

    A rate above `max_drop_rate` is said, not raised. Raises UserError when no documents are there.
    """
    run = Run(config.folder)
    folder = run.stage(SCRATCH)
    refuse_mixtures(config, run, (), earlier=(DOCUMENTS,))
    plan = DEDUP.plan(config, run)
    storage.remove_folder(folder)
    try:
        storage.make_folder(folder)
        counters = execute_stage(
            DEDUP, plan, config, run, settings, StageProgress(console), out=folder
        ).counters
        write_report(run, counters, folder, heading="What deduplication would drop")
        examples = examine(folder, run.documents)
    finally:
        storage.remove_folder(folder)
    total = counters.total
    heading = f"dry run: {total.dropped:,} of {total.documents:,} documents would be dropped"
    print_sections(console, dedup_sections(heading, counters, examples))
    try:
        DEDUP.check_bounds(config, run, counters, run.dedup, write=False)
    except UserError as error:
        console.print(f"\na run would stop: {error.what}", markup=False)
    console.print(f"\nexcerpts: {report_path(run)}", markup=False)
    return counters
