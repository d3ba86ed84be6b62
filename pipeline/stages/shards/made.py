"""The settings and the encoder that a finished shards stage ran with."""

from dataclasses import dataclass

from pipeline.config.schema import ShardsConfig
from pipeline.stages.finished import Finished
from transforms.contracts.counters import ShardsCounters
from transforms.contracts.plain import JsonObject, from_plain


@dataclass(frozen=True, kw_only=True)
class ShardSettings:
    """The settings that decide each document's split and how rows are packed.

    `validation`: the share of documents held out. `sequence_length`: tokens that a row predicts.
    """

    seed: int
    validation: float
    sequence_length: int
    packing: str


def settings_of(finished: Finished[ShardsCounters]) -> ShardSettings:
    """The settings of a finished stage, from the configuration in its manifest."""
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
    """The library that encoded the texts; `reason`: why it was not the faster one."""

    name: str
    reason: str = ""

    @property
    def note(self) -> str:
        """A phrase for summaries and headings: `encoded by NAME because REASON`."""
        return f"encoded by {self.name}" + (f" because {self.reason}" if self.reason else "")


def encoder_of(details: JsonObject | None) -> EncoderUsed | None:
    """The encoder that a manifest's details name; None if they name none."""
    return from_plain(EncoderUsed, details["encoder"]) if details and "encoder" in details else None
