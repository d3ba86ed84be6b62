"""The settings that a finished dedup stage was made with."""

from pipeline.stages.finished import Finished
from transforms.contracts.counters import DedupCounters
from transforms.contracts.plain import from_plain
from transforms.dedup.settings import DedupConfig


def settings_of(finished: Finished[DedupCounters]) -> DedupConfig:
    """What decides bytes is as it was; earlier runs, whose paths a manifest does not hold, and limits of this machine are left out."""
    values = finished.manifest.configuration["dedup"]
    assert isinstance(values, dict)
    return from_plain(DedupConfig, values | {"against": []})
