"""Units of a stage: each is run once, whoever takes it, and the reports are the same for lanes and for any other runner."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.plan import StagePlan
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import Lanes, StageReport, UnitJob, largest_first, plan_work, run_units
from transforms.contracts.manifest import FileEntry


@dataclass(frozen=True)
class SomeUnit:
    bytes: int


@dataclass(frozen=True)
class SomeCounters:
    bytes: int = 0
    by: dict[str, int] = field(default_factory=dict)


UNITS = [SomeUnit(size) for size in (10, 30, 20, 30, 0)]


def note_unit(folder: str, number: int, unit: SomeUnit) -> StageReport[SomeCounters]:
    """Fails where a unit is run twice."""
    with Path(folder, f"unit-{number}").open("x") as file:
        file.write(str(unit.bytes))
    entry = FileEntry(rows=number, bytes=unit.bytes, sha256="")
    return StageReport(
        files={f"unit-{number}": entry}, counters=SomeCounters(unit.bytes, {str(number): 1})
    )


def run(
    folder: Path, units: list[SomeUnit], *, workers: int = 1, arguments: tuple[str, ...] = ()
) -> StageReport[SomeCounters]:
    plan = StagePlan(stage="documents", configuration={}, upstream="", units=units)
    plan.write(str(folder))
    settings = RunnerSettings(workers=workers, beam_arguments=arguments)
    job = UnitJob(folder=str(folder), unit=SomeUnit, work=note_unit, none=SomeCounters())
    return run_units(job, settings, plan_work(plan, bytes_per_second=1.0))


@pytest.mark.parametrize(
    "arguments", [(), ("--runner=FnApiRunner",)], ids=["lanes", "a runner of another name"]
)
def test_every_unit_is_run_once_and_reported(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    report = run(tmp_path, UNITS, arguments=arguments)
    assert report.counters == SomeCounters(90, {str(number): 1 for number in range(5)})
    assert {name: entry.rows for name, entry in report.files.items()} == {
        f"unit-{number}": number for number in range(5)
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "plan.json",
        *(f"unit-{number}" for number in range(5)),
    ]


def test_without_a_unit_nothing_is_run(tmp_path: Path) -> None:
    assert run(tmp_path, []) == StageReport(files={}, counters=SomeCounters())


def test_a_unit_is_claimed_by_the_first_who_asks(tmp_path: Path) -> None:
    lanes = Lanes(count=2, claims=str(tmp_path))
    assert [lanes.claim(number) for number in (0, 1, 0, 2, 1, 2)] == [
        True,
        True,
        False,
        True,
        False,
        False,
    ]


@given(st.lists(st.integers(0, 5)))
def test_the_largest_comes_first_and_ties_fall_by_number(sizes: list[int]) -> None:
    ordered = largest_first([SomeUnit(size) for size in sizes])
    assert sorted(number for number, _ in ordered) == list(range(len(sizes)))
    keys = [(-unit.bytes, number) for number, unit in ordered]
    assert keys == sorted(keys)
