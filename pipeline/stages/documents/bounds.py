"""Bounds of the documents stage: too many unreadable records, or no kept document, stop the run."""

from collections import Counter

from pipeline.config.schema import Config
from pipeline.stages.documents.first_reject import first_reject
from pipeline.stages.guard import Guard, highest_rate
from pipeline.terminal import largest_first
from transforms.contracts.counters import DocumentsCounters
from transforms.errors import UserError


def error_guard(config: Config, counters: DocumentsCounters | None) -> Guard:
    """The bound that `check_errors` enforces; `counters`: of a finished stage, None before."""
    sources = counters.sources if counters else {}
    highest = highest_rate({name: (source.errors, source.read) for name, source in sources.items()})
    return Guard(
        key="max_error_rate",
        limit=config.max_error_rate,
        counted="unreadable records",
        highest=highest,
    )


def check_errors(config: Config, counters: DocumentsCounters, folder: str) -> None:
    """Raises UserError when more than `max_error_rate` of a source's records were unreadable."""
    for name, counts in counters.sources.items():
        if counts.errors > config.max_error_rate * counts.read:
            reasons = largest_first(counts.rejected)
            raise UserError(
                f"{counts.errors} of {counts.read} records of source {name!r} could not be read, "
                f"more than max_error_rate = {config.max_error_rate} "
                f"({', '.join(f'{rule} {number}' for rule, number in reasons[:4])})"
                + first_reject(folder, source=name, stage="read"),
                where=folder,
                remedy="look into rejects-*.parquet there, fix the input, or raise max_error_rate",
            )


def check_kept(counters: DocumentsCounters, folder: str) -> None:
    """Raises UserError when no document was kept."""
    if counters.kept:
        return
    rules: Counter[str] = Counter()
    for source in counters.sources.values():
        rules.update(source.rejected)
    reasons = ", ".join(f"{rule} {number}" for rule, number in rules.most_common(4))
    if passed := passed_over(counters):
        listed = ", ".join(f"{name} {number:,}" for name, number in passed)
        reasons = (
            f"{reasons or 'none was read'}; "
            f"records of types that hold no documents were passed over: {listed}"
        )
    raise UserError(
        f"no document was kept: {reasons or 'the input holds none'}{first_reject(folder)}",
        where=folder,
        remedy="look into rejects-*.parquet there; "
        "fix the input, or relax [language] or the filters",
    )


def passed_over(counters: DocumentsCounters) -> list[tuple[str, int]]:
    """(record type, records) of record types that hold no documents, the most frequent first."""
    total: Counter[str] = Counter()
    for source in counters.sources.values():
        total.update(source.passed_over)
    return largest_first(total)
