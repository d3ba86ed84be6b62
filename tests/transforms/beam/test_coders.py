"""RecordBatch elements cross Beam as Arrow IPC: the coder is registered, small, exact and used."""

from collections.abc import Iterable

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.beam.coders import RecordBatchCoder
from transforms.contracts.documents import DOCUMENT_SCHEMA

BATCH = pa.record_batch(
    {
        "hash": pa.array(range(10_000), pa.uint64()),
        "name": pa.array(["x", None] * 5_000).dictionary_encode(),
    }
)


def test_round_trip_keeps_schema_metadata_and_values() -> None:
    batch = BATCH.replace_schema_metadata({"a": "b"})
    coder = RecordBatchCoder()
    decoded = coder.decode(coder.encode(batch))
    assert decoded.equals(batch, check_metadata=True)
    assert decoded.schema.metadata == {b"a": b"b"}


def test_a_slice_carries_its_own_rows_only() -> None:
    coder = RecordBatchCoder()
    part = BATCH.slice(500, 10)
    assert coder.decode(coder.encode(part)).equals(part)
    assert len(coder.encode(part.select(["hash"]))) < 1_000 < 80_000 < len(coder.encode(BATCH))


def test_the_estimated_size_is_near_that_of_the_encoding() -> None:
    coder = RecordBatchCoder()
    for batch in (BATCH, BATCH.slice(500, 5_000)):
        assert coder.estimate_size(batch) == pytest.approx(len(coder.encode(batch)), rel=0.02)


def test_an_empty_batch_of_documents() -> None:
    empty = pa.record_batch(
        [pa.array([], field.type) for field in DOCUMENT_SCHEMA], schema=DOCUMENT_SCHEMA
    )
    coder = RecordBatchCoder()
    assert coder.decode(coder.encode(empty)).equals(empty)


def test_the_hint_picks_the_coder_alone_and_inside_tuples() -> None:
    assert isinstance(beam.coders.registry.get_coder(pa.RecordBatch), RecordBatchCoder)
    keyed = beam.coders.registry.get_coder(
        beam.typehints.Tuple[beam.typehints.Tuple[int, int], pa.RecordBatch]
    )
    assert isinstance(keyed.coders()[1], RecordBatchCoder)
    assert beam.coders.registry.get_coder(pa.RecordBatch).is_deterministic()


def make_batch(number: int) -> tuple[int, pa.RecordBatch]:
    return number % 2, pa.record_batch({"value": pa.array([number] * 3)})


def total(keyed: tuple[int, Iterable[pa.RecordBatch]]) -> int:
    return sum(sum(batch.column("value").to_pylist()) for batch in keyed[1])


def test_every_batch_that_crosses_a_shuffle_goes_through_the_coder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded = []
    monkeypatch.setattr(
        RecordBatchCoder,
        "encode",
        lambda self, value, encode=RecordBatchCoder.encode: (
            encoded.append(value) or encode(self, value)
        ),
    )
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        sums = (
            pipeline
            | beam.Create([1, 2, 3, 4])
            | beam.Map(make_batch)
            | beam.GroupByKey()
            | "Total" >> beam.Map(total)
        )
        assert_that(sums, equal_to([12, 18]))
    assert len(encoded) >= 4
