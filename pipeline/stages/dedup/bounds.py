"""The bound of the dedup stage: a source with too many duplicates stops the run."""

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.stages.dedup.report import dropped_by_rule, report_path, write_report
from pipeline.stages.guard import Guard, highest_rate
from transforms.contracts.counters import DedupCounters
from transforms.errors import UserError


def drop_guard(config: Config, counters: DedupCounters | None) -> Guard:
    """The bound that `check_drop_rate` enforces; `counters`: of a finished stage, None before."""
    sources = counters.sources if counters else {}
    highest = highest_rate(
        {name: (source.dropped, source.documents) for name, source in sources.items()}
    )
    return Guard(
        key="dedup.max_drop_rate",
        limit=config.dedup.max_drop_rate,
        counted="dropped documents",
        highest=highest,
    )


def check_drop_rate(
    config: Config, run: Run, counters: DedupCounters, folder: str, *, write: bool = True
) -> None:
    """Raises UserError when more than `max_drop_rate` of a source would be dropped.

    The stage does not become finished, so no later stage reads its drops. The message names a
    report with the largest groups and samples of what would be dropped. `write`: whether to write
    that report.
    """
    for name, source in counters.sources.items():
        if source.dropped > config.dedup.max_drop_rate * source.documents:
            what = (
                f"{source.dropped} of {source.documents} documents of source {name!r} "
                f"would be dropped as duplicates ({dropped_by_rule(source)}), "
                f"more than dedup.max_drop_rate = {config.dedup.max_drop_rate}"
            )
            if write:
                write_report(run, counters, folder, heading=what)
            raise UserError(
                what,
                where=folder,
                remedy=f"read {report_path(run)}: the largest groups, with excerpts; "
                "raise dedup.max_drop_rate if they are duplicates",
            )
