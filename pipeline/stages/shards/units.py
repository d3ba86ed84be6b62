"""The work of the shards stage in pieces."""

from dataclasses import dataclass
from typing import NamedTuple

from transforms.contracts.names import shard_name


class PartRows(NamedTuple):
    """Consecutive rows of a part, from `first` to before `end`, and the files of its documents and drops."""

    part: int
    path: str
    drops: str
    first: int
    end: int


@dataclass(frozen=True, kw_only=True)
class ShardUnit:
    """One shard for each split: the `index`-th `of` so many of a source, and the rows it is made from. `bytes`: about of their text."""

    source: str
    bytes: int
    parts: tuple[PartRows, ...]
    index: int
    of: int

    def name(self, split: str) -> str:
        """The file of a split."""
        return shard_name(split, self.source, self.index, self.of)
