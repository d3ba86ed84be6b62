"""How keyed elements are grouped: in passes that fit into memory, and by part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsIter

import transforms.beam.coders  # noqa: F401  registers the coder of pa.RecordBatch
from transforms.arrays import empty_batch

Keyed = tuple[int, pa.RecordBatch]
"""A batch by the number of its part or hash range."""

Grouped = tuple[int, Iterable[pa.RecordBatch]]
"""All batches of one part or hash range."""


@dataclass
class ExchangeInPasses(beam.PTransform):
    """Groups what a collection emits, in passes: one is complete before the next one starts.

    A runner that holds in memory what it groups holds one pass at a time. Each pass reads the whole
    input again and emits the keys that are its own, so a group is complete within its pass.

    Args:
        emit: a DoFn for each pass, in order. `process(element, before=())` yields (key, value).
            `before` is a barrier: a side input that is not read, but Beam computes it before the
            pass starts.
        find: processes (key, values). It has the tagged output "counts", which ends a pass; it
            yields at least one count for each group.
        outputs: the tagged outputs of `find`, "counts" among them.

    Returns:
        The main output of `find` over all passes, then the tagged ones in the order of `outputs`.
    """

    emit: Sequence[beam.DoFn]
    find: beam.DoFn
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, inputs: beam.PCollection) -> tuple[beam.PCollection, ...]:
        passes = []
        before: tuple[AsIter, ...] = ()
        for number, emit in enumerate(self.emit, 1):
            label = f"{number} of {len(self.emit)}"
            found = (
                inputs
                | f"Emit {label}" >> beam.ParDo(emit, *before)
                | f"Group {label}" >> beam.GroupByKey()
                | f"Find {label}" >> beam.ParDo(self.find).with_outputs(*self.outputs, main="found")
            )
            before = (AsIter(found.counts),)
            passes.append(found)
        names = ("found", *self.outputs)
        return tuple(
            tuple(found[name] for found in passes) | f"All {name}" >> beam.Flatten()
            for name in names
        )


@dataclass
class GroupByPart(beam.PTransform):
    """(batches keyed by part, all parts) -> each part once, with its batches.

    Every part has an empty batch of `schema` among them, so that none is left out.
    """

    schema: pa.Schema

    def __post_init__(self) -> None:
        super().__init__()

    def expand(
        self, inputs: tuple[beam.PCollection[Keyed], beam.PCollection[int]]
    ) -> beam.PCollection[Grouped]:
        batches, parts = inputs
        return (
            (batches, parts | "All parts" >> beam.Map(_empty_part, self.schema))
            | beam.Flatten()
            | "Group by part" >> beam.GroupByKey()
        )


def _empty_part(part: int, schema: pa.Schema) -> Keyed:
    return part, empty_batch(schema)
