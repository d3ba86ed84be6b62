"""Deduplication of a corpus too large to try, on paper: bytes shuffled, core hours, memory and cost, as the table of docs/dedup.md.

    python -m tests.bench.dedup_cost [--documents 1e9 1e11] [--document-bytes 4000] [--pairs 0.1] [--part-documents 25000]
        [--core-hour 0.056] [--gigabyte-hour 0.003557] [--shuffle-gigabyte 0.011] [--gigabytes-a-core 3.75]

Bytes a document are those of the formats, from the code that writes them. Times are the two measured figures below. Prices are what
Google lists for batch workers of Dataflow in us-central1, as known in 2025 and not looked up since: put in your own. The formulas:

    shuffle    = documents * (exact hash + bands * (entry + element / entries in it)) + pairs * (candidate + edge + 2 choices + stars)
    core time  = documents * (fixed + bytes of text / signing rate)
    cost       = core hours * (core hour + gigabytes a core * gigabyte hour) + 2 * shuffle * shuffle gigabyte   (written and read)
"""

import argparse
from dataclasses import dataclass, fields

from transforms.dedup.near.exchange import STAR_ROUNDS, band_bytes, exact_bytes, plan_exchange
from transforms.dedup.near.signatures import signature_bytes
from transforms.dedup.settings import DedupConfig

SIGNING_BYTES_A_SECOND = 25e6
"""Text that one core signs: 20 to 33 MB/s measured, Parquet in and out (docs/performance.md)."""

FIXED_SECONDS = 14e-6
"""Of one core for a document beside that: 341 s for 10 million short ones, less 20 microseconds each to sign 0.39 KB (docs/dedup.md)."""

ELEMENT_BYTES = 13
"""Key, part number and lengths of one exchanged element, (band, range) and the bytes of a part, as Beam's coders write it."""

GROUP_BYTES_AN_ENTRY = 50
"""Memory of finding pairs in one group, for each of its entries, the group itself included: 48.5 measured."""

CANDIDATE_BYTES, EDGE_BYTES, CHOICE_BYTES, STAR_BYTES = 24, 73, 69, 48
"""A pair to compare with its two rows; a similar pair; a member's choice; a pair in one round of star contraction."""

SIGNING_MEMORY = 0.5e9


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """`pairs`: similar pairs for each document; `part_documents`: documents in a part."""

    documents: float
    document_bytes: float = 4000
    pairs: float = 0.1
    part_documents: float = 25_000


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars: of a core for an hour, of a GB of memory for an hour, of a GB written to or read from the shuffle."""

    core_hour: float = 0.056
    gigabyte_hour: float = 0.003557
    shuffle_gigabyte: float = 0.011
    gigabytes_a_core: float = 3.75


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Bytes, hours of one core, dollars."""

    shuffle: float
    signatures: float
    core_hours: float
    ranges: int
    group_documents: float
    worker_memory: float
    core_dollars: float
    shuffle_dollars: float


def cost_of(corpus: Corpus, prices: Prices, config: DedupConfig) -> Cost:
    """The formulas above."""
    exchange = plan_exchange(int(corpus.documents), config, memory=None)
    elements = config.bands * ELEMENT_BYTES / max(corpus.part_documents / exchange.ranges, 1)
    stars = STAR_BYTES * STAR_ROUNDS if exchange.rounds else 0
    a_pair = CANDIDATE_BYTES + EDGE_BYTES + 2 * CHOICE_BYTES + stars
    shuffle = corpus.documents * (
        exact_bytes(1, config) + band_bytes(1, config) + elements + corpus.pairs * a_pair
    )
    core_hours = (
        corpus.documents * (FIXED_SECONDS + corpus.document_bytes / SIGNING_BYTES_A_SECOND) / 3600
    )
    group = corpus.documents / exchange.ranges
    return Cost(
        shuffle=shuffle,
        signatures=corpus.documents * signature_bytes(config),
        core_hours=core_hours,
        ranges=exchange.ranges,
        group_documents=group,
        worker_memory=max(SIGNING_MEMORY, group * GROUP_BYTES_AN_ENTRY),
        core_dollars=core_hours
        * (prices.core_hour + prices.gigabytes_a_core * prices.gigabyte_hour),
        shuffle_dollars=2 * shuffle / 1e9 * prices.shuffle_gigabyte,
    )


def table(corpora: list[Corpus], prices: Prices, config: DedupConfig) -> str:
    """The costs of some corpora side by side, as Markdown."""
    costs = [cost_of(corpus, prices, config) for corpus in corpora]
    heads = [
        f"{_count(corpus.documents)} pages ({_bytes(corpus.documents * corpus.document_bytes)})"
        for corpus in corpora
    ]
    hour = prices.core_hour + prices.gigabytes_a_core * prices.gigabyte_hour
    rows = [
        ("shuffle", [_bytes(cost.shuffle) for cost in costs]),
        (
            "bytes shuffled a document",
            [
                f"{cost.shuffle / corpus.documents:.0f}"
                for cost, corpus in zip(costs, corpora, strict=True)
            ],
        ),
        ("signatures kept", [_bytes(cost.signatures) for cost in costs]),
        ("core hours", [_three(cost.core_hours) for cost in costs]),
        (
            "hash ranges; documents in one group",
            [f"{cost.ranges:,}; {_count(cost.group_documents)}" for cost in costs],
        ),
        ("memory a worker", [_bytes(cost.worker_memory) for cost in costs]),
        (
            f"Dataflow: cores with {prices.gigabytes_a_core:g} GB at ${hour:.3f} an hour",
            [_dollars(cost.core_dollars) for cost in costs],
        ),
        (
            f"Dataflow: shuffle at ${prices.shuffle_gigabyte:g} a GB, written and read",
            [_dollars(cost.shuffle_dollars) for cost in costs],
        ),
        ("in all", [_dollars(cost.core_dollars + cost.shuffle_dollars) for cost in costs]),
    ]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---|" * len(costs)]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(values)} |" for name, values in rows)])


def _count(number: float) -> str:
    for unit, name in ((1e9, "billion"), (1e6, "million")):
        if number >= unit:
            return f"{_three(number / unit)} {name}"
    return f"{number:,.0f}"


def _bytes(number: float) -> str:
    unit, name = (1e12, "TB") if number >= 1e11 else (1e9, "GB")
    return f"{_three(number / unit)} {name}"


def _dollars(number: float) -> str:
    return f"${_three(number)}"


def _three(number: float) -> str:
    """Two digits that count; more in front of the point are all shown."""
    return f"{float(f'{number:.2g}') if number < 100 else round(number, -1):,g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=float, nargs="+", default=[1e9, 1e11])
    for kind in (Corpus, Prices):
        for field in fields(kind):
            if field.name != "documents":
                parser.add_argument(
                    f"--{field.name.replace('_', '-')}", type=float, default=field.default
                )
    given = vars(parser.parse_args())
    corpora = [
        Corpus(
            documents=documents,
            **{
                field.name: given[field.name]
                for field in fields(Corpus)
                if field.name != "documents"
            },
        )
        for documents in given["documents"]
    ]
    print(
        table(
            corpora,
            Prices(**{field.name: given[field.name] for field in fields(Prices)}),
            DedupConfig(),
        )
    )


if __name__ == "__main__":
    main()
