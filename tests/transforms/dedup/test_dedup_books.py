"""All 13 novels in chapters of 2,000 words: nothing goes but true repeats."""

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.transforms.dedup.small_corpora import drop_duplicates, write_documents
from transforms.contracts.addresses import unpack_address
from transforms.dedup.settings import DedupConfig

pytestmark = pytest.mark.real_data

_WORDS = 2_000


@pytest.fixture(scope="module")
def chapters(data_folder: Path) -> list[str]:
    found = []
    for path in sorted((data_folder / "books").glob("*_*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            words = stream.read().split()
        found += [" ".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS)]
    return found


def test_chapters_lose_nothing_but_true_repeats(chapters: list[str], tmp_path: Path):
    """The whole transform drops eleven near-copies and eleven copies of chapters, nothing else."""
    assert len(chapters) > 1_000
    changed = {
        number: chapters[number].replace(" the ", " The ", 3) + " The End."
        for number in range(0, len(chapters), 100)
    }
    copied = {number: chapters[number] + "\n" for number in range(50, len(chapters), 100)}
    repeats = [*changed, *copied]
    parts = [
        chapters[: len(chapters) // 2],
        chapters[len(chapters) // 2 :],
        [*changed.values(), *copied.values()],
    ]
    write_documents(tmp_path / "documents", parts)
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=range(3))
    lost = {
        number: keeper
        for part in range(3)
        for number, keeper in _drops(tmp_path / "out", part, parts)
    }
    assert lost == {number: len(chapters) + index for index, number in enumerate(repeats)}


def _drops(out: Path, part: int, parts: list[list[str]]) -> list[tuple[int, int]]:
    """(number of a document, of its keeper), counted over all parts."""
    firsts = [sum(map(len, parts[:index])) for index in range(len(parts))]
    drops = pq.read_table(out / f"drops-{part:05d}.parquet").to_pylist()
    keepers = [unpack_address(drop["keeper"]) for drop in drops]
    return [
        (firsts[part] + drop["row"], firsts[other] + row)
        for drop, (other, row) in zip(drops, keepers, strict=True)
    ]
