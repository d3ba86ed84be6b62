"""Examining the files of a deduplication: the largest groups, with the keepers of documents."""

from pathlib import Path

from tests.transforms.dedup.small_corpora import drop_duplicates, write_documents
from transforms.dedup.examine import largest_clusters, read_excerpts
from transforms.dedup.settings import DedupConfig

_WORDS = [f"word{number}" for number in range(60)]


def _variant(*, dropped: int, added: int) -> str:
    return " ".join([*_WORDS[dropped:], *(f"more{number}" for number in range(added))])


def test_the_largest_groups_come_first_with_the_keepers_of_their_samples(tmp_path: Path) -> None:
    """A chain has dissimilar ends, so two are kept; sampled documents follow their keepers."""
    chain = [_variant(dropped=4 * step, added=4 * step) for step in range(7)]
    parts = [
        [*chain, "a pair of two", "nothing alike"],
        ["a pair of two", *(f"page {number} of the third kind" for number in range(2))],
    ]
    write_documents(tmp_path / "documents", parts)
    drop_duplicates(
        tmp_path / "documents", tmp_path / "out", DedupConfig(jaccard=0.75), parts=[0, 1]
    )
    clusters = largest_clusters(str(tmp_path / "out"), str(tmp_path / "documents"), samples=3)
    assert [cluster.size for cluster in clusters] == [7, 2]
    first = [document.to_plain() for document in clusters[0].documents]
    assert clusters[0].kept > 1
    stay = [document for document in first if "keeper" not in document]
    gone = [document for document in first if "keeper" in document]
    assert {document["keeper"] for document in gone} == {document["document"] for document in stay}
    assert first == [*stay, *gone]
    assert len(gone) == 3
    assert [document["similarity"] for document in gone] == sorted(
        document["similarity"] for document in gone
    )
    assert all(
        document["excerpt"] == chain[int(document["document"].split(":")[1])][:200]
        for document in first
    )
    assert (
        largest_clusters(str(tmp_path / "out"), str(tmp_path / "documents"), count=1, samples=3)
        == clusters[:1]
    )


def test_without_documents_there_are_no_excerpts(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents", [["the same text", "the same text"]])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=[0])
    (cluster,) = largest_clusters(str(tmp_path / "out"), str(tmp_path / "absent"))
    assert [set(document.to_plain()) for document in cluster.documents] == [
        {"document", "id"},
        {"document", "id", "keeper", "similarity"},
    ]
    assert read_excerpts(str(tmp_path / "documents"), []) == {}
