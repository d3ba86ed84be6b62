"""What a person sees of deduplication: the guard's report, the dry run, and the tables of `inspect`."""

import json
import random
from collections.abc import Callable
from pathlib import Path

from tests.pipeline.corpus import sentences, write_corpus
from tests.pipeline.runs import digests, run
from tests.pipeline.test_cli import check_error


def test_the_guard_names_a_report_with_the_largest_groups_and_their_texts(
    tokenmill: Callable, tmp_path: Path
) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nmax_drop_rate = 0.01\n")
    check_error(
        tokenmill("run", path),
        1,
        "3 of 59 documents of source 'news' would be dropped",
        "dedup-report.md",
    )
    report = (tmp_path / "run" / "dedup-report.md").read_text()
    assert "| news | 59 | 2 | 1 | 56 | 5.1% |" in report
    assert "### 3 documents, 1 kept" in report
    assert "### 2 documents, 1 kept" in report
    first = json.loads((tmp_path / "input" / "news-0.jsonl").read_text().splitlines()[1])["text"]
    assert first[:100] in report
    assert "| 1.00 | 2 |" in report
    assert not (tmp_path / "run" / "dedup" / "manifest.json").exists()
    path.write_text(path.read_text().replace("0.01", "0.1"))
    run(path)
    assert not list((tmp_path / "run" / "dedup").glob("*.md"))


def test_a_dry_run_says_what_would_go_and_leaves_nothing_that_counts(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nmax_drop_rate = 0.01\n")
    check_error(tokenmill("dedup", path, "--dry-run"), 1, "the stage is not finished")
    assert tokenmill("ingest", path).status == 0
    outcome = tokenmill("dedup", path, "--dry-run")
    assert outcome.status == 0, outcome.err
    for part in (
        "3 of 63 documents would be dropped",
        "a run would stop: 3 of 59 documents of source 'news'",
        "dedup-report.md",
        "largest groups",
    ):
        assert part in outcome.out
    assert {file.name for file in (tmp_path / "run").iterdir()} == {
        "documents",
        "run.toml",
        "dedup-report.md",
    }
    path.write_text(path.read_text().replace("0.01", "0.1"))
    run(path)
    assert digests(tmp_path / "run") == digests(finished)


def test_inspect_shows_similarity_and_the_largest_groups(
    tokenmill: Callable, finished: Path
) -> None:
    found = json.loads(tokenmill("inspect", finished / "dedup", "--json").out)
    assert found["counters"]["similarity"].pop("1.00") == 2
    assert list(found["counters"]["similarity"].values()) == [1]
    assert [(cluster["size"], cluster["kept"]) for cluster in found["largest_clusters"]] == [
        (3, 1),
        (2, 1),
    ]
    keeper, *gone = found["largest_clusters"][0]["documents"]
    assert "keeper" not in keeper
    assert {document["keeper"] for document in gone} == {keeper["document"]}
    assert {document["excerpt"].lower()[:150] for document in gone} == {
        keeper["excerpt"].lower()[:150]
    }
    printed = tokenmill("inspect", finished / "dedup").out
    for part in ("duplicates by similarity", "largest groups", "share dropped", "5.08%"):
        assert part in printed


def test_pairs_that_were_not_compared_are_said_in_the_output_of_a_run(tmp_path: Path) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nbucket_limit = 2\nmax_drop_rate = 0.9\n")
    base = sentences(random.Random(3), 30)
    lines = [
        json.dumps({"text": f"{base} {sentences(random.Random(number), 1)}"}) for number in range(9)
    ]
    (tmp_path / "input" / "news-0.jsonl").write_text("\n".join(lines))
    printed = " ".join(run(path).split())
    counters = json.loads((tmp_path / "run" / "dedup" / "manifest.json").read_text())["counters"]
    assert counters["oversized_buckets"] > 0
    assert counters["skipped_pairs"] > 0
    assert f"{counters['oversized_buckets']} buckets exceed dedup.bucket_limit" in printed
    assert f"{counters['skipped_pairs']:,} pairs were not" in printed
