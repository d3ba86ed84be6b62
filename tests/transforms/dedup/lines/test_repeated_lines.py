"""Repeated lines: removed lines against a plain loop, and the texts when the corpus is read."""

from collections import defaultdict
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import (
    drop_duplicates,
    files_of,
    local_pipeline,
    write_documents,
)
from transforms.beam.drop_lines import DropLines
from transforms.corpus import read_kept
from transforms.dedup.lines.record_lines import count_lines
from transforms.dedup.lines.removed_lines import (
    Removal,
    remove_lines,
    removed_lines_of,
    removed_table,
)
from transforms.dedup.lines.repeated_lines import (
    distinct_lines,
    line_hashes,
    normalize_line,
    repeated_lines,
)
from transforms.dedup.settings import DedupConfig

_LINE = st.sampled_from(
    [
        "",
        "Menu",
        " menu\t",
        "MENU",
        "About us",
        "about  us",
        "ΣΑΣ",
        "σας",
        "İ",
        "x" * 30,
        "A line of some length.",
    ]
)
_TEXTS = st.lists(st.lists(_LINE, max_size=6).map("\n".join), max_size=6)


@pytest.mark.parametrize(
    ("text", "least", "numbers"),
    [
        ("", 1, []),
        ("ab\n\n abc \nabcd", 3, [2, 3]),
        ("ab\n\n abc \nabcd", 5, []),
        ("\n\n", 1, []),
        ("a\r\nb", 1, [0, 1]),
    ],
)
def test_which_lines_count(text: str, least: int, numbers: list[int]):
    assert line_hashes(text, min_characters=least)[0].tolist() == numbers


@given(st.text(alphabet="aΣİß\n \t\rAΐ.", max_size=30))
def test_hashes_are_equal_for_equal_normalised_lines(text: str):
    numbers, hashes = line_hashes(text, min_characters=1)
    lines = [normalize_line(line) for line in text.split("\n")]
    assert numbers.tolist() == [number for number, line in enumerate(lines) if line]
    by_line = defaultdict(set)
    for number, value in zip(numbers.tolist(), hashes.tolist(), strict=True):
        by_line[lines[number]].add(value)
    assert all(len(values) == 1 for values in by_line.values())
    assert len(set.union(set(), *by_line.values())) == len(by_line)


@given(_TEXTS, st.integers(1, 6), st.integers(2, 4), st.randoms(), st.integers(1, 3))
def test_all_but_one_document_lose_a_repeated_line(
    texts: list[str], least: int, documents: int, random, cuts: int
):
    """The removed lines depend on the ids of documents, not on the batches and their order."""
    expected: dict[str, set[int]] = defaultdict(set)
    for number, text in enumerate(texts):
        for line in text.split("\n"):
            if len(normalize_line(line)) >= least:
                expected[normalize_line(line)].add(number)
    ids = np.array([[number + 1] * 16 for number in range(len(texts))], np.uint8).reshape(-1, 16)
    found = []
    for shuffled in (False, True):
        order = list(range(len(texts)))
        addresses = np.arange(len(texts), dtype=np.uint64)
        if shuffled:
            random.shuffle(order)
            addresses = np.array(random.sample(range(100), len(texts)), np.uint64)
        pieces = [
            distinct_lines(
                [texts[index] for index in chosen],
                ids[chosen],
                addresses[chosen],
                min_characters=least,
            )
            for chosen in (order[start::cuts] for start in range(cuts))
        ]
        columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        hashes, gone = repeated_lines(*columns, min_documents=documents)
        who = {address: number for number, address in enumerate(addresses.tolist())}
        found.append(
            {
                (value, who[address])
                for value, address in zip(hashes.tolist(), gone.tolist(), strict=True)
            }
        )
    assert found[0] == found[1]
    losers: dict[int, set[int]] = defaultdict(set)
    for value, number in found[0]:
        losers[value].add(number)
    repeated = {line: members for line, members in expected.items() if len(members) >= documents}
    by_hash = {
        int(line_hashes(line, min_characters=1)[1][0]): members
        for line, members in repeated.items()
    }
    assert losers.keys() == by_hash.keys()
    for value, members in by_hash.items():
        assert losers[value] < members
        assert len(losers[value]) == len(members) - 1


def test_different_lines_stay_in_different_documents():
    """The document that keeps a line is drawn per line, so that no document is favoured."""
    texts = ["\n".join(f"line number {number}" for number in range(200))] * 2
    ids = np.array([[1] * 16, [2] * 16], np.uint8)
    gone = repeated_lines(
        *distinct_lines(texts, ids, np.arange(2, dtype=np.uint64), min_characters=5),
        min_documents=2,
    )[1]
    assert 60 < int((gone == 0).sum()) < 140


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), unique=True).map(sorted)), max_size=5))
def test_removed_lines_survive_their_table(entries: list[tuple[list[int]]]):
    rows = [3 * number for number in range(len(entries))]
    lines = [np.array(numbers, np.int64) for (numbers,) in entries]
    removed = removed_lines_of(
        removed_table(
            [Removal(row, bytes(16), numbers, 0) for row, numbers in zip(rows, lines, strict=True)]
        )
    )
    for row, numbers in zip(rows, lines, strict=True):
        assert removed.of(row).tolist() == numbers.tolist()
        assert removed.of(row + 1).tolist() == []


def test_remove_lines():
    assert remove_lines("a\nb\n\nc", np.array([0, 1])) == "c"
    assert remove_lines("a\nb\nc", np.array([1])) == "a\nc"
    assert remove_lines("a", np.array([0])) == ""


_MENU = "Home | About | Contact us today"
_CONFIG = DedupConfig(lines=True, lines_min_characters=10)


def _run(
    documents: Path,
    out: Path,
    *,
    parts: list[int],
    ranges: int = 2,
    passes: int = 1,
    config: DedupConfig = _CONFIG,
) -> None:
    drop_duplicates(documents, out, config, parts=parts)
    for _ in range(2):  # a second time changes nothing
        with local_pipeline(1) as pipeline:
            _ = (
                pipeline
                | beam.Create(parts, reshuffle=False)
                | DropLines(str(documents), str(out), config, ranges, passes)
            )


def test_the_corpus_is_read_without_them_and_documents_with_nothing_left_go(tmp_path: Path):
    """A dropped copy (row 2 of part 0) neither keeps nor loses a line."""
    parts = [
        [
            f"{_MENU}\nFirst page about rivers",
            f"{_MENU.upper()} \nSecond page\nshort",
            f"{_MENU}\nFirst page about rivers ",
        ],
        [_MENU, "nothing in common here", f"x\n  {_MENU}\n\nLast page about mills"],
    ]
    write_documents(tmp_path / "documents", parts)
    _run(tmp_path / "documents", tmp_path / "out", parts=[0, 1])
    texts, gone = [], {}
    for part in (0, 1):
        drops = tmp_path / "out" / f"drops-{part:05d}.parquet"
        gone |= {(part, row["row"]): row["rule"] for row in pq.read_table(drops).to_pylist()}
        for kept in read_kept(
            str(tmp_path / "documents" / f"part-{part:05d}.parquet"), str(drops), columns=["text"]
        ):
            texts += kept.batch.column("text").to_pylist()
    assert sum(_MENU in text or _MENU.upper() in text for text in texts) == 1
    keeper = next(text for text in texts if _MENU.lower() in text.lower())
    assert keeper in {_MENU, *(text.strip() for part in parts for text in part)}
    copies = [address for address, rule in gone.items() if rule == "dedup/exact"]
    assert len(copies) == 1
    assert copies[0] in {(0, 0), (0, 2)}
    assert [address for address, rule in gone.items() if rule == "dedup/lines"] == (
        [] if keeper == _MENU else [(1, 0)]
    )
    rest = {
        "\n".join(
            line for line in text.split("\n") if line.strip().lower() != _MENU.lower()
        ).strip()
        for text in texts
    }
    assert rest - {""} == {
        "First page about rivers",
        "Second page\nshort",
        "nothing in common here",
        "x\n\nLast page about mills",
    }
    counts = count_lines(str(tmp_path / "out"), [0, 1])
    assert (counts.documents, counts.lines) == (3, 3)
    assert counts.characters >= 3 * len(_MENU)
    (tmp_path / "out" / "lines-00001.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        list(
            read_kept(
                str(tmp_path / "documents" / "part-00001.parquet"),
                str(tmp_path / "out" / "drops-00001.parquet"),
                columns=["text"],
            )
        )


def test_same_bytes_whatever_the_ranges_passes_and_the_order_of_parts(tmp_path: Path):
    texts = [
        f"{_MENU}\nThis is page {number}\nFooter of group {number % 5}" for number in range(30)
    ]
    write_documents(tmp_path / "documents", [texts[:9], texts[9:21], texts[21:]])
    for name, ranges, passes, parts in (
        ("a", 1, 1, [0, 1, 2]),
        ("b", 2, 2, [2, 0, 1]),
        ("c", 16, 5, [1, 2, 0]),
    ):
        _run(tmp_path / "documents", tmp_path / name, ranges=ranges, passes=passes, parts=parts)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b") == files_of(tmp_path / "c")
    assert count_lines(str(tmp_path / "a"), [0, 1, 2]).lines == 29 + 5 * 5
