"""What a finished shards stage was made with."""

from dataclasses import dataclass

from pipeline.config.schema import ShardsConfig
from pipeline.stages.finished import Finished
from transforms.contracts.counters import ShardsCounters
from transforms.contracts.plain import JsonObject, from_plain


@dataclass(frozen=True, kw_only=True)
class ShardSettings:
    """What decides which documents are in which split and how rows are packed."""

    seed: int
    validation: float
    sequence_length: int
    packing: str


def settings_of(finished: Finished[ShardsCounters]) -> ShardSettings:
    """Read from the stage's configuration."""
    configuration = finished.manifest.configuration
    shards = from_plain(ShardsConfig, configuration["shards"])
    return ShardSettings(
        seed=from_plain(int, configuration["seed"]),
        validation=shards.validation,
        sequence_length=shards.sequence_length,
        packing=shards.packing,
    )


@dataclass(frozen=True, kw_only=True)
class EncoderUsed:
    """The library that encoded, and why it was not the faster one."""

    name: str
    reason: str = ""

    @property
    def note(self) -> str:
        return f"encoded by {self.name}" + (f" because {self.reason}" if self.reason else "")


def encoder_of(details: JsonObject | None) -> EncoderUsed | None:
    """None for shards that do not say."""
    return from_plain(EncoderUsed, details["encoder"]) if details and "encoder" in details else None
