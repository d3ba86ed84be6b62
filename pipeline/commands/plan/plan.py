"""`tokenmill plan`: what a run would read and do, stage by stage, and about what it would take. Nothing is written."""

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.config.schema import Config
from pipeline.progress import committed_name
from pipeline.run.folder import STAGES, Run, StagePlan, stage_manifest, stage_state
from pipeline.runner.beam import RunnerSettings
from pipeline.stages import estimate
from pipeline.stages.dedup.report import REPORT
from pipeline.stages.dedup.screens import evaluation_files
from pipeline.stages.dedup.stage import check_drop_rate, check_parts
from pipeline.stages.documents.stage import check_errors, plan_ingest
from pipeline.stages.estimate import Estimate, Volume
from pipeline.stages.run_stages import check_outcome, plan_stage
from transforms import storage
from transforms.contracts.manifest import Manifest
from transforms.dedup.near.bands import expected_recall
from transforms.dedup.screens.earlier_runs import open_runs
from transforms.dedup.screens.screened import active_screens
from transforms.errors import ConfigError, UserError

Values = dict[str, Any]


def plan_run(config: Config, settings: RunnerSettings) -> tuple[Values, UserError | None]:
    """What `tokenmill run` would do: plain values, and the error with which it would be refused, if that is known already.

    Raises UserError or ConfigError where the input itself cannot be listed.
    """
    survey = _Survey(config, settings)
    stages = {name: survey.look(name) for name in STAGES}
    values: Values = {
        "kind": "plan",
        "path": config.folder,
        "stages": stages,
        "sources": _sources(config, survey.documents_plan),
        "dedup": {"recall": _recall(config), **survey.exchange} if config.dedup.enabled else None,
        "guards": _guards(config, survey.manifests),
        "total": _total(stages, config.folder),
    }
    return values, survey.refusal


class _Survey:
    """Goes through the stages in order. Once one is not done, those after it have nothing to be compared with."""

    def __init__(self, config: Config, settings: RunnerSettings):
        self.config, self.settings = config, settings
        self.run = Run(config.folder)
        self.manifests: dict[str, Manifest] = {}
        self.refusal: UserError | None = None
        self.documents_plan = plan_ingest(config)
        self.volume = estimate.expected_volume(config, self.documents_plan.units)
        self.exchange = estimate.exchange_values(config, settings, None)
        self._comparable = True

    def look(self, name: str) -> Values:
        """The state of a stage, what it reads, and what it took or would take."""
        if self.refusal:
            return {"state": "not reached"}
        plan = None
        values: Values = {"state": "to do"}
        try:
            if self._comparable:
                plan = self.documents_plan if name == "documents" else plan_stage(name, self.config, self.run)
                values = self._state(name, plan)
            self._comparable = values["state"] == "done"
            if name == "dedup":
                self._check_dedup(plan, done=self._comparable)
            if not self._comparable:
                values |= self._estimate(name, plan).values()
        except UserError as error:
            self.refusal = error
            values = {"state": "refused", "refused": {"what": error.what, "where": error.where, "remedy": error.remedy}}
        return values | _input(name, plan, self.volume)

    def _state(self, name: str, plan: StagePlan) -> Values:
        folder = self.run.stage(name)
        state = stage_state(folder, plan)
        if state == "done":
            manifest = stage_manifest(self.run, name)
            _CHECKS.get(name, _no_check)(self.config, manifest.counters, folder)
            check_outcome(name, manifest, folder)
            self.manifests[name] = manifest
            if name == "documents":
                self.volume = estimate.volume_of(manifest)
            return {"state": "done", "took": _took(manifest)}
        if state == "started" and plan.units:
            return {"state": "resumes", "units_done": len(plan.units) - len(self._left(name, plan))}
        return {"state": "to do"}

    def _left(self, name: str, plan: StagePlan) -> list[Values]:
        """The units that are not committed."""
        committed = set(storage.list_names(self.run.stage(name)))
        return [unit for number, unit in enumerate(plan.units) if committed_name(name, number, unit) not in committed]

    def _check_dedup(self, plan: StagePlan | None, *, done: bool) -> None:
        """What the stage would be refused for, as far as it is known before the documents are there."""
        if plan is None:
            evaluation_files(self.config.dedup)
            open_runs(self.config.dedup.against, self.config.dedup, own=self.run.folder)
        elif not done:
            check_parts(self.run.stage("documents"), plan)
        try:
            self.exchange = estimate.exchange_values(self.config, self.settings, self.volume.documents)
        except ConfigError:
            if not done:  # what is done needs no memory any more
                raise

    def _estimate(self, name: str, plan: StagePlan | None) -> Estimate:
        config, settings, volume = self.config, self.settings, self.volume
        if name == "dedup":
            return estimate.estimate_dedup(config, settings, volume)
        if name == "tokenizer":
            return estimate.estimate_tokenizer(config, settings, volume)
        left = None if plan is None else self._left(name, plan)
        if name == "documents":
            return estimate.estimate_documents(config, settings, left or [], plan=self.documents_plan)
        kept, bytes_a_token = _kept_share(self.manifests.get("dedup")), _bytes_a_token(self.manifests.get("tokenizer"))
        return estimate.estimate_shards(config, settings, volume, left, plan=plan, kept=kept, bytes_a_token=bytes_a_token)


def _check_drops(config: Config, counters: Values, folder: str) -> None:
    check_drop_rate(config, counters, folder, report=storage.join(config.folder, REPORT))  # named, not written


def _no_check(config: Config, counters: Values, folder: str) -> None:
    pass


_CHECKS: Mapping[str, Callable[[Config, Values, str], None]] = {"documents": check_errors, "dedup": _check_drops}


def _input(name: str, plan: StagePlan | None, volume: Volume) -> Values:
    """Units, and bytes of the files that they read; for the first stage those of the input, then one part a unit of it."""
    if name == "documents" and plan is not None:
        files = {(file["source"], file["path"]): file["size"] for unit in plan.units for file in unit["files"]}
        return {"units": len(plan.units), "files": len(files), "input_bytes": sum(files.values())}
    units = len(plan.units) if plan else volume.units if name == "dedup" else None
    return {"units": units, "files": volume.units, "input_bytes": None if volume.parts is None else round(volume.parts)}


def _sources(config: Config, plan: StagePlan) -> Values:
    """Files, bytes and units of each source."""
    values: Values = {name: {"kind": source.kind, "files": 0, "bytes": 0, "units": 0} for name, source in config.sources.items()}
    seen = set()
    for unit in plan.units:
        for file in unit["files"]:
            source = values[file["source"]]
            if (file["source"], file["path"]) not in seen:
                seen.add((file["source"], file["path"]))
                source["files"] += 1
                source["bytes"] += file["size"]
        values[unit["files"][0]["source"]]["units"] += 1
    return values


def _guards(config: Config, manifests: Mapping[str, Manifest]) -> Values:
    """What stops a run, the highest rate by source where it is known already, and which rules drop documents beside duplicates."""
    read, found = (
        _rate(manifests.get(stage), *keys) for stage, *keys in (("documents", "errors", "read"), ("dedup", "dropped", "documents"))
    )
    return {
        "max_error_rate": {"limit": config.max_error_rate, "highest": read},
        "dedup.max_drop_rate": {"limit": config.dedup.max_drop_rate, "highest": found},
        "screens": list(active_screens(config.dedup)),
        "lines": config.dedup.lines,
    }


def _recall(config: Config) -> Values:
    return expected_recall(bands=config.dedup.bands, rows=config.dedup.rows, jaccard=config.dedup.jaccard)


def _rate(manifest: Manifest | None, part: str, whole: str) -> Values | None:
    if manifest is None:
        return None
    rates = {name: source[part] / max(source[whole], 1) for name, source in manifest.counters["sources"].items()}
    name = max(rates, key=lambda source: rates[source])
    return {"source": name, "rate": round(rates[name], 6)}


def _took(manifest: Manifest) -> Values:
    return {
        "seconds": manifest.seconds,
        "core_seconds": manifest.cpu_seconds,
        "disk_bytes": sum(entry.bytes for entry in manifest.files.values()),
    }


def _kept_share(manifest: Manifest | None) -> float:
    return 1.0 if manifest is None else manifest.counters["kept"] / max(manifest.counters["documents"], 1)


def _bytes_a_token(manifest: Manifest | None) -> float | None:
    if manifest is None:
        return None
    found = manifest.counters["measured"]["sources"].values()
    return sum(source["bytes"] for source in found) / max(sum(source["tokens"] for source in found), 1)


def _total(stages: Values, folder: str) -> Values:
    """Of the stages that are not done: the sums of what is known, the highest memory, and the room on the disk."""
    left = [stage for stage in stages.values() if stage["state"] in ("to do", "resumes")]

    def known(key: str) -> list[float]:
        return [stage[key] for stage in left if stage.get(key) is not None]

    return {
        "seconds": round(sum(known("seconds")), 1),
        "core_seconds": round(sum(known("core_seconds")), 1),
        "memory_bytes": max(known("memory_bytes"), default=0),
        "disk_bytes": sum(known("disk_bytes")),
        "unknown": sorted({key for key in ("seconds", "memory_bytes", "disk_bytes") for stage in left if stage.get(key) is None}),
        "free_disk_bytes": _free_disk(folder),
    }


def _free_disk(folder: str) -> int | None:
    """Room where the run's folder is or would be; None for an object store."""
    if not storage.is_local(folder):
        return None
    place = storage.file_system(folder)[1]
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return shutil.disk_usage(place).free
