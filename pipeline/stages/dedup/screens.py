"""Screens before the search for duplicates, and the removal of repeated lines after it.

A screen drops documents for another reason than a duplicate in the same run: text of an evaluation
set (`decontaminate`), a URL that occurs twice (`urls`), a match in an earlier run (`against`).
"""

from collections import Counter
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.runner.beam import RunnerSettings, Work, run_pipeline
from transforms import storage
from transforms.beam.drop_lines import DropLines
from transforms.beam.screen_against import ScreenAgainst
from transforms.beam.screen_contaminated import ScreenContaminated
from transforms.beam.screen_urls import ScreenUrls
from transforms.contracts.counters import ContaminationCounters, EarlierRunCounters, LineCounters
from transforms.contracts.names import PARTS
from transforms.contracts.plain import from_plain
from transforms.dedup.lines.record_lines import count_lines
from transforms.dedup.screens.contamination import count_matches
from transforms.dedup.screens.earlier_pairs import read_oversized
from transforms.dedup.screens.earlier_runs import EarlierRun
from transforms.dedup.screens.evaluation_index import (
    evaluation_index_path,
    index_texts,
    read_evaluation_texts,
    write_index,
)
from transforms.dedup.screens.screened import active_screens, screened_drops, screened_folder
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError
from transforms.memory import local_memory, passes_for
from transforms.storage import globs
from transforms.storage.files import FileInfo
from transforms.storage.short_names import short_names

_BYTES_PER_RANGE = 1 << 28
_LEAST_RANGES = 2
_MOST_RANGES = 4096
_BAND_BYTES = 20
_LINE_BYTES = 0.5
"""Bytes exchanged per byte of text when lines are compared.

Each line exchanges 24 bytes. Lines of news have 51 bytes on average; lines of a few characters are
skipped.
"""


@dataclass(kw_only=True)
class ScreenCounters:
    """The counters of the screens; None for a screen that is not configured."""

    contamination: dict[str, ContaminationCounters] | None = None
    earlier_runs: dict[str, EarlierRunCounters] | None = None
    earlier_oversized_buckets: int | None = None


def evaluation_files(config: DedupConfig) -> dict[str, FileInfo]:
    """The evaluation files by short name. Raises ConfigError for a pattern that matches no file."""
    files: dict[str, FileInfo] = {}
    for pattern in config.decontaminate:
        matches = storage.list_files(pattern)
        if not matches:
            where = globs.unescape(pattern)
            raise ConfigError(
                "dedup.decontaminate: no file matches",
                where=where,
                remedy="name files of evaluation texts, JSON Lines",
            )
        files.update((file.path, file) for file in matches)
    return dict(zip(short_names(list(files)), files.values(), strict=True))


def run_screens(
    config: DedupConfig,
    documents: str,
    out: str,
    parts: list[int],
    settings: RunnerSettings,
    work: Work,
    *,
    earlier: list[EarlierRun],
) -> ScreenCounters:
    """Runs the configured screens in turn: decontamination, URLs, earlier runs.

    Each writes its drops below `screened_folder(out)`; the search for duplicates reads them from
    there. `documents`, `out`: folders. `parts`: part numbers. `earlier`: the opened runs of
    `against`.
    """
    ranges = _ranges(documents, config)
    counters = ScreenCounters()
    if active_screens(config) or config.decontaminate:
        storage.make_folder(screened_folder(out))
    if config.decontaminate:
        texts = (
            (name, read_evaluation_texts(file.path, config.decontaminate_fields))
            for name, file in evaluation_files(config).items()
        )
        index, figures = index_texts(
            texts, ngram=config.decontaminate_ngram, shortest=config.decontaminate_shortest
        )
        write_index(index, evaluation_index_path(out))
        _run(ScreenContaminated(documents, out, config), parts, settings, work)
        counters.contamination = from_plain(
            dict[str, ContaminationCounters], count_matches(out, parts, figures)
        )
    if config.urls != "off":
        _run(ScreenUrls(documents, out, config, ranges), parts, settings, work)
    if earlier:
        compared = sum(run.kept for run in earlier) + _rows(documents, parts)
        passes = min(
            _passes(compared * config.bands * _BAND_BYTES, config, settings), config.bands * ranges
        )
        _run(ScreenAgainst(documents, out, config, earlier, ranges, passes), parts, settings, work)
        counters.earlier_runs = _count_matches(out, parts, config, earlier)
        counters.earlier_oversized_buckets = read_oversized(out)
    return counters


def _count_matches(
    out: str, parts: list[int], config: DedupConfig, earlier: list[EarlierRun]
) -> dict[str, EarlierRunCounters]:
    """Counters by earlier run.

    `kept`: its documents that were compared with. `documents`: documents of this run that match
    one. `estimated`: matches whose similarity comes from signatures, because texts were not
    compared.
    """
    matches: Counter[str] = Counter()
    for part in parts:
        drops = screened_drops(out, part, config, screens=("against",))
        matches.update(drops["other"].cast(pa.string()).to_pylist())
    return {
        run.name: EarlierRunCounters(
            kept=run.kept,
            documents=matches[run.name],
            estimated=matches[run.name] if run.documents is None or config.verify != "exact" else 0,
        )
        for run in earlier
    }


def run_lines(
    config: DedupConfig,
    documents: str,
    out: str,
    parts: list[int],
    settings: RunnerSettings,
    work: Work,
    *,
    text_bytes: int,
) -> LineCounters | None:
    """Removes repeated lines from the documents that are not dropped; None if not configured.

    Runs after the drops are written. `text_bytes`: approximate size of the texts, which decides the
    number of passes.
    """
    if not config.lines:
        return None
    passes = _passes(int(text_bytes * _LINE_BYTES), config, settings)
    _run(
        DropLines(documents, out, config, max(_ranges(documents, config), passes), passes),
        parts,
        settings,
        work,
    )
    return LineCounters(**count_lines(out, parts)._asdict())


def _passes(exchanged: int, config: DedupConfig, settings: RunnerSettings) -> int:
    """The number of passes to exchange `exchanged` bytes.

    One with an external runner, otherwise as many as keep a pass within the memory limit.
    """
    return passes_for(
        exchanged, None if settings.uses_external_runner else local_memory(config.memory_bytes)
    )


def _rows(documents: str, parts: list[int]) -> int:
    """The number of documents of the parts."""
    total = 0
    for part in parts:
        with storage.open_input(PARTS.path(documents, part)) as stream:
            total += pq.read_metadata(stream).num_rows
    return total


def _ranges(documents: str, config: DedupConfig) -> int:
    """The number of hash ranges: `ranges` of the configuration, else one per 256 MiB of Parquet.

    At least 2 and at most 4096. No byte of the output depends on it.
    """
    size = sum(
        file.size
        for file in storage.list_files(storage.join(globs.escape(documents), PARTS.pattern))
    )
    return config.ranges or min(max(-(-size // _BYTES_PER_RANGE), _LEAST_RANGES), _MOST_RANGES)


def _run(
    transform: beam.PTransform, parts: list[int], settings: RunnerSettings, work: Work
) -> None:
    run_pipeline(lambda pipeline: _build(pipeline, transform, parts), settings, work)


def _build(pipeline: beam.Pipeline, transform: beam.PTransform, parts: list[int]) -> None:
    _ = pipeline | "Parts" >> beam.Create(parts, reshuffle=False) | "Screen" >> transform
