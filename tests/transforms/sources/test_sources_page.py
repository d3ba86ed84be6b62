"""docs/sources.md describes the registry and the reader of URLs as they are."""

import re

import pytest

from pipeline.stages.documents.planning import _LARGEST_UNIT, _UNITS, SMALLEST_UNIT
from tests.conftest import PROJECT
from transforms.sources.common_crawl import BASE, is_crawl_name, parse_crawl_name
from transforms.sources.registry import KINDS
from transforms.sources.warc import MAX_PAYLOAD_MEGABYTES
from transforms.storage import web

PAGE = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
ROWS = {
    row[0].strip("`"): row
    for row in (
        re.split(r" \| ", line[2:-2])
        for line in PAGE.split("\n## ")[0].splitlines()
        if line.startswith("| `")
    )
}


def test_the_table_names_every_kind() -> None:
    assert set(ROWS) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_table_says_what_splits(kind: str) -> None:
    splits = {".gz": ("a.gz",), "plain": ("a.jsonl",), "row groups": ("a.parquet",), "no": ()}[
        ROWS[kind][3].strip("`")
    ]
    found = tuple(
        name for name in ("a.gz", "a.zst", "a.jsonl", "a.parquet") if KINDS[kind].can_split(name)
    )
    if kind == "jsonl" or kind == "parquet":
        assert set(splits) <= set(found)
        assert ("a.gz" in found) == (kind == "parquet")
    else:
        assert found == splits


def test_figures() -> None:
    words = " ".join(PAGE.split())
    assert f"up to {web.ATTEMPTS} attempts" in words
    assert all(str(code) in words for code in web._RETRIED)
    assert [web.FIRST_DELAY * 2**attempt for attempt in range(web.ATTEMPTS - 1)] == [1, 2, 4, 8, 16]
    assert "1, 2, 4, 8 and 16 seconds" in words
    assert f"(up to {web.LONGEST_RETRY_AFTER:.0f})" in words
    assert f"{web.TIMEOUT:.0f} seconds of silence" in words
    assert f"(`warc`; {MAX_PAYLOAD_MEGABYTES:.0f} if not set)" in words
    assert f"`{BASE}` if not set" in words
    assert (_UNITS, SMALLEST_UNIT, _LARGEST_UNIT) == (256, 2 << 20, 64 << 20)


def test_the_names_of_the_example_are_right() -> None:
    names = [name for name in re.findall(r'"([^"]+)"', PAGE) if is_crawl_name(name)]
    assert len(names) == 2
    assert {parse_crawl_name(name).kind for name in names} == {"warc"}
