"""Runs a stage's work units, each on its own: plan file -> units -> reports of what each unit committed.

A unit's work is a function of (stage folder, unit number, unit) that commits its files atomically and returns a report. The reports
of all units are collected into `reports.json`, from which the stage's manifest is made.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import apache_beam as beam

from pipeline.run.folder import StagePlan, read_plan
from pipeline.runner.beam import RunnerSettings, Work, run_pipeline
from transforms import storage
from transforms.contracts.manifest import FileEntry

REPORTS = "reports.json"


@dataclass(frozen=True, kw_only=True)
class UnitReport:
    """The files a unit committed, and its counters: a tree of integers. `details`: what else the manifest says, equal in all units."""

    files: dict[str, FileEntry]
    counters: dict[str, Any] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


Unit = dict[str, Any]
UnitWork = Callable[[str, int, Unit], UnitReport]


def add_counters(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Adds two trees of counters, key by key."""
    total = dict(left)
    for key, value in right.items():
        total[key] = add_counters(total.get(key, {}), value) if isinstance(value, dict) else total.get(key, 0) + value
    return total


def merge_reports(reports: Iterable[UnitReport]) -> UnitReport:
    """All files and the sums of all counters, keys sorted."""
    files: dict[str, FileEntry] = {}
    counters: dict[str, Any] = {}
    details: dict[str, Any] = {}
    cpu_seconds = 0.0
    for report in reports:
        details.update(report.details)
        files.update(report.files)
        counters = add_counters(counters, report.counters)
        cpu_seconds += report.cpu_seconds
    return UnitReport(files=files, counters=_sorted(counters), cpu_seconds=cpu_seconds, details=details)


def _sorted(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: _sorted(value) if isinstance(value, dict) else value for key, value in sorted(tree.items())}


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
            os.close(os.open(os.path.join(self.claims, str(number)), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True


def plan_work(plan: StagePlan, *, bytes_a_second: float) -> Work:
    """The work of a plan whose units name their `bytes`, at the rate of one core."""
    return Work(units=len(plan.units), seconds=sum(unit["bytes"] for unit in plan.units) / bytes_a_second)


def run_units(folder: str, work: UnitWork, settings: RunnerSettings, size: Work) -> UnitReport:
    """Runs all units of a stage folder's plan and returns their merged report. Without a unit nothing is started."""
    if not size.units:
        return UnitReport(files={})
    reports = storage.join(folder, REPORTS)
    with tempfile.TemporaryDirectory(prefix="tokenmill-claims-") as claims:
        lanes = None if settings.names_runner else Lanes(count=settings.processes(size), claims=claims)
        run_pipeline(lambda pipeline: _build(pipeline, folder, work, lanes, reports), settings, size)
    found = [_report_from(values) for values in json.loads(storage.read_bytes(reports))]
    storage.remove(reports)
    return merge_reports(found)


def _build(pipeline: beam.Pipeline, folder: str, work: UnitWork, lanes: Lanes | None, reports: str) -> None:
    _ = (
        pipeline
        | "Run units" >> RunUnits(folder, work, lanes)
        | "Key" >> beam.Map(_keyed)
        | "Collect" >> beam.GroupByKey()
        | "Write" >> beam.Map(_write_reports, reports)
    )


@dataclass
class RunUnits(beam.PTransform):
    """A stage folder's plan -> one JSON report a unit, in no order. Only units, which name files, cross the shuffle.

    With `lanes` the worker processes of this machine take unit after unit, so that none is idle while another has several left;
    without, units are spread as the runner sees fit. Reports and files are the same.
    """

    folder: str
    work: UnitWork
    lanes: Lanes | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[str]:
        # A plain GroupByKey on distinct keys spreads as Reshuffle does, which is ten transforms to build and translate.
        spread = (
            begin | "Start" >> beam.Impulse() | "Read" >> beam.FlatMap(_read_units, self.folder, self.lanes) | "Spread" >> beam.GroupByKey()
        )
        if self.lanes is None:
            return spread | "Work" >> beam.FlatMap(_run_spread, self.folder, self.work)
        return spread | "Work" >> beam.FlatMap(_run_lane, self.folder, self.work, self.lanes)


def _read_units(_: bytes, folder: str, lanes: Lanes | None) -> Iterator[tuple[int, str]]:
    if lanes is not None:
        yield from ((lane, "") for lane in range(lanes.count))
        return
    for number, unit in enumerate(read_plan(folder)["units"]):
        yield number, json.dumps(unit)


def _run_spread(numbered: tuple[int, Iterable[str]], folder: str, work: UnitWork) -> Iterator[str]:
    number, units = numbered
    for unit in units:
        yield _run_unit(number, json.loads(unit), folder, work)


def _run_lane(lane: tuple[int, Iterable[str]], folder: str, work: UnitWork, lanes: Lanes) -> Iterator[str]:
    for number, unit in largest_first(read_plan(folder)["units"]):
        if lanes.claim(number):
            yield _run_unit(number, unit, folder, work)


def largest_first(units: Iterable[Unit]) -> list[tuple[int, Unit]]:
    """(number, unit) by falling `bytes`, ties by number: what is taken last is small, so lanes end together."""
    return sorted(enumerate(units), key=lambda numbered: (-numbered[1].get("bytes", 0), numbered[0]))


def _run_unit(number: int, unit: Unit, folder: str, work: UnitWork) -> str:
    started = time.process_time()
    values = asdict(work(folder, number, unit))
    values["cpu_seconds"] = time.process_time() - started
    return json.dumps(values)


def _keyed(report: str) -> tuple[int, str]:
    return 0, report


def _write_reports(keyed: tuple[int, Iterable[str]], path: str) -> None:
    _, reports = keyed
    storage.write_bytes(path, ("[" + ",".join(sorted(reports)) + "]").encode())


def _report_from(values: dict[str, Any]) -> UnitReport:
    files = {name: FileEntry(**entry) for name, entry in values["files"].items()}
    return UnitReport(**{**values, "files": files})
