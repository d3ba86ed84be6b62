"""`tokenmill export`: a run's shards or deduplicated documents -> the files of other tools.

An export is a folder like that of a stage: its units commit their files whole, so that it resumes; what is in the files is
counted and compared with what went in; the manifest comes last. A unit is a group of shards or a part, so it runs on any
Beam runner.
"""

import posixpath
import time

from rich.console import Console

from pipeline.commands.export.documents import columns_of, document_work, plan_documents, split_of
from pipeline.commands.export.tokens import finish_tokens, plan_tokens, settle_tokens, token_work
from pipeline.config.schema import Config
from pipeline.progress import StageProgress
from pipeline.run.folder import PLAN, Run, StagePlan, discard_stage, finish_stage, read_plan, stage_manifest, stage_state, start_stage
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import plan_work, run_units
from transforms import storage
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.errors import UserError
from transforms.export.formats import TokenFormat
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest

STAGE = "export"
BYTES_A_SECOND = 20e6  # of shards or compressed parts on one core


def export_run(config: Config, request: ExportRequest, settings: RunnerSettings, console: Console, *, overwrite: bool = False) -> Manifest:
    """Exports a run, or goes on where an export was cut off. Raises UserError when something came out that did not go in."""
    run = Run(config.folder)
    tokens = isinstance(FORMATS[request.format], TokenFormat)
    if tokens:
        request = settle_tokens(run, request)
        split = {}
    else:
        split = split_of(config, run)
    plan = StagePlan(
        stage=STAGE,
        configuration=request.values() | split,
        upstream=stage_manifest(run, "shards" if tokens else "dedup").fingerprint,
        units=plan_tokens(run, request) if tokens else plan_documents(run, request, validation=split["validation"]),
    )
    progress = StageProgress(console)
    if _state_or_discard(request.to, plan, overwrite=overwrite) == "done":
        manifest = read_manifest(request.to)
        progress.skipped(STAGE, manifest)
        return manifest
    started = time.monotonic()
    start_stage(request.to, plan)
    work = token_work(run, request) if tokens else document_work(request, **split, columns=columns_of(run, request))
    with progress.stage(STAGE, request.to, plan):
        report = run_units(request.to, work, settings, plan_work(plan, bytes_a_second=BYTES_A_SECOND))
    files = report.files | (finish_tokens(run, request, report) if tokens else {})
    for folder in sorted({posixpath.dirname(name) for name in files}):
        storage.remove_temporary_files(storage.join(request.to, folder))
    seconds = time.monotonic() - started
    manifest = finish_stage(request.to, plan, files=files, counters=report.counters, seconds=seconds, cpu_seconds=report.cpu_seconds)
    progress.finished(STAGE, manifest)
    return manifest


def _state_or_discard(folder: str, plan: StagePlan, *, overwrite: bool) -> str:
    """The state of the folder. Only an earlier export is ever removed, and only with `overwrite`: one of something else or unfinished."""
    ours = storage.exists(storage.join(folder, PLAN)) and read_plan(folder).get("stage") == STAGE
    if not ours and (names := _entries(folder)):
        raise UserError(f"the folder holds {names[0]!r} and is no export", where=folder, remedy="name a new or an empty folder with --to")
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
    names = (posixpath.basename(entry["name"].rstrip("/")) for entry in entries if entry["name"].rstrip("/") != inner.rstrip("/"))
    return sorted(name for name in names if not name.startswith(".tmp-"))
