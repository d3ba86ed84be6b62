"""Beam: parts of documents -> how often each pre-token occurs in the corpus, in tables on disk.

Shuffles tables of distinct pre-tokens, never text: one for each part and hash range.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import transforms.beam.coders  # noqa: F401  registers the coder of pa.RecordBatch
from transforms.beam.grouping import Keyed
from transforms.contracts.names import pretoken_range_path
from transforms.corpus import read_kept
from transforms.dedup.near.bands import range_of
from transforms.storage.arrow_files import write_parquet
from transforms.tokens.patterns import find_pattern
from transforms.tokens.pretokens import count_pretokens, hash_pretokens, merge_counts, sort_counts

Part = tuple[str, str]


@dataclass
class CountPretokens(beam.PTransform):
    """(part of documents, its drops) -> paths of the tables of the hash ranges `wanted`.

    In a table the most frequent pre-tokens come first. Counts are those of all kept documents.
    Equal input gives equal bytes, whatever its order and the bundles. A caller that wants fewer
    than all `ranges` runs one pass of several: a runner that holds in memory what it groups holds
    one pass, and each pass reads the texts again.
    """

    out: str
    pattern: str
    normalization: str
    ranges: int
    wanted: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[Part]) -> beam.PCollection[str]:
        counted = parts | "Spread" >> beam.Reshuffle() | "Count" >> beam.ParDo(_Count(self))
        added = counted | "Add" >> beam.CombinePerKey(merge_counts).with_output_types(Keyed)
        return added | "Write" >> beam.Map(_write, self.out, self.ranges)


class _Count(beam.DoFn):
    def __init__(self, transform: CountPretokens):
        self._pattern, self._normalization = transform.pattern, transform.normalization
        self._ranges, self._wanted = transform.ranges, transform.wanted

    def process(self, part: Part) -> Iterator[Keyed]:
        texts = (_column(batch) for _, batch in read_kept(*part, columns=["text"]))
        counts = count_pretokens(
            texts, find_pattern(self._pattern), normalization=self._normalization
        )
        numbers = range_of(hash_pretokens(counts), self._ranges)
        order = np.argsort(numbers, kind="stable")
        edges = np.searchsorted(numbers[order], np.arange(self._ranges + 1))
        # A range without pre-tokens is emitted too, so that each range gets its table.
        for number in self._wanted:
            yield number, counts.take(pa.array(order[edges[number] : edges[number + 1]]))


def _column(batch: pa.RecordBatch) -> pa.LargeStringArray:
    return pc.cast(batch.column("text"), pa.large_string())


def _write(keyed: Keyed, out: str, ranges: int) -> str:
    number, counts = keyed
    path = pretoken_range_path(out, number, ranges)
    write_parquet(pa.Table.from_batches([sort_counts(counts)]), path)
    return path
