"""Beam: part numbers -> signatures, drops and clusters on disk.

The pure modules of `transforms.dedup` do the computation; this module wires them into Beam.
Shuffles hashes, addresses and similarities, never text. Keys are ints or pairs of ints: parts and
hash ranges.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsIter

from transforms import storage
from transforms.arrays import split_by
from transforms.beam.components import Cluster
from transforms.beam.find_duplicates import DropExact, ExchangeBands, SignDocuments, VerifyPairs
from transforms.beam.grouping import GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import unpack_address
from transforms.contracts.names import DROPS, clusters_path
from transforms.corpus import count_documents
from transforms.dedup.near.bands import range_of
from transforms.dedup.near.exchange import Exchange, plan_exchange
from transforms.dedup.near.graph import (
    choose_in_components,
    cluster_order,
    sort_clusters,
    write_clusters,
    write_drops,
)
from transforms.dedup.near.schemas import CHOICE_SCHEMA
from transforms.dedup.near.work_files import cluster_range_path, work_folder
from transforms.dedup.screens.screened import screened_drops
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import read_parquet, write_parquet


@dataclass
class DropDuplicates(beam.PTransform):
    """Finds duplicate documents and chooses which are kept.

    Part numbers -> paths of the committed files.

    Reads `part-*.parquet` of the folder `documents`. Writes into the existing folder `out`:
    `signatures-*.parquet` (existing ones are reused), `drops-*.parquet` for every part, and
    `clusters.parquet`. A document is dropped only in favour of a kept one whose exact similarity is
    at least `config.jaccard`, or whose text is equal. The bytes of the files depend on the
    documents and the settings alone, not on workers, order of arrival or `exchange`, which is
    planned from the corpus if it is not given.

    Raises UserError when `out` has signatures of other settings.
    """

    documents: str
    out: str
    config: DedupConfig
    exchange: Exchange | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[str]:
        exchange = self.exchange or plan_exchange(
            count_documents(self.documents), self.config, memory=None
        )
        ranges = exchange.ranges
        parts = parts | "Spread" >> beam.Reshuffle()
        signed = parts | "Sign" >> SignDocuments(self.documents, self.out, self.config)
        copies, unique = signed | "Exact" >> DropExact(self.out, self.config, exchange)
        pairs, buckets, wanted, found = unique | "Band" >> ExchangeBands(
            self.out, self.config, exchange
        )
        near, verified = (pairs, buckets, wanted) | "Verify" >> VerifyPairs(
            self.documents, self.out, self.config, ranges
        )
        components = (copies, near) | "Cluster" >> Cluster(exchange)
        choices = components | "Choose" >> ChooseKeepers(self.config)
        return (parts, choices, (found, verified)) | "Write" >> WriteDrops(
            self.out, self.config, ranges
        )


@dataclass
class ChooseKeepers(beam.PTransform):
    """Edges of whole components -> batches of `CHOICE_SCHEMA`: the keeper of each member."""

    config: DedupConfig

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, components: beam.PCollection[Grouped]) -> beam.PCollection[pa.RecordBatch]:
        return components | "Choose" >> beam.ParDo(_Choose(self.config))


@dataclass
class WriteDrops(beam.PTransform):
    """(all parts, choices, statistics) -> paths of the files: drops of every part, clusters.

    Removes the work files.
    """

    out: str
    config: DedupConfig
    ranges: int

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self,
        inputs: tuple[
            beam.PCollection[int],
            beam.PCollection[pa.RecordBatch],
            tuple[beam.PCollection[tuple[str, int]], ...],
        ],
    ) -> beam.PCollection[str]:
        parts, choices, statistics = inputs
        totals = (
            statistics
            | "All statistics" >> beam.Flatten()
            | beam.CombinePerKey(sum).with_output_types(tuple[str, int])
        )
        dropped = choices | "By part" >> beam.ParDo(_DropsByPart())
        drops = (
            (dropped, parts)
            | "Group" >> GroupByPart(CHOICE_SCHEMA)
            | "Drops" >> beam.ParDo(_WriteDrops(self.out, self.config))
        )
        sorted_ranges = (
            choices
            | "By component" >> beam.ParDo(_ByComponent(self.ranges))
            | "Group components" >> beam.GroupByKey()
            | "Sort" >> beam.ParDo(_SortClusters(self.out))
        )
        once = parts.pipeline | "Once" >> beam.Create([self.out])
        clusters = once | "Clusters" >> beam.Map(
            _write_clusters, AsIter(sorted_ranges), AsIter(totals)
        )
        return (drops, clusters) | "Names" >> beam.Flatten()


class _Choose(beam.DoFn):
    def __init__(self, config: DedupConfig):
        self._config = config

    def process(self, element: Grouped) -> Iterator[pa.RecordBatch]:
        yield choose_in_components(element[1], self._config)


class _DropsByPart(beam.DoFn):
    def process(self, choices: pa.RecordBatch) -> Iterator[Keyed]:
        members = choices.column("member").to_numpy()
        drops = choices.take(
            pa.array(np.flatnonzero(choices.column("keeper").to_numpy() != members))
        )
        yield from split_by(unpack_address(drops.column("member").to_numpy())[0], drops)


class _WriteDrops(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig):
        self._out, self._config = out, config

    def process(self, element: Grouped) -> Iterator[str]:
        part, batches = element
        write_drops(
            self._out, part, batches, screened=screened_drops(self._out, part, self._config)
        )
        yield DROPS.path(self._out, part)


class _ByComponent(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, choices: pa.RecordBatch) -> Iterator[Keyed]:
        yield from split_by(
            range_of(cluster_order(choices.column("component").to_numpy()), self._ranges), choices
        )


class _SortClusters(beam.DoFn):
    def __init__(self, out: str):
        self._out = out

    def process(self, element: Grouped) -> Iterator[int]:
        number, choices = element
        storage.make_folder(work_folder(self._out))
        write_parquet(sort_clusters(choices), cluster_range_path(self._out, number))
        yield number


def _write_clusters(out: str, ranges: Iterable[int], statistics: Iterable[tuple[str, int]]) -> str:
    write_clusters(
        out,
        (read_parquet(cluster_range_path(out, number)) for number in sorted(ranges)),
        dict(statistics),
    )
    # The choices are complete, so no comparison is left that maps a work file.
    storage.remove_folder(work_folder(out))
    return clusters_path(out)
