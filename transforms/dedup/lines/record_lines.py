"""Writes and counts the files of removed lines of a dedup folder."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.arrays import binary_rows, gather, split_by, to_batch
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.dedup import LINES_KEY, LINES_RULE
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import DROPS, PARTS, REMOVED_LINES
from transforms.dedup.lines.removed_lines import Removal, remove_lines, removed_table
from transforms.dedup.lines.repeated_lines import (
    LINE_SCHEMA,
    REPEATED_LINE_SCHEMA,
    distinct_lines,
    line_hashes,
)
from transforms.dedup.near.bands import range_of
from transforms.dedup.near.graph import write_drop_table
from transforms.dedup.screens.screened import addressed_drops, drops_of_part
from transforms.dedup.settings import DedupConfig
from transforms.lookup import read_rows
from transforms.memory import pass_of
from transforms.storage.arrow_files import read_parquet, write_parquet


class LineCounts(NamedTuple):
    """Documents that lose lines, the lines, and their characters."""

    documents: int
    lines: int
    characters: int


def lines_of_part(
    documents: str,
    out: str,
    part: int,
    config: DedupConfig,
    *,
    ranges: int,
    passes: int,
    number: int,
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The lines of a part's kept documents in pass `number`, by hash range, as `LINE_SCHEMA`."""
    dropped = _drops_of_documents(DROPS.path(out, part))["row"].to_numpy()
    for rows, batch in read_rows(PARTS.path(documents, part), dropped, columns=["id", "text"]):
        columns = distinct_lines(
            batch.column("text").to_pylist(),
            binary_rows(batch.column("id")),
            pack_address(part, rows),
            min_characters=config.lines_min_characters,
        )
        numbers = range_of(columns[0], ranges)
        chosen = pass_of(numbers, ranges=ranges, passes=passes) == number
        yield from split_by(
            numbers[chosen], to_batch(LINE_SCHEMA, *(column[chosen] for column in columns))
        )


def record_lines(
    documents: str, out: str, part: int, batches: Iterable[pa.RecordBatch], config: DedupConfig
) -> None:
    """Writes `lines-PART.parquet` from batches of `REPEATED_LINE_SCHEMA`, and the drops anew.

    Documents of which no line is left are added to the drops, by the rule `dedup/lines`.
    """
    columns = gather(batches, REPEATED_LINE_SCHEMA)
    rows = unpack_address(columns["address"])[1]
    order = np.argsort(rows, kind="stable")
    rows, hashes = rows[order], columns["hash"][order]
    path = DROPS.path(out, part)
    drops = _drops_of_documents(path)
    removals: list[Removal] = []
    without_text: list[Removal] = []
    for numbers, batch in read_rows(
        PARTS.path(documents, part), drops["row"].to_numpy(), columns=["id", "text"]
    ):
        for position in np.flatnonzero(np.isin(numbers, rows)).tolist():
            row, text = int(numbers[position]), batch.column("text")[position].as_py()
            # The document's removals are a slice, since rows are sorted.
            of_row = hashes[slice(*np.searchsorted(rows, [row, row + 1]).tolist())]
            lines, of_lines = line_hashes(text, min_characters=config.lines_min_characters)
            removed = lines[np.isin(of_lines, of_row)]
            written = text.split("\n")
            characters = sum(len(written[number]) for number in removed.tolist())
            removals.append(Removal(row, batch.column("id")[position].as_py(), removed, characters))
            if not remove_lines(text, removed):
                without_text.append(removals[-1])
    write_parquet(removed_table(removals), REMOVED_LINES.path(out, part), plain=("id",))
    dropped = addressed_drops(
        members=pack_address(part, np.array([removal.row for removal in without_text], np.int64)),
        ids=pa.array([removal.id for removal in without_text], pa.binary(ID_BYTES)),
        rule=LINES_RULE,
    )
    table = pa.concat_tables([drops, drops_of_part([dropped])])
    write_drop_table(table, path, metadata={LINES_KEY.decode(): REMOVED_LINES.name(part)})


def count_lines(out: str, parts: Iterable[int]) -> LineCounts:
    """What the documents of all parts lose."""
    documents = lines = characters = 0
    for part in parts:
        table = read_parquet(REMOVED_LINES.path(out, part), ["lines", "characters"])
        documents += table.num_rows
        lines += pc.sum(pc.list_value_length(table["lines"])).as_py() or 0
        characters += pc.sum(table["characters"]).as_py() or 0
    return LineCounts(documents, lines, characters)


def _drops_of_documents(path: str) -> pa.Table:
    """The drops of a part by other rules than `dedup/lines`.

    They are equal before and after lines are removed.
    """
    drops = read_parquet(path)
    return drops.filter(
        pc.not_equal(drops["rule"].cast(pa.string()), LINES_RULE)
    ).replace_schema_metadata(None)
