"""The Beam transform: parts -> tables by hash range that hold the counts of all kept documents."""

from collections import Counter
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.testing.test_pipeline import TestPipeline

from pipeline.stages.tokenizer.pretokens import gather_counts
from transforms.beam.count_pretokens import CountPretokens
from transforms.contracts.counters import LeftOut, PretokenCounters
from transforms.contracts.names import pretoken_range_path
from transforms.tokens.patterns import PATTERNS, splitter

TEXTS = [
    [f"Part {part} has word{row % 5} and, row {row}, the river." for row in range(40)]
    for part in range(3)
] + [[]]
DROPPED = [0, 7]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """(part, drops) of three parts with documents and one without, rows 0 and 7 dropped in each."""
    folder = tmp_path_factory.mktemp("parts")
    for number, texts in enumerate(TEXTS):
        pq.write_table(
            pa.table({"text": pa.array(texts, pa.large_string())}),
            folder / f"part-{number}.parquet",
        )
        rows = [row for row in DROPPED if row < len(texts)]
        pq.write_table(
            pa.table({"row": pa.array(rows, pa.uint32())}), folder / f"drops-{number}.parquet"
        )
    return [
        (str(folder / f"part-{number}.parquet"), str(folder / f"drops-{number}.parquet"))
        for number in range(len(TEXTS))
    ]


def expected() -> Counter[str]:
    cut = splitter(PATTERNS["gpt4"])
    kept = (text for texts in TEXTS for row, text in enumerate(texts) if row not in DROPPED)
    return Counter(pretoken for text in kept for pretoken, _ in cut.pre_tokenize_str(text))


def count(parts: list[tuple[str, str]], out: Path, *passes: tuple[int, ...]) -> list[str]:
    out.mkdir()
    ranges = sum(map(len, passes))
    for wanted in passes:
        with TestPipeline(runner="FnApiRunner") as pipeline:
            _ = (
                pipeline
                | beam.Create(parts)
                | CountPretokens(str(out), "gpt4", "none", ranges, wanted)
            )
    return [pretoken_range_path(str(out), number, ranges) for number in range(ranges)]


def test_counts_are_those_of_all_kept_documents(
    parts: list[tuple[str, str]], tmp_path: Path
) -> None:
    paths = count(parts, tmp_path / "one", (0, 1, 2))
    table, counters = gather_counts(paths, minimum_count=1, max_pretokens=10**6)
    rows = table.to_pylist()
    assert {row["pretoken"].decode(): row["count"] for row in rows} == expected()
    assert rows == sorted(rows, key=lambda row: (-row["count"], row["pretoken"]))
    assert counters == PretokenCounters(
        minimum_count=1,
        pretokens=len(expected()),
        occurrences=expected().total(),
        left_out=LeftOut(pretokens=0, occurrences=0),
    )


def test_parts_in_another_order_other_ranges_and_passes_give_the_same_table(
    parts: list[tuple[str, str]], tmp_path: Path
) -> None:
    one = count(parts, tmp_path / "one", (0, 1))
    again = count(parts[::-1], tmp_path / "again", (0, 1))
    assert [Path(path).read_bytes() for path in one] == [Path(path).read_bytes() for path in again]
    passes = count(parts, tmp_path / "passes", (0, 1), (2,), (3, 4))
    tables = [
        gather_counts(paths, minimum_count=1, max_pretokens=10**6)[0] for paths in (one, passes)
    ]
    assert tables[0].equals(tables[1])


def test_more_ranges_than_pretokens_give_empty_tables(
    parts: list[tuple[str, str]], tmp_path: Path
) -> None:
    paths = count(parts[-1:], tmp_path / "empty", (0, 1))
    table, counters = gather_counts(paths, minimum_count=1, max_pretokens=1)
    assert (table.num_rows, counters.pretokens) == (0, 0)


@pytest.mark.parametrize(
    ("minimum_count", "max_pretokens"), [(1, 10), (3, 10**6), (200, 10**6), (1, 1)]
)
def test_the_rarest_are_left_out_and_counted(
    parts: list[tuple[str, str]], tmp_path: Path, minimum_count: int, max_pretokens: int
) -> None:
    paths = count(parts, tmp_path / "one", (0, 1))
    table, counters = gather_counts(paths, minimum_count=minimum_count, max_pretokens=max_pretokens)
    least = counters.minimum_count
    kept = {pretoken: number for pretoken, number in expected().items() if number >= least}
    assert {row["pretoken"].decode(): row["count"] for row in table.to_pylist()} == kept
    assert len(kept) <= max_pretokens
    assert (
        least == minimum_count
        or sum(number >= least - 1 for number in expected().values()) > max_pretokens
    )
    assert counters.left_out == LeftOut(
        pretokens=len(expected()) - len(kept), occurrences=expected().total() - sum(kept.values())
    )
