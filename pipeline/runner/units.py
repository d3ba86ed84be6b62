"""Runs a stage's work units, each on its own: plan file -> units -> reports of what each unit committed.

A unit's work is a function of (stage folder, unit number, unit) that commits its files atomically and returns a report. The reports
of all units are collected into `reports.json`, from which the stage's manifest is made.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import apache_beam as beam

from pipeline.run.plan import StagePlan, U, Unit, read_units
from pipeline.runner.beam import RunnerSettings, Work, note_worker_seconds, run_pipeline
from transforms import storage
from transforms.contracts.counters import add_counters
from transforms.contracts.manifest import FileEntry
from transforms.contracts.plain import Json, JsonObject, from_plain, to_plain

REPORTS = "reports.json"
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class StageReport(Generic[C]):
    """The files that a unit or a stage committed, and its counters. `details`: what else the manifest says, equal in all units."""

    files: dict[str, FileEntry]
    counters: C
    details: JsonObject = field(default_factory=dict)


UnitWork = Callable[[str, int, U], StageReport[C]]


@dataclass(frozen=True, kw_only=True)
class _PlainReport:
    """A unit's report as it crosses the shuffle, and the CPU seconds that the unit took."""

    files: dict[str, FileEntry]
    counters: Json
    details: JsonObject
    cpu_seconds: float


def merge_reports(reports: Iterable[StageReport[C]], *, none: C) -> StageReport[C]:
    """All files, and the sums of all counters with keys sorted. `none`: the counters where nothing was done."""
    files: dict[str, FileEntry] = {}
    details: JsonObject = {}
    counters = none
    for report in reports:
        details.update(report.details)
        files.update(report.files)
        counters = add_counters(counters, report.counters)
    return StageReport(files=files, counters=counters, details=details)


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """Worker processes of one machine that share the units of a stage. `claims`: a local folder, new for this run.

    A run ends when one of its worker processes dies, so no claimed unit is left waiting.
    """

    count: int
    claims: str

    def claim(self, number: int) -> bool:
        """Whether this unit is the caller's: true for the first who asks."""
        try:
            os.close(
                os.open(
                    os.path.join(self.claims, str(number)), os.O_CREAT | os.O_EXCL | os.O_WRONLY
                )
            )
        except FileExistsError:
            return False
        return True


def plan_work(plan: StagePlan[Any], *, bytes_per_second: float) -> Work:
    """The work of a plan, at the rate of one core."""
    return Work(
        units=len(plan.units), seconds=sum(unit.bytes for unit in plan.units) / bytes_per_second
    )


@dataclass(frozen=True, kw_only=True)
class UnitJob(Generic[U, C]):
    """The units of a stage's folder, of type `unit`, and what is done with each. `none`: the counters where nothing was done."""

    folder: str
    unit: type[U]
    work: UnitWork[U, C]
    none: C


def run_units(job: UnitJob[U, C], settings: RunnerSettings, size: Work) -> StageReport[C]:
    """Runs all units of a stage folder's plan and returns their merged report. Without a unit nothing is started."""
    if not size.units:
        return StageReport(files={}, counters=job.none)
    path = storage.join(job.folder, REPORTS)
    with tempfile.TemporaryDirectory(prefix="tokenmill-claims-") as claims:
        lanes = (
            None
            if settings.uses_external_runner
            else Lanes(count=settings.processes(size), claims=claims)
        )
        run_pipeline(lambda pipeline: _build(pipeline, job, lanes, path), settings, size)
    plain = [from_plain(_PlainReport, values) for values in json.loads(storage.read_bytes(path))]
    storage.remove(path)
    if settings.uses_external_runner:
        note_worker_seconds(sum(report.cpu_seconds for report in plain))
    kind = type(job.none)
    reports = (
        StageReport(
            files=each.files, counters=from_plain(kind, each.counters), details=each.details
        )
        for each in plain
    )
    return merge_reports(reports, none=job.none)


def _build(pipeline: beam.Pipeline, job: UnitJob, lanes: Lanes | None, path: str) -> None:
    _ = (
        pipeline
        | "Run units" >> RunUnits(job, lanes)
        | "Key" >> beam.Map(_keyed)
        | "Collect" >> beam.GroupByKey()
        | "Write" >> beam.Map(_write_reports, path)
    )


@dataclass
class RunUnits(beam.PTransform):
    """A stage folder's plan -> one JSON report per unit, in no order. Only units, which name files, cross the shuffle.

    With `lanes` the worker processes of this machine take unit after unit, so that none is idle while another has several left;
    without, units are spread as the runner sees fit. Reports and files are the same.
    """

    job: UnitJob
    lanes: Lanes | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[str]:
        # A plain GroupByKey on distinct keys spreads as Reshuffle does, which is ten transforms to build and translate.
        spread = (
            begin
            | "Start" >> beam.Impulse()
            | "Read" >> beam.FlatMap(_read_units, self.job, self.lanes)
            | "Spread" >> beam.GroupByKey()
        )
        if self.lanes is None:
            return spread | "Work" >> beam.FlatMap(_run_spread, self.job)
        return spread | "Work" >> beam.FlatMap(_run_lane, self.job, self.lanes)


def _read_units(_: bytes, job: UnitJob, lanes: Lanes | None) -> Iterator[tuple[int, str]]:
    if lanes is not None:
        yield from ((lane, "") for lane in range(lanes.count))
        return
    for number, unit in enumerate(read_units(job.folder, job.unit)):
        yield number, json.dumps(to_plain(unit))


def _run_spread(numbered: tuple[int, Iterable[str]], job: UnitJob) -> Iterator[str]:
    number, units = numbered
    for unit in units:
        yield _run_unit(number, from_plain(job.unit, json.loads(unit)), job)


def _run_lane(lane: tuple[int, Iterable[str]], job: UnitJob, lanes: Lanes) -> Iterator[str]:
    for number, unit in largest_first(read_units(job.folder, job.unit)):
        if lanes.claim(number):
            yield _run_unit(number, unit, job)


def largest_first(units: Iterable[Unit]) -> list[tuple[int, Unit]]:
    """(number, unit) by falling `bytes`, ties by number: what is taken last is small, so lanes end together."""
    return sorted(enumerate(units), key=lambda numbered: (-numbered[1].bytes, numbered[0]))


def _run_unit(number: int, unit: Unit, job: UnitJob) -> str:
    started = time.process_time()
    report = job.work(job.folder, number, unit)
    seconds = time.process_time() - started
    return json.dumps(
        to_plain(
            _PlainReport(
                files=report.files,
                counters=to_plain(report.counters),
                details=report.details,
                cpu_seconds=seconds,
            )
        )
    )


def _keyed(report: str) -> tuple[int, str]:
    return 0, report


def _write_reports(keyed: tuple[int, Iterable[str]], path: str) -> None:
    _, reports = keyed
    storage.write_bytes(path, ("[" + ",".join(sorted(reports)) + "]").encode())
