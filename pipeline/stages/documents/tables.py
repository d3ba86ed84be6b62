"""The tables of a finished documents stage."""

from collections.abc import Iterator

from rich.markup import escape

from pipeline.stages.stage import StageView
from pipeline.terminal import Section, figures_table, largest_first
from transforms.contracts.counters import DocumentsCounters

_LISTED = 8


def documents_sections(view: StageView[DocumentsCounters]) -> Iterator[Section]:
    """The table of records and documents by source, then those of rejects, truncations and notes.

    A table without rows is left out.
    """
    sources = view.counters.sources
    table = figures_table("source", "read", "kept", "rejected", "text MB", "languages")
    reasons = figures_table("source", "rule", "documents")
    for name, source in sources.items():
        figures = (
            f"{source.read:,}",
            f"{source.kept:,}",
            f"{source.read - source.kept:,}",
            f"{source.text_bytes / 1e6:.2f}",
        )
        table.add_row(name, *figures, _largest(source.languages))
        for rule, number in largest_first(source.rejected):
            reasons.add_row(name, rule, f"{number:,}")
    yield Section(view.heading, table)
    if reasons.row_count:
        yield Section("rejected, by source and rule", reasons)
    truncated = {name: source.truncated for name, source in sources.items()}
    notes = {name: source.notes for name, source in sources.items()}
    passed_over = {name: source.passed_over for name, source in sources.items()}
    for title, column, counted_as, counts in (
        (
            "kept, but only a part of what there was, by source and reason",
            "truncated",
            "documents",
            truncated,
        ),
        ("noted in reading, by source", "notes", "documents", notes),
        (
            "records of types that hold no documents, by source",
            "passed over",
            "records",
            passed_over,
        ),
    ):
        counted = figures_table("source", column, counted_as)
        for name, words in counts.items():
            for word, number in largest_first(words):
                counted.add_row(name, escape(word), f"{number:,}")
        if counted.row_count:
            yield Section(title, counted)


def _largest(counts: dict[str, int]) -> str:
    ordered = largest_first(counts)
    more = f" +{len(ordered) - _LISTED}" if len(ordered) > _LISTED else ""
    return " ".join(f"{name} {number}" for name, number in ordered[:_LISTED]) + more
