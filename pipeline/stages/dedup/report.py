"""What deduplication dropped, for a person to judge: by source, by similarity, the largest groups with excerpts; tables and Markdown."""

from collections.abc import Iterator
from typing import Any

from pipeline.run.folder import Run
from transforms import storage
from transforms.dedup.examine import largest_clusters, sample_drops

REPORT = "dedup-report.md"
_NOT_RULES = ("documents", "kept", "dropped")


def rules_of(counters: dict[str, Any]) -> list[str]:
    """The rules that a dedup stage's counters name, in order."""
    return [name for name in next(iter(counters["sources"].values()), {}) if name not in _NOT_RULES]


def dropped_by_rule(source: dict[str, int]) -> str:
    """`3 exact, 1 near`: what rules dropped of a source."""
    shown = [rule for rule in source if rule in ("exact", "near") or (rule not in _NOT_RULES and source[rule])]
    return ", ".join(f"{source[rule]} {rule}" for rule in shown)


def examine_stage(folder: str, documents: str) -> dict[str, Any]:
    """The largest groups of a dedup folder, and samples of what screens dropped."""
    clusters, samples = largest_clusters(folder, documents), sample_drops(folder, documents)
    return {
        "largest_clusters": [
            {"size": cluster.size, "kept": cluster.kept, "documents": [document.values() for document in cluster.documents]}
            for cluster in clusters
        ],
        "samples": {rule: [document.values() for document in dropped] for rule, dropped in samples.items()},
    }


def write_report(run: Run, counters: dict[str, Any], folder: str, *, heading: str) -> str:
    """Writes `dedup-report.md` into the run's folder; returns its path."""
    path = storage.join(run.folder, REPORT)
    lines = [f"# {heading}", "", *_markdown(counters, examine_stage(folder, run.stage("documents")))]
    storage.write_bytes(path, ("\n".join(lines) + "\n").encode())
    return path


def similarity_lines(counters: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """(bin, documents) of the similarity histogram, in order."""
    for edge, number in sorted(counters["similarity"].items()):
        yield (edge if float(edge) >= 1 else f"{edge} to {float(edge) + 0.02:.2f}"), number


def notes(counters: dict[str, Any]) -> Iterator[str]:
    """What a person has to be told in words, even if they ask for no tables."""
    for name, found in counters.get("contamination", {}).items():
        if not found["documents"]:
            yield f"decontamination: no document matches evaluation set {name!r} ({found['grams']:,} n-grams of {found['texts']:,} texts)"
        if found["too_short"]:
            short = f"{found['too_short']:,} of {found['texts']:,} texts"
            yield f"decontamination: {short} of evaluation set {name!r} are too short to be looked for"
    for name, found in counters.get("earlier_runs", {}).items():
        if not found["documents"]:
            yield f"no document matches one of the {found['kept']:,} of the earlier run {name!r}"
        if found["estimated"]:
            estimated = f"{found['estimated']:,} matches with the earlier run {name!r}"
            yield f"{estimated} are estimates from signatures: its documents are not there any more"
    if oversized := counters.get("oversized_buckets"):
        documents, skipped = f"{counters['oversized_documents']:,} documents", f"{counters['skipped_pairs']:,} pairs"
        yield (
            f"{oversized:,} buckets exceed dedup.bucket_limit: of their {documents} each was compared with the first in keep order "
            f"and with the next, {skipped} were not compared"
        )
    if oversized := counters.get("earlier_oversized_buckets"):
        yield f"{oversized:,} buckets with earlier runs are larger than dedup.bucket_limit: not all of their pairs were compared"


def _markdown(counters: dict[str, Any], examined: dict[str, Any]) -> Iterator[str]:
    rules = rules_of(counters)
    yield f"{counters['dropped']:,} of {counters['documents']:,} documents go."
    yield ""
    yield f"| source | documents | {' | '.join(rules)} | kept | share that goes |"
    yield "|---|" + "---:|" * (len(rules) + 3)
    for name, source in counters["sources"].items():
        figures = " | ".join(f"{source[key]:,}" for key in ("documents", *rules, "kept"))
        yield f"| {name} | {figures} | {source['dropped'] / max(1, source['documents']):.1%} |"
    yield from ("", "## Similarity to the document that stays", "", "| similarity | documents |", "|---|---:|")
    yield from (f"| {edge} | {number:,} |" for edge, number in similarity_lines(counters))
    yield from ("", f"## The {len(examined['largest_clusters'])} largest groups of duplicates")
    for cluster in examined["largest_clusters"]:
        yield from ("", f"### {cluster['size']:,} documents, {cluster['kept']:,} stay", "")
        yield from (_entry(document) for document in cluster["documents"])
    for rule, entries in examined["samples"].items():
        yield from ("", f"## Samples of `{rule}`", "")
        yield from (_entry(document, goes=True) for document in entries)
    for note in notes(counters):
        yield from ("", f"- {note}")


def _entry(document: dict[str, Any], *, goes: bool = False) -> str:
    place = " ".join(str(document[key]) for key in ("source", "origin", "locator", "url", "title") if key in document)
    whom = " of ".join(document[key] for key in ("keeper", "other") if key in document)
    fate = f"goes for {whom}" if whom else "goes" if goes else "stays"
    similarity = f", similarity {document['similarity']}" if "similarity" in document else ""
    kept = f" Stays: {document['keeper_excerpt']!r}" if document.get("keeper_excerpt") else ""
    return f"- {document['document']} {fate}{similarity} ({place}): {document.get('excerpt', '')!r}{kept}"
