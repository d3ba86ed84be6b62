"""A check of a run: how much was looked at, and the first few faults, each with its file and row."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from transforms.contracts.plain import Json

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


def address_names(addresses: np.ndarray) -> Iterable[str]:
    """uint64 addresses -> `PART:ROW` each."""
    return (f"{address >> 32}:{address & 0xFFFFFFFF}" for address in addresses[:NAMED].tolist())


def differing_keys(stated: Json, found: Json, prefix: str = "") -> list[str]:
    """Two trees of counters -> what differs, as text; a counter that is missing is 0."""
    if not isinstance(stated, dict) and not isinstance(found, dict):
        same = (stated or 0) == (found or 0)
        return [] if same else [f"{prefix} is {stated} in the manifest, {found} in the files"]
    left, right = (tree if isinstance(tree, dict) else {} for tree in (stated, found))
    keys = dict.fromkeys([*left, *right])
    return [
        fault
        for key in keys
        for fault in differing_keys(
            left.get(key), right.get(key), f"{prefix}.{key}" if prefix else key
        )
    ]
