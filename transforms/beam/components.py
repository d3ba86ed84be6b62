"""Beam: edges between duplicates -> the edges of each connected component, together.

Up to a size one worker combines the spanning forest of all edges. Beyond it, rounds of star
contraction, each a shuffle of two addresses per edge, turn components into stars; the forest is of
the edges left over.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsIter, TaggedOutput

from transforms.arrays import gather, split_by, to_batch
from transforms.beam.grouping import Grouped, Keyed
from transforms.dedup.near.clusters import Forest, empty_forest, merge_forests, spanning_forest
from transforms.dedup.near.exchange import Exchange
from transforms.dedup.near.schemas import FOREST_SCHEMA, PAIR_SCHEMA
from transforms.dedup.near.stars import (
    Edges,
    both_ways,
    edges_by_node,
    edges_of,
    label_stars,
    large_star,
    range_of_nodes,
    resolve,
    small_star,
)

Loose = TaggedOutput[Literal["loose"], pa.RecordBatch]


@dataclass
class Cluster(beam.PTransform):
    """Batches of `edge_schema` -> edges, with those of a connected component in one group.

    Groups are hash ranges of components.
    """

    exchange: Exchange

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self, edges: tuple[beam.PCollection[pa.RecordBatch], ...]
    ) -> beam.PCollection[Grouped]:
        ranges = self.exchange.ranges
        together = edges | beam.Flatten()
        if not self.exchange.rounds:
            forest = (
                together
                | "Connect" >> beam.CombineGlobally(ConnectedComponents()).without_defaults()
            )
            labelled = together | "Label" >> beam.ParDo(_Label(ranges), AsIter(forest))
        else:
            labels = together | "Contract" >> ContractStars(self.exchange)
            labelled = (
                (labels, together | "By node" >> beam.ParDo(_ByFirst(ranges)))
                | "Labels and edges" >> beam.Flatten()
                | "Group by node" >> beam.GroupByKey()
                | "Label" >> beam.ParDo(_Join(ranges))
            )
        return labelled | "Group" >> beam.GroupByKey()


@dataclass
class ContractStars(beam.PTransform):
    """Batches of edges -> the component of each node, by star contraction.

    The output is (range of the node, batch of `FOREST_SCHEMA`).
    """

    exchange: Exchange

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, edges: beam.PCollection[pa.RecordBatch]) -> beam.PCollection[Keyed]:
        ranges = self.exchange.ranges
        current = edges | "Addresses" >> beam.Map(_addresses)
        for number in range(1, self.exchange.rounds + 1):
            current = (
                current
                | f"Both ways {number}" >> beam.ParDo(_BothWays(ranges))
                | f"Neighbours {number}" >> beam.GroupByKey()
                | f"Large star {number}" >> beam.ParDo(_LargeStar(ranges))
                | f"Smaller neighbours {number}" >> beam.GroupByKey()
                | f"Small star {number}" >> beam.ParDo(_SmallStar())
            )
        labelled = (
            current
            | "Both ways" >> beam.ParDo(_BothWays(ranges))
            | "Neighbours" >> beam.GroupByKey()
            | "Stars" >> beam.ParDo(_LabelStars()).with_outputs("loose", main="labels")
        )
        forest = (
            labelled.loose
            | "Connect" >> beam.CombineGlobally(ConnectedComponents()).without_defaults()
        )
        return labelled.labels | "Resolve" >> beam.ParDo(_Resolve(), AsIter(forest))


@beam.typehints.with_input_types(pa.RecordBatch)
@beam.typehints.with_output_types(pa.RecordBatch)
class ConnectedComponents(beam.CombineFn):
    """Batches with columns `first` and `second` -> one batch of `FOREST_SCHEMA`.

    The accumulator is a list of forests. They are merged when they outgrow the result of the last
    merge.
    """

    def create_accumulator(self) -> list[Forest]:
        return [empty_forest()]

    def add_input(self, accumulator: list[Forest], edges: pa.RecordBatch) -> list[Forest]:
        forest = spanning_forest(
            edges.column("first").to_numpy(), edges.column("second").to_numpy()
        )
        return self._shorten([*accumulator, forest])

    def merge_accumulators(self, accumulators: Iterable[list[Forest]]) -> list[Forest]:
        return [merge_forests(forest for accumulator in accumulators for forest in accumulator)]

    def compact(self, accumulator: list[Forest]) -> list[Forest]:
        return [merge_forests(accumulator)]

    def extract_output(self, accumulator: list[Forest]) -> pa.RecordBatch:
        forest = merge_forests(accumulator)
        return to_batch(FOREST_SCHEMA, forest.nodes, forest.roots)

    @staticmethod
    def _shorten(forests: list[Forest]) -> list[Forest]:
        pending = sum(len(forest) for forest in forests[1:])
        return [merge_forests(forests)] if pending > len(forests[0]) else forests


class _Label(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, edges: pa.RecordBatch, forests: Iterable[pa.RecordBatch]) -> Iterator[Keyed]:
        (forest,) = forests
        components = Forest(
            nodes=forest.column("node").to_numpy(), roots=forest.column("root").to_numpy()
        )
        yield from split_by(
            range_of_nodes(components.roots_of(edges.column("first").to_numpy()), self._ranges),
            edges,
        )


class _ByFirst(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, edges: pa.RecordBatch) -> Iterator[Keyed]:
        yield from split_by(range_of_nodes(edges.column("first").to_numpy(), self._ranges), edges)


class _Join(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, element: Grouped) -> Iterator[Keyed]:
        batches = list(element[1])
        labels = gather(
            (batch for batch in batches if batch.schema.equals(FOREST_SCHEMA)), FOREST_SCHEMA
        )
        order = np.argsort(labels["node"])
        components = Forest(nodes=labels["node"][order], roots=labels["root"][order])
        for edges in batches:
            if not edges.schema.equals(FOREST_SCHEMA):
                roots = components.roots_of(edges.column("first").to_numpy())
                yield from split_by(range_of_nodes(roots, self._ranges), edges)


class _BothWays(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, edges: pa.RecordBatch) -> Iterator[Keyed]:
        yield from edges_by_node(both_ways(*edges_of(edges)), self._ranges)


class _LargeStar(beam.DoFn):
    def __init__(self, ranges: int):
        self._ranges = ranges

    def process(self, element: Grouped) -> Iterator[Keyed]:
        yield from edges_by_node(_of_group(large_star, element), self._ranges)


class _SmallStar(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[pa.RecordBatch]:
        yield to_batch(PAIR_SCHEMA, *_of_group(small_star, element))


class _LabelStars(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[Keyed | Loose]:
        number, batches = element
        columns = gather(batches, PAIR_SCHEMA)
        labels = label_stars(columns["first"], columns["second"])
        yield number, to_batch(FOREST_SCHEMA, labels.nodes, labels.roots)
        if len(labels.first):
            yield Loose("loose", to_batch(PAIR_SCHEMA, labels.first, labels.second))


class _Resolve(beam.DoFn):
    def process(self, element: Keyed, forests: Iterable[pa.RecordBatch]) -> Iterator[Keyed]:
        number, labels = element
        roots = labels.column("root").to_numpy()
        for forest in forests:
            roots = resolve(
                roots,
                Forest(
                    nodes=forest.column("node").to_numpy(), roots=forest.column("root").to_numpy()
                ),
            )
        yield number, to_batch(FOREST_SCHEMA, labels.column("node"), roots)


def _addresses(edges: pa.RecordBatch) -> pa.RecordBatch:
    return edges.select(PAIR_SCHEMA.names)


def _of_group(star: Callable[[np.ndarray, np.ndarray], Edges], element: Grouped) -> Edges:
    columns = gather(element[1], PAIR_SCHEMA)
    return star(columns["first"], columns["second"])
