"""A registry as a list of imports: the module that imports an entry lists it."""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Named(Protocol):
    """An entry of a registry."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


def registered(
    imports: Iterable[object], kind: type[Entry] | tuple[type[Entry], ...]
) -> dict[str, Entry]:
    """The entries among a module's imports (`globals().values()`), by name in import order.

    Raises ValueError for a name that two entries have.
    """
    entries = [item for item in imports if isinstance(item, kind)]
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) < len(entries):
        raise ValueError(
            f"two entries of a registry have one name: {', '.join(entry.name for entry in entries)}"
        )
    return by_name
