"""Beam: part numbers of a folder of drops -> lines that several kept documents have, recorded for removal.

Hashes and addresses are shuffled, never lines: 24 bytes for each line of each kept document.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.pvalue import TaggedOutput

import transforms.beam.coders  # noqa: F401  registers the coder of pa.RecordBatch
from transforms import storage
from transforms.arrays import binary_rows, gather, split_by, to_batch
from transforms.beam.grouping import ExchangeInPasses, GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.dedup import LINES_KEY, LINES_RULE
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import DROPS, PARTS, REMOVED_LINES
from transforms.corpus import read_rows
from transforms.dedup.lines.lines import (
    GONE_LINE_SCHEMA,
    LINE_SCHEMA,
    distinct_lines,
    line_hashes,
    remove_lines,
    removed_table,
    repeated_lines,
)
from transforms.dedup.near.bands import range_of
from transforms.dedup.near.graph import write_drop_table
from transforms.dedup.screens.order import drops_of, gone_batch
from transforms.dedup.settings import DedupConfig
from transforms.memory import pass_of
from transforms.storage.arrow_files import write_parquet

Count = TaggedOutput[Literal["counts"], int]


@dataclass
class DropLines(beam.PTransform):
    """Part numbers -> part numbers, when each has its `lines-*.parquet` and its drops name that file.

    A document of which no line is left goes too, by the rule `dedup/lines`. Running it again gives the same bytes. `passes` follow one
    another, each over its share of the hash ranges (at least as many), so that a runner which holds what is grouped in memory holds one
    pass; each reads the texts again.
    """

    documents: str
    out: str
    config: DedupConfig
    ranges: int
    passes: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        parts = parts | "Spread" >> beam.Reshuffle()
        hashing = [_HashLines(self, number) for number in range(self.passes)]
        repeated, _ = parts | "Find" >> ExchangeInPasses(hashing, _FindRepeated(self.config), ("counts",))
        return (
            (repeated, parts)
            | "Group" >> GroupByPart(GONE_LINE_SCHEMA)
            | "Remove" >> beam.ParDo(_Record(self.documents, self.out, self.config))
        )


def count_lines(out: str, parts: Iterable[int]) -> dict[str, int]:
    """`documents` that lose lines, `lines` that go and their `characters`, over the files of all parts."""
    counts = {"documents": 0, "lines": 0, "characters": 0}
    for part in parts:
        with storage.open_input(REMOVED_LINES.path(out, part)) as stream:
            table = pq.read_table(stream, columns=["lines", "characters"])
        counts["documents"] += table.num_rows
        counts["lines"] += pc.sum(pc.list_value_length(table["lines"])).as_py() or 0
        counts["characters"] += pc.sum(table["characters"]).as_py() or 0
    return counts


class _HashLines(beam.DoFn):
    def __init__(self, transform: DropLines, number: int):
        self._documents, self._out, self._config = transform.documents, transform.out, transform.config
        self._ranges, self._passes, self._number = transform.ranges, transform.passes, number

    def process(self, part: int, before: Iterable[int] = ()) -> Iterator[Keyed]:
        gone = _other_drops(DROPS.path(self._out, part))["row"].to_numpy()
        for rows, batch in read_rows(PARTS.path(self._documents, part), gone, columns=["id", "text"]):
            ids = binary_rows(batch.column("id"))
            addresses = pack_address(part, rows)
            columns = distinct_lines(batch.column("text").to_pylist(), ids, addresses, min_characters=self._config.lines_min_characters)
            numbers = range_of(columns[0], self._ranges)
            now = pass_of(numbers, ranges=self._ranges, passes=self._passes) == self._number
            yield from split_by(numbers[now], to_batch(LINE_SCHEMA, *(column[now] for column in columns)))


class _FindRepeated(beam.DoFn):
    def __init__(self, config: DedupConfig):
        self._config = config

    def process(self, element: Grouped) -> Iterator[Keyed | Count]:
        columns = gather(element[1], LINE_SCHEMA)
        hashes, addresses = repeated_lines(
            columns["hash"], columns["draw"], columns["address"], min_documents=self._config.lines_min_documents
        )
        yield Count("counts", len(hashes))
        yield from split_by(unpack_address(addresses)[0], to_batch(GONE_LINE_SCHEMA, hashes, addresses))


class _Record(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        record_lines(self._documents, self._out, part, batches, self._config)
        yield part


def record_lines(documents: str, out: str, part: int, batches: Iterable[pa.RecordBatch], config: DedupConfig) -> None:
    """Writes `lines-PART.parquet` from batches of `GONE_LINE_SCHEMA` of a part, and its drops with those that have nothing left."""
    columns = gather(batches, GONE_LINE_SCHEMA)
    rows = unpack_address(columns["address"])[1]
    order = np.argsort(rows, kind="stable")
    rows, hashes = rows[order], columns["hash"][order]
    path = DROPS.path(out, part)
    drops = _other_drops(path)
    found: list[tuple[int, bytes, np.ndarray, int]] = []
    empty: list[int] = []
    for numbers, batch in read_rows(PARTS.path(documents, part), drops["row"].to_numpy(), columns=["id", "text"]):
        for position in np.flatnonzero(np.isin(numbers, rows)).tolist():
            row, text = int(numbers[position]), batch.column("text")[position].as_py()
            lines, of_lines = line_hashes(text, min_characters=config.lines_min_characters)
            gone = lines[np.isin(of_lines, hashes[slice(*np.searchsorted(rows, [row, row + 1]).tolist())])]
            if not remove_lines(text, gone):
                empty.append(len(found))
            written = text.split("\n")
            found.append((row, batch.column("id")[position].as_py(), gone, sum(len(written[number]) for number in gone.tolist())))
    write_parquet(removed_table(found), REMOVED_LINES.path(out, part), plain=("id",))
    ids = pa.array([found[index][1] for index in empty], pa.binary(ID_BYTES))
    members = pack_address(part, np.array([found[index][0] for index in empty], np.int64))
    nothing_left = drops_of([gone_batch(members=members, ids=ids, rule=LINES_RULE)])
    write_drop_table(pa.concat_tables([drops, nothing_left]), path, metadata={LINES_KEY.decode(): REMOVED_LINES.name(part)})


def _other_drops(path: str) -> pa.Table:
    """The drops of a part that do not come from lines: the same before this transform and, if it is run again, after it."""
    with storage.open_input(path) as stream:
        drops = pq.read_table(stream)
    return drops.filter(pc.not_equal(drops["rule"].cast(pa.string()), LINES_RULE)).replace_schema_metadata(None)
