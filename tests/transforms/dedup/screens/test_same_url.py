"""Documents of one URL: which stays, whatever the batches, the order and the ranges."""

import datetime
import itertools
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import (
    day,
    drop_duplicates,
    files_of,
    local_pipeline,
    write_documents,
)
from transforms.beam.screen_urls import ScreenUrls
from transforms.dedup.screens.same_url import hash_urls, link_urls
from transforms.dedup.screens.screened import screened_drops
from transforms.dedup.settings import DedupConfig

_PAGES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                None,
                "",
                "http://a.org/x",
                "HTTP://www.a.org:80/x#top",
                "http://a.org/x?utm_source=n",
                "http://a.org/y",
                "no url",
            ]
        ),
        st.none() | st.integers(0, 3),
    ),
    max_size=12,
)
_SAME = {
    "HTTP://www.a.org:80/x#top": "http://a.org/x",
    "http://a.org/x?utm_source=n": "http://a.org/x",
    "": None,
    "no url": None,
}


def _hashed(pages: list, addresses: list[int], wins: str) -> pa.RecordBatch:
    return hash_urls(
        pa.array([bytes([0] * 15 + [address]) for address in addresses], pa.binary(16)),
        pa.array([url for url, _ in pages], pa.string()),
        pa.array(
            [None if number is None else day(number) for _, number in pages],
            pa.timestamp("s", tz="UTC"),
        ),
        np.array(addresses, np.uint64),
        wins=wins,
    )


@given(_PAGES, st.sampled_from(["newest", "first"]), st.randoms(), st.integers(1, 4))
def test_equals_a_plain_loop_in_any_order_and_batches(pages: list, wins: str, random, cuts: int):
    best: dict[str, tuple] = {}
    expected = {}
    for address, (url, number) in enumerate(pages):
        page = _SAME.get(url, url)
        if page is not None:
            rank = ((number is None, -(number or 0)) if wins == "newest" else (), address)
            best[page] = min(best.get(page, rank), rank)
    for address, (url, _) in enumerate(pages):
        page = _SAME.get(url, url)
        if page is not None and best[page][-1] != address:
            expected[address] = best[page][-1]
    addresses = list(range(len(pages)))
    random.shuffle(addresses)
    batches = [
        _hashed([pages[address] for address in chosen], chosen, wins)
        for chosen in (addresses[start::cuts] for start in range(cuts))
    ]
    gone = link_urls(batches).to_pylist()
    assert {row["member"]: row["keeper"] for row in gone} == expected
    assert all(
        row["keeper_id"][-1] == row["keeper"] and row["id"][-1] == row["member"] for row in gone
    )


def _screen(
    documents: Path, out: Path, config: DedupConfig, *, parts: list[int], ranges: int = 2
) -> None:
    (out / "screened").mkdir(parents=True)
    with local_pipeline(1) as pipeline:
        _ = (
            pipeline
            | beam.Create(parts, reshuffle=False)
            | ScreenUrls(str(documents), str(out), config, ranges)
        )


@pytest.mark.parametrize(("wins", "gone"), [("newest", {0, 2}), ("first", {1, 2})])
def test_drops_name_who_stays_and_who_goes_takes_nobody_along(
    tmp_path: Path, wins: str, gone: set[int]
):
    """Row 3 copies the text of row 2 and is kept: row 2 is dropped before texts are compared."""
    long = " ".join(f"word{number}" for number in range(60))
    documents = [
        {"text": "old page " + long[:200], "url": "http://a.org/x", "published": day(1)},
        {"text": "new page, quite another", "url": "http://www.a.org/x#y", "published": day(2)},
        {"text": long, "url": "http://a.org/x?fbclid=1", "published": None},
        {
            "text": long,
            "url": "http://b.org/",
            "published": datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC),
        },
    ]
    write_documents(tmp_path / "documents", [documents[:2], documents[2:], []])
    config = DedupConfig(urls=wins)
    _screen(tmp_path / "documents", tmp_path / "out", config, parts=[0, 1, 2])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", config, parts=[0, 1, 2])
    drops = [
        (2 * part + row["row"], row["rule"], row["similarity"], row["keeper"])
        for part in (0, 1, 2)
        for row in pq.read_table(tmp_path / "out" / f"drops-{part:05d}.parquet").to_pylist()
    ]
    keeper = ({0, 1, 2} - gone).pop()
    assert drops == [(row, "dedup/url", None, keeper) for row in sorted(gone)]


def test_same_bytes_whatever_the_ranges_and_the_order_of_parts(tmp_path: Path):
    pages = [
        {"text": f"t{number}", "url": f"http://a.org/{number % 7}", "published": day(number % 3)}
        for number in range(40)
    ]
    write_documents(tmp_path / "documents", [pages[:9], pages[9:30], pages[30:]])
    config = DedupConfig(urls="newest")
    for ranges, parts in zip((1, 2, 16), itertools.permutations([0, 1, 2]), strict=False):
        _screen(
            tmp_path / "documents", tmp_path / str(ranges), config, parts=list(parts), ranges=ranges
        )
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2") == files_of(tmp_path / "16")
    assert (
        sum(screened_drops(str(tmp_path / "1"), part, config).num_rows for part in range(3)) == 33
    )
