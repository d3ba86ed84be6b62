"""Filters whose options name files: paths start at the configuration, a changed file is other input, edits are counted."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from tests.pipeline.runs import run, stage_manifest
from transforms.errors import ConfigError, UserError

CONFIGURATION = """\
folder = "run"
signals = true
[sources.web]
kind = "jsonl"
paths = ["pages.jsonl"]
quality = [
  { name = "url", domain_lists = ["lists/ads.txt"] },
  { name = "blocked-words", lists = { en = "lists/words.txt" } },
  "pii",
]
"""
PAGES = [
    {
        "url": "https://example.org/a",
        "text": "Write to the miller at miller@mill.example.org before the flood comes to the river.",
    },
    {
        "url": "https://ads.example.com/b",
        "text": "Buy corn now, it is cheaper than it will ever be in the whole of the valley.",
    },
    {
        "url": "https://example.org/c",
        "text": "This sentence has the word blockedword in it and nothing else that matters here.",
    },
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "ads.txt").write_text("example.com\n")
    (tmp_path / "lists" / "words.txt").write_text("blockedword\n")
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in PAGES))
    (tmp_path / "tokenmill.toml").write_text(CONFIGURATION)
    return tmp_path


def test_lists_are_found_beside_the_configuration_and_edits_are_counted(project: Path) -> None:
    run(project / "tokenmill.toml")
    counts = stage_manifest(Run(str(project / "run")), "documents").counters["sources"]["web"]
    assert (counts["kept"], counts["done"]) == (1, {"pii/email": 1})
    assert counts["rejected"] == {"url/blocked-domain": 1, "blocked-words/found": 1}
    kept = pq.read_table(project / "run" / "documents" / "part-00000.parquet")
    assert "miller@" not in kept["text"][0].as_py()
    signals = pq.read_table(project / "run" / "documents" / "signals-00000.parquet")
    assert signals["kept"].to_pylist() == [True, False, False]


def test_a_changed_list_is_other_input(project: Path) -> None:
    run(project / "tokenmill.toml")
    (project / "lists" / "ads.txt").write_text("example.com\nexample.org\n")
    with pytest.raises(UserError, match="input"):
        run(project / "tokenmill.toml")


def test_a_missing_list_is_told_before_anything_runs(project: Path) -> None:
    (project / "lists" / "words.txt").unlink()
    with pytest.raises(ConfigError, match=r"words\.txt"):
        run(project / "tokenmill.toml")
    assert not (project / "run").exists()


def test_the_resolved_configuration_has_absolute_paths(project: Path) -> None:
    quality = load_config(str(project / "tokenmill.toml")).sources["web"].quality
    assert quality[0].options == {"domain_lists": [str(project / "lists" / "ads.txt")]}
    assert quality[1].options == {"lists": {"en": str(project / "lists" / "words.txt")}}


def test_the_language_of_a_list_is_part_of_the_plan(project: Path) -> None:
    run(project / "tokenmill.toml")
    (project / "tokenmill.toml").write_text(
        CONFIGURATION.replace("lists = { en =", "lists = { de =")
    )
    with pytest.raises(UserError, match="input"):
        run(project / "tokenmill.toml")
