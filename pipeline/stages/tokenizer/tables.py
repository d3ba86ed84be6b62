"""The tables of a finished tokenizer: its origin, and its measurements beside other tokenizers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.stages.stage import StageView
from pipeline.terminal import Section, figures_table
from training.config import VOCABULARY_MULTIPLE
from transforms.contracts.counters import EncodedCounters, MeasuredTokenizer, TokenizerCounters


@dataclass(frozen=True, kw_only=True)
class TokenizerView(StageView[TokenizerCounters]):
    """The view of a finished stage, with its longest tokens."""

    longest_tokens: list[str]


def describe_origin(counters: TokenizerCounters) -> str:
    """The size of a tokenizer and what it was trained on, in one line."""
    padded = -(-counters.vocabulary // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    tokens = f"{counters.vocabulary:,} tokens" + (
        f" (a model pads to {padded:,})" if padded != counters.vocabulary else ""
    )
    if counted := counters.counted:
        left_out = counted.left_out.pretokens
        less = f", {left_out:,} rarer ones left out" if left_out else ""
        return (
            f"{tokens} learned from {counted.occurrences:,} pre-tokens, "
            f"{counted.pretokens:,} different ones{less}"
        )
    if sample := counters.sample:
        return (
            f"{tokens} learned from a sample: "
            f"{sample.documents:,} documents, {sample.text_bytes / 1e6:.1f} MB"
        )
    return f"{tokens} from a file"


def tokenizer_sections(view: TokenizerView) -> Iterator[Section]:
    """Tables of bytes per token by source and language, of vocabulary use, and longest tokens."""
    counters = view.counters
    compared = counters.compared or {}
    tokenizers = [counters.measured, *compared.values()]
    table = figures_table(
        "measured on", "documents", "bytes/token", *(f"{name}, bytes/token" for name in compared)
    )
    for what, by_label in (
        ("source", [tokenizer.sources for tokenizer in tokenizers]),
        ("language", [tokenizer.languages for tokenizer in tokenizers]),
    ):
        for label, measured in by_label[0].items():
            table.add_row(
                f"{what} {label}",
                f"{measured.documents:,}",
                *(_rate(each.get(label)) for each in by_label),
            )
    yield Section(f"{view.heading}; {describe_origin(counters)}", table)
    yield Section(
        "use of the vocabulary", "\n".join(_use_lines({"": counters.measured, **compared}))
    )
    yield longest_section(counters.vocabulary, view.longest_tokens)


def longest_section(vocabulary: int, longest: Sequence[str]) -> Section:
    """The longest tokens of a vocabulary of this size, in one line."""
    return Section(f"longest of {vocabulary:,} tokens", "  ".join(map(repr, longest)))


def _use_lines(tokenizers: dict[str, MeasuredTokenizer]) -> Iterator[str]:
    """One line per tokenizer: tokens that the sample uses, and texts that a round trip changes."""
    for name, measured in tokenizers.items():
        prefix = f"{name}: " if name else ""
        used = f"{measured.tokens.used:,} tokens used, {measured.tokens.unused:,} not"
        trip = measured.round_trip
        yield (
            f"{prefix}{used}; {trip.failed:,} of {trip.documents:,} documents "
            "changed by encoding and decoding"
        )


def _rate(measured: EncodedCounters | None) -> str:
    return f"{measured.bytes / max(1, measured.tokens):.2f}" if measured else ""
