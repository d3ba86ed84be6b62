"""Tables of what `pipeline.inspect` found, for a terminal."""

from collections.abc import Callable, Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_LISTED = 6


def print_inspection(console: Console, values: dict[str, Any]) -> None:
    """Prints the tables of a run, a stage, a shard or a tokenizer."""
    if values["kind"] == "run":
        console.print(f"[bold]run[/] {escape(values['path'])}")
        for stage in values["stages"].values():
            print_inspection(console, stage)
        return
    for table in _TABLES[values["kind"]](values):
        # A table's own title would be folded to the width of its columns.
        console.print(f"\n[bold]{escape(str(table.title))}[/]")
        table.title = None
        console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, header_style="", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _title(values: dict[str, Any]) -> str:
    return f"{values['kind']}: {values['files']} files, {values['bytes'] / 1e6:.1f} MB, {values['seconds']:.1f} s"


def _documents(values: dict[str, Any]) -> Iterable[Table]:
    table = _table(_title(values), "source", "read", "kept", "rejected", "text MB", "languages")
    reasons = _table("rejected", "source", "rule", "documents")
    for name, source in values["counters"]["sources"].items():
        languages = _largest(source["languages"])
        text = f"{source['text_bytes'] / 1e6:.2f}"
        table.add_row(name, f"{source['read']:,}", f"{source['kept']:,}", f"{source['read'] - source['kept']:,}", text, languages)
        for rule, number in sorted(source["rejected"].items(), key=lambda item: -item[1]):
            reasons.add_row(name, rule, f"{number:,}")
    yield table
    if reasons.row_count:
        yield reasons


def _dedup(values: dict[str, Any]) -> Iterable[Table]:
    counters = values["counters"]
    table = _table(_title(values), "source", "documents", "exact", "near", "kept")
    for name, source in counters["sources"].items():
        kept = source["documents"] - source["exact"] - source["near"]
        table.add_row(name, *(f"{number:,}" for number in (source["documents"], source["exact"], source["near"], kept)))
    yield table
    others = _table("near-duplicate search", "figure", "count")
    for key, value in counters.items():
        if isinstance(value, int):
            others.add_row(key.replace("_", " "), f"{value:,}")
    yield others


def _tokenizer(values: dict[str, Any]) -> Iterable[Table]:
    counters = values["counters"]
    sample = counters["sample"]
    learned = f"{counters['vocabulary']:,} tokens from {sample['documents']:,} documents, {sample['text_bytes'] / 1e6:.1f} MB"
    table = _table(f"{_title(values)}; {learned}", "bytes per token", "documents measured", "bytes/token")
    for kind in ("sources", "languages"):
        for label, found in counters["measured"][kind].items():
            table.add_row(f"{kind[:-1]} {label}", f"{found['documents']:,}", f"{found['bytes'] / max(1, found['tokens']):.2f}")
    yield table
    yield _longest(values)


def _longest(values: dict[str, Any]) -> Table:
    table = _table(f"longest tokens of {values['counters']['vocabulary']:,}", "token")
    for token in values["longest_tokens"]:
        table.add_row(escape(repr(token)))
    return table


def _shards(values: dict[str, Any]) -> Iterable[Table]:
    table = _table(
        _title(values), "split and source", "rows", "documents", "tokens", "utilisation", "padding", "split documents", "bytes/token"
    )
    for split, sources in values["counters"].items():
        for name, found in sources.items():
            table.add_row(f"{split} {name}", *_shard_figures(found))
    yield table


def _shard(values: dict[str, Any]) -> Iterable[Table]:
    info = _table(values["path"], "key", "value")
    for key, value in values["info"].items():
        info.add_row(key, str(value))
    yield info
    table = _table("", "rows", "documents", "tokens", "utilisation", "padding", "split documents", "bytes/token")
    table.add_row(*_shard_figures(values["counters"]))
    yield table


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


_TABLES: dict[str, Callable[[dict[str, Any]], Iterable[Table]]] = {
    "documents": _documents,
    "dedup": _dedup,
    "tokenizer": _tokenizer,
    "shards": _shards,
    "shard": _shard,
    "tokenizer file": lambda values: [_longest(values)],
}
