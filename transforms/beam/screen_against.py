"""Beam: part numbers -> drops of documents that earlier runs kept already, exactly or nearly.

Exchanged are hashes, addresses and run numbers; ids only for exact copies. Texts are read for candidates, each part once.
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
from transforms.arrays import empty_batch, gather, key_columns, rows_to_binary, split_by, to_batch
from transforms.beam.grouping import ExchangeInPasses, GroupByPart, Grouped, Keyed
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.dedup.near.bands import band_hashes, range_of
from transforms.dedup.near.schemas import ROW_SCHEMA, rows_by_part
from transforms.dedup.near.sign import sign_part
from transforms.dedup.near.signatures import read_signatures
from transforms.dedup.screens.earlier import (
    BAND_SCHEMA,
    EXACT_SCHEMA,
    OWN,
    EarlierRun,
    SetFiles,
    best_matches,
    compare_pairs,
    cross_pairs,
    join_exact,
    read_kept_signatures,
    write_sets,
)
from transforms.dedup.screens.order import GONE_SCHEMA, screened_folder, screened_rows, screens_before, write_screened
from transforms.dedup.settings import DedupConfig
from transforms.memory import pass_of
from transforms.words import mix64

Place = tuple[int, int]
"""A run and a part of it, or a band and a range of it."""
Signed = TaggedOutput[Literal["signed"], int]
Rows = TaggedOutput[Literal["rows"], tuple[Place, pa.RecordBatch]]
Count = TaggedOutput[Literal["counts"], int]

OVERSIZED = "against-oversized"


@dataclass
class ScreenAgainst(beam.PTransform):
    """Part numbers -> part numbers, when what this screen drops of each is written. Signs the parts, as deduplication does.

    `screened/against-oversized` holds the number of buckets not all of whose pairs were compared. `passes` follow one another, each over
    its share of all (band, range) pairs, so that a runner which holds what is grouped in memory holds one pass.
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
        places = [(number, part) for number, run in enumerate(self.runs) for part in run.parts]
        others = parts.pipeline | "Earlier parts" >> beam.Create(places) | "Spread earlier" >> beam.Reshuffle()
        signing = beam.ParDo(_Sign(self.documents, self.out, self.config, self.ranges))
        own = parts | "Sign" >> signing.with_outputs("signed", main="hashes")
        earlier = others | "Read exact" >> beam.ParDo(_ReadExact(self.runs, self.ranges))
        copies = (
            (own.hashes, earlier)
            | "All exact" >> beam.Flatten()
            | "Group exact" >> beam.GroupByKey()
            | "Join" >> beam.ParDo(_JoinExact(names))
        )
        # One collection feeds the bands of all runs: passes that flatten two of them never end on Beam's local runner.
        sources = (
            (
                copies | "Own copies" >> beam.Map(_own_place),
                own.signed | "Own parts" >> beam.Map(_nothing_gone) | "Own places" >> beam.Map(_own_place),
                others | "Earlier places" >> beam.Map(_nothing_gone_there),
            )
            | "All sources" >> beam.Flatten()
            | "By source" >> beam.GroupByKey()
        )
        emit = [_EmitBands(self, number) for number in range(self.passes)]
        find = _FindPairs(self.config, self.ranges)
        pairs, rows, counts = sources | "Pair" >> ExchangeInPasses(emit, find, ("rows", "counts"))
        _ = counts | "Sum" >> beam.CombineGlobally(sum) | "Note" >> beam.Map(_write_count, _oversized_path(self.out))
        writing = _WriteSets(self.documents, self.out, self.config, self.runs)
        written = rows | "Group wanted" >> beam.GroupByKey() | "Shingle" >> beam.ParDo(writing)
        near = (
            pairs
            | "Group pairs" >> beam.GroupByKey()
            | "Compare" >> beam.ParDo(_Compare(self.out, self.config, self.runs), AsIter(written))
        )
        return (
            ((copies, near) | "All matches" >> beam.Flatten(), parts)
            | "Matches by part" >> GroupByPart(GONE_SCHEMA)
            | "Write" >> beam.ParDo(_Write(self.out, names))
        )


def read_oversized(out: str) -> int:
    """How many buckets were beyond the limit, after `ScreenAgainst`."""
    return int(storage.read_bytes(_oversized_path(out)))


class _Sign(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, ranges: int):
        self._documents, self._out, self._config, self._ranges = documents, out, config, ranges

    def process(self, part: int) -> Iterator[Keyed | Signed]:
        sign_part(self._documents, self._out, part, self._config)
        columns = read_signatures(self._out, part, ["exact", "id"])
        gone = screened_rows(self._out, part, self._config, screens=screens_before("against", self._config))
        rows = np.delete(np.arange(len(columns["exact"])), gone)
        yield from _exact_by_range(OWN, part, rows, {name: column[rows] for name, column in columns.items()}, self._ranges)
        yield Signed("signed", part)


class _ReadExact(beam.DoFn):
    def __init__(self, runs: list[EarlierRun], ranges: int):
        self._runs, self._ranges = runs, ranges

    def process(self, place: Place) -> Iterator[Keyed]:
        number, part = place
        rows, columns = read_kept_signatures(self._runs[number], part, ["exact", "id"])
        yield from _exact_by_range(number, part, rows, columns, self._ranges)


class _JoinExact(beam.DoFn):
    def __init__(self, names: list[str]):
        self._names = names

    def process(self, element: Grouped) -> Iterator[Keyed]:
        gone = join_exact(element[1], self._names)
        yield from split_by(unpack_address(gone.column("member").to_numpy())[0], gone)


class _EmitBands(beam.DoFn):
    def __init__(self, transform: ScreenAgainst, number: int):
        self._out, self._config, self._runs = transform.out, transform.config, transform.runs
        self._ranges, self._passes, self._number = transform.ranges, transform.passes, number

    def process(
        self, element: tuple[Place, Iterable[pa.RecordBatch]], before: Iterable[int] = ()
    ) -> Iterator[tuple[Place, pa.RecordBatch]]:
        (run, part), gone = element
        places = self._config.bands * self._ranges
        rows, signatures = self._own(part, gone) if run == OWN else self._earlier(run, part)
        for (band, number), batch in _bands_by_range(run, part, rows, signatures, self._config, self._ranges):
            if pass_of(band * self._ranges + number, ranges=places, passes=self._passes) == self._number:
                yield (band, number), batch

    def _own(self, part: int, gone: Iterable[pa.RecordBatch]) -> tuple[np.ndarray, np.ndarray]:
        columns = read_signatures(self._out, part, ["shingles", "signature"])
        chosen = columns["shingles"] > 0
        chosen[unpack_address(gather(gone, GONE_SCHEMA)["member"])[1]] = False
        chosen[screened_rows(self._out, part, self._config, screens=screens_before("against", self._config))] = False
        rows = np.flatnonzero(chosen)
        return rows, columns["signature"][rows]

    def _earlier(self, run: int, part: int) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = read_kept_signatures(self._runs[run], part, ["shingles", "signature"])
        filled = columns["shingles"] > 0
        return rows[filled], columns["signature"][filled]


class _FindPairs(beam.DoFn):
    def __init__(self, config: DedupConfig, ranges: int):
        self._config, self._ranges = config, ranges

    def process(self, element: tuple[Place, Iterable[pa.RecordBatch]]) -> Iterator[Keyed | Rows | Count]:
        columns = gather(element[1], BAND_SCHEMA)
        pairs, oversized = cross_pairs(columns["hash"], columns["run"], columns["address"], limit=self._config.bucket_limit)
        yield Count("counts", oversized)
        own, other, runs = (pairs.column(name).to_numpy() for name in ("own", "other", "run"))
        yield from split_by(range_of(mix64(own ^ mix64(other)), self._ranges), pairs)
        for run, addresses in ((OWN, own), *((run, other[runs == run]) for run in np.unique(runs).tolist())):
            for part, rows in rows_by_part(np.unique(addresses)):
                yield Rows("rows", ((run, part), rows))


class _WriteSets(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig, runs: list[EarlierRun]):
        self._out, self._config = out, config
        self._folders = {OWN: (out, documents), **{number: (run.dedup, run.documents) for number, run in enumerate(runs)}}

    def process(self, element: tuple[Place, Iterable[pa.RecordBatch]]) -> Iterator[int]:
        (run, part), wanted = element
        rows = np.unique(gather(wanted, ROW_SCHEMA)["row"]).astype(np.int64)
        dedup, documents = self._folders[run]
        write_sets(dedup, documents, part, rows, self._config, _sets_path(self._out, run).format(part=part))
        yield part


class _Compare(beam.DoFn):
    def __init__(self, out: str, config: DedupConfig, runs: list[EarlierRun]):
        self._out, self._config, self._runs = out, config, runs

    def process(self, element: Grouped, written: Iterable[int]) -> Iterator[Keyed]:
        # `written` is only waited for: when it can be read, all files are there.
        files = SetFiles({run: _sets_path(self._out, run) for run in range(OWN, len(self._runs))})
        for gone in compare_pairs(element[1], files, self._runs, self._config):
            yield from split_by(unpack_address(gone.column("member").to_numpy())[0], gone)


class _Write(beam.DoFn):
    def __init__(self, out: str, names: list[str]):
        self._out, self._names = out, names

    def process(self, element: Grouped) -> Iterator[int]:
        part, batches = element
        write_screened(self._out, "against", part, best_matches(batches, self._names))
        yield part


def _exact_by_range(run: int, part: int, rows: np.ndarray, columns: dict[str, np.ndarray], ranges: int) -> Iterator[Keyed]:
    exact, ids = (rows_to_binary(columns[name]) for name in ("exact", "id"))
    batch = to_batch(EXACT_SCHEMA, exact, np.full(len(rows), run, np.int32), pack_address(part, rows), ids)
    yield from split_by(range_of(key_columns(columns["exact"])[-1], ranges), batch)


def _bands_by_range(
    run: int, part: int, rows: np.ndarray, signatures: np.ndarray, config: DedupConfig, ranges: int
) -> Iterator[tuple[Place, pa.RecordBatch]]:
    addresses, runs = pack_address(part, rows), np.full(len(rows), run, np.int32)
    for band, hashes in enumerate(band_hashes(np.ascontiguousarray(signatures).view("<u4"), bands=config.bands, rows=config.rows)):
        for number, batch in split_by(range_of(hashes, ranges), to_batch(BAND_SCHEMA, hashes, runs, addresses)):
            yield (band, number), batch


def _own_place(keyed: Keyed) -> tuple[Place, pa.RecordBatch]:
    return (OWN, keyed[0]), keyed[1]


def _nothing_gone_there(place: Place) -> tuple[Place, pa.RecordBatch]:
    return place, empty_batch(GONE_SCHEMA)


def _nothing_gone(part: int) -> Keyed:
    return part, empty_batch(GONE_SCHEMA)


def _sets_path(out: str, run: int) -> str:
    """A path with `{part}` in it; the folder's own braces are kept from being read as such."""
    return storage.join(screened_folder(out).replace("{", "{{").replace("}", "}}"), f"sets-{run + 1}-{{part:05d}}.arrow")


def _oversized_path(out: str) -> str:
    return storage.join(screened_folder(out), OVERSIZED)


def _write_count(count: int, path: str) -> None:
    storage.write_bytes(path, str(count).encode())
