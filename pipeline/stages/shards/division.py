"""The plan of the shards stage: divides the kept documents of each source into shards.

Sizes come from the manifests of earlier stages; no part is opened.
"""

import hashlib
import itertools
import json
import math
from collections import defaultdict
from typing import NamedTuple

from pipeline.config.load import stage_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import DIVISION, StagePlan
from pipeline.stages.dedup.stage import DEDUP
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.documents.units import sources_of_parts
from pipeline.stages.kept_parts import kept_parts
from pipeline.stages.shards.units import PartRows, ShardUnit
from pipeline.stages.tokenizer.stage import TOKENIZER
from transforms.contracts.counters import TokenizerCounters
from transforms.tokens.shards import estimated_bytes
from transforms.tokens.windows import WINDOW_TOKENS

SMALLEST_SHARD = 1 << 20
LEAST_ROWS = 256
"""Smallest aim for the rows of a shard.

The last one or two rows of a shard are not full, nor are those of its validation split.
"""

# Assumed for a source that the tokenizer was not measured on.
_TOKENS_PER_BYTE = 0.25


class Part(NamedTuple):
    """A part of the documents, with its drops.

    `rows`: all rows; `kept`: rows without drops. `text`, `size`: estimated bytes of the kept texts,
    and of their tokens in a shard.
    """

    number: int
    path: str
    drops: str
    rows: int
    kept: int
    text: int
    size: int


class Rows(NamedTuple):
    """Consecutive rows of a part, from `first` to before `end`."""

    part: Part
    first: int
    end: int


def plan_shards(stage: str, config: Config, run: Run) -> StagePlan[ShardUnit]:
    """Divides each source into shards of about equal size.

    Their number follows from `shard_megabytes`, and is larger if fewer than `shard_count` would
    result, unless shards became smaller than SMALLEST_SHARD or LEAST_ROWS rows. Raises UserError
    when an earlier stage is not finished.
    """
    sources = part_sizes(run, sequence_length=config.shards.sequence_length)
    length = config.shards.sequence_length
    total = sum(part.size for parts in sources.values() for part in parts)
    least = max(
        SMALLEST_SHARD,
        estimated_bytes(LEAST_ROWS * length, 0, sequence_length=length, vocabulary_size=1),
    )
    units = [
        unit
        for source, parts in sources.items()
        for unit in _units(
            config, source, parts, least=max(least, total / config.shards.shard_count)
        )
    ]
    division = [
        [unit.source, [[rows.part, rows.first, rows.end] for rows in unit.parts]] for unit in units
    ]
    return StagePlan(
        stage=stage,
        configuration=stage_values(config, "shards", "seed")
        | {DIVISION: hashlib.sha256(json.dumps([WINDOW_TOKENS, division]).encode()).hexdigest()},
        upstream=TOKENIZER.finished(run).manifest.fingerprint,
        units=units,
    )


def _units(config: Config, source: str, parts: list[Part], *, least: float) -> list[ShardUnit]:
    size = sum(part.size for part in parts)
    count = max(
        math.ceil(size / (config.shards.shard_megabytes * 1e6)), math.floor(size / least), 1
    )
    slices = slice_parts(parts, count) or [[]]
    return [
        ShardUnit(
            source=source,
            bytes=sum(part.text * (end - first) // part.rows for part, first, end in pieces),
            parts=tuple(
                PartRows(part.number, part.path, part.drops, first, end)
                for part, first, end in pieces
            ),
            index=index,
            of=len(slices),
        )
        for index, pieces in enumerate(slices)
    ]


def part_sizes(run: Run, *, sequence_length: int) -> dict[str, list[Part]]:
    """The parts of each source that have rows, in order; a source may have none.

    A part's text is estimated from its file size by the average compression of the source, its number
    of tokens from the bytes per token that the tokenizer stage measured on the source.
    """
    documents, dedup, tokenizer = (
        DOCUMENTS.finished(run),
        DEDUP.finished(run),
        TOKENIZER.finished(run),
    )
    source_of = sources_of_parts(run)
    parts = [
        (source_of[number], documents.manifest.files[_name(path)], number, path, drops)
        for number, path, drops in kept_parts(run)
    ]
    compressed: defaultdict[str, int] = defaultdict(int)
    for source, entry, *_ in parts:
        compressed[source] += entry.bytes
    by_source: dict[str, list[Part]] = {}
    for source, entry, number, path, drops in parts:
        sized = by_source.setdefault(source, [])
        if not entry.rows:
            continue
        kept = entry.rows - dedup.manifest.files[_name(drops)].rows
        text = (
            documents.counters.sources[source].text_bytes
            * entry.bytes
            / compressed[source]
            * kept
            / entry.rows
        )
        size = estimated_bytes(
            text * _tokens_per_byte(tokenizer.counters, source),
            kept,
            sequence_length=sequence_length,
            vocabulary_size=tokenizer.counters.vocabulary,
        )
        sized.append(Part(number, path, drops, entry.rows, kept, int(text), size))
    return by_source


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _tokens_per_byte(counters: TokenizerCounters, source: str) -> float:
    measured = counters.measured.sources.get(source)
    return measured.tokens / measured.bytes if measured and measured.bytes else _TOKENS_PER_BYTE


def slice_parts(parts: list[Part], count: int) -> list[list[Rows]]:
    """Cuts the rows of all parts in order into at most `count` slices of about equal size.

    No slice is empty. All rows of a part count as equally large.
    """
    if not parts:
        return []
    ends = list(itertools.accumulate(part.size for part in parts))
    cuts = [(0, 0)]
    index = 0
    for number in range(1, count):
        place = ends[-1] * number // count
        while ends[index] <= place:
            index += 1
        part = parts[index]
        cuts.append((index, round(part.rows * (place - ends[index] + part.size) / part.size)))
    cuts.append((len(parts), 0))
    slices = [_between(parts, *pair) for pair in itertools.pairwise(cuts)]
    return [rows for rows in slices if rows]


def _between(parts: list[Part], start: tuple[int, int], stop: tuple[int, int]) -> list[Rows]:
    """The rows from one (part index, row) to before another."""
    first_part, first_row = start
    last_part, last_row = stop
    bounds = (
        Rows(
            part,
            first_row if index == first_part else 0,
            last_row if index == last_part else part.rows,
        )
        for index, part in enumerate(parts[first_part : last_part + 1], first_part)
    )
    return [rows for rows in bounds if rows.first < rows.end]
