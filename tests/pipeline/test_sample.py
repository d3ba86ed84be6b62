"""The embedded sample through the whole pipeline: every labelled document ends as its label says."""

import json
import re
import shutil
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from pipeline.commands.show_tables.show import print_view, run_view
from pipeline.commands.train import evaluate_run, train_run
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.quickstart import write_quickstart
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages
from tests.conftest import PROJECT
from tests.pipeline.runs import STAGES, stages_named
from training.checkpoint import load_model
from training.generate import Sampling, TextGenerator
from transforms.contracts.addresses import pack_address
from transforms.contracts.manifest import read_manifest

Place = tuple[str, str]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def outcomes(run: Path) -> dict[Place, dict[str, Any]]:
    """{(file below the source's root, locator): what became of it} for every record that was read."""
    found: dict[Place, dict[str, Any]] = {}
    addresses: dict[int, Place] = {}
    for part in sorted((run / "documents").glob("part-*.parquet")):
        number = int(part.stem.split("-")[1])
        for row, document in enumerate(
            pq.read_table(part, columns=["source", "origin", "locator", "language"]).to_pylist()
        ):
            place = (
                f"{document['source']}/{document['origin'].rsplit('/', 1)[-1]}",
                document["locator"],
            )
            addresses[pack_address(number, row)] = place
            found[place] = {
                "outcome": "kept",
                "rule": None,
                "language": document["language"],
                "keeper": None,
            }
        for reject in pq.read_table(
            run / "documents" / part.name.replace("part", "rejects")
        ).to_pylist():
            place = (f"{reject['source']}/{reject['origin'].rsplit('/', 1)[-1]}", reject["locator"])
            found[place] = {
                "outcome": "rejected",
                "rule": reject["rule"],
                "language": None,
                "keeper": None,
            }
    for drops in sorted((run / "dedup").glob("drops-*.parquet")):
        number = int(drops.stem.split("-")[1])
        for drop in pq.read_table(drops).to_pylist():
            place = addresses[pack_address(number, drop["row"])]
            found[place] |= {
                "outcome": "dropped",
                "rule": drop["rule"],
                "keeper": addresses[drop["keeper"]],
            }
    return found


def labels(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in (folder / "sample" / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def place_of(label: dict[str, Any]) -> Place:
    return label["file"], "0" if label["position"] is None else str(label["position"])


def test_every_label_holds(quickstart: Path) -> None:
    found = outcomes(quickstart / "run")
    places = {label["key"]: place_of(label) for label in labels(quickstart)}
    wrong = []
    for label in labels(quickstart):
        outcome = found.get(place_of(label))
        if outcome is None:
            wrong.append((label["key"], "was not read"))
        elif label["outcome"] == "rejected":
            if (outcome["outcome"], outcome["rule"]) != ("rejected", label["rule"]):
                wrong.append((label["key"], outcome))
        elif label["outcome"] == "kept":
            if outcome["outcome"] != "kept" or (
                label["language"] and outcome["language"] != label["language"]
            ):
                wrong.append((label["key"], outcome))
        elif outcome["outcome"] == "dropped":
            group = {places[key] for key in label["duplicate_of"]}
            stays = label["keeper"] in (
                None,
                *(key for key in label["duplicate_of"] if places[key] == outcome["keeper"]),
            )
            if outcome["rule"] != label["rule"] or outcome["keeper"] not in group or not stays:
                wrong.append((label["key"], outcome))
        elif label["keeper"] not in (None, label["key"]):
            wrong.append((label["key"], outcome))
    assert wrong == []


def test_exactly_one_of_each_duplicate_group_stays(quickstart: Path) -> None:
    found = outcomes(quickstart / "run")
    groups = {
        tuple(sorted(label["duplicate_of"])): []
        for label in labels(quickstart)
        if label["duplicate_of"]
    }
    for label in labels(quickstart):
        if label["duplicate_of"]:
            groups[tuple(sorted(label["duplicate_of"]))].append(found[place_of(label)]["outcome"])
    assert groups
    assert all(Counter(outcomes)["kept"] == 1 for outcomes in groups.values()), groups


def test_nothing_but_the_labelled_and_the_topics_was_read(quickstart: Path) -> None:
    read = set(outcomes(quickstart / "run"))
    labelled = {place_of(label) for label in labels(quickstart)}
    assert {place for place in read if place[0] != "docs/python-topics.warc.gz"} == labelled


def test_each_source_has_validation_documents(quickstart: Path) -> None:
    validation = read_manifest(str(quickstart / "run" / "shards")).counters["validation"]
    assert {source for source, figures in validation.items() if figures["documents"]} == {
        "books",
        "docs",
        "news",
        "web",
    }


def test_the_readme_shows_this_run(quickstart: Path) -> None:
    """Its lines of counts, which are everybody's; times are not."""
    console = Console(record=True, file=StringIO(), width=140)
    for stage in stages_named(STAGES):
        finished = stage.finished(Run(str(quickstart / "run")))
        StageProgress(console).finished(stage.name, 0.0, stage.summary(finished))
    print_view(console, run_view(str(quickstart / "run")))
    printed = {without_times(line) for line in console.export_text().splitlines()}
    shown = README.partition("```\ndocuments")[2].partition("\ntrain ")[0]
    lines = [without_times(line) for line in f"documents{shown}".splitlines() if line]
    assert len(lines) == 4 + 6 + 6
    assert [line for line in lines if line not in printed] == []


def without_times(line: str) -> str:
    return re.sub(r"\b[\d.]+ s:", "s:", line).rstrip()


def test_the_sample_gives_the_same_run_wherever_it_lies(quickstart: Path, tmp_path: Path) -> None:
    """Only the data decide: the folder's name, the clock and modification times do not."""
    config = load_config(write_quickstart(str(tmp_path / "elsewhere")))
    run_stages(config, RunnerSettings(workers=1), progress=StageProgress(Console(quiet=True)))
    for stage in ("documents", "dedup", "tokenizer", "shards"):
        once, again = (
            read_manifest(str(folder / "run" / stage)).files
            for folder in (quickstart, tmp_path / "elsewhere")
        )
        assert once == again
    shutil.rmtree(tmp_path / "elsewhere")


def test_a_model_of_the_sample_beats_a_unigram_model_and_writes_the_same_text_again(
    quickstart: Path, tmp_path: Path
) -> None:
    """The quickstart's model after a quarter of its steps; the whole training is for `make quickstart`."""
    shutil.copytree(quickstart, tmp_path / "q")
    path = tmp_path / "q" / "tokenmill.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("steps = 250", "steps = 60"), encoding="utf-8"
    )
    config = load_config(str(path))
    console = Console(quiet=True)
    train_run(config, console)
    evaluation = evaluate_run(config, console, split="validation", max_rows=None)
    assert evaluation["total"]["loss"] < evaluation["unigram_loss"] - 0.3
    assert set(evaluation["sources"]) == {"books", "docs", "news", "web"}

    generator = TextGenerator(load_model(str(tmp_path / "q" / "run" / "model"), device="cpu"))
    warm = Sampling(temperature=0.8)
    seed = next(
        seed
        for seed in range(100)
        if generator.generate("The river", max_tokens=16, sampling=warm, seed=seed).finish
        == "length"
    )
    whole = generator.generate("The river", max_tokens=40, sampling=warm, seed=seed)
    first = generator.generate("The river", max_tokens=15, sampling=warm, seed=seed)
    rest = generator.generate("The river", max_tokens=25, sampling=warm, seed=seed, after=first)
    assert len(first.tokens) < len(whole.tokens)
    assert whole.tokens == rest.tokens
    assert (
        whole.tokens
        != generator.generate("The river", max_tokens=40, sampling=warm, seed=seed + 1).tokens
    )
