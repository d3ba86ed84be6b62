"""One check of a run and what it found: how much was looked at, and the first few faults, each with its file and row."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.run.folder import Run
from transforms.contracts.addresses import address_text
from transforms.contracts.manifest import Manifest

NAMED = 5


@dataclass
class Check:
    """`checked`: what was looked at, with its number; `faults`: the first NAMED of `wrong`; `skipped`: why nothing was looked at."""

    name: str
    checked: str = ""
    wrong: int = 0
    faults: list[str] = field(default_factory=list)
    skipped: str = ""

    def add(self, fault: str, *, times: int = 1) -> None:
        """Notes a fault; `times` if it stands for so many."""
        self.wrong += times
        if len(self.faults) < NAMED:
            self.faults.append(fault)

    def add_all(self, what: str, places: Iterable[str], number: int) -> None:
        """Notes one fault in `number` places, of which the first are named."""
        named = [place for place, _ in zip(places, range(NAMED), strict=False)]
        if number:
            more = f" and {number - len(named):,} more" if number > len(named) else ""
            self.add(f"{what}: {', '.join(named)}{more}", times=number)

    @property
    def state(self) -> str:
        return "wrong" if self.wrong else "not checked" if self.skipped else "right"

    def values(self) -> dict[str, Any]:
        return {"check": self.name, "checked": self.checked, "state": self.state, "wrong": self.wrong, "faults": self.faults} | (
            {"why": self.skipped} if self.skipped else {}
        )


@dataclass(frozen=True)
class Checked:
    """A run whose stages are looked into, and the manifests of those that are finished."""

    run: Run
    manifests: dict[str, Manifest]

    def files(self, stage: str, prefix: str) -> dict[int, str]:
        """Paths of the files `PREFIX-NNNNN.*` of a stage by their number."""
        names = [name for name in self.manifests[stage].files if name.startswith(f"{prefix}-")]
        return {int(name[len(prefix) + 1 :].partition(".")[0]): f"{self.run.stage(stage)}/{name}" for name in sorted(names)}


def address_names(addresses: np.ndarray) -> Iterable[str]:
    """uint64 addresses -> `PART:ROW` each."""
    return map(address_text, addresses[:NAMED].tolist())


def differing_keys(stated: Any, found: Any, prefix: str = "") -> list[str]:
    """Two trees of counters -> what differs, as text; a counter that is missing is 0."""
    if not isinstance(stated, dict) and not isinstance(found, dict):
        same = (stated or 0) == (found or 0)
        return [] if same else [f"{prefix} is {stated} in the manifest, {found} in the files"]
    stated, found = (tree if isinstance(tree, dict) else {} for tree in (stated, found))
    keys = dict.fromkeys([*stated, *found])
    return [fault for key in keys for fault in differing_keys(stated.get(key), found.get(key), f"{prefix}.{key}" if prefix else str(key))]
