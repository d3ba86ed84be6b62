"""Beam: part numbers -> signatures, drops and clusters on disk. What is computed lies in the pure modules.

Hashes, addresses and similarities are shuffled, never text. Keys are ints or pairs of ints: parts and ranges of hashes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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
from transforms.dedup.near.graph import choose_in_components, cluster_order, sort_clusters, write_clusters, write_drops
from transforms.dedup.near.schemas import CHOICE_SCHEMA
from transforms.dedup.near.work_files import cluster_range_path, work_folder
from transforms.dedup.screens.screened import screened_drops
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import write_parquet


@dataclass
class DropDuplicates(beam.PTransform):
    """Finds duplicate documents and decides which stay: part numbers -> the names of the committed files.

    Reads `part-*.parquet` of the folder `documents`; writes to the folder `out`, which exists, `signatures-*.parquet` (those
    that are there are kept), `drops-*.parquet` for every part, and `clusters.parquet`. A document goes only because of one
    that stays and whose exact similarity is at least `config.jaccard`, or whose text is equal. The files' bytes follow from
    the documents and the settings alone: neither workers, order of arrival, nor `exchange` matter; that is planned from the corpus
    when it is not given. Raises UserError when signatures of other settings are in the way.
    """

    documents: str
    out: str
    config: DedupConfig
    exchange: Exchange | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[str]:
        exchange = self.exchange or plan_exchange(count_documents(self.documents), self.config, memory=None)
        ranges = exchange.ranges
        parts = parts | "Spread" >> beam.Reshuffle()
        signed = parts | "Sign" >> SignDocuments(self.documents, self.out, self.config)
        copies, unique = signed | "Exact" >> DropExact(self.out, self.config, exchange)
        pairs, buckets, wanted, found = unique | "Band" >> ExchangeBands(self.out, self.config, exchange)
        near, verified = (pairs, buckets, wanted) | "Verify" >> VerifyPairs(self.documents, self.out, self.config, ranges)
        components = (copies, near) | "Cluster" >> Cluster(exchange)
        choices = components | "Choose" >> ChooseKeepers(self.config)
        return (parts, choices, (found, verified)) | "Write" >> WriteDrops(self.out, self.config, ranges)


@dataclass
class ChooseKeepers(beam.PTransform):
    """Edges of whole components -> batches of `CHOICE_SCHEMA`: each member's keeper, found greedily in keep order."""

    config: DedupConfig

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, components: beam.PCollection[Grouped]) -> beam.PCollection[pa.RecordBatch]:
        return components | "Choose" >> beam.ParDo(_Choose(self.config))


@dataclass
class WriteDrops(beam.PTransform):
    """(all parts, choices, statistics) -> the names of the files: drops of every part, clusters. Removes the work files."""

    out: str
    config: DedupConfig
    ranges: int

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self,
        inputs: tuple[beam.PCollection[int], beam.PCollection[pa.RecordBatch], tuple[beam.PCollection[tuple[str, int]], ...]],
    ) -> beam.PCollection[str]:
        parts, choices, statistics = inputs
        totals = statistics | "All statistics" >> beam.Flatten() | beam.CombinePerKey(sum).with_output_types(tuple[str, int])
        dropped = choices | "By part" >> beam.ParDo(_DropsByPart())
        drops = (dropped, parts) | "Group" >> GroupByPart(CHOICE_SCHEMA) | "Drops" >> beam.ParDo(_WriteDrops(self.out, self.config))
        sorted_ranges = (
            choices
            | "By component" >> beam.ParDo(_ByComponent(self.ranges))
            | "Group components" >> beam.GroupByKey()
            | "Sort" >> beam.ParDo(_SortClusters(self.out))
        )
        once = parts.pipeline | "Once" >> beam.Create([self.out])
        clusters = once | "Clusters" >> beam.Map(_write_clusters, AsIter(sorted_ranges), AsIter(totals))
        return (drops, clusters) | "Names" >> beam.Flatten()


class _Choose(beam.DoFn):
    def __init__(self, config: DedupConfig):
        self._config = config

    def process(self, element: Grouped) -> Iterator[pa.RecordBatch]:
        yield choose_in_components(element[1], self._config)


class _DropsByPart(beam.DoFn):
    def process(self, choices: pa.RecordBatch) -> Iterator[Keyed]:
        members = choices.column("member").to_numpy()
        drops = choices.take(pa.array(np.flatnonzero(choices.column("keeper").to_numpy() != members)))
        yield from split_by(unpack_address(drops.column("member").to_numpy())[0], drops)


class _WriteDrops(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig):
        self._out, self._config = out, config

    def process(self, element: Grouped) -> Iterator[str]:
        part, batches = element
        write_drops(self._out, part, batches, screened=screened_drops(self._out, part, self._config))
        yield DROPS.path(self._out, part)


class _ByComponent(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, choices: pa.RecordBatch) -> Iterator[Keyed]:
        yield from split_by(range_of(cluster_order(choices.column("component").to_numpy()), self._ranges), choices)


class _SortClusters(beam.DoFn):
    def __init__(self, out: str):
        self._out = out

    def process(self, element: Grouped) -> Iterator[int]:
        number, choices = element
        storage.make_folder(work_folder(self._out))
        write_parquet(sort_clusters(choices), cluster_range_path(self._out, number))
        yield number


def _write_clusters(out: str, ranges: Iterable[int], statistics: Iterable[tuple[str, int]]) -> str:
    write_clusters(out, (_read_table(cluster_range_path(out, number)) for number in sorted(ranges)), dict(statistics))
    # The choices are complete, so no comparison is left that would map a work file.
    storage.remove_folder(work_folder(out))
    return clusters_path(out)


def _read_table(path: str) -> pa.Table:
    with storage.open_input(path) as stream:
        return pq.read_table(stream)
