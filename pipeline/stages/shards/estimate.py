"""Estimates of the shards stage: time, memory and disk."""

from collections.abc import Sequence

from pipeline.run.plan import StagePlan
from pipeline.runner.beam import Work
from pipeline.runner.units import plan_work
from pipeline.stages import rates
from pipeline.stages.estimate import (
    AT_MOST,
    Estimate,
    Survey,
    estimate,
    processes_memory,
    workers_for,
)
from pipeline.stages.shards.units import ShardUnit
from pipeline.stages.shards.work import BYTES_PER_SECOND


def estimate_shards(
    survey: Survey, plan: StagePlan[ShardUnit] | None, left: Sequence[ShardUnit] | None
) -> Estimate:
    """Estimates the units that are `left` of a plan.

    Both are None before the tokenizer is finished; then the whole stage is estimated, at the bytes
    per token of English.
    """
    config, settings, volume, bytes_per_token = (
        survey.config,
        survey.settings,
        survey.volume,
        survey.bytes_per_token,
    )
    if volume.text is None:
        return estimate(None, None, None, None, ["known when the documents are"])
    notes = [] if volume.measured else [AT_MOST]
    if bytes_per_token is None:
        bytes_per_token = rates.TEXT_BYTES_PER_TOKEN
        rate = f"{bytes_per_token} bytes of text per token, as in English"
        notes.append(f"{rate}; known when the tokenizer is there")
    text = volume.text * survey.kept
    work = Work(units=volume.units, seconds=text / BYTES_PER_SECOND)
    if plan is not None and left is not None:
        work = plan_work(plan, bytes_per_second=BYTES_PER_SECOND)
        text *= sum(unit.bytes for unit in left) / max(sum(unit.bytes for unit in plan.units), 1)
    workers = workers_for(settings, work)
    disk = (
        text
        / bytes_per_token
        * (2 if config.tokenizer.vocabulary <= 1 << 16 else 4)
        * rates.SHARD_OVERHEAD
    )
    memory = processes_memory(workers, rates.SHARDS_WORKER_MEMORY)
    return estimate(workers, text / rates.SHARDS_BYTES_PER_SECOND, memory, disk, notes)
