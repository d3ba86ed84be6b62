"""Runs a stage's work units, each on its own: plan file -> units -> reports of what each unit committed.

A unit's work is a function of (stage folder, unit number, unit) that commits its files atomically and returns a report. The reports
of all units are collected into `reports.json`, from which the stage's manifest is made.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import apache_beam as beam

from pipeline.run import StagePlan, read_plan
from pipeline.runner import RunnerSettings, Work, run_pipeline
from transforms import io
from transforms.manifest import FileEntry

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


def plan_work(plan: StagePlan, *, bytes_a_second: float) -> Work:
    """The work of a plan whose units name their `bytes`, at the rate of one core."""
    return Work(units=len(plan.units), seconds=sum(unit["bytes"] for unit in plan.units) / bytes_a_second)


def run_units(folder: str, work: UnitWork, settings: RunnerSettings, size: Work) -> UnitReport:
    """Runs all units of a stage folder's plan and returns their merged report."""
    if not size.units:
        return UnitReport(files={})
    reports = io.join(folder, REPORTS)
    run_pipeline(lambda pipeline: _build(pipeline, folder, work, reports), settings, size)
    found = [_report_from(values) for values in json.loads(io.read_bytes(reports))]
    io.remove(reports)
    return merge_reports(found)


def _build(pipeline: beam.Pipeline, folder: str, work: UnitWork, reports: str) -> None:
    _ = (
        pipeline
        | "Run units" >> RunUnits(folder, work)
        | "Key" >> beam.Map(lambda report: (0, report))
        | "Collect" >> beam.GroupByKey()
        | "Write" >> beam.Map(lambda keyed, path: _write_reports(keyed[1], path), reports)
    )


@dataclass
class RunUnits(beam.PTransform):
    """A stage folder's plan -> one JSON report a unit, in no order. Only units, which name files, cross the shuffle.

    Plain transforms instead of Create and Reshuffle: Beam needs 10 ms to build each transform, and those are made of a dozen.
    """

    folder: str
    work: UnitWork

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[str]:
        units = begin | "Start" >> beam.Impulse() | "Read" >> beam.FlatMap(_read_units, self.folder)
        return units | "Spread" >> beam.GroupByKey() | "Work" >> beam.FlatMap(_run_units, self.folder, self.work)


def _read_units(start: bytes, folder: str) -> Iterator[tuple[int, str]]:
    for number, unit in enumerate(read_plan(folder)["units"]):
        yield number, json.dumps(unit)


def _run_units(numbered: tuple[int, Iterable[str]], folder: str, work: UnitWork) -> Iterator[str]:
    """The unit of a number; a group of one."""
    number, units = numbered
    for unit in units:
        started = time.process_time()
        values = asdict(work(folder, number, json.loads(unit)))
        values["cpu_seconds"] = time.process_time() - started
        yield json.dumps(values)


def _write_reports(reports: Iterable[str], path: str) -> None:
    io.write_bytes(path, ("[" + ",".join(sorted(reports)) + "]").encode())


def _report_from(values: dict[str, Any]) -> UnitReport:
    files = {name: FileEntry(**entry) for name, entry in values["files"].items()}
    return UnitReport(**{**values, "files": files})
