"""A run from Python: read a configuration, run its stages, and look at what they wrote.

docs/library.md shows the functions in use; the command line is made of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.commands.explain.explain import (
        Target,
        explain,
        explain_document,
        explain_id,
        explain_row,
        explain_url,
    )
    from pipeline.commands.explain.explained import (
        ExplainedDocument,
        ExplainedMatches,
        ExplainedReject,
        ExplainedShardRow,
    )
    from pipeline.commands.export.export import export_run
    from pipeline.commands.plan.plan import plan_run
    from pipeline.commands.plan.planned import PlannedRun
    from pipeline.commands.show_tables.show import look_at, print_view
    from pipeline.commands.verify.verify import Verification, verify_run
    from pipeline.config.load import load_config, parse_config
    from pipeline.config.schema import Config
    from pipeline.progress import StageProgress
    from pipeline.run.folder import Run
    from pipeline.runner.beam import RunnerSettings
    from pipeline.runner.fork_server import fork_server
    from pipeline.stages.all_stages import finished_stages
    from pipeline.stages.finished import Finished, FinishedStages
    from pipeline.stages.run_stages import run_stages
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".commands.explain.explain": (
                "Target explain explain_document explain_id explain_row explain_url"
            ),
            ".commands.explain.explained": (
                "ExplainedDocument ExplainedMatches ExplainedReject ExplainedShardRow"
            ),
            ".commands.export.export": "export_run",
            ".commands.plan.plan": "plan_run",
            ".commands.plan.planned": "PlannedRun",
            ".commands.show_tables.show": "look_at print_view",
            ".commands.verify.verify": "Verification verify_run",
            ".config.load": "load_config parse_config",
            ".config.schema": "Config",
            ".progress": "StageProgress",
            ".run.folder": "Run",
            ".runner.beam": "RunnerSettings",
            ".runner.fork_server": "fork_server",
            ".stages.all_stages": "finished_stages",
            ".stages.finished": "Finished FinishedStages",
            ".stages.run_stages": "run_stages",
        },
    )

__all__ = [
    "Config",
    "ExplainedDocument",
    "ExplainedMatches",
    "ExplainedReject",
    "ExplainedShardRow",
    "Finished",
    "FinishedStages",
    "PlannedRun",
    "Run",
    "RunnerSettings",
    "StageProgress",
    "Target",
    "Verification",
    "explain",
    "explain_document",
    "explain_id",
    "explain_row",
    "explain_url",
    "export_run",
    "finished_stages",
    "fork_server",
    "load_config",
    "look_at",
    "parse_config",
    "plan_run",
    "print_view",
    "run_stages",
    "verify_run",
]
