"""`tokenmill verify`: whether a run's files are what their manifests say, keep their contracts and follow from each other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.commands.verify.files import check_chain, check_files, check_schemas
from pipeline.run.folder import Run
from pipeline.run.state import is_finished
from pipeline.stages.all_stages import STAGES, in_order, read_stages
from pipeline.stages.check import Check
from pipeline.stages.finished import Finished
from pipeline.stages.stage import Stage
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.errors import ConfigError, UserError


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A check: what it looked at, its `state`, how much was wrong and the first faults; `why` it was not carried out."""

    check: str
    checked: str
    state: str
    wrong: int
    faults: list[str]
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verification:
    """All checks of a run, and the stages that are not finished."""

    path: str
    right: bool
    checks: list[CheckResult]
    not_done: list[str]


def verify_run(run: Run) -> Verification:
    """All checks of the finished stages. Raises UserError where no stage is finished."""
    if not storage.exists(run.folder):
        raise ConfigError(
            "there is no such folder",
            where=run.folder,
            remedy="name the folder of a run, or its configuration",
        )
    checks: list[Check] = []
    damaged: set[Stage[Any, Any]] = set()

    def read(stage: Stage[Any, Any]) -> Finished[Any] | None:
        finished, fault = _read_stage(run, stage)
        if fault:
            checks.append(fault)
            damaged.add(stage)
        return finished

    stages = read_stages(run, read)
    there = [(stage, finished) for stage, finished in in_order(stages) if finished]
    if not there and not checks:
        raise UserError(
            "no stage of the run is finished", where=run.folder, remedy="run `tokenmill run CONFIG`"
        )
    for stage, finished in there:
        files = _carry_out(f"{stage.name}: files", partial(check_files, finished))
        checks.append(files)
        if not files.wrong and stage.has_rows:
            checks.append(
                _carry_out(f"{stage.name}: columns, rows", partial(check_schemas, stage, finished))
            )
        if files.wrong:
            damaged.add(stage)
    checks.append(_carry_out("stages follow from each other", partial(check_chain, stages)))
    whole = {stage for stage, _ in there}
    for content in (content for stage in STAGES for content in stage.content_checks()):
        broken = [stage.name for stage in content.needs if stage in damaged]
        if broken:
            checks.append(Check(content.name, skipped=f"files of {', '.join(broken)} are damaged"))
        elif whole.issuperset(content.needs) and content.applies(stages):
            checks.append(_carry_out(content.name, partial(content.run, stages)))
    return Verification(
        path=run.folder,
        right=not any(check.wrong for check in checks),
        checks=[_result(check) for check in checks],
        not_done=[stage.name for stage in STAGES if stage not in whole and stage not in damaged],
    )


def _result(check: Check) -> CheckResult:
    return CheckResult(
        check=check.name,
        checked=check.checked,
        state=check.state,
        wrong=check.wrong,
        faults=check.faults,
        why=check.skipped or None,
    )


def _read_stage(run: Run, stage: Stage[Any, Any]) -> tuple[Finished[Any] | None, Check | None]:
    """A finished stage; None for one that is not finished, or, with a check that says so, one whose manifest cannot be read."""
    folder = stage.folder(run)
    check = Check(f"{stage.name}: files")
    if not is_finished(folder):
        later = STAGES[STAGES.index(stage) + 1 :]
        if after := next((other.name for other in later if is_finished(other.folder(run))), None):
            check.add(f"{storage.join(folder, MANIFEST)} is missing, though {after} is finished")
            return None, check
        return None, None
    try:
        return stage.finished(run), None
    except Exception as error:  # whatever somebody has written there
        check.add(
            f"{storage.join(folder, MANIFEST)} cannot be read: {getattr(error, 'what', error)}"
        )
        return None, check


def _carry_out(name: str, work: Callable[[Check], None]) -> Check:
    """Runs a check; what it cannot make sense of is a fault as well."""
    check = Check(name)
    try:
        work(check)
    except Exception as error:  # files that keep their hashes may hold anything
        check.add(f"cannot be checked: {type(error).__name__}: {' '.join(str(error).split())}")
    return check
