"""The stages of a run in order: skip what is done, resume what was cut off, refuse what was made from something else."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config.load import config_toml
from pipeline.config.schema import Config
from pipeline.progress import StageProgress, passed_over
from pipeline.run.folder import (
    PLUGINS,
    STAGES,
    Run,
    StagePlan,
    damaged_files,
    discard_stage,
    finish_stage,
    stage_manifest,
    stage_state,
    start_stage,
)
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import UnitReport
from pipeline.stages.dedup.stage import check_drop_rate, execute_dedup, plan_dedup
from pipeline.stages.documents.first_reject import first_reject
from pipeline.stages.documents.stage import check_errors, execute_ingest, plan_ingest
from pipeline.stages.shards.division import plan_shards
from pipeline.stages.shards.stage import execute_shards
from pipeline.stages.tokenizer.stage import execute_vocabulary, plan_vocabulary
from transforms import storage
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.errors import ConfigError, UserError
from transforms.plugins import file_name, is_file, read_plugins


@dataclass(frozen=True)
class Stage:
    """A stage: what it would do, doing it, and the bounds of the configuration that its counters must keep."""

    plan: Callable[[Config, Run], StagePlan]
    execute: Callable[[Config, Run, RunnerSettings, StagePlan], UnitReport]
    check: Callable[[Config, dict[str, Any], str], None] = lambda config, counters, folder: None


_STAGES = {
    "documents": Stage(lambda config, run: plan_ingest(config), execute_ingest, check_errors),
    "dedup": Stage(plan_dedup, execute_dedup, check_drop_rate),
    "tokenizer": Stage(plan_vocabulary, execute_vocabulary),
    "shards": Stage(plan_shards, execute_shards),
}


def run_stages(
    config: Config,
    settings: RunnerSettings,
    *,
    stages: Sequence[str] = STAGES,
    overwrite: bool = False,
    progress: StageProgress,
) -> None:
    """Runs stages that are not done yet. Raises UserError, leaving committed parts for the next try."""
    run = Run(config.folder)
    refuse_mixtures(config, run, () if overwrite else stages, earlier=STAGES[: STAGES.index(stages[0])])
    for name in stages:
        stage = _STAGES[name]
        plan = stage.plan(config, run)
        folder = run.stage(name)
        state = _state_or_discard(run, name, plan, overwrite=overwrite)
        _keep_configuration(run, config)
        if state == "done":
            manifest = stage_manifest(run, name)
            stage.check(config, manifest.counters, folder)
            progress.skipped(name, manifest)
        else:
            manifest = _run_stage(stage, plan, config, run, settings, progress)
        check_outcome(name, manifest, folder)


def _run_stage(stage: Stage, plan: StagePlan, config: Config, run: Run, settings: RunnerSettings, progress: StageProgress) -> Manifest:
    started = time.monotonic()
    folder = run.stage(plan.stage)
    start_stage(folder, plan)
    with progress.stage(plan.stage, folder, plan):
        report = stage.execute(config, run, settings, plan)
    stage.check(config, report.counters, folder)
    storage.remove_temporary_files(folder)
    seconds = time.monotonic() - started
    manifest = finish_stage(
        folder, plan, files=report.files, counters=report.counters, seconds=seconds, cpu_seconds=report.cpu_seconds, details=report.details
    )
    progress.finished(plan.stage, manifest)
    return manifest


def plan_stage(name: str, config: Config, run: Run) -> StagePlan:
    """What a stage would do. Raises UserError when the stage before it is not finished."""
    return _STAGES[name].plan(config, run)


def refuse_mixtures(config: Config, run: Run, stages: Sequence[str], *, earlier: Sequence[str] = ()) -> None:
    """Raises UserError, before anything is written, when a stage that can be compared was made from something else.

    A stage can be compared when those before it are done: its fingerprint is made of theirs. `earlier`: stages before the others,
    which are only read; where their input is gone since, they cannot be compared.
    """
    for name in (*earlier, *stages):
        try:
            plan = _STAGES[name].plan(config, run)
        except ConfigError:
            if name in earlier:
                continue
            raise
        if stage_state(run.stage(name), plan) != "done":
            return


def _state_or_discard(run: Run, name: str, plan: StagePlan, *, overwrite: bool) -> str:
    """The state of a stage's folder. With `overwrite`, a stage made from something else or damaged goes, and so do those after it."""
    folder = run.stage(name)
    try:
        state = stage_state(folder, plan)
        if state == "done":
            _check_whole(folder, read_manifest(folder), hashes=overwrite)
        return state
    except UserError:
        if not overwrite:
            raise
    for later in reversed(STAGES[STAGES.index(name) :]):
        discard_stage(run.stage(later))
    return "new"


def _check_whole(folder: str, manifest: Manifest, *, hashes: bool) -> None:
    """Raises UserError unless the files of a finished stage have their sizes and, with `hashes`, their sha256."""
    for name, what in damaged_files(folder, manifest, hashes=hashes):
        remedy = "make the stage again with --overwrite"
        raise UserError(f"a finished stage is damaged: {name} {what}", where=storage.join(folder, name), remedy=remedy)


def _keep_configuration(run: Run, config: Config) -> None:
    """Keeps the resolved configuration beside the stages; the stages' own fingerprints decide what may be reused.

    Its folder is ".", and it names copies of the plugins' files, so that a run's folder can be moved.
    """
    copied = {file_name(plugin): plugin.code for plugin in read_plugins(config.plugins) if plugin.code is not None}
    copies = iter(copied)
    names = tuple(storage.join(".", PLUGINS, next(copies)) if is_file(name) else name for name in config.plugins)
    data = config_toml(replace(config, folder=".", plugins=names)).encode()
    copies_there = all(storage.exists(storage.join(run.folder, PLUGINS, name)) for name in copied)
    if copies_there and storage.exists(run.configuration) and storage.read_bytes(run.configuration) == data:
        return
    try:
        storage.make_folder(run.folder)
        storage.remove_temporary_files(run.folder)
        for name, code in copied.items():
            storage.make_folder(storage.join(run.folder, PLUGINS))
            storage.write_bytes(storage.join(run.folder, PLUGINS, name), code.encode())
        storage.write_bytes(run.configuration, data)
    except OSError as error:
        raise UserError(
            f"cannot write: {error}", where=run.folder, remedy="name a folder that can be written in the configuration"
        ) from error


def check_outcome(name: str, manifest: Manifest, folder: str) -> None:
    """Raises UserError when a stage is done and nothing can be made of what it left."""
    if name == "documents" and not any(source["kept"] for source in manifest.counters["sources"].values()):
        reasons: dict[str, int] = {}
        for source in manifest.counters["sources"].values():
            for rule, number in source["rejected"].items():
                reasons[rule] = reasons.get(rule, 0) + number
        listed = ", ".join(f"{rule} {number}" for rule, number in sorted(reasons.items(), key=lambda item: -item[1])[:4])
        if types := passed_over(manifest.counters["sources"]):
            passed = ", ".join(f"{name} {number:,}" for name, number in types.items())
            listed = f"{listed or 'none was read'}; records of types that hold no documents were passed over: {passed}"
        raise UserError(
            f"no document was kept: {listed or 'the input holds none'}{first_reject(folder)}",
            where=folder,
            remedy="look into rejects-*.parquet there; mend the input, or relax [language] or the filters",
        )
