"""Tables of what `pipeline.commands.show_tables.values` found, for a terminal."""

from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.progress import encoder_note
from pipeline.stages.dedup.report import notes, rules_of, similarity_lines
from pipeline.stages.tokenizer.tables import describe_origin, quality_columns, quality_table, use_lines

_LISTED = 8
_BAR = 40
_EXCERPT = 70


def print_inspection(console: Console, values: dict[str, Any]) -> None:
    """Prints the tables of a run, a stage, a shard or a tokenizer."""
    if values["kind"] == "run":
        console.print(f"[bold]run[/] {escape(shown_path(values['path']))}")
        for stage in values["stages"].values():
            print_inspection(console, stage)
        return
    print_sections(console, _SECTIONS[values["kind"]](values))


def _heading(values: dict[str, Any]) -> str:
    return f"{values['kind']}: {values['files']} files, {values['bytes'] / 1e6:.1f} MB, {values['seconds']:.1f} s"


_COUNTED_WORDS = {
    "truncated": "kept, but only a part of what there was, by source and reason",
    "notes": "noted in reading, by source",
    "passed_over": "records of types that hold no documents, by source",
}


def _documents(values: dict[str, Any]) -> Iterator[Section]:
    table = figures_table("source", "read", "kept", "rejected", "text MB", "languages")
    reasons = figures_table("source", "rule", "documents")
    for name, source in values["counters"]["sources"].items():
        languages = _largest(source["languages"])
        text = f"{source['text_bytes'] / 1e6:.2f}"
        table.add_row(name, f"{source['read']:,}", f"{source['kept']:,}", f"{source['read'] - source['kept']:,}", text, languages)
        for rule, number in sorted(source["rejected"].items(), key=lambda item: (-item[1], item[0])):
            reasons.add_row(name, rule, f"{number:,}")
    yield Section(_heading(values), table)
    if reasons.row_count:
        yield Section("rejected, by source and rule", reasons)
    for key, title in _COUNTED_WORDS.items():
        counted = figures_table("source", key.replace("_", " "), "records" if key == "passed_over" else "documents")
        for name, source in values["counters"]["sources"].items():
            for word, number in sorted(source.get(key, {}).items(), key=lambda item: (-item[1], item[0])):
                counted.add_row(name, escape(word), f"{number:,}")
        if counted.row_count:
            yield Section(title, counted)


def print_dedup(console: Console, values: dict[str, Any], *, heading: str) -> None:
    """Prints the tables of a deduplication that is no finished stage."""
    print_sections(console, _dedup_sections(values, heading))


def _dedup(values: dict[str, Any]) -> Iterator[Section]:
    yield from _dedup_sections(values, _heading(values))


def _dedup_sections(values: dict[str, Any], heading: str) -> Iterator[Section]:
    counters = values["counters"]
    rules = rules_of(counters)
    table = figures_table("source", "documents", *rules, "kept", "share that goes")
    for name, source in counters["sources"].items():
        share = f"{source['dropped'] / max(1, source['documents']):.2%}"
        table.add_row(name, *(f"{source[key]:,}" for key in ("documents", *rules, "kept")), share)
    yield Section(heading, table)
    if said := list(notes(counters)):
        yield Section("to be known", "\n".join(said))
    groups = f"{counters['components']:,} groups, the largest of {counters['largest_component']:,} documents"
    pairs = f"{counters['candidate_pairs']:,} candidate pairs, {counters['similar_pairs']:,} of them similar"
    large = f"{counters['oversized_buckets']:,} oversized buckets, in which {counters['skipped_pairs']:,} pairs were not compared"
    yield Section("groups of duplicates", f"{groups}; {pairs}; {large}")
    if sets := counters.get("contamination"):
        table = figures_table("evaluation set", "texts", "too short", "n-grams", "documents that share one", "shared")
        for name, found in sets.items():
            table.add_row(escape(name), *(f"{found[key]:,}" for key in ("texts", "too_short", "grams", "documents", "matches")))
        yield Section("contamination", table)
    if lines := counters.get("lines_removed"):
        what = f"{lines['lines']:,} lines ({lines['characters']:,} characters) of {lines['documents']:,} documents"
        yield Section("lines that other documents have too", f"{what} go")
    if counters["similarity"]:
        histogram = figures_table("similarity to keeper", "documents", "")
        most = max(counters["similarity"].values())
        for edge, number in similarity_lines(counters):
            histogram.add_row(edge, f"{number:,}", "#" * -(-_BAR * number // most))
        histogram.columns[2].justify = "left"
        yield Section("duplicates by similarity", histogram)
    if values["largest_clusters"]:
        largest = figures_table("documents", "stay", "least similar", "first document that stays")
        for cluster in values["largest_clusters"]:
            least = f"{min((document['similarity'] for document in cluster['documents'] if 'similarity' in document), default=1.0):.3f}"
            largest.add_row(f"{cluster['size']:,}", f"{cluster['kept']:,}", least, escape(_shortened(cluster["documents"][0])))
        largest.columns[3].justify = "left"
        yield Section("largest groups", largest)
    if recall := values.get("recall"):
        yield recall_section(recall)


def recall_section(recall: dict[str, Any]) -> Section:
    """What the bands promise, as `transforms.dedup.near.bands.expected_recall` gives it."""
    curve = "  ".join(f"{similarity:g}: {probability:.3f}" for similarity, probability in recall["curve"])
    bands = f"{recall['bands']} bands of {recall['rows']} rows"
    return Section(f"probability that a pair of a similarity is compared ({bands}; {recall['expected']:.4f} at the threshold)", curve)


def _shortened(document: dict[str, Any]) -> str:
    return " ".join(part for part in (document.get("source"), document["document"], document.get("excerpt", "")[:_EXCERPT]) if part)


def _tokenizer(values: dict[str, Any]) -> Iterator[Section]:
    counters = values["counters"]
    table = quality_table(figures_table(*quality_columns(counters)), counters)
    yield Section(f"{_heading(values)}; {describe_origin(counters)}", table)
    yield Section("use of the vocabulary", "\n".join(use_lines(counters)))
    yield _longest(values)


def _longest(values: dict[str, Any]) -> Section:
    return Section(f"longest of {values['counters']['vocabulary']:,} tokens", "  ".join(map(repr, values["longest_tokens"])))


def _shards(values: dict[str, Any]) -> Iterator[Section]:
    table = figures_table("split, source", *_SHARD_COLUMNS)
    for split, sources in values["counters"].items():
        for name, found in sources.items():
            table.add_row(f"{split} {name}", *_shard_figures(found))
    note = encoder_note(values.get("details", {}))
    yield Section(f"{_heading(values)}{note and f'; {note}'}", table)
    yield from _contents(values)


def _shard(values: dict[str, Any]) -> Iterator[Section]:
    info = figures_table("key", "value")
    for key, value in values["info"].items():
        info.add_row(key, str(value))
    yield Section(shown_path(values["path"]), info)
    table = figures_table(*_SHARD_COLUMNS)
    table.add_row(*_shard_figures(values["counters"]))
    yield Section("rows", table)
    yield from _contents(values)


def _contents(values: dict[str, Any]) -> Iterator[Section]:
    from pipeline.commands.show_tables.shards import shard_sections  # which makes its tables of what is here

    if "contents" in values:
        yield from shard_sections(values["contents"])


_SHARD_COLUMNS = ("rows", "documents", "tokens", "utilisation", "padding", "split documents", "bytes/token")


def _shard_figures(found: dict[str, int]) -> list[str]:
    targets, positions = found["targets"], max(1, found["positions"])
    return [
        f"{found['rows']:,}",
        f"{found['documents']:,}",
        f"{targets:,}",
        f"{targets / positions:.2%}",
        f"{found['positions'] - targets:,}",
        f"{found['split_documents']:,}",
        f"{found['bytes'] / max(1, targets):.2f}",
    ]


def _largest(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f" +{len(ordered) - _LISTED}" if len(ordered) > _LISTED else ""
    return " ".join(f"{name} {number}" for name, number in ordered[:_LISTED]) + more


def _tokenizer_file(values: dict[str, Any]) -> Iterator[Section]:
    yield _longest(values)


def _export(values: dict[str, Any]) -> Iterator[Section]:
    table = figures_table("split", "documents", "tokens")
    for split, counts in values["counters"].items():
        table.add_row(split, f"{counts['documents']:,}", f"{counts['tokens']:,}" if "tokens" in counts else "")
    yield Section(_heading(values), table)


_SECTIONS: dict[str, Callable[[dict[str, Any]], Iterator[Section]]] = {
    "documents": _documents,
    "dedup": _dedup,
    "tokenizer": _tokenizer,
    "shards": _shards,
    "shard": _shard,
    "tokenizer file": _tokenizer_file,
    "export": _export,
}
