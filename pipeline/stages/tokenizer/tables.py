"""What `tokenmill inspect` says of a tokenizer: what it was learned from, how it serves the corpus, and others beside it."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from training.config import VOCABULARY_MULTIPLE


def describe_origin(counters: dict[str, Any]) -> str:
    """What a tokenizer was made from, in one line."""
    padded = -(-counters["vocabulary"] // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    tokens = f"{counters['vocabulary']:,} tokens" + (f" (a model pads to {padded:,})" if padded != counters["vocabulary"] else "")
    if counted := counters.get("counted"):
        left_out = counted["left_out"]["pretokens"]
        less = f", {left_out:,} rarer ones left out" if left_out else ""
        return f"{tokens} learned from {counted['occurrences']:,} pre-tokens, {counted['pretokens']:,} different ones{less}"
    if sample := counters.get("sample"):
        return f"{tokens} learned from a sample: {sample['documents']:,} documents, {sample['text_bytes'] / 1e6:.1f} MB"
    return f"{tokens} from a file"


def quality_table(table: Table, counters: dict[str, Any]) -> Table:
    """Adds a row for each source, language and figure to a table of as many columns as `quality_columns` names."""
    own, *_ = tokenizers = [counters["measured"], *counters.get("compared", {}).values()]
    for kind in ("sources", "languages"):
        for label, found in own[kind].items():
            rates = (_rate(each[kind].get(label, {})) for each in tokenizers)
            table.add_row(f"{kind[:-1]} {label}", f"{found['documents']:,}", *rates)
    return table


def quality_columns(counters: dict[str, Any]) -> tuple[str, ...]:
    compared = counters.get("compared", {})
    return ("measured on", "documents", "bytes/token", *(f"{name}, bytes/token" for name in compared))


def use_lines(counters: dict[str, Any]) -> Iterator[str]:
    """For each tokenizer: tokens that the measured documents use, and whether decoding gave these back."""
    for name, measured in {"": counters["measured"], **counters.get("compared", {})}.items():
        tokens, trip = measured["tokens"], measured["round_trip"]
        whose = f"{name}: " if name else ""
        used = f"{tokens['used']:,} tokens used, {tokens['unused']:,} not"
        yield f"{whose}{used}; {trip['failed']:,} of {trip['documents']:,} documents changed by encoding and decoding"


def _rate(found: dict[str, int]) -> str:
    return f"{found['bytes'] / max(1, found['tokens']):.2f}" if found else ""
