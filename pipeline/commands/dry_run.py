"""`tokenmill dedup --dry-run`: what deduplication would drop, without leaving anything that a later run takes for a finished stage."""

from typing import Any

from rich.console import Console

from pipeline.commands.show_tables.tables import print_dedup
from pipeline.config.schema import Config
from pipeline.progress import StageProgress
from pipeline.run.folder import STAGES, Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.dedup.report import examine_stage, write_report
from pipeline.stages.dedup.stage import check_drop_rate, execute_dedup, plan_dedup
from pipeline.stages.run_stages import refuse_mixtures
from transforms import storage
from transforms.errors import UserError

SCRATCH = "dedup-dry-run"


def dry_run(config: Config, settings: RunnerSettings, console: Console) -> dict[str, Any]:
    """Runs the dedup stage in a folder of its own, prints what it would drop, writes the report, and removes the folder again.

    Returns the stage's counters. A rate above `max_drop_rate` is said, not raised. Raises UserError when no documents are there.
    """
    run = Run(config.folder)
    folder = run.stage(SCRATCH)
    refuse_mixtures(config, run, (), earlier=STAGES[:1])
    plan = plan_dedup(config, run)
    storage.remove_folder(folder)
    try:
        storage.make_folder(folder)
        with StageProgress(console).stage(plan.stage, folder, plan):
            counters = execute_dedup(config, run, settings, plan, out=folder).counters
        report = write_report(run, counters, folder, heading="What deduplication would drop")
        values = {"counters": counters, **examine_stage(folder, run.stage("documents"))}
    finally:
        storage.remove_folder(folder)
    print_dedup(console, values, heading=f"dry run: {counters['dropped']:,} of {counters['documents']:,} documents would go")
    try:
        check_drop_rate(config, counters, run.stage(plan.stage), report=report)
    except UserError as error:
        console.print(f"\na run would stop: {error.what}", markup=False)
    console.print(f"\nexcerpts: {report}", markup=False)
    return counters
