"""`tokenmill plan`: what a run would read, do and take, stage by stage. Nothing is written."""

import os
import shutil
from collections.abc import Iterable
from typing import Any

from pipeline.commands.plan.planned import Guards, PlannedRun, PlannedStage, Refusal, Took, Totals
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan, U
from pipeline.run.state import stage_state
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.all_stages import STAGES
from pipeline.stages.dedup.estimate import planned_dedup
from pipeline.stages.estimate import Estimate, Survey
from pipeline.stages.finished import Finished
from pipeline.stages.guard import Guard
from pipeline.stages.stage import C, Stage
from transforms import storage
from transforms.dedup.screens.screened import active_screens
from transforms.errors import UserError


def plan_run(config: Config, settings: RunnerSettings) -> tuple[PlannedRun, UserError | None]:
    """What `tokenmill run` would do, and the error that would stop it where that is known already.

    Raises UserError or ConfigError where the input itself cannot be listed.
    """
    planner = _Planner(config, settings)
    first, *later = STAGES
    input_plan = first.plan(config, planner.run)  # without input there is no plan to show
    stages = {
        first.name: planner.look(first, input_plan),
        **{stage.name: planner.look(stage) for stage in later},
    }
    planned = PlannedRun(
        path=config.folder,
        stages=stages,
        sources=first.input_of(planner.survey, input_plan).sources,
        dedup=planned_dedup(planner.survey),
        guards=Guards(
            bounds=tuple(planner.guards),
            screens=active_screens(config.dedup),
            lines=config.dedup.lines,
        ),
        total=_totals(stages.values(), config.folder),
    )
    return planned, planner.refusal


class _Planner:
    """Goes through the stages in order.

    A stage that is not done leaves those after it nothing to be compared with: they get no plan. One
    that is refused leaves them not reached.
    """

    def __init__(self, config: Config, settings: RunnerSettings):
        self.run = Run(config.folder)
        self.survey = Survey(config=config, settings=settings)
        self.guards: list[Guard] = []
        self.refusal: UserError | None = None
        self._comparable = True

    def look(self, stage: Stage[Any, Any], plan: StagePlan[Any] | None = None) -> PlannedStage:
        """The state of a stage, what it reads, and what it took or would take.

        `plan`: where the caller has made it already.
        """
        config, finished = self.survey.config, None
        if self.refusal is not None:
            planned = PlannedStage(state="not reached")
        else:
            try:
                if plan is None and self._comparable:
                    plan = stage.plan(config, self.run)
                state = "new" if plan is None else stage_state(stage.folder(self.run), plan)
                finished = self._checked(stage) if state == "done" else None
                self._comparable = finished is not None
                self.survey = stage.surveyed(self.survey, plan, finished)
                planned = (
                    self._done(stage, plan, finished)
                    if finished
                    else self._to_do(stage, plan, started=state == "started")
                )
            except UserError as error:
                self.refusal = error
                planned = PlannedStage(
                    state="refused",
                    refused=Refusal.of(error),
                    input=stage.input_of(self.survey, plan),
                )
        self.guards.extend(stage.guards(config, finished.counters if finished else None))
        return planned

    def _checked(self, stage: Stage[Any, C]) -> Finished[C]:
        """A finished stage that a run would accept."""
        finished = stage.finished(self.run)
        stage.check_bounds(
            self.survey.config, self.run, finished.counters, finished.folder, write=False
        )
        stage.check_result(finished)
        return finished

    def _done(
        self, stage: Stage[U, C], plan: StagePlan[U] | None, finished: Finished[C]
    ) -> PlannedStage:
        return PlannedStage(
            state="done", took=Took.of(finished.manifest), input=stage.input_of(self.survey, plan)
        )

    def _to_do(
        self, stage: Stage[U, Any], plan: StagePlan[U] | None, *, started: bool
    ) -> PlannedStage:
        stage.check_input(self.survey.config, self.run, plan)
        left = None if plan is None else self._left(stage, plan)
        units_done = None
        if started and plan is not None and plan.units and left is not None:
            units_done = len(plan.units) - len(left)
        return PlannedStage(
            state="to do" if units_done is None else "resumes",
            units_done=units_done,
            estimate=stage.estimate(self.survey, plan, left).rounded(),
            input=stage.input_of(self.survey, plan),
        )

    def _left(self, stage: Stage[U, Any], plan: StagePlan[U]) -> list[U]:
        """The units that are not committed."""
        committed = set(storage.list_names(stage.folder(self.run)))
        return [
            unit
            for number, unit in enumerate(plan.units)
            if stage.committed_name(number, unit) not in committed
        ]


def _totals(stages: Iterable[PlannedStage], folder: str) -> Totals:
    left: list[Estimate] = [stage.estimate for stage in stages if stage.estimate is not None]
    by_figure = {
        "seconds": [estimate.seconds for estimate in left],
        "core_seconds": [estimate.core_seconds for estimate in left],
        "memory_bytes": [estimate.memory_bytes for estimate in left],
        "disk_bytes": [estimate.disk_bytes for estimate in left],
    }
    known = {
        figure: [value for value in values if value is not None]
        for figure, values in by_figure.items()
    }
    return Totals(
        seconds=round(sum(known["seconds"]), 1),
        core_seconds=round(sum(known["core_seconds"]), 1),
        memory_bytes=max(known["memory_bytes"], default=0),
        disk_bytes=sum(known["disk_bytes"]),
        unknown=tuple(
            figure
            for figure in ("disk_bytes", "memory_bytes", "seconds")
            if None in by_figure[figure]
        ),
        free_disk_bytes=_free_disk(folder),
    )


def _free_disk(folder: str) -> int | None:
    """Bytes that are free where the run's folder is or would be; None for an object store."""
    if not storage.is_local(folder):
        return None
    place = storage.file_system(folder)[1]
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return shutil.disk_usage(place).free
