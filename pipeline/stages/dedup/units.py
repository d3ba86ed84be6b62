"""The work of the dedup stage in pieces."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DedupUnit:
    """A part of the documents: its number, the `bytes` of its file, and its documents."""

    part: int
    bytes: int
    documents: int
