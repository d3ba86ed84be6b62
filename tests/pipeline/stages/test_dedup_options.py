"""Whole runs with everything around deduplication: URLs, repeated lines, evaluation texts, an earlier run."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from pipeline.stages.kept_parts import kept_parts
from tests.pipeline.corpus import sentences
from tests.pipeline.runs import digests, figures, run
from tests.pipeline.test_cli import check_error
from transforms.contracts.manifest import read_manifest
from transforms.corpus import read_kept
from transforms.errors import UserError

_MENU = "Home | Contact the editors of this page"
_QUESTION = (
    "how many small wooden bridges of the river carries the old mill in an early and quiet winter"
)
_CONFIGURATION = """\
seed = 3
folder = "{folder}"
[sources.web]
kind = "jsonl"
paths = ["{input}/[0-1].jsonl"]
fields = {{ url = "url", published = "date" }}
[sources.more]
kind = "jsonl"
paths = ["{input}/[2-3].jsonl"]
fields = {{ url = "url", published = "date" }}
[tokenizer]
vocabulary = 400
[shards]
sequence_length = 64
[dedup]
{settings}
"""
_ALL = """\
max_drop_rate = 0.9
urls = "newest"
against = ["run-1"]
lines = true
decontaminate = ["eval/*.jsonl"]
"""


def _write(folder: Path) -> Path:
    """Two crawls: the second has pages of the first again, pages of one URL, evaluation texts, a menu; returns its configuration."""
    generator = random.Random(5)
    texts = [sentences(generator, 8) for _ in range(40)]
    old, new, evaluation = folder / "old", folder / "new", folder / "eval"
    for place in (old, new, evaluation):
        place.mkdir(parents=True)
    for number in (0, 2):
        rows = [{"text": text, "url": None, "date": None} for text in texts[number // 2 : 10 : 2]]
        (old / f"{number}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pages = [
        {"text": f"{_MENU}\n{text}", "url": f"http://a.org/{index}", "date": "2024-05-01"}
        for index, text in enumerate(texts[8:])
    ]
    pages[1]["text"] = texts[9] + " And one word more."
    pages[0]["text"] = texts[8]
    pages[5] |= {"url": "https://www.a.org/x?utm_source=y#z", "date": "2024-06-01"}
    pages[6] |= {"url": "https://a.org/x"}
    pages[7]["text"] += f"\n{_QUESTION.upper()}."
    pages[20]["text"] = pages[19]["text"]
    for number in range(4):
        (new / f"{number}.jsonl").write_text(
            "\n".join(json.dumps(page) for page in pages[number::4])
        )
    (evaluation / "riddles.jsonl").write_text(
        json.dumps({"text": _QUESTION}) + "\n" + json.dumps({"text": "too short"})
    )
    (evaluation / "absent.jsonl").write_text(
        json.dumps({"text": "of this nothing is found anywhere " * 3})
    )
    first = folder / "first.toml"
    first.write_text(_CONFIGURATION.format(folder="run-1", input="old", settings=""))
    path = folder / "second.toml"
    path.write_text(_CONFIGURATION.format(folder="run", input="new", settings=_ALL))
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the second of two finished runs; not to be changed."""
    folder = tmp_path_factory.mktemp("both")
    path = _write(folder)
    run(folder / "first.toml")
    (folder / "printed.txt").write_text(run(path))
    return path


def test_everything_is_counted_by_its_reason(both: Path) -> None:
    counters = read_manifest(str(both.parent / "run" / "dedup")).counters
    assert {
        key: counters[key]
        for key in (
            "documents",
            "kept",
            "dropped",
            "exact",
            "near",
            "contaminated",
            "url",
            "against",
        )
    } == {
        "documents": 32,
        "kept": 27,
        "dropped": 5,
        "exact": 1,
        "near": 0,
        "contaminated": 1,
        "url": 1,
        "against": 2,
    }
    assert counters["contamination"] == {
        "absent": {"texts": 1, "too_short": 0, "grams": 6, "documents": 0, "matches": 0},
        "riddles": {"texts": 2, "too_short": 1, "grams": 6, "documents": 1, "matches": 6},
    }
    assert counters["earlier_runs"] == {"run-1": {"kept": 10, "documents": 2, "estimated": 0}}
    assert counters["lines_removed"] == {
        "documents": 26,
        "lines": 26,
        "characters": 26 * len(_MENU),
    }
    printed = (both.parent / "printed.txt").read_text()
    assert "no document matches evaluation set 'absent' (6 n-grams of 1 texts)" in printed
    assert "1 of 2 texts of evaluation set 'riddles' are too short" in printed
    names = {path.name for path in (both.parent / "run" / "dedup").iterdir()}
    assert names == {
        "manifest.json",
        "plan.json",
        *read_manifest(str(both.parent / "run" / "dedup")).files,
    }


def test_texts_of_the_kept_come_without_repeated_lines(both: Path) -> None:
    config = load_config(str(both))
    texts = [
        text
        for _, part, drops in kept_parts(Run(config.folder))
        for kept in read_kept(part, drops, columns=["text"])
        for text in kept.batch["text"].to_pylist()
    ]
    assert len(texts) == 27
    assert sum(_MENU in text for text in texts) == 1
    assert not any(_QUESTION in text.lower() for text in texts)
    shards = read_manifest(str(both.parent / "run" / "shards")).counters
    assert sum(source["bytes"] for split in shards.values() for source in split.values()) == sum(
        len(text.encode()) for text in texts
    )


def test_inspect_shows_all_of_it(tokenmill: Callable, both: Path) -> None:
    printed = tokenmill("inspect", both.parent / "run" / "dedup").out
    for part in (
        "contaminated",
        "against",
        "riddles",
        "lines that other documents have too",
        "26 lines",
    ):
        assert part in printed
    found = json.loads(tokenmill("inspect", both.parent / "run" / "dedup", "--json").out)
    assert {rule: len(entries) for rule, entries in found["samples"].items()} == {
        "dedup/against": 2,
        "dedup/contaminated": 1,
        "dedup/url": 1,
    }
    assert found["samples"]["dedup/contaminated"][0]["other"] == "riddles"
    assert {entry["other"] for entry in found["samples"]["dedup/against"]} == {"run-1"}
    assert "keeper_excerpt" in found["samples"]["dedup/url"][0]


def _copy(both: Path, folder: Path) -> Path:
    shutil.copytree(
        both.parent, folder, dirs_exist_ok=True, ignore=lambda _, names: {"run"} & set(names)
    )
    return folder / both.name


def test_two_workers_give_the_same_bytes_wherever_the_earlier_run_lies(
    both: Path, tmp_path: Path
) -> None:
    path = _copy(both, tmp_path / "elsewhere")
    run(path, workers=2)
    assert digests(path.parent / "run") == digests(both.parent / "run")
    assert figures(path.parent / "run") == figures(both.parent / "run")


def test_a_stage_that_was_cut_off_is_made_again_to_the_same_bytes(
    both: Path, tmp_path: Path
) -> None:
    path = _copy(both, tmp_path)
    shutil.copytree(both.parent / "run", tmp_path / "run")
    dedup = tmp_path / "run" / "dedup"
    for name in ("manifest.json", "lines-00001.parquet", "contamination-00000.parquet"):
        (dedup / name).unlink()
    (dedup / "screened").mkdir()
    (dedup / "screened" / "urls-00000.parquet").write_bytes(b"")
    run(path)
    assert digests(tmp_path / "run") == digests(both.parent / "run")


def test_another_earlier_run_or_evaluation_set_is_another_stage(both: Path, tmp_path: Path) -> None:
    path = _copy(both, tmp_path)
    shutil.copytree(both.parent / "run", tmp_path / "run")
    assert run(path).count("done before") == 4
    extra = tmp_path / "eval" / "absent.jsonl"
    extra.write_text(extra.read_text() + "\n" + json.dumps({"text": "more"}))
    with pytest.raises(UserError, match="input evaluation: absent is another"):
        run(path)
    extra.unlink()
    run(path, overwrite=True)
    shutil.rmtree(tmp_path / "run-1")
    page = {"text": "the old crawl has one page only now", "url": None, "date": None}
    (tmp_path / "old" / "0.jsonl").write_text(json.dumps(page))
    run(tmp_path / "first.toml")
    with pytest.raises(UserError, match=r"dedup\.against was \[\[\"run-1\""):
        run(path)


@pytest.mark.parametrize(
    ("settings", "status", "parts"),
    [
        (
            'decontaminate = ["eval/none-*.jsonl"]',
            2,
            ["dedup.decontaminate: no file matches", "eval/none-*.jsonl"],
        ),
        (
            'decontaminate = "eval/riddles.jsonl"\ndecontaminate_fields = ["question"]',
            1,
            ["no text under 'question'", "line 1"],
        ),
        (
            'against = ["run-1"]\nseed = 9',
            2,
            ["the run 'run-1' was made with seed = 1, this one has 9"],
        ),
        ('against = ["run-0"]', 1, ["not finished", "run-0"]),
        ('against = ["run-1"]\nenabled = false', 2, ["dedup.against compares signatures"]),
        ('urls = "oldest"', 2, ["dedup.urls", "'newest'"]),
        ("lines = true\nlines_min_documents = 1", 2, ["dedup.lines_min_documents"]),
    ],
)
def test_wrong_settings_are_errors_of_three_lines(
    tokenmill: Callable, both: Path, tmp_path: Path, settings: str, status: int, parts: list[str]
) -> None:
    path = _copy(both, tmp_path)
    path.write_text(_CONFIGURATION.format(folder="run", input="new", settings=settings))
    check_error(tokenmill("run", path), status, *parts)
    assert not (tmp_path / "run" / "dedup" / "manifest.json").exists()


def test_screens_work_without_the_search_for_duplicates(both: Path, tmp_path: Path) -> None:
    path = _copy(both, tmp_path)
    settings = 'enabled = false\nurls = "first"\nlines = true\ndecontaminate = ["eval/*.jsonl"]\ndecontaminate_action = "flag"'
    path.write_text(_CONFIGURATION.format(folder="run", input="new", settings=settings))
    run(path)
    counters = read_manifest(str(tmp_path / "run" / "dedup")).counters
    assert (counters["documents"], counters["dropped"], counters["url"], counters["exact"]) == (
        32,
        2,
        1,
        0,
    )
    assert counters["lines"] == 1, "of two copies of a page one has nothing left"
    assert counters["contamination"]["riddles"]["documents"] == 1
    assert counters["lines_removed"]["lines"] > 26
    rules = {
        row["rule"]
        for part in (tmp_path / "run" / "dedup").glob("drops-*")
        for row in pq.read_table(part).to_pylist()
    }
    assert rules == {"dedup/url", "dedup/lines"}
