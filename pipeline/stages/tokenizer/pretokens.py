"""Counts the pre-tokens of a run into one table, from which merges are learned."""

import functools
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config.schema import TokenizerConfig
from pipeline.runner.beam import RunnerSettings, Work, run_pipeline
from transforms import storage
from transforms.beam.count_pretokens import CountPretokens, Part
from transforms.contracts.counters import LeftOut, PretokenCounters
from transforms.contracts.names import PRETOKENS, pretoken_range_path
from transforms.memory import passes_for
from transforms.storage.arrow_files import write_parquet

WORK = "work"
# Compressed parts on one core.
BYTES_PER_SECOND = 4e6
_BYTES_PER_RANGE = 1 << 28
_LEAST_RANGES, _MOST_RANGES = 2, 4096
_COUNTED_BYTES = 0.05
"""Bytes of distinct pre-tokens and their counts per byte of text.

28 MB of English have 0.09; the figure falls with the size of the corpus.
"""

_LARGEST_COUNT = 1 << 20


def count_run(
    parts: list[Part],
    out: str,
    config: TokenizerConfig,
    settings: RunnerSettings,
    *,
    sizes: list[int],
    text_bytes: int,
    memory: int | None,
) -> PretokenCounters:
    """Counts the pre-tokens of all parts and commits `pretokens.parquet` to the folder `out`.

    Args:
        parts: paths of documents and drops of each part.
        out: the folder of the stage.
        config: the pattern, the normalization, and the limits of `gather_counts`.
        settings: how the pipeline runs.
        sizes: bytes of each part's file.
        text_bytes: approximate size of the texts.
        memory: bytes for the shuffle of a local runner; None with a runner that has its own.

    Returns:
        What the table holds and what it leaves out.

    `sizes`, `text_bytes` and `memory` decide ranges and passes and do not change the table. Passes
    that an interrupted run has finished are not repeated.
    """
    work = storage.join(out, WORK)
    storage.make_folder(work)
    passes = passes_for(int(text_bytes * _COUNTED_BYTES), memory)
    ranges = min(max(-(-sum(sizes) // _BYTES_PER_RANGE), _LEAST_RANGES, passes), _MOST_RANGES)
    size = Work(units=len(parts), seconds=sum(sizes) / BYTES_PER_SECOND)
    for number in range(passes):
        wanted = tuple(each for each in range(ranges) if each * passes // ranges == number)
        if not all(storage.exists(pretoken_range_path(work, each, ranges)) for each in wanted):
            transform = CountPretokens(work, config.pattern, config.normalization, ranges, wanted)
            run_pipeline(
                functools.partial(_build, parts=parts, transform=transform), settings, size
            )
    paths = [pretoken_range_path(work, number, ranges) for number in range(ranges)]
    table, counters = gather_counts(
        paths, minimum_count=config.minimum_count, max_pretokens=config.max_pretokens
    )
    write_parquet(table, storage.join(out, PRETOKENS))
    return counters


def _build(pipeline: beam.Pipeline, *, parts: list[Part], transform: CountPretokens) -> None:
    _ = pipeline | "Parts" >> beam.Create(parts, reshuffle=False) | "Count" >> transform


def gather_counts(
    paths: list[str], *, minimum_count: int, max_pretokens: int
) -> tuple[pa.Table, PretokenCounters]:
    """Merges tables of disjoint pre-tokens into one, the most frequent first, ties by bytes.

    Pre-tokens that occur less than `minimum_count` times are left out; this minimum is raised until
    at most `max_pretokens` remain. Memory is proportional to those. Returns the table, with the
    columns `pretoken` and `count`, and what it holds and leaves out.
    """
    least = _least_count(paths, minimum_count=minimum_count, max_pretokens=max_pretokens)
    tables: list[pa.Table] = []
    pretokens = occurrences = 0
    for table in _read(paths):
        pretokens += table.num_rows
        occurrences += _sum(table)
        tables.append(table.filter(pc.greater_equal(table["count"], least)))
    whole = pa.concat_tables(tables).sort_by([("count", "descending"), ("pretoken", "ascending")])
    kept = _sum(whole)
    left_out = LeftOut(pretokens=pretokens - whole.num_rows, occurrences=occurrences - kept)
    return whole, PretokenCounters(
        minimum_count=least, pretokens=whole.num_rows, occurrences=kept, left_out=left_out
    )


def _least_count(paths: list[str], *, minimum_count: int, max_pretokens: int) -> int:
    """The smallest count from `minimum_count` on that at most `max_pretokens` pre-tokens reach."""
    # A histogram of counts, in one pass over the files. Larger counts share its last bin.
    histogram = np.zeros(_LARGEST_COUNT + 1, np.int64)
    for table in _read(paths, columns=["count"]):
        histogram += np.bincount(
            np.minimum(table["count"].to_numpy(), _LARGEST_COUNT), minlength=len(histogram)
        )
    # reaching[c]: pre-tokens that occur at least c times.
    reaching = histogram[::-1].cumsum()[::-1]
    enough = np.flatnonzero(reaching[minimum_count:] <= max_pretokens)
    return minimum_count + int(enough[0]) if len(enough) else _LARGEST_COUNT


def _read(paths: list[str], *, columns: list[str] | None = None) -> Iterator[pa.Table]:
    for path in paths:
        with storage.open_input(path) as stream:
            yield pq.read_table(stream, columns=columns)


def _sum(table: pa.Table) -> int:
    return pc.sum(table["count"]).as_py() or 0
