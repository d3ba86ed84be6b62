"""Counting from files: what does not add up is an error."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.transforms.dedup.small_corpora import drop_duplicates, write_documents
from transforms.contracts.plain import to_object
from transforms.dedup.near.graph import write_clusters, write_drops
from transforms.dedup.settings import DedupConfig
from transforms.dedup.summary import summarise
from transforms.errors import UserError

_TEXT = " ".join(f"word{number}" for number in range(50))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    rows = [
        {"text": text, "source": source}
        for text, source in ((_TEXT, "b"), (_TEXT, "a"), (_TEXT + " x", "a"), ("y", "c"))
    ]
    write_documents(tmp_path / "documents", [rows[:2], rows[2:]])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=[0, 1])
    return str(tmp_path / "out"), str(tmp_path / "documents")


def test_by_source(folders: tuple[str, str]):
    summary = to_object(summarise(*folders))
    assert list(summary["sources"]) == ["a", "b", "c"]
    for key in ("documents", "kept", "dropped", "exact", "near"):
        assert summary[key] == sum(source[key] for source in summary["sources"].values())
    assert summary["sources"]["c"] == {
        "documents": 1,
        "kept": 1,
        "dropped": 0,
        "exact": 0,
        "near": 0,
    }
    assert (summary["documents"], summary["kept"], summary["exact"], summary["near"]) == (
        4,
        2,
        1,
        1,
    )


def test_missing_drops(folders: tuple[str, str]):
    Path(folders[0], "drops-00001.parquet").unlink()
    with pytest.raises(UserError, match="the drops of a part are missing"):
        summarise(*folders)


def test_drops_and_clusters_disagree(folders: tuple[str, str]):
    path = Path(folders[0], "drops-00000.parquet")
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(
        UserError, match=r"clusters\.parquet drops 2 documents, the drops of the parts 1"
    ):
        summarise(*folders)


def test_nothing_was_looked_for(tmp_path: Path):
    """With deduplication off the caller writes empty files, and they can be counted."""
    write_documents(tmp_path / "documents", [["a", "a"]])
    write_drops(str(tmp_path), 0, [])
    write_clusters(str(tmp_path), [], {})
    summary = to_object(summarise(str(tmp_path), str(tmp_path / "documents")))
    assert (summary["documents"], summary["dropped"], summary["candidate_pairs"]) == (2, 0, 0)
