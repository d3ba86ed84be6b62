"""When a finished dedup stage stops the run: too many duplicates."""

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.stages.dedup.report import dropped_by_rule, report_path, write_report
from transforms.contracts.counters import DedupCounters
from transforms.errors import UserError


def check_drop_rate(config: Config, run: Run, counters: DedupCounters, folder: str, *, write: bool = True) -> None:
    """Raises UserError when more than `max_drop_rate` of a source would be dropped; nothing reads its drops then.

    The message names a report with the largest groups and samples of what would be dropped. `write`: whether to write it.
    """
    for name, source in counters.sources.items():
        if source.dropped > config.dedup.max_drop_rate * source.documents:
            what = (
                f"{source.dropped} of {source.documents} documents of source {name!r} would be dropped as duplicates "
                f"({dropped_by_rule(source)}), more than dedup.max_drop_rate = {config.dedup.max_drop_rate}"
            )
            if write:
                write_report(run, counters, folder, heading=what)
            raise UserError(
                what,
                where=folder,
                remedy=f"read {report_path(run)}: the largest groups, with excerpts; raise dedup.max_drop_rate if they are duplicates",
            )
