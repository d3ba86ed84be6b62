"""Runs the stages of a run in order.

A finished stage with the same fingerprint is skipped, an interrupted one is resumed, and one with
another fingerprint is refused (or discarded, with --overwrite).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.config.load import config_toml
from pipeline.config.schema import Config
from pipeline.progress import StageProgress
from pipeline.run.folder import PLUGINS, Run
from pipeline.run.plan import StagePlan
from pipeline.run.state import damaged_files, discard_stage, finish_stage, stage_state, start_stage
from pipeline.runner.beam import RunnerSettings, cpu_seconds
from pipeline.runner.units import StageReport
from pipeline.stages.all_stages import STAGES
from pipeline.stages.finished import Finished
from pipeline.stages.stage import C, Stage
from transforms import storage
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.errors import ConfigError, UserError
from transforms.plugins import file_name, is_file, read_plugins


def run_stages(
    config: Config,
    settings: RunnerSettings,
    *,
    stages: Sequence[Stage[Any, Any]] = STAGES,
    overwrite: bool = False,
    progress: StageProgress,
) -> None:
    """Runs the stages that are not finished yet.

    Raises UserError; committed units remain, and the next call resumes after them.
    """
    run = Run(config.folder)
    refuse_mixtures(
        config, run, () if overwrite else stages, earlier=STAGES[: STAGES.index(stages[0])]
    )
    for stage in stages:
        plan = stage.plan(config, run)
        state = _state_or_discard(run, stage, plan, overwrite=overwrite)
        _keep_configuration(run, config)
        if state == "done":
            finished = stage.finished(run)
            stage.check_bounds(config, run, finished.counters, finished.folder)
            progress.skipped(stage.name, stage.summary(finished))
            stage.check_result(finished)
        else:
            run_stage(stage, plan, config, run, settings, progress)


def run_stage(
    stage: Stage[Any, C],
    plan: StagePlan[Any],
    config: Config,
    run: Run,
    settings: RunnerSettings,
    progress: StageProgress,
) -> Finished[C]:
    """Runs a stage or an export from its plan to its manifest.

    Raises UserError when its counters exceed a bound; no manifest is written then.
    """
    started, used = time.monotonic(), cpu_seconds()
    folder = stage.folder(run)
    start_stage(folder, plan)
    report = execute_stage(stage, plan, config, run, settings, progress, out=folder)
    for place in sorted(
        {folder, *(storage.parent(storage.join(folder, name)) for name in report.files)}
    ):
        storage.remove_temporary_files(place)
    stage.check_bounds(config, run, report.counters, folder)
    manifest = finish_stage(
        folder,
        plan,
        files=report.files,
        counters=report.counters,
        seconds=time.monotonic() - started,
        cpu_seconds=cpu_seconds() - used,
        details=report.details,
    )
    finished = Finished(folder, manifest, report.counters)
    progress.finished(
        stage.name, manifest.seconds, stage.summary(finished), stage.notes(report.counters)
    )
    stage.check_result(finished)
    return finished


def execute_stage(
    stage: Stage[Any, C],
    plan: StagePlan[Any],
    config: Config,
    run: Run,
    settings: RunnerSettings,
    progress: StageProgress,
    *,
    out: str,
) -> StageReport[C]:
    """Executes a stage's plan into the folder `out`, which exists, and shows progress."""
    sizes = {
        stage.committed_name(number, unit): unit.bytes for number, unit in enumerate(plan.units)
    }
    with progress.stage(stage.name, out, sizes, plan.notes):
        return stage.execute(config, run, settings, plan, out=out)


def refuse_mixtures(
    config: Config,
    run: Run,
    stages: Sequence[Stage[Any, Any]],
    *,
    earlier: Sequence[Stage[Any, Any]] = (),
) -> None:
    """Raises UserError, before anything is written, when a finished stage has another fingerprint.

    A stage can be compared once the stages before it are finished, because its fingerprint includes
    theirs. `earlier`: stages before `stages`, which are only read; one whose input no longer exists
    cannot be compared and is accepted.
    """
    for stage in (*earlier, *stages):
        try:
            plan = stage.plan(config, run)
        except ConfigError:
            if stage in earlier:
                continue
            raise
        if stage_state(stage.folder(run), plan) != "done":
            return


def _state_or_discard(
    run: Run, stage: Stage[Any, Any], plan: StagePlan[Any], *, overwrite: bool
) -> str:
    """The state of a stage's folder.

    With `overwrite`, a stage that is damaged or has another fingerprint is discarded together with
    all stages after it.
    """
    folder = stage.folder(run)
    try:
        state = stage_state(folder, plan)
        if state == "done":
            _check_whole(folder, read_manifest(folder), hashes=overwrite)
        return state
    except UserError:
        if not overwrite:
            raise
    for later in reversed(STAGES[STAGES.index(stage) :]):
        discard_stage(later.folder(run))
    return "new"


def _check_whole(folder: str, manifest: Manifest, *, hashes: bool) -> None:
    """Raises UserError for a file that is not of its manifest's size or, with `hashes`, sha256."""
    for name, what in damaged_files(folder, manifest, hashes=hashes):
        remedy = "rerun the stage with --overwrite"
        raise UserError(
            f"a finished stage is damaged: {name} {what}",
            where=storage.join(folder, name),
            remedy=remedy,
        )


def _keep_configuration(run: Run, config: Config) -> None:
    """Writes the resolved configuration into the run's folder; `tokenmill explain` reads it.

    Its folder is "." and plugin files are copied beside it, so that the run can be moved. Whether a
    stage is reused depends on the stage's fingerprint, not on this file.
    """
    copied = {
        file_name(plugin): plugin.code
        for plugin in read_plugins(config.plugins)
        if plugin.code is not None
    }
    copies = iter(copied)
    names = tuple(
        storage.join(".", PLUGINS, next(copies)) if is_file(name) else name
        for name in config.plugins
    )
    data = config_toml(replace(config, folder=".", plugins=names)).encode()
    copies_there = all(storage.exists(storage.join(run.plugins, name)) for name in copied)
    if (
        copies_there
        and storage.exists(run.configuration)
        and storage.read_bytes(run.configuration) == data
    ):
        return
    try:
        storage.make_folder(run.folder)
        storage.remove_temporary_files(run.folder)
        for name, code in copied.items():
            storage.make_folder(run.plugins)
            storage.write_bytes(storage.join(run.plugins, name), code.encode())
        storage.write_bytes(run.configuration, data)
    except OSError as error:
        raise UserError(
            f"cannot write: {error}",
            where=run.folder,
            remedy="name a folder that can be written in the configuration",
        ) from error
