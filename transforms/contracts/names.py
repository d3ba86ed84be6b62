"""The names of the files in the folders of stages."""

from collections.abc import Iterable
from dataclasses import dataclass

from transforms import storage


@dataclass(frozen=True)
class NumberedFiles:
    """Files `PREFIX-NNNNN.parquet`, one for each part of the documents, by its number."""

    prefix: str

    @property
    def pattern(self) -> str:
        """A glob that matches all of them."""
        return f"{self.prefix}-*.parquet"

    def name(self, part: int) -> str:
        return f"{self.prefix}-{part:05d}.parquet"

    def path(self, folder: str, part: int) -> str:
        return storage.join(folder, self.name(part))

    def matches(self, name: str) -> bool:
        """Whether a file is one of these, by its name."""
        return name.startswith(f"{self.prefix}-") and name.endswith(".parquet")

    def number(self, name: str) -> int:
        """The part that a file of these belongs to.

        Raises ValueError for the name of another file.
        """
        return int(name.removeprefix(f"{self.prefix}-").removesuffix(".parquet"))

    def numbers(self, names: Iterable[str]) -> list[int]:
        """The part numbers of the files among `names` that have this pattern, ascending."""
        return sorted(self.number(name) for name in names if self.matches(name))


# Stage documents
PARTS = NumberedFiles("part")
REJECTS = NumberedFiles("rejects")
SIGNALS = NumberedFiles("signals")

# Stage dedup
SIGNATURES = NumberedFiles("signatures")
DROPS = NumberedFiles("drops")
REMOVED_LINES = NumberedFiles("lines")
CONTAMINATION = NumberedFiles("contamination")
CLUSTERS = "clusters.parquet"

# Stage tokenizer
PRETOKENS = "pretokens.parquet"
TOKENIZER = "tokenizer.json"


def clusters_path(folder: str) -> str:
    return storage.join(folder, CLUSTERS)


def pretoken_range_path(folder: str, number: int, ranges: int) -> str:
    """The counts of one hash range of pre-tokens, a work file of the tokenizer stage."""
    return storage.join(folder, f"pretokens-{number:05d}-of-{ranges:05d}.parquet")


def shard_name(split: str, source: str, index: int, of: int) -> str:
    """A token shard: number `index` of the shards `of` a source, in one split."""
    return f"{split}-{source}-{index:05d}-of-{of:05d}.arrow"
