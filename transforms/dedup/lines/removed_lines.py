"""Lines removed from documents: the file that lists them, and texts without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import lengths_of, to_batch, to_offsets
from transforms.contracts.dedup import REMOVED_LINES_SCHEMA
from transforms.contracts.documents import ID_BYTES
from transforms.storage.arrow_files import read_parquet


class Removal(NamedTuple):
    """The lines that one document loses.

    row, id      of the document, in its part
    lines        int64 (n,), their numbers from 0, ascending
    characters   of these lines, without line feeds
    """

    row: int
    id: bytes
    lines: np.ndarray
    characters: int


@dataclass(frozen=True, kw_only=True, eq=False)
class RemovedLines:
    """The lines that some documents of a part lose.

    rows     int64 (n,), the documents, ascending
    numbers  int64 (lines,), numbers of lines from 0, one document after the other
    offsets  int64 (n + 1,): the lines of document i are numbers[offsets[i] : offsets[i + 1]]
    """

    rows: np.ndarray
    numbers: np.ndarray
    offsets: np.ndarray

    def of(self, row: int) -> np.ndarray:
        """The lines that a row loses: int64 (n,), ascending; empty for a row that loses none."""
        index = int(np.searchsorted(self.rows, row))
        if index == len(self.rows) or self.rows[index] != row:
            return np.zeros(0, np.int64)
        return self.numbers[self.offsets[index] : self.offsets[index + 1]]


def remove_lines(text: str, numbers: np.ndarray) -> str:
    """A text without the lines of these numbers (int64 (n,)) and without surrounding whitespace."""
    removed = set(numbers.tolist())
    return "\n".join(
        line for number, line in enumerate(text.split("\n")) if number not in removed
    ).strip()


def removed_table(removals: Sequence[Removal]) -> pa.Table:
    """What n documents of a part lose -> `REMOVED_LINES_SCHEMA`."""
    lines = [removal.lines for removal in removals]
    offsets = to_offsets(lengths_of(lines)).astype(np.int32)
    values = pa.array(np.concatenate([np.zeros(0, np.int64), *lines]).astype(np.uint32))
    batch = to_batch(
        REMOVED_LINES_SCHEMA,
        pa.array([removal.row for removal in removals], pa.uint32()),
        pa.array([removal.id for removal in removals], pa.binary(ID_BYTES)),
        pa.ListArray.from_arrays(
            pa.array(offsets), values, type=REMOVED_LINES_SCHEMA.field("lines").type
        ),
        pa.array([removal.characters for removal in removals], pa.uint32()),
    )
    return pa.Table.from_batches([batch])


def removed_lines_of(table: pa.Table) -> RemovedLines:
    """A table of `REMOVED_LINES_SCHEMA` -> the lines that its documents lose."""
    lines = table["lines"].combine_chunks()
    lines = (
        lines
        if isinstance(lines, pa.ListArray)
        else pa.concat_arrays(lines.chunks or [pa.array([], lines.type)])
    )
    return RemovedLines(
        rows=table["row"].to_numpy().astype(np.int64),
        numbers=lines.flatten().to_numpy().astype(np.int64),
        offsets=to_offsets(np.diff(lines.offsets.to_numpy())),
    )


def read_removed(drops_path: str, name: bytes | None) -> RemovedLines | None:
    """Reads the file of this name beside a drops file; None where the drops name no such file.

    Raises FileNotFoundError if the file is missing.
    """
    if name is None:
        return None
    return removed_lines_of(
        read_parquet(storage.join(drops_path.rpartition("/")[0], name.decode()))
    )
