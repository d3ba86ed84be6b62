"""Rows of a run's documents stage: documents and rejects, their columns typed."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar

from transforms.contracts.addresses import pack_address
from transforms.contracts.names import PARTS, REJECTS, NumberedFiles


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """The columns that documents and rejects share.

    `part` and `row`: the file of the stage that holds it, and where in it.
    `files`: the names of the files that hold rows of this kind.
    """

    files: ClassVar[NumberedFiles]

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
    def name(self) -> str:
        """`FILE:ROW`, which tells it from all other rows of the stage."""
        return f"{self.files.name(self.part)}:{self.row}"


@dataclass(frozen=True, kw_only=True)
class StoredDocument(StoredRow):
    """A document. Runs before documents format 3 have neither `truncated` nor `kept`."""

    files = PARTS

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
        return pack_address(self.part, self.row)


@dataclass(frozen=True, kw_only=True)
class StoredReject(StoredRow):
    """A record that was rejected, and why."""

    files = REJECTS

    stage: str
    rule: str
    value: float | None
    threshold: float | None
    detail: str | None
    excerpt: str | None


_KINDS: tuple[type[StoredRow], ...] = (StoredDocument, StoredReject)


def kind_of_file(name: str) -> tuple[type[StoredRow], int] | None:
    """The kind of the rows of a file, and the number of its part; None for other files."""
    for kind in _KINDS:
        if (
            kind.files.matches(name)
            and name.removeprefix(f"{kind.files.prefix}-").removesuffix(".parquet").isdigit()
        ):
            return kind, kind.files.number(name)
    return None
