"""Beam: part numbers of a dedup folder -> repeated lines of kept documents, recorded for removal.

Shuffles hashes and addresses, never lines: 24 bytes for each line of each kept document.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from transforms.arrays import split_by
from transforms.beam.grouping import ExchangeInPasses, GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import unpack_address
from transforms.dedup.lines.record_lines import lines_of_part, record_lines
from transforms.dedup.lines.repeated_lines import REPEATED_LINE_SCHEMA, find_repeated
from transforms.dedup.settings import DedupConfig

Count = TaggedOutput[Literal["counts"], int]


@dataclass
class DropLines(beam.PTransform):
    """Part numbers -> part numbers, once each has its `lines-*.parquet`, which its drops name.

    A document of which no line is left is dropped by the rule `dedup/lines`. Running the transform
    again gives the same bytes. The hash ranges, of which there are at least as many as `passes`,
    are exchanged in passes; each pass reads the texts again.
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
        repeated, _ = parts | "Find" >> ExchangeInPasses(
            hashing, _FindRepeated(self.config), ("counts",)
        )
        return (
            (repeated, parts)
            | "Group" >> GroupByPart(REPEATED_LINE_SCHEMA)
            | "Remove" >> beam.ParDo(_Record(self.documents, self.out, self.config))
        )


class _HashLines(beam.DoFn):
    def __init__(self, transform: DropLines, number: int):
        self._documents, self._out, self._config = (
            transform.documents,
            transform.out,
            transform.config,
        )
        self._ranges, self._passes, self._number = transform.ranges, transform.passes, number

    def process(self, part: int, before: Iterable[int] = ()) -> Iterator[Keyed]:
        yield from lines_of_part(
            self._documents,
            self._out,
            part,
            self._config,
            ranges=self._ranges,
            passes=self._passes,
            number=self._number,
        )


class _FindRepeated(beam.DoFn):
    def __init__(self, config: DedupConfig):
        self._config = config

    def process(self, element: Grouped) -> Iterator[Keyed | Count]:
        repeated = find_repeated(element[1], min_documents=self._config.lines_min_documents)
        yield Count("counts", repeated.num_rows)
        yield from split_by(unpack_address(repeated.column("address").to_numpy())[0], repeated)


class _Record(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        record_lines(self._documents, self._out, part, batches, self._config)
        yield part
