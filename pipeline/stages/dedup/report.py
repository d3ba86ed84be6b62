"""The Markdown report on what deduplication dropped.

It lists drops by source and by similarity, and the largest groups with excerpts, for a person to
judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.counters import DedupCounters, DropCounters
from transforms.dedup.examine import (
    SampledCluster,
    SampledDocument,
    SampledDrop,
    largest_clusters,
    sample_drops,
)

_REPORT = "dedup-report.md"


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The largest groups of duplicates, and samples of the drops of other rules, by rule."""

    largest_clusters: list[SampledCluster] = field(default_factory=list)
    samples: dict[str, list[SampledDrop]] = field(default_factory=dict)


def examine(folder: str, documents: str) -> Examples:
    """Reads examples from a dedup folder, with excerpts if the folder of documents exists."""
    return Examples(
        largest_clusters=largest_clusters(folder, documents),
        samples=sample_drops(folder, documents),
    )


def dropped_by_rule(counters: DropCounters) -> str:
    """Drops by rule as text: `3 exact, 1 near`; other rules only if they dropped something."""
    shown = [rule for rule, number in counters.rules.items() if number or rule in ("exact", "near")]
    return ", ".join(f"{counters.rules[rule]} {rule}" for rule in shown)


def report_path(run: Run) -> str:
    """The path of `dedup-report.md` in the run's folder."""
    return storage.join(run.folder, _REPORT)


def write_report(run: Run, counters: DedupCounters, folder: str, *, heading: str) -> None:
    """Writes `dedup-report.md` into the run's folder. `folder`: of the drops."""
    lines = [f"# {heading}", "", *_markdown(counters, examine(folder, run.documents))]
    storage.write_bytes(report_path(run), ("\n".join(lines) + "\n").encode())


def similarity_lines(counters: DedupCounters) -> Iterator[tuple[str, int]]:
    """(bin, documents) of the similarity histogram, in order."""
    for edge, number in sorted(counters.similarity.items()):
        yield (edge if float(edge) >= 1 else f"{edge} to {float(edge) + 0.02:.2f}"), number


def notes(counters: DedupCounters) -> Iterator[str]:
    """Sentences that are printed even if no tables are asked for.

    They report screens that matched nothing, and comparisons that were left out or estimated.
    """
    for name, matched in (counters.contamination or {}).items():
        if not matched.documents:
            grams = f"{matched.grams:,} n-grams of {matched.texts:,} texts"
            yield f"decontamination: no document matches evaluation set {name!r} ({grams})"
        if matched.too_short:
            short = f"{matched.too_short:,} of {matched.texts:,} texts"
            yield (
                f"decontamination: {short} of evaluation set {name!r} "
                "are too short to be looked for"
            )
    for name, earlier in (counters.earlier_runs or {}).items():
        if not earlier.documents:
            yield f"no document matches one of the {earlier.kept:,} of the earlier run {name!r}"
        if earlier.estimated:
            estimated = f"{earlier.estimated:,} matches with the earlier run {name!r}"
            yield f"{estimated} are estimates from signatures: its documents are not there any more"
    if counters.oversized_buckets:
        documents, skipped = (
            f"{counters.oversized_documents:,} documents",
            f"{counters.skipped_pairs:,} pairs",
        )
        yield (
            f"{counters.oversized_buckets:,} buckets exceed dedup.bucket_limit: "
            f"of their {documents} each was compared with the first in keep order and "
            f"with the next, {skipped} were not compared"
        )
    if oversized := counters.earlier_oversized_buckets:
        yield (
            f"{oversized:,} buckets with earlier runs are larger than dedup.bucket_limit: "
            "not all of their pairs were compared"
        )


def _markdown(counters: DedupCounters, examples: Examples) -> Iterator[str]:
    rules = list(counters.total.rules)
    yield f"{counters.total.dropped:,} of {counters.total.documents:,} documents are dropped."
    yield ""
    yield f"| source | documents | {' | '.join(rules)} | kept | share dropped |"
    yield "|---|" + "---:|" * (len(rules) + 3)
    for name, source in counters.sources.items():
        figures = " | ".join(
            f"{number:,}"
            for number in (source.documents, *(source.rules[rule] for rule in rules), source.kept)
        )
        yield f"| {name} | {figures} | {source.dropped / max(1, source.documents):.1%} |"
    yield from (
        "",
        "## Similarity to the kept document",
        "",
        "| similarity | documents |",
        "|---|---:|",
    )
    yield from (f"| {edge} | {number:,} |" for edge, number in similarity_lines(counters))
    yield from ("", f"## The {len(examples.largest_clusters)} largest groups of duplicates")
    for cluster in examples.largest_clusters:
        yield from ("", f"### {cluster.size:,} documents, {cluster.kept:,} kept", "")
        yield from (
            _entry(document, dropped=document.keeper is not None) for document in cluster.documents
        )
    for rule, entries in examples.samples.items():
        yield from ("", f"## Samples of `{rule}`", "")
        yield from (_entry(document, dropped=True) for document in entries)
    for note in notes(counters):
        yield from ("", f"- {note}")


def _entry(shown: SampledDocument, *, dropped: bool) -> str:
    text = shown.text
    place = (
        " ".join(
            value
            for value in (text.source, text.origin, text.locator, text.url, text.title)
            if value is not None
        )
        if text
        else ""
    )
    kept_one = " of ".join(value for value in (shown.keeper, shown.other) if value is not None)
    fate = f"dropped for {kept_one}" if kept_one else "dropped" if dropped else "kept"
    similarity = "" if shown.similarity is None else f", similarity {shown.similarity}"
    keeper = shown.keeper_excerpt if isinstance(shown, SampledDrop) else None
    kept = f" Kept: {keeper!r}" if keeper else ""
    return (
        f"- {shown.document} {fate}{similarity} ({place}): {(text.excerpt if text else '')!r}{kept}"
    )
