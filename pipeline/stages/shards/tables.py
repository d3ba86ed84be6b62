"""The table of finished shards."""

from collections.abc import Iterator

from pipeline.stages.shards.made import encoder_of
from pipeline.stages.stage import StageView
from pipeline.terminal import Section, figures_table
from transforms.contracts.counters import ShardCounters, ShardsCounters

COLUMNS = (
    "rows",
    "documents",
    "tokens",
    "utilisation",
    "padding",
    "split documents",
    "bytes/token",
)


def shards_sections(view: StageView[ShardsCounters]) -> Iterator[Section]:
    """The table of rows, documents, tokens and utilisation by split and source."""
    table = figures_table("split, source", *COLUMNS)
    for split, sources in view.counters.splits.items():
        for name, counters in sources.items():
            table.add_row(f"{split} {name}", *shard_figures(counters))
    encoder = encoder_of(view.details)
    yield Section(view.heading + (f"; {encoder.note}" if encoder else ""), table)


def shard_figures(counters: ShardCounters) -> list[str]:
    """Counters of shards -> the cells of COLUMNS."""
    return [
        f"{counters.rows:,}",
        f"{counters.documents:,}",
        f"{counters.targets:,}",
        f"{counters.utilisation:.2%}",
        f"{counters.padding:,}",
        f"{counters.split_documents:,}",
        f"{counters.bytes / max(1, counters.targets):.2f}",
    ]
