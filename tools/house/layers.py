"""Imports from a lower to a higher layer, by the import-linter contracts in pyproject.toml.

`lint-imports` checks the same contracts with chains of imports, but skips those in
`ignore_imports`. Here all direct imports count, so the list shows what is still to be moved.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.house.imports import Import
from tools.house.project import Project, is_within


@dataclass(frozen=True)
class Layers:
    """A layers contract.

    ranks        full module name -> rank, 0 is the highest
    independent  ranks whose members must not import each other
    """

    name: str
    containers: tuple[str, ...]
    ranks: Mapping[str, int]
    independent: frozenset[int]
    exhaustive: bool


def read_layers(pyproject: Path) -> list[Layers]:
    """The layers contracts of a pyproject.toml."""
    values = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    contracts = values.get("tool", {}).get("importlinter", {}).get("contracts", [])
    return [_layers(contract) for contract in contracts if contract["type"] == "layers"]


def _layers(contract: Mapping[str, Any]) -> Layers:
    containers = tuple(contract.get("containers", ()))
    ranks: dict[str, int] = {}
    independent: set[int] = set()
    for rank, layer in enumerate(contract["layers"]):
        members = [member.strip().strip("()") for member in layer.replace(":", "|").split("|")]
        if ":" not in layer:
            independent.add(rank)
        for member in members:
            ranks |= {
                f"{container}.{member}" if container else member: rank
                for container in containers or ("",)
            }
    return Layers(
        contract["name"],
        containers,
        ranks,
        frozenset(independent),
        contract.get("exhaustive", False),
    )


def upward_imports(imports: Iterable[Import], layers: Layers) -> Iterator[str]:
    """Imports that a contract forbids.

    These go from a lower layer to a higher one, or between independent members of one layer. The
    `__init__` of a container is above its layers: it may import all of them, and none imports it.
    """
    for entry in imports:
        lower, higher = (_member(name, layers) for name in (entry.importer, entry.imported))
        if lower is None or higher is None or lower == higher:
            continue
        mine, theirs = (
            -1 if member in layers.containers else layers.ranks[member]
            for member in (lower, higher)
        )
        if mine > theirs or (mine == theirs and mine in layers.independent):
            yield f"{entry}: {lower} is {'beside' if mine == theirs else 'below'} {higher}"


def _member(name: str, layers: Layers) -> str | None:
    if name in layers.containers:
        return name
    return next((member for member in layers.ranks if is_within(name, member)), None)


def unplaced_modules(project: Project, layers: Layers) -> list[str]:
    """Children of an exhaustive contract's containers that are in no layer."""
    if not layers.exhaustive:
        return []
    children = {
        ".".join(name.split(".")[: container.count(".") + 2])
        for name in project
        for container in layers.containers
        if name.startswith(container + ".")
    }
    return [
        f"{child} is in no layer of {layers.name!r}"
        for child in sorted(children - set(layers.ranks))
    ]
