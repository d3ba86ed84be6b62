"""Groups that are made in passes, and groups of all parts."""

from collections.abc import Iterable, Iterator
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.util import assert_that, equal_to

from tests.transforms.dedup.small_corpora import local_pipeline
from transforms.arrays import gather, to_batch
from transforms.beam.grouping import ExchangeInPasses, GroupByPart, Grouped, Keyed
from transforms.memory import pass_of

Count = TaggedOutput[Literal["counts"], int]

_KEYS = 7
_SCHEMA = pa.schema([pa.field("value", pa.int64(), nullable=False)])


class _Emit(beam.DoFn):
    """Emits (number modulo _KEYS, number) in the key's pass, with the groups of the last pass."""

    def __init__(self, number: int, passes: int):
        self._number, self._passes = number, passes

    def process(
        self, value: int, before: Iterable[int] = ()
    ) -> Iterator[tuple[int, tuple[int, int]]]:
        key = value % _KEYS
        if pass_of(key, ranges=_KEYS, passes=self._passes) == self._number:
            yield key, (value, sum(before))


class _Sum(beam.DoFn):
    """Groups -> (key, sum of values, number of groups of the pass before)."""

    def process(
        self, element: tuple[int, Iterable[tuple[int, int]]]
    ) -> Iterator[tuple[int, int, int] | Count]:
        key, values = element
        numbers, before = zip(*values, strict=True)
        yield Count("counts", 1)
        yield key, sum(numbers), max(before)


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_a_pass_starts_when_the_one_before_has_ended(passes: int):
    """Groups are complete for any number of passes; a pass sees all counts of the previous one."""
    pass_of_key = [pass_of(key, ranges=_KEYS, passes=passes) for key in range(_KEYS)]
    expected = [
        (
            key,
            sum(range(key, 40, _KEYS)),
            pass_of_key.count(pass_of_key[key] - 1) if pass_of_key[key] else 0,
        )
        for key in range(_KEYS)
    ]
    with local_pipeline(1) as pipeline:
        emit = [_Emit(number, passes) for number in range(passes)]
        sums, counts = (
            pipeline | beam.Create(range(40)) | ExchangeInPasses(emit, _Sum(), ("counts",))
        )
        assert_that(sums, equal_to(expected), label="sums")
        assert_that(counts | beam.CombineGlobally(sum), equal_to([_KEYS]), label="counts")


def _values(element: Grouped) -> tuple[int, list[int]]:
    part, batches = element
    return part, sorted(gather(batches, _SCHEMA)["value"].tolist())


def _batch(part: int) -> Keyed:
    return part, to_batch(_SCHEMA, np.arange(part))


def test_every_part_comes_out_once():
    with local_pipeline(1) as pipeline:
        batches = pipeline | "Batches" >> beam.Create([2, 2, 3]) | beam.Map(_batch)
        parts = pipeline | "Parts" >> beam.Create([0, 2, 3, 5])
        found = (batches, parts) | GroupByPart(_SCHEMA) | "Values" >> beam.Map(_values)
        assert_that(found, equal_to([(0, []), (2, [0, 0, 1, 1]), (3, [0, 1, 2]), (5, [])]))
