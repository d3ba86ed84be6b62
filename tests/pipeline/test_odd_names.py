"""Folders and files with odd names: a run finds its own input and no other's, and every command works."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import config_toml, load_config, parse_config
from pipeline.stages.documents.planning import plan_documents
from tests.pipeline.corpus import sentences
from tests.transforms.storage.test_globs import ODD

CONFIGURATION = """\
folder = "run"
plugins = ["./my [plugin]*.py"]
[sources.news]
kind = "jsonl"
paths = ["in/*.jsonl", "one.jsonl"]
quality = ["always", { name = "url", word_lists = ["words.txt"] }]
[sources.folder]
kind = "text"
paths = ["books"]
quality = []
[language]
identify = false
[dedup]
decontaminate = ["eval/*.jsonl"]
[tokenizer]
vocabulary = 300
[shards]
sequence_length = 32
"""
PLUGIN = """
import numpy as np
from transforms.filters.verdicts import Verdicts
from transforms.plugins import register_filter

@register_filter("always")
def always(text):
    return Verdicts.where(np.ones(len(text), bool), rule="always/never", value=np.zeros(len(text)), threshold=0)
"""


def write(folder: Path, mark: str) -> Path:
    """The input of a run in a folder; `mark` is in every document."""
    generator = random.Random(mark)
    for name in ("in", "books", "eval"):
        (folder / name).mkdir(parents=True)
    lines = [
        json.dumps({"text": f"{mark} {sentences(generator, 8)}", "url": f"http://a/{mark}/{row}"})
        for row in range(6)
    ]
    (folder / "in" / "a.jsonl").write_text("\n".join(lines))
    (folder / "one.jsonl").write_text(json.dumps({"text": f"{mark} {sentences(generator, 8)}"}))
    (folder / "books" / "b [1].txt").write_text(f"{mark} {sentences(generator, 30)}")
    (folder / "eval" / "x.jsonl").write_text(
        json.dumps({"text": "nothing that any document says " * 9})
    )
    (folder / "words.txt").write_text("nothing\n")
    (folder / "my [plugin]*.py").write_text(PLUGIN)
    path = folder / "tokenmill.toml"
    path.write_text(CONFIGURATION)
    return path


def read(path: Path) -> list[str]:
    config = load_config(str(path))
    return sorted(
        file.path for unit in plan_documents("documents", config).units for file in unit.files
    )


@pytest.mark.parametrize("name", [*ODD, "a::b", "http:", "a:", "s3"])
def test_a_configuration_finds_its_own_input_and_no_others(tmp_path: Path, name: str) -> None:
    for number, other in enumerate(dict.fromkeys(["ab", "a1b", "axb", "b", name])):
        path = write(tmp_path / other, f"mark{number}")
    assert read(path) == [
        f"{path.parent}/{inner}" for inner in ("books/b [1].txt", "in/a.jsonl", "one.jsonl")
    ]
    config = load_config(str(path))
    again = tmp_path / "again.toml"
    again.write_text(config_toml(config))
    assert load_config(str(again)) == config
    assert read(again) == read(path)


def test_origins_do_not_depend_on_the_folders_name(tmp_path: Path) -> None:
    found = set()
    for name in ("plain", "a[b]*?"):
        plan = plan_documents("documents", load_config(str(write(tmp_path / name, "mark"))))
        found.add(tuple(file.origin for unit in plan.units for file in unit.files))
    assert found == {("in/a.jsonl", "one.jsonl", "b [1].txt")}


def test_every_command_works_in_a_folder_with_signs(
    tmp_path: Path, tokenmill: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, other in enumerate(["ab", "axb", "a[x]*b"]):
        path = write(tmp_path / other, f"mark{number}")
    monkeypatch.chdir(path.parent)
    run = path.parent / "run"
    commands = [
        ["plan", "tokenmill.toml"],
        ["run", "tokenmill.toml"],
        ["run", "run"],
        ["verify", "run"],
        ["inspect", "run"],
        ["explain", "run", "--url", "http://a/mark2/3", "--extract"],
        ["export", "run", "--format", "jsonl", "--to", "out [1]*"],
    ]
    for command in commands:
        outcome = tokenmill(*command)
        assert outcome.status == 0, f"{command}\n{outcome.err}"
        if command[0] == "explain":
            assert "read again  equal" in outcome.out
    texts = [
        text
        for part in sorted((run / "documents").glob("part-*"))
        for text in pq.read_table(part).column("text").to_pylist()
    ]
    assert len(texts) == 8
    assert all(text.startswith("mark2") for text in texts)


def test_a_quickstart_in_a_folder_with_signs(tmp_path: Path) -> None:
    from pipeline.quickstart import write_quickstart

    plain, odd = (
        plan_documents("documents", load_config(write_quickstart(str(tmp_path / name))))
        for name in ("plain", "a[b]*")
    )
    assert [unit.bytes for unit in plain.units] == [unit.bytes for unit in odd.units]
    assert [entry[:2] for entry in plain.inputs] == [entry[:2] for entry in odd.inputs]


def test_against_and_models_are_paths_not_patterns() -> None:
    values = {
        "folder": "run",
        "sources": {"web": {"kind": "jsonl", "paths": ["in/*"]}},
        "dedup": {"against": ["old[1]"], "decontaminate": ["e/*"]},
        "tokenizer": {"file": "t[1].json"},
    }
    config = parse_config(values, where="/base[*]/tokenmill.toml")
    assert config.folder == "/base[*]/run"
    assert config.dedup.against == ("/base[*]/old[1]",)
    assert config.dedup.decontaminate == ("/base[[][*]]/e/*",)
    assert config.tokenizer.file == "/base[*]/t[1].json"
    assert config.sources["web"].paths == ("/base[[][*]]/in/*",)
