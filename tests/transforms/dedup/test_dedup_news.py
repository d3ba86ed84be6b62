"""Deduplication of the Reuters articles against brute force."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.transforms.dedup.small_corpora import (
    drop_duplicates,
    files_of,
    slow_jaccard,
    slow_shingles,
    write_documents,
)
from transforms.contracts.addresses import unpack_address
from transforms.contracts.documents import document_id
from transforms.dedup.near.pairs import near_duplicate_pairs
from transforms.dedup.settings import DedupConfig
from transforms.dedup.summary import summarise

pytestmark = pytest.mark.real_data

_PART = 5_000


@pytest.fixture(scope="module")
def documents(news: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("news") / "documents"
    rows = [
        {
            "text": article["text"],
            "title": article["title"],
            "locator": article["id"],
            "source": "news",
        }
        for article in news
    ]
    write_documents(folder, [rows[start : start + _PART] for start in range(0, len(rows), _PART)])
    return folder


@pytest.fixture(scope="module")
def deduplicated(documents: Path) -> Path:
    out = documents.parent / "one"
    drop_duplicates(documents, out, DedupConfig(), parts=range(4))
    return out


@pytest.fixture(scope="module")
def known_pairs(news: list[dict[str, Any]], data_folder: Path) -> set[tuple[int, int]]:
    """Pairs of articles with a Jaccard similarity of at least 0.8, by exhaustive comparison."""
    number = {article["id"]: index for index, article in enumerate(news)}
    with gzip.open(data_folder / "news" / "near-duplicates.tsv.gz", "rt") as stream:
        rows = [line.split() for line in stream]
    return {
        tuple(sorted((number[a], number[b])))
        for a, b, similarity in rows
        if float(similarity) >= 0.8
    }


def _drops(out: Path) -> dict[int, tuple[int, float]]:
    """Article number -> (number of its keeper, similarity)."""
    found = {}
    for part, path in enumerate(sorted(out.glob("drops-*.parquet"))):
        for drop in pq.read_table(path).to_pylist():
            keeper_part, keeper_row = unpack_address(drop["keeper"])
            found[part * _PART + drop["row"]] = keeper_part * _PART + keeper_row, drop["similarity"]
    return found


def test_recall_of_pairs(news: list[dict[str, Any]], known_pairs: set[tuple[int, int]]):
    first, second, similarity = near_duplicate_pairs(
        pa.array([article["text"] for article in news], pa.large_string()), DedupConfig()
    )
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert found <= known_pairs
    assert len(found) / len(known_pairs) >= 0.995
    for a, b, value in zip(first.tolist(), second.tolist(), similarity.tolist(), strict=True):
        assert value == slow_jaccard(
            slow_shingles(news[a]["text"], 5), slow_shingles(news[b]["text"], 5)
        )


def test_drops_are_those_of_a_greedy_pass(
    news: list[dict[str, Any]], deduplicated: Path, known_pairs: set[tuple[int, int]]
):
    similar: dict[int, set[int]] = {}
    for a, b in known_pairs:
        similar.setdefault(a, set()).add(b)
        similar.setdefault(b, set()).add(a)
    kept: set[int] = set()
    for article in sorted(
        similar,
        key=lambda number: (
            -len(news[number]["text"]),
            document_id("news", "test", news[number]["id"]),
        ),
    ):
        if not similar[article] & kept:
            kept.add(article)
    assert set(_drops(deduplicated)) == set(similar) - kept
    assert len(similar) - len(kept) in (495, 496)


def test_every_drop_is_similar_to_one_that_stays(news: list[dict[str, Any]], deduplicated: Path):
    drops = _drops(deduplicated)
    for article, (keeper, similarity) in drops.items():
        assert keeper not in drops
        exact = slow_jaccard(
            slow_shingles(news[article]["text"], 5), slow_shingles(news[keeper]["text"], 5)
        )
        assert exact >= 0.8
        assert similarity == pytest.approx(exact, abs=1e-6)


def test_workers_order_and_ranges_leave_no_trace(documents: Path, deduplicated: Path):
    two = documents.parent / "two"
    drop_duplicates(documents, two, DedupConfig(ranges=5), parts=[2, 0, 3, 1], workers=2)
    assert files_of(two) == files_of(deduplicated)


def test_summary(documents: Path, deduplicated: Path, news: list[dict[str, Any]]):
    summary = summarise(str(deduplicated), str(documents))
    assert summary.total.documents == len(news) == 19_043
    assert summary.total.dropped == len(_drops(deduplicated))
    assert summary.oversized_buckets == 0
