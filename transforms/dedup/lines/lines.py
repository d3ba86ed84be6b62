"""Lines that several documents have: hashes of a batch's lines, which documents lose which, and the texts without them.

After C4 (Raffel et al. 2020, arXiv:1910.10683; TensorFlow Datasets, `c4_utils.remove_duplicate_text`): a text is split at line
feeds, a line is compared without blanks around it and in lower case, one document keeps it. Unlike there, short lines are left
alone, a line may repeat inside the document that keeps it, and which document keeps a line is drawn for each line anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash

from transforms.arrays import lengths_of, run_edges, starts_run, to_offsets
from transforms.contracts.dedup import REMOVED_LINES_SCHEMA
from transforms.contracts.documents import ID_BYTES
from transforms.words import mix64

LINE_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("draw", pa.uint64(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
    ]
)
"""What is exchanged, 24 bytes for each line of each document: the line's hash, a hash of (line, id), the document."""

GONE_LINE_SCHEMA = pa.schema([pa.field("hash", pa.uint64(), nullable=False), pa.field("address", pa.uint64(), nullable=False)])


def normalize_line(line: str) -> str:
    """How C4 compares lines: no blanks around, lower case."""
    return line.strip().lower()


def line_hashes(text: str, *, min_characters: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a text's lines of at least `min_characters` (normalised) and 64 bits of XXH3 of each: int64, uint64 [lines]."""
    # No letter's small form depends on what stands beyond a line feed, so the text can be lower-cased at once.
    lines = [line.strip() for line in text.lower().split("\n")]
    numbers = [number for number, line in enumerate(lines) if len(line) >= min_characters]
    hashes = np.fromiter((xxhash.xxh3_64_intdigest(lines[number].encode()) for number in numbers), np.uint64, len(numbers))
    return np.array(numbers, np.int64), hashes


def distinct_lines(texts: Sequence[str], ids: np.ndarray, addresses: np.ndarray, *, min_characters: int) -> tuple[np.ndarray, ...]:
    """The columns of `LINE_SCHEMA` of n documents (ids uint8 [n, 16], addresses uint64 [n]), each line of a document once."""
    found = [np.unique(line_hashes(text, min_characters=min_characters)[1]) for text in texts]
    counts = lengths_of(found)
    hashes = np.concatenate([np.zeros(0, np.uint64), *found])
    high, low = np.ascontiguousarray(ids).view("<u8").astype(np.uint64).reshape(-1, 2).T
    draws = mix64(hashes ^ mix64(np.repeat(low, counts) ^ mix64(np.repeat(high, counts))))
    return hashes, draws, np.repeat(addresses, counts)


def repeated_lines(hashes: np.ndarray, draws: np.ndarray, addresses: np.ndarray, *, min_documents: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns of `LINE_SCHEMA` in any order, a line of a document once -> the (hash, address) that go: uint64 [n] each, sorted.

    A line of at least `min_documents` documents stays in the one of the smallest draw, ties by address.
    """
    order = np.lexsort((addresses, draws, hashes))
    hashes, addresses = hashes[order], addresses[order]
    new, sizes = starts_run(hashes), np.diff(run_edges(hashes))
    gone = ~new & np.repeat(sizes >= min_documents, sizes)
    hashes, addresses = hashes[gone], addresses[gone]
    order = np.lexsort((addresses, hashes))
    return hashes[order], addresses[order]


@dataclass(frozen=True, kw_only=True, eq=False)
class Removed:
    """Lines that go of some documents of a part: `rows` int64 [n], sorted; `numbers` int64, those of document i from `offsets[i]`."""

    rows: np.ndarray
    numbers: np.ndarray
    offsets: np.ndarray

    def of(self, row: int) -> np.ndarray:
        """The numbers of the lines that go of a row: int64, sorted; empty for a row that loses none."""
        index = int(np.searchsorted(self.rows, row))
        if index == len(self.rows) or self.rows[index] != row:
            return np.zeros(0, np.int64)
        return self.numbers[self.offsets[index] : self.offsets[index + 1]]


def remove_lines(text: str, numbers: np.ndarray) -> str:
    """A text without the lines of these numbers, and without blanks around what is left."""
    gone = set(numbers.tolist())
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in gone).strip()


def removed_table(entries: Sequence[tuple[int, bytes, np.ndarray, int]]) -> pa.Table:
    """(row, id, numbers of lines, characters) of n documents -> `REMOVED_LINES_SCHEMA`."""
    lines = [numbers for _, _, numbers, _ in entries]
    offsets = to_offsets(lengths_of(lines)).astype(np.int32)
    values = pa.array(np.concatenate([np.zeros(0, np.int64), *lines]).astype(np.uint32))
    column = pa.ListArray.from_arrays(pa.array(offsets), values, type=REMOVED_LINES_SCHEMA.field("lines").type)
    rows, ids, characters = ([entry[index] for entry in entries] for index in (0, 1, 3))
    columns = [pa.array(rows, pa.uint32()), pa.array(ids, pa.binary(ID_BYTES)), column, pa.array(characters, pa.uint32())]
    return pa.Table.from_arrays(columns, schema=REMOVED_LINES_SCHEMA)


def removed_of(table: pa.Table) -> Removed:
    """A table of `REMOVED_LINES_SCHEMA` -> what goes."""
    lines = table["lines"].combine_chunks()
    lines = lines if isinstance(lines, pa.ListArray) else pa.concat_arrays(lines.chunks or [pa.array([], lines.type)])
    sizes = np.diff(lines.offsets.to_numpy())
    return Removed(
        rows=table["row"].to_numpy().astype(np.int64), numbers=lines.flatten().to_numpy().astype(np.int64), offsets=to_offsets(sizes)
    )
