"""Rows of a run's documents stage as they are stored: documents and rejects, their columns typed."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar

import numpy as np

from transforms.contracts.documents import pack_address, unpack_address


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """The columns that documents and rejects share. `part` and `row`: the file of the stage that holds it, and where in it."""

    rejected: ClassVar[bool]

    part: int
    row: int
    id: bytes
    source: str
    origin: str
    locator: str
    url: str | None

    @classmethod
    def columns(cls) -> list[str]:
        """The names of the columns in the file."""
        return [entry.name for entry in fields(cls) if entry.name not in ("part", "row")]

    @property
    def key(self) -> tuple[int, int, bool]:
        """What tells it from all other rows of the stage."""
        return self.part, self.row, self.rejected


@dataclass(frozen=True, kw_only=True)
class StoredDocument(StoredRow):
    """A document. Runs before documents format 3 have neither `truncated` nor `kept`."""

    rejected = False

    title: str | None
    published: datetime | None
    language: str | None
    language_score: float | None
    declared_language: str | None
    truncated: str | None = None
    kept: str | None = None
    text: str

    @property
    def address(self) -> int:
        return address_of(self.part, self.row)


@dataclass(frozen=True, kw_only=True)
class StoredReject(StoredRow):
    """A record that was rejected, and why."""

    rejected = True

    stage: str
    rule: str
    value: float | None
    threshold: float | None
    detail: str | None
    excerpt: str | None


def address_of(part: int, row: int) -> int:
    """The address of one document."""
    return int(pack_address(part, np.array([row]))[0])


def part_and_row(address: int) -> tuple[int, int]:
    """Where the document of an address is stored."""
    part, row = unpack_address(np.array([address], np.uint64))
    return int(part[0]), int(row[0])


def address_text(address: int) -> str:
    """`PART:ROW`, as commands take it."""
    part, row = part_and_row(address)
    return f"{part}:{row}"
