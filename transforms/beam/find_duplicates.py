"""Beam: part numbers -> edges between duplicate documents, by exact hash and by MinHash bands.

Shuffles hashes, addresses and similarities, never text. Keys are ints or pairs of ints: parts and
hash ranges.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsIter, TaggedOutput

import transforms.beam.coders  # noqa: F401  registers the coder of pa.RecordBatch
from transforms import storage
from transforms.arrays import gather, to_batch, unique_pairs
from transforms.beam.grouping import ExchangeInPasses, Grouped, Keyed
from transforms.dedup.near.bands import candidate_pairs, range_of
from transforms.dedup.near.candidates import CandidateSets, pair_buckets, verify_pairs, write_sets
from transforms.dedup.near.exchange import (
    Exchange,
    bands_of_pass,
    exact_of_pass,
    pairs_by_range,
    unpack_entries,
)
from transforms.dedup.near.graph import link_copies
from transforms.dedup.near.schemas import BUCKET_SCHEMA, PAIR_SCHEMA, ROW_SCHEMA, rows_by_part
from transforms.dedup.near.sign import sign_part
from transforms.dedup.near.work_files import work_folder
from transforms.dedup.screens.screened import screened_rows
from transforms.dedup.settings import DedupConfig
from transforms.words import mix64

Buckets = TaggedOutput[Literal["buckets"], Keyed]
Rows = TaggedOutput[Literal["rows"], Keyed]
Count = TaggedOutput[Literal["counts"], tuple[str, int]]


@dataclass
class SignDocuments(beam.PTransform):
    """Part numbers -> part numbers, once the signatures of each are on disk."""

    documents: str
    out: str
    config: DedupConfig

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        return parts | "Sign" >> beam.ParDo(_Sign(self.documents, self.out, self.config))


@dataclass
class DropExact(beam.PTransform):
    """Signed parts -> edges from representatives to copies, and (part, rows to leave out).

    Copies are left out of the search for pairs, and so are rows that a screen dropped. Every part
    comes out once. Shuffles batches of `exact_schema`, in passes over ranges of the exact hash.
    """

    out: str
    config: DedupConfig
    exchange: Exchange

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self, signed: beam.PCollection[int]
    ) -> tuple[beam.PCollection[pa.RecordBatch], beam.PCollection[Grouped]]:
        emit = [
            _EmitExact(self.out, self.config, self.exchange, number)
            for number in range(self.exchange.exact_passes)
        ]
        edges, rows, _ = signed | "Link" >> ExchangeInPasses(
            emit, _LinkCopies(self.config), ("rows", "counts")
        )
        by_part = (
            (rows, signed | "All parts" >> beam.Map(_screened, self.out, self.config))
            | "Left out" >> beam.Flatten()
            | "Group by part" >> beam.GroupByKey()
        )
        return edges, by_part


@dataclass
class ExchangeBands(beam.PTransform):
    """(part, rows to leave out) -> pairs that share a band, oversized buckets, rows, statistics.

    Pairs and buckets are keyed by hash range, rows by part. Shuffles 12 bytes for each document and
    band, in one element for each part, band and range; in passes over the (band, range) pairs.
    """

    out: str
    config: DedupConfig
    exchange: Exchange

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self, copies: beam.PCollection[Grouped]
    ) -> tuple[
        beam.PCollection[Keyed],
        beam.PCollection[Keyed],
        beam.PCollection[Keyed],
        beam.PCollection[tuple[str, int]],
    ]:
        emit = [
            _EmitBands(self.out, self.config, self.exchange, number)
            for number in range(self.exchange.passes)
        ]
        find = _FindPairs(self.config, self.exchange.ranges)
        pairs, buckets, rows, counts = copies | "Pair" >> ExchangeInPasses(
            emit, find, ("buckets", "rows", "counts")
        )
        return pairs, buckets, rows, counts


@dataclass
class VerifyPairs(beam.PTransform):
    """(pairs, oversized buckets, candidate rows) -> edges above the threshold, and statistics.

    Each part with candidates is read once. Their shingle sets go into work files, of which
    comparisons read what they need.
    """

    documents: str
    out: str
    config: DedupConfig
    ranges: int

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self,
        inputs: tuple[beam.PCollection[Keyed], beam.PCollection[Keyed], beam.PCollection[Keyed]],
    ) -> tuple[beam.PCollection[pa.RecordBatch], beam.PCollection[tuple[str, int]]]:
        pairs, buckets, wanted = inputs
        written = (
            wanted
            | "Group by part" >> beam.GroupByKey()
            | "Shingle" >> beam.ParDo(_WriteSets(self.documents, self.out, self.config))
        )
        more = (
            buckets
            | "Group buckets" >> beam.GroupByKey()
            | "Pair" >> beam.ParDo(_PairBuckets(self.out, self.ranges), AsIter(written))
        )
        verifying = beam.ParDo(_Verify(self.out, self.config), AsIter(written)).with_outputs(
            "counts", main="edges"
        )
        outputs = (
            (pairs, more)
            | "All pairs" >> beam.Flatten()
            | "Group" >> beam.GroupByKey()
            | "Compare" >> verifying
        )
        return outputs.edges, outputs.counts


class _Sign(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config

    def process(self, part: int) -> Iterator[int]:
        sign_part(self._documents, self._out, part, self._config)
        yield part


class _EmitExact(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig, exchange: Exchange, number: int):
        self._out, self._config, self._exchange, self._number = out, config, exchange, number

    def process(self, part: int, before: Iterable[tuple[str, int]] = ()) -> Iterator[Keyed]:
        left_out = screened_rows(self._out, part, self._config)
        yield from exact_of_pass(
            self._out, part, self._config, self._exchange, number=self._number, left_out=left_out
        )


class _LinkCopies(beam.DoFn):
    def __init__(self, config: DedupConfig):
        self._config = config

    def process(self, element: Grouped) -> Iterator[pa.RecordBatch | Rows | Count]:
        edges = link_copies(element[1], self._config)
        yield Count("counts", ("copies", edges.num_rows))
        if edges.num_rows:
            yield edges
            for part, rows in rows_by_part(edges.column("second").to_numpy()):
                yield Rows("rows", (part, rows))


class _EmitBands(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig, exchange: Exchange, number: int):
        self._out, self._config, self._exchange, self._number = out, config, exchange, number

    def process(
        self, element: Grouped, before: Iterable[tuple[str, int]] = ()
    ) -> Iterator[tuple[tuple[int, int], bytes]]:
        part, copies = element
        left_out = gather(copies, ROW_SCHEMA)["row"]
        yield from bands_of_pass(
            self._out, part, self._config, self._exchange, number=self._number, left_out=left_out
        )


class _FindPairs(beam.DoFn):
    def __init__(self, config: DedupConfig, ranges: int):
        self._config, self._ranges = config, ranges

    def process(
        self, element: tuple[tuple[int, int], Iterable[bytes]]
    ) -> Iterator[Keyed | Buckets | Rows | Count]:
        hashes, addresses = unpack_entries(element[1])
        pairs = candidate_pairs(hashes, addresses, limit=self._config.bucket_limit)
        yield Count("counts", ("oversized_buckets", len(pairs.sizes)))
        yield Count("counts", ("oversized_documents", int(pairs.sizes.sum())))
        # All pairs less those of hub and chain.
        yield Count(
            "counts",
            (
                "skipped_pairs",
                int((pairs.sizes * (pairs.sizes - 1) // 2 - (2 * pairs.sizes - 3)).sum()),
            ),
        )
        if len(pairs):
            yield from pairs_by_range(pairs.first, pairs.second, self._ranges)
        for members in pairs.oversized():
            number = int(range_of(mix64(members[:1]), self._ranges)[0])
            yield Buckets("buckets", (number, to_batch(BUCKET_SCHEMA, members)))
        for part, rows in rows_by_part(
            np.unique(np.concatenate([pairs.first, pairs.second, pairs.members]))
        ):
            yield Rows("rows", (part, rows))


class _PairBuckets(beam.DoFn):
    def __init__(self, out: str, ranges: int):
        self._out, self._ranges = out, ranges

    def process(self, element: Grouped, written: Iterable[int]) -> Iterator[Keyed]:
        # `written` is a barrier: Beam computes it, and with it all work files, before this starts.
        first, second = pair_buckets(
            CandidateSets(self._out), (batch.column("address").to_numpy() for batch in element[1])
        )
        yield from pairs_by_range(first, second, self._ranges)


class _WriteSets(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config

    def process(self, element: Grouped) -> Iterator[int]:
        part, wanted = element
        storage.make_folder(work_folder(self._out))
        rows = np.unique(gather(wanted, ROW_SCHEMA)["row"]).astype(np.int64)
        write_sets(self._documents, self._out, part, rows, self._config)
        yield part


class _Verify(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig):
        self._out, self._config = out, config

    def process(self, element: Grouped, written: Iterable[int]) -> Iterator[pa.RecordBatch | Count]:
        columns = gather(element[1], PAIR_SCHEMA)
        first, second = unique_pairs(columns["first"], columns["second"])
        similar = 0
        for edges in verify_pairs(CandidateSets(self._out), first, second, self._config):
            similar += edges.num_rows
            yield edges
        yield Count("counts", ("candidate_pairs", len(first)))
        yield Count("counts", ("similar_pairs", similar))


def _screened(part: int, out: str, config: DedupConfig) -> Keyed:
    return part, to_batch(ROW_SCHEMA, screened_rows(out, part, config).astype(np.uint32))
