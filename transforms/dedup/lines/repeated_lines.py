"""Lines that several documents have: hashes of lines, and which documents lose which.

After C4 (Raffel et al. 2020, arXiv:1910.10683; TensorFlow Datasets,
`c4_utils.remove_duplicate_text`): a text is split at line feeds, lines are compared in lowercase
without surrounding whitespace, and one document keeps each line. Differences: short lines are left
alone, a line may repeat inside the document that keeps it, and the document that keeps a line is
drawn anew for each line.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import xxhash

from transforms.arrays import gather, lengths_of, run_edges, starts_run, to_batch
from transforms.words import mix64

LINE_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("draw", pa.uint64(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
    ]
)
"""A line of a document, 24 bytes: the line's hash, a hash of (line, id), the document's address."""

REPEATED_LINE_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
    ]
)
"""A line that a document loses: the line's hash, the document's address."""


def normalize_line(line: str) -> str:
    """A line as C4 compares lines: lowercase, without surrounding whitespace."""
    return line.strip().lower()


def line_hashes(text: str, *, min_characters: int) -> tuple[np.ndarray, np.ndarray]:
    """The lines of a text that have at least `min_characters` once normalised.

    Returns:
        Their numbers, int64 (lines,), and 64 bits of XXH3 of each, uint64 (lines,).
    """
    # The lowercase form of a letter never depends on what is beyond a line feed, so the whole text
    # is lower-cased at once.
    lines = [line.strip() for line in text.lower().split("\n")]
    numbers = [number for number, line in enumerate(lines) if len(line) >= min_characters]
    hashes = np.fromiter(
        (xxhash.xxh3_64_intdigest(lines[number].encode()) for number in numbers),
        np.uint64,
        len(numbers),
    )
    return np.array(numbers, np.int64), hashes


def distinct_lines(
    texts: Sequence[str], ids: np.ndarray, addresses: np.ndarray, *, min_characters: int
) -> tuple[np.ndarray, ...]:
    """The lines of n documents, each line of a document once.

    Args:
        texts: n texts.
        ids: uint8 (n, 16), the document ids.
        addresses: uint64 (n,), the document addresses.
        min_characters: shorter lines are left out.

    Returns:
        The columns of `LINE_SCHEMA`, uint64 (lines,) each.
    """
    of_documents = [
        np.unique(line_hashes(text, min_characters=min_characters)[1]) for text in texts
    ]
    counts = lengths_of(of_documents)
    hashes = np.concatenate([np.zeros(0, np.uint64), *of_documents])
    high, low = np.ascontiguousarray(ids).view("<u8").astype(np.uint64).reshape(-1, 2).T
    draws = mix64(hashes ^ mix64(np.repeat(low, counts) ^ mix64(np.repeat(high, counts))))
    return hashes, draws, np.repeat(addresses, counts)


def repeated_lines(
    hashes: np.ndarray, draws: np.ndarray, addresses: np.ndarray, *, min_documents: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which documents lose which lines.

    A line of at least `min_documents` documents stays in the document with the smallest draw, ties
    by address; all others lose it.

    Args:
        hashes, draws, addresses: uint64 (n,) each, columns of `LINE_SCHEMA` in any order, a line of
            a document once.
        min_documents: lines of fewer documents are kept everywhere.

    Returns:
        Line hash and document address of each removal, uint64 (removals,) each, sorted.
    """
    # Sorted by hash and draw, the first row of each run is the document that keeps the line.
    order = np.lexsort((addresses, draws, hashes))
    hashes, addresses = hashes[order], addresses[order]
    sizes = np.diff(run_edges(hashes))
    removed = ~starts_run(hashes) & np.repeat(sizes >= min_documents, sizes)
    hashes, addresses = hashes[removed], addresses[removed]
    order = np.lexsort((addresses, hashes))
    return hashes[order], addresses[order]


def find_repeated(batches: Iterable[pa.RecordBatch], *, min_documents: int) -> pa.RecordBatch:
    """Batches of `LINE_SCHEMA` -> `REPEATED_LINE_SCHEMA`, sorted; see `repeated_lines`."""
    columns = gather(batches, LINE_SCHEMA)
    removals = repeated_lines(
        columns["hash"], columns["draw"], columns["address"], min_documents=min_documents
    )
    return to_batch(REPEATED_LINE_SCHEMA, *removals)
