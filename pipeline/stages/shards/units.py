"""The unit of work of the shards stage."""

from dataclasses import dataclass
from typing import NamedTuple

from transforms.contracts.names import shard_name


class PartRows(NamedTuple):
    """Rows `first` to before `end` of a part, with the paths of its documents and drops."""

    part: int
    path: str
    drops: str
    first: int
    end: int


@dataclass(frozen=True, kw_only=True)
class ShardUnit:
    """The rows that become one shard for each split.

    `index`, `of`: the number of the shard among those of its source. `bytes`: estimated size of the
    text.
    """

    source: str
    bytes: int
    parts: tuple[PartRows, ...]
    index: int
    of: int

    def name(self, split: str) -> str:
        """The file name of the unit's shard of a split."""
        return shard_name(split, self.source, self.index, self.of)
