"""The result of a check of `tokenmill verify`: what was checked, and the first few faults."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from transforms.contracts.plain import Json

NAMED = 5


@dataclass
class Check:
    """A check by name, with the faults that it has collected so far.

    `checked`: what was checked, with its count. `wrong`: the number of faults, of which `faults`
    holds the first NAMED, each with file and row. `skipped`: why nothing was checked; empty if it
    was.
    """

    name: str
    checked: str = ""
    wrong: int = 0
    faults: list[str] = field(default_factory=list)
    skipped: str = ""

    def add(self, fault: str, *, times: int = 1) -> None:
        """Adds a fault; `times`: how many places it stands for."""
        self.wrong += times
        if len(self.faults) < NAMED:
            self.faults.append(fault)

    def add_all(self, what: str, places: Iterable[str], number: int) -> None:
        """Adds one fault found in `number` places, of which the message names the first NAMED."""
        named = [place for place, _ in zip(places, range(NAMED), strict=False)]
        if number:
            more = f" and {number - len(named):,} more" if number > len(named) else ""
            self.add(f"{what}: {', '.join(named)}{more}", times=number)

    @property
    def state(self) -> str:
        """`right`, `wrong` or `not checked`."""
        return "wrong" if self.wrong else "not checked" if self.skipped else "right"


def address_names(addresses: np.ndarray) -> Iterable[str]:
    """uint64 addresses (n,) -> `PART:ROW` of the first NAMED."""
    return (f"{address >> 32}:{address & 0xFFFFFFFF}" for address in addresses[:NAMED].tolist())


def differing_keys(stated: Json, found: Json, prefix: str = "") -> list[str]:
    """Two trees of counters -> one line per difference; a missing counter counts as 0."""
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
