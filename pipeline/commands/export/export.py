"""`tokenmill export`: a run's shards or deduplicated documents -> the files of other tools.

An export is a folder like that of a stage: its units commit their files whole, so that it resumes; what is in the files is
counted and compared with what went in; the manifest comes last. A unit is a group of shards or a part, so it runs on any
Beam runner.
"""

import posixpath
from typing import Any

from rich.console import Console

from pipeline.commands.export.documents import DocumentExport
from pipeline.commands.export.stage import EXPORT, ExportStage
from pipeline.commands.export.tokens import TokenExport
from pipeline.config.schema import Config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.run.plan import NAME as PLAN
from pipeline.run.plan import StagePlan, read_plan
from pipeline.run.state import discard_stage, stage_state
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.finished import Finished
from pipeline.stages.run_stages import run_stage
from transforms import storage
from transforms.contracts.counters import ExportCounters
from transforms.errors import UserError
from transforms.export.formats import TokenFormat
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest


def export_run(
    config: Config,
    request: ExportRequest,
    settings: RunnerSettings,
    console: Console,
    *,
    overwrite: bool = False,
) -> Finished[ExportCounters]:
    """Exports a run, or goes on where an export was cut off. Raises UserError when something came out that did not go in."""
    run, progress = Run(config.folder), StageProgress(console)
    is_of_tokens = isinstance(FORMATS[request.format], TokenFormat)
    stage: ExportStage[Any] = (
        TokenExport(run, request) if is_of_tokens else DocumentExport(config, run, request)
    )
    plan = stage.plan(config, run)
    if _state_or_discard(request.to, plan, overwrite=overwrite) == "done":
        finished = stage.finished(run)
        progress.skipped(stage.name, stage.summary(finished))
        return finished
    return run_stage(stage, plan, config, run, settings, progress)


def _state_or_discard(folder: str, plan: StagePlan[Any], *, overwrite: bool) -> str:
    """The state of the folder. Only an earlier export is ever removed, and only with `overwrite`: one of something else or unfinished."""
    ours = storage.exists(storage.join(folder, PLAN)) and read_plan(folder).stage == EXPORT.name
    if not ours and (names := _entries(folder)):
        raise UserError(
            f"the folder holds {names[0]!r} and is no export",
            where=folder,
            remedy="name a new or an empty folder with --to",
        )
    try:
        state = stage_state(folder, plan)
        if not overwrite or state != "started":
            return state
    except UserError as error:
        if not overwrite:
            remedy = "name another folder with --to, or replace this export with --overwrite"
            raise UserError(error.what, where=folder, remedy=remedy) from error
    discard_stage(folder)
    return "new"


def _entries(folder: str) -> list[str]:
    """Names of the files and folders in a folder, but for what an interrupted writer left."""
    fs, inner = storage.file_system(folder)
    try:
        entries = fs.ls(inner, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = (
        posixpath.basename(entry["name"].rstrip("/"))
        for entry in entries
        if entry["name"].rstrip("/") != inner.rstrip("/")
    )
    return sorted(name for name in names if not name.startswith(".tmp-"))
