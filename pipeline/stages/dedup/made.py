"""The settings that a finished dedup stage ran with."""

from pipeline.stages.finished import Finished
from transforms.contracts.counters import DedupCounters
from transforms.contracts.plain import from_plain
from transforms.dedup.settings import DedupConfig


def settings_of(finished: Finished[DedupCounters]) -> DedupConfig:
    """The settings in the manifest: all that decide the stage's bytes.

    `against` is empty, because a manifest has no paths of earlier runs. Limits of a machine, such
    as `memory_limit`, have their defaults.
    """
    values = finished.manifest.configuration["dedup"]
    assert isinstance(values, dict)
    return from_plain(DedupConfig, values | {"against": []})
