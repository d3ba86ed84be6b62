"""Beam: part numbers -> drops of documents whose URL another document has. Hashes and addresses are shuffled, never URLs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import transforms.beam.coders  # noqa: F401  registers the coder of pa.RecordBatch
from transforms import storage
from transforms.arrays import binary_rows, key_columns, split_by
from transforms.beam.grouping import GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.names import PARTS
from transforms.dedup.near.bands import range_of
from transforms.dedup.screens.order import GONE_SCHEMA, drops_of, screened_rows, screens_before, write_screened
from transforms.dedup.screens.urls import hash_urls, link_urls
from transforms.dedup.settings import DedupConfig

_BATCH_ROWS = 1 << 14


@dataclass
class ScreenUrls(beam.PTransform):
    """Part numbers -> part numbers, when what this screen drops of each is written. 48 bytes a document are shuffled."""

    documents: str
    out: str
    config: DedupConfig
    ranges: int

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        parts = parts | "Spread" >> beam.Reshuffle()
        hashing = _HashUrls(self.documents, self.out, self.config, self.ranges)
        gone = parts | "Hash" >> beam.ParDo(hashing) | "Group" >> beam.GroupByKey() | "Link" >> beam.ParDo(_LinkUrls())
        return (parts, gone) | "Write" >> WriteScreened(self.out, "urls")


@dataclass
class WriteScreened(beam.PTransform):
    """(all parts, batches of `GONE_SCHEMA` by part) -> the parts: commits the file of a screen for every part."""

    out: str
    screen: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, inputs: tuple[beam.PCollection[int], beam.PCollection[Keyed]]) -> beam.PCollection[int]:
        parts, gone = inputs
        return (gone, parts) | "Group" >> GroupByPart(GONE_SCHEMA) | "Write" >> beam.ParDo(_Write(self.out, self.screen))


class _HashUrls(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, ranges: int):
        self._documents, self._out, self._config, self._ranges = documents, out, config, ranges

    def process(self, part: int) -> Iterator[Keyed]:
        gone = screened_rows(self._out, part, self._config, screens=screens_before("urls", self._config))
        first = 0
        wins: Literal["newest", "first"] = "newest" if self._config.urls == "newest" else "first"
        with storage.open_input(PARTS.path(self._documents, part)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(columns=["id", "url", "published"], batch_size=_BATCH_ROWS):
                rows = np.setdiff1d(np.arange(first, first + len(batch)), gone)
                first += len(batch)
                left = batch.take(pa.array(rows - (first - len(batch))))
                hashed = hash_urls(left.column("id"), left.column("url"), left.column("published"), pack_address(part, rows), wins=wins)
                numbers = range_of(key_columns(binary_rows(hashed.column("url")))[-1], self._ranges)
                yield from split_by(numbers, hashed)


class _LinkUrls(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[Keyed]:
        gone = link_urls(element[1])
        yield from split_by(unpack_address(gone.column("member").to_numpy())[0], gone)


class _Write(beam.DoFn):
    def __init__(self, out: str, screen: str):
        self._out, self._screen = out, screen

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        write_screened(self._out, self._screen, part, drops_of(batches))
        yield part
