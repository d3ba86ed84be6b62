"""The work of the documents stage: runs its units, and adds their counters up."""

import functools
from dataclasses import dataclass, field

from pipeline.config.schema import Config
from pipeline.run.plan import StagePlan
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport, UnitJob, plan_work, run_units
from pipeline.stages.documents.headers import check_columns
from pipeline.stages.documents.units import DocumentsUnit
from transforms import storage
from transforms.contracts.counters import ColumnCounters, DocumentsCounters, SourceCounters
from transforms.contracts.names import PARTS, REJECTS, SIGNALS
from transforms.errors import UserError
from transforms.ingest.settings import LanguageConfig, SourceConfig
from transforms.ingest.unit import PartPaths, count_part, ingest_files
from transforms.plugins import Plugin, load_plugins, read_plugins

# Compressed WARC on one core.
BYTES_PER_SECOND = 8e6


@dataclass(frozen=True, kw_only=True)
class _UnitCounters:
    """The counters of a unit.

    `columns` depends on how files are divided into units, so it is left out of the manifest.
    """

    sources: dict[str, SourceCounters] = field(default_factory=dict)
    columns: dict[str, ColumnCounters] = field(default_factory=dict)


def read_documents(
    config: Config, settings: RunnerSettings, plan: StagePlan[DocumentsUnit], *, out: str
) -> StageReport[DocumentsCounters]:
    """Runs the units that are not committed yet; reports the files and counters of all units.

    Raises UserError for a column that a source asks for and none of its files has.
    """
    work = functools.partial(
        _read_unit,
        plugins=read_plugins(config.plugins),
        sources=config.sources,
        language=config.language,
        signals=config.signals,
    )
    job = UnitJob(folder=out, unit=DocumentsUnit, work=work, none=_UnitCounters())
    report = run_units(job, settings, plan_work(plan, bytes_per_second=BYTES_PER_SECOND))
    for name, counts in report.counters.sources.items():
        if counts.read != counts.kept + sum(counts.rejected.values()):
            raise UserError(
                f"counts of source {name!r} do not add up: {counts}",
                where=out,
                remedy="report this as a defect",
            )
        check_columns(name, config.sources[name], report.counters.columns.get(name), out)
    return StageReport(
        files=report.files, counters=DocumentsCounters(sources=report.counters.sources)
    )


def _read_unit(
    folder: str,
    number: int,
    unit: DocumentsUnit,
    *,
    plugins: tuple[Plugin, ...],
    sources: dict[str, SourceConfig],
    language: LanguageConfig,
    signals: bool,
) -> StageReport[_UnitCounters]:
    """Reads one unit, unless its files are committed; then they are only counted."""
    load_plugins(plugins)
    names = [files.name(number) for files in (PARTS, REJECTS, *([SIGNALS] if signals else []))]
    paths = PartPaths(
        **dict(
            zip(
                ("part", "rejects", "signals"),
                (storage.join(folder, name) for name in names),
                strict=False,
            )
        )
    )
    if storage.exists(paths.part):
        rows, counts = count_part(paths)
    else:
        rows, counts = ingest_files(unit.files, sources=sources, language=language, paths=paths)
    entries = {
        name: file_entry(path, rows[path])
        for name in names
        for path in [storage.join(folder, name)]
    }
    return StageReport(
        files=entries,
        counters=_UnitCounters(sources=counts.by_source(), columns=counts.columns_seen()),
    )
