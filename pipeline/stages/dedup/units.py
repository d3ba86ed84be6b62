"""The unit of work of the dedup stage."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DedupUnit:
    """A part of the documents: its number, the bytes of its file, its number of documents."""

    part: int
    bytes: int
    documents: int
