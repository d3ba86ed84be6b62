"""What a stage is about to do: `plan.json`, and the fingerprint that decides what of an earlier try may stay."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from transforms import storage
from transforms.contracts.plain import Json, JsonObject, from_plain, to_plain

FORMAT_VERSION = 1
NAME = "plan.json"
DIVISION = "division_into_units"
"""Key of a configuration: a hash of how the input is divided. It tells versions of tokenmill apart and is not shown to anybody."""


class Unit(Protocol):
    """A piece of a stage's work. `bytes`: of its input, or about that."""

    @property
    def bytes(self) -> int: ...


U = TypeVar("U", bound=Unit)


@dataclass(frozen=True, kw_only=True)
class StagePlan(Generic[U]):
    """What a stage is about to do. `configuration` and `inputs` decide its fingerprint, with the stage before it.

    `inputs`: for each input file its path, size and version. `units`: the work. `notes`: what a person should know.
    """

    stage: str
    configuration: JsonObject
    upstream: str
    units: list[U]
    inputs: tuple[tuple[str, int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.stage, self.configuration, self.upstream, self.inputs)

    def write(self, folder: str) -> None:
        values = {
            "stage": self.stage,
            "fingerprint": self.fingerprint,
            "upstream": self.upstream,
            "configuration": self.configuration,
            "inputs": self.inputs,
            "units": self.units,
            **({"notes": self.notes} if self.notes else {}),
        }
        storage.write_bytes(
            storage.join(folder, NAME), json.dumps(to_plain(values), indent=1).encode()
        )


@dataclass(frozen=True, kw_only=True)
class WrittenPlan:
    """A plan as it was read back. `units` are plain: see `units_of`."""

    stage: str
    fingerprint: str
    upstream: str
    configuration: JsonObject
    inputs: list[tuple[str, int, str]]
    units: list[Json]
    notes: list[str] = field(default_factory=list)

    @property
    def fingerprint_of_content(self) -> str:
        """What the fingerprint must be; another one says that the file was changed."""
        return fingerprint_of(self.stage, self.configuration, self.upstream, self.inputs)


def fingerprint_of(stage: str, configuration: JsonObject, upstream: str, inputs: object) -> str:
    """Hex sha256 over all that decides a stage's bytes."""
    identity = [FORMAT_VERSION, stage, configuration, upstream, inputs]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def read_plan(folder: str) -> WrittenPlan:
    """The plan of a stage's folder. Raises FileNotFoundError."""
    return from_plain(WrittenPlan, json.loads(storage.read_bytes(storage.join(folder, NAME))))


def read_units(folder: str, kind: type[U]) -> list[U]:
    """The units of a stage's plan."""
    return [from_plain(kind, unit) for unit in read_plan(folder).units]
