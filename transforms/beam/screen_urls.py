"""Beam: part numbers -> drops of documents whose URL another document has.

Shuffles hashes and addresses, never URLs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from transforms.arrays import split_by
from transforms.beam.grouping import GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import unpack_address
from transforms.dedup.screens.same_url import link_urls, urls_of_part
from transforms.dedup.screens.screened import ADDRESSED_DROP_SCHEMA, drops_of_part, write_screened
from transforms.dedup.settings import DedupConfig


@dataclass
class ScreenUrls(beam.PTransform):
    """Part numbers -> part numbers, once the drops of this screen are written for each.

    Shuffles 48 bytes a document.
    """

    documents: str
    out: str
    config: DedupConfig
    ranges: int

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        parts = parts | "Spread" >> beam.Reshuffle()
        hashing = _HashUrls(self.documents, self.out, self.config, self.ranges)
        dropped = (
            parts
            | "Hash" >> beam.ParDo(hashing)
            | "Group" >> beam.GroupByKey()
            | "Link" >> beam.ParDo(_LinkUrls())
        )
        return (
            (dropped, parts)
            | "Drops" >> GroupByPart(ADDRESSED_DROP_SCHEMA)
            | "Write" >> beam.ParDo(_Write(self.out))
        )


class _HashUrls(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, ranges: int):
        self._documents, self._out, self._config, self._ranges = documents, out, config, ranges

    def process(self, part: int) -> Iterator[Keyed]:
        yield from urls_of_part(self._documents, self._out, part, self._config, ranges=self._ranges)


class _LinkUrls(beam.DoFn):
    def process(self, element: Grouped) -> Iterator[Keyed]:
        drops = link_urls(element[1])
        yield from split_by(unpack_address(drops.column("member").to_numpy())[0], drops)


class _Write(beam.DoFn):
    def __init__(self, out: str):
        self._out = out

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        write_screened(self._out, "urls", part, drops_of_part(batches))
        yield part
