"""The tables of a deduplication, finished or of a dry run."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.markup import escape

from pipeline.stages.dedup.report import Examples, notes, similarity_lines
from pipeline.stages.stage import StageView
from pipeline.terminal import Section, bar, figures_table
from transforms.contracts.counters import DedupCounters
from transforms.dedup.examine import SampledDocument
from transforms.dedup.near.bands import ExpectedRecall

_EXCERPT = 70


@dataclass(frozen=True, kw_only=True)
class DedupView(StageView[DedupCounters], Examples):
    """The view of a finished stage, with the expected recall of the bands and examples of drops."""

    recall: ExpectedRecall


def dedup_sections(heading: str, counters: DedupCounters, examples: Examples) -> Iterator[Section]:
    """Tables of drops by source and rule, groups, screens, similarities, and the largest groups."""
    table = figures_table("source", "documents", *counters.total.rules, "kept", "share dropped")
    for name, source in counters.sources.items():
        figures = (
            source.documents,
            *(source.rules[rule] for rule in counters.total.rules),
            source.kept,
        )
        table.add_row(
            name,
            *(f"{number:,}" for number in figures),
            f"{source.dropped / max(1, source.documents):.2%}",
        )
    yield Section(heading, table)
    if lines := list(notes(counters)):
        yield Section("to be known", "\n".join(lines))
    groups = (
        f"{counters.components:,} groups, the largest of {counters.largest_component:,} documents"
    )
    pairs = (
        f"{counters.candidate_pairs:,} candidate pairs, {counters.similar_pairs:,} of them similar"
    )
    large = (
        f"{counters.oversized_buckets:,} oversized buckets, "
        f"in which {counters.skipped_pairs:,} pairs were not compared"
    )
    yield Section("groups of duplicates", f"{groups}; {pairs}; {large}")
    if counters.contamination:
        table = figures_table(
            "evaluation set", "texts", "too short", "n-grams", "documents that share one", "shared"
        )
        for name, matched in counters.contamination.items():
            numbers = (
                matched.texts,
                matched.too_short,
                matched.grams,
                matched.documents,
                matched.matches,
            )
            table.add_row(escape(name), *(f"{number:,}" for number in numbers))
        yield Section("contamination", table)
    if (removed := counters.lines_removed) is not None:
        what = (
            f"{removed.lines:,} lines ({removed.characters:,} characters) "
            f"of {removed.documents:,} documents"
        )
        yield Section("lines that other documents have too", f"{what} are removed")
    if counters.similarity:
        histogram = figures_table("similarity to the kept document", "documents", "")
        most = max(counters.similarity.values())
        for edge, number in similarity_lines(counters):
            histogram.add_row(edge, f"{number:,}", bar(number, most))
        histogram.columns[2].justify = "left"
        yield Section("duplicates by similarity", histogram)
    if examples.largest_clusters:
        largest = figures_table("documents", "kept", "least similar", "first document that is kept")
        for cluster in examples.largest_clusters:
            least = min(
                (
                    document.similarity
                    for document in cluster.documents
                    if document.similarity is not None
                ),
                default=1.0,
            )
            largest.add_row(
                f"{cluster.size:,}",
                f"{cluster.kept:,}",
                f"{least:.3f}",
                escape(_shortened(cluster.documents[0])),
            )
        largest.columns[3].justify = "left"
        yield Section("largest groups", largest)


def recall_section(recall: ExpectedRecall) -> Section:
    """The probability that a pair shares a band and is compared, by its Jaccard similarity."""
    curve = "  ".join(
        f"{similarity:g}: {probability:.3f}" for similarity, probability in recall.curve
    )
    bands = f"{recall.bands} bands of {recall.rows} rows"
    return Section(
        "probability that a pair of a similarity is compared "
        f"({bands}; {recall.expected:.4f} at the threshold)",
        curve,
    )


def _shortened(shown: SampledDocument) -> str:
    source, excerpt = (shown.text.source, shown.text.excerpt) if shown.text else ("", "")
    return " ".join(part for part in (source, shown.document, excerpt[:_EXCERPT]) if part)
