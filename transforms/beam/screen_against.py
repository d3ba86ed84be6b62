"""Beam: part numbers -> drops of documents that earlier runs have already, exactly or nearly.

Shuffles hashes, addresses and run numbers; ids only for exact copies. Texts of candidates are read,
each part once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsIter, TaggedOutput

from transforms.arrays import empty_batch, gather, split_by
from transforms.beam.grouping import ExchangeInPasses, GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import unpack_address
from transforms.dedup.near.bands import range_of
from transforms.dedup.near.schemas import ROW_SCHEMA, rows_by_part
from transforms.dedup.near.sign import sign_part
from transforms.dedup.screens.earlier_candidates import (
    CandidateFiles,
    candidates_path,
    write_candidates,
)
from transforms.dedup.screens.earlier_pairs import (
    BAND_SCHEMA,
    bands_by_range,
    best_matches,
    compare_pairs,
    cross_pairs,
    earlier_exact,
    earlier_signatures,
    join_exact,
    own_exact,
    own_signatures,
    write_oversized,
)
from transforms.dedup.screens.earlier_runs import OWN, EarlierRun
from transforms.dedup.screens.screened import ADDRESSED_DROP_SCHEMA, write_screened
from transforms.dedup.settings import DedupConfig
from transforms.memory import pass_of
from transforms.words import mix64

PartOfRun = tuple[int, int]
"""The number of a run, `OWN` for this one, and of a part of it."""

Range = tuple[int, int]
"""A band and a hash range of it."""

Signed = TaggedOutput[Literal["signed"], int]
Rows = TaggedOutput[Literal["rows"], tuple[PartOfRun, pa.RecordBatch]]
Count = TaggedOutput[Literal["counts"], int]


@dataclass
class ScreenAgainst(beam.PTransform):
    """Part numbers -> part numbers, once the drops of this screen are written for each.

    Signs the parts, as deduplication does.

    Leaves the number of buckets not all of whose pairs were compared for `read_oversized`. The
    (band, range) pairs are exchanged in `passes`.
    """

    documents: str
    out: str
    config: DedupConfig
    runs: list[EarlierRun]
    ranges: int
    passes: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        names = [run.name for run in self.runs]
        parts = parts | "Spread" >> beam.Reshuffle()
        of_runs = [(number, part) for number, run in enumerate(self.runs) for part in run.parts]
        others = (
            parts.pipeline
            | "Earlier parts" >> beam.Create(of_runs)
            | "Spread earlier" >> beam.Reshuffle()
        )
        signing = beam.ParDo(_Sign(self.documents, self.out, self.config, self.ranges))
        own = parts | "Sign" >> signing.with_outputs("signed", main="hashes")
        earlier = others | "Read exact" >> beam.ParDo(_ReadExact(self.runs, self.ranges))
        copies = (
            (own.hashes, earlier)
            | "All exact" >> beam.Flatten()
            | "Group exact" >> beam.GroupByKey()
            | "Join" >> beam.ParDo(_JoinExact(names))
        )
        # One collection feeds the bands of all runs: passes that flatten two of them never end on
        # Beam's local runner.
        sources = (
            (
                copies | "Own copies" >> beam.Map(_of_own_run),
                own.signed
                | "Own parts" >> beam.Map(_without_drops)
                | "Own places" >> beam.Map(_of_own_run),
                others | "Earlier places" >> beam.Map(_earlier_without_drops),
            )
            | "All sources" >> beam.Flatten()
            | "By source" >> beam.GroupByKey()
        )
        emit = [_EmitBands(self, number) for number in range(self.passes)]
        find = _FindPairs(self.config, self.ranges)
        pairs, rows, counts = sources | "Pair" >> ExchangeInPasses(emit, find, ("rows", "counts"))
        _ = (
            counts
            | "Sum" >> beam.CombineGlobally(sum)
            | "Note" >> beam.Map(_write_oversized, self.out)
        )
        writing = _WriteCandidates(self.documents, self.out, self.config, self.runs)
        written = rows | "Group wanted" >> beam.GroupByKey() | "Shingle" >> beam.ParDo(writing)
        near = (
            pairs
            | "Group pairs" >> beam.GroupByKey()
            | "Compare" >> beam.ParDo(_Compare(self.out, self.config, self.runs), AsIter(written))
        )
        return (
            ((copies, near) | "All matches" >> beam.Flatten(), parts)
            | "Matches by part" >> GroupByPart(ADDRESSED_DROP_SCHEMA)
            | "Write" >> beam.ParDo(_Write(self.out, names))
        )


class _Sign(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, ranges: int):
        self._documents, self._out, self._config, self._ranges = documents, out, config, ranges

    def process(self, part: int) -> Iterator[Keyed | Signed]:
        sign_part(self._documents, self._out, part, self._config)
        yield from own_exact(self._out, part, self._config, ranges=self._ranges)
        yield Signed("signed", part)


class _ReadExact(beam.DoFn):
    def __init__(self, runs: list[EarlierRun], ranges: int):
        self._runs, self._ranges = runs, ranges

    def process(self, place: PartOfRun) -> Iterator[Keyed]:
        run, part = place
        yield from earlier_exact(self._runs[run], run, part, ranges=self._ranges)


class _JoinExact(beam.DoFn):
    def __init__(self, names: list[str]):
        self._names = names

    def process(self, element: Grouped) -> Iterator[Keyed]:
        yield from _by_part(join_exact(element[1], self._names))


class _EmitBands(beam.DoFn):
    def __init__(self, transform: ScreenAgainst, number: int):
        self._out, self._config, self._runs = transform.out, transform.config, transform.runs
        self._ranges, self._passes, self._number = transform.ranges, transform.passes, number

    def process(
        self, element: tuple[PartOfRun, Iterable[pa.RecordBatch]], before: Iterable[int] = ()
    ) -> Iterator[tuple[Range, pa.RecordBatch]]:
        (run, part), drops = element
        places = self._config.bands * self._ranges
        if run == OWN:
            rows, signatures = own_signatures(self._out, part, drops, self._config)
        else:
            rows, signatures = earlier_signatures(self._runs[run], part)
        for (band, number), batch in bands_by_range(
            run, part, rows, signatures, self._config, ranges=self._ranges
        ):
            if (
                pass_of(band * self._ranges + number, ranges=places, passes=self._passes)
                == self._number
            ):
                yield (band, number), batch


class _FindPairs(beam.DoFn):
    def __init__(self, config: DedupConfig, ranges: int):
        self._config, self._ranges = config, ranges

    def process(
        self, element: tuple[Range, Iterable[pa.RecordBatch]]
    ) -> Iterator[Keyed | Rows | Count]:
        columns = gather(element[1], BAND_SCHEMA)
        pairs, oversized = cross_pairs(
            columns["hash"], columns["run"], columns["address"], limit=self._config.bucket_limit
        )
        yield Count("counts", oversized)
        own, other, runs = (pairs.column(name).to_numpy() for name in ("own", "other", "run"))
        yield from split_by(range_of(mix64(own ^ mix64(other)), self._ranges), pairs)
        for run, addresses in (
            (OWN, own),
            *((run, other[runs == run]) for run in np.unique(runs).tolist()),
        ):
            for part, rows in rows_by_part(np.unique(addresses)):
                yield Rows("rows", ((run, part), rows))


class _WriteCandidates(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, runs: list[EarlierRun]):
        self._out, self._config = out, config
        self._folders = {
            OWN: (out, documents),
            **{number: (run.dedup, run.documents) for number, run in enumerate(runs)},
        }

    def process(self, element: tuple[PartOfRun, Iterable[pa.RecordBatch]]) -> Iterator[int]:
        (run, part), wanted = element
        rows = np.unique(gather(wanted, ROW_SCHEMA)["row"]).astype(np.int64)
        dedup, documents = self._folders[run]
        write_candidates(
            dedup, documents, part, rows, self._config, candidates_path(self._out, run, part)
        )
        yield part


class _Compare(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig, runs: list[EarlierRun]):
        self._out, self._config, self._runs = out, config, runs

    def process(self, element: Grouped, written: Iterable[int]) -> Iterator[Keyed]:
        # `written` is a barrier: Beam computes it, and with it all candidates' files, before this
        # starts.
        for drops in compare_pairs(element[1], CandidateFiles(self._out), self._runs, self._config):
            yield from _by_part(drops)


class _Write(beam.DoFn):
    def __init__(self, out: str, names: list[str]):
        self._out, self._names = out, names

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        write_screened(self._out, "against", part, best_matches(batches, self._names))
        yield part


def _by_part(drops: pa.RecordBatch) -> Iterator[Keyed]:
    return split_by(unpack_address(drops.column("member").to_numpy())[0], drops)


def _of_own_run(keyed: Keyed) -> tuple[PartOfRun, pa.RecordBatch]:
    return (OWN, keyed[0]), keyed[1]


def _earlier_without_drops(place: PartOfRun) -> tuple[PartOfRun, pa.RecordBatch]:
    return place, empty_batch(ADDRESSED_DROP_SCHEMA)


def _without_drops(part: int) -> Keyed:
    return part, empty_batch(ADDRESSED_DROP_SCHEMA)


def _write_oversized(buckets: int, out: str) -> None:
    write_oversized(out, buckets)
