"""The command line: exit statuses, three-line errors that leave nothing half-written, JSON, and help."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.cli import app
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import digests
from transforms.tokens.train import tokenizer_bytes, train_tokenizer


def check_error(outcome, status: int, *parts: str) -> None:
    """One error: three lines on standard error, no traceback, the exit status."""
    assert outcome.status == status, outcome.err
    lines = outcome.err.rstrip("\n").splitlines()
    assert len(lines) == 3, outcome.err
    assert lines[0].startswith("tokenmill: ")
    assert lines[1].startswith("  where: ")
    assert lines[2].startswith("  do: ")
    for part in parts:
        assert part in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "status", "parts"),
    [
        ("seed = 3", "sede = 3", 2, ["unknown key sede; did you mean 'seed'", "tokenmill.toml"]),
        (
            'keep = ["en"]',
            'keep = ["english"]',
            2,
            ["'english' is not a language of the model", "176 in all"],
        ),
        (
            "input/books/**/*.txt",
            "input/boks/*.txt",
            2,
            ["sources.books.paths: no file matches", "input/boks/*.txt"],
        ),
        ("input/books/**/*.txt", "input/books/missing.txt", 2, ["there is no such file"]),
        ('folder = "run"', 'folder = "input/news-0.jsonl/run"', 1, ["cannot write"]),
        ('folder = "run"', 'folder = "/proc/run"', 1, ["cannot write", "/proc/run"]),
        ('folder = "run"', 'folder = "run', 2, ["not valid TOML"]),
    ],
)
def test_what_cannot_start_says_why_and_writes_nothing(
    tokenmill: Callable, tmp_path: Path, old: str, new: str, status: int, parts: list[str]
) -> None:
    path = write_corpus(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    before = sorted(tmp_path.rglob("*"))
    check_error(tokenmill("run", path), status, *parts)
    assert sorted(tmp_path.rglob("*")) == before


def test_empty_input(tokenmill: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    path = tmp_path / "c.toml"
    path.write_text('folder = "run"\n[sources.a]\nkind = "jsonl"\npaths = ["a.jsonl"]\n')
    check_error(tokenmill("run", path), 1, "the input is empty", "a.jsonl")
    assert not (tmp_path / "run").exists()


def test_input_of_which_nothing_is_kept_says_what_became_of_it(
    tokenmill: Callable, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"text": "Das ist kein englischer Text, sondern ein deutscher."}\n' * 3
    )
    path = tmp_path / "c.toml"
    path.write_text(
        'folder = "run"\n[language]\nkeep = ["en"]\n[sources.a]\nkind = "jsonl"\npaths = ["a.jsonl"]\n'
    )
    check_error(tokenmill("run", path), 1, "no document was kept: language/not-kept 3")
    assert (tmp_path / "run" / "documents" / "manifest.json").exists()
    assert not (tmp_path / "run" / "dedup").exists()
    check_error(tokenmill("run", path), 1, "no document was kept: language/not-kept 3")


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["run", "missing.toml"], 2, "there is no such configuration"),
        (["inspect", "missing"], 2, "there is no such file or folder"),
        (["dedup", "CONFIG"], 1, "the stage is not finished"),
        (["train", "CONFIG"], 1, "not finished"),
        (["evaluate", "CONFIG"], 1, ""),
        (["generate", "CONFIG", "--prompt", "a"], 1, ""),
        (["init", "CONFIG"], 2, "the file is there already"),
        (["init", "missing-folder/x.toml"], 1, "cannot write"),
    ],
)
def test_commands_out_of_order(
    tokenmill: Callable, tmp_path: Path, monkeypatch, arguments: list[str], status: int, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_corpus(tmp_path)
    check_error(
        tokenmill(*(str(path) if argument == "CONFIG" else argument for argument in arguments)),
        status,
        part,
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["nothing"],
        ["run", "x.toml", "--worker", "1"],
        ["run", "x.toml", "--workers", "-1"],
    ],
)
def test_wrong_usage_is_2(tokenmill: Callable, arguments: list[str]) -> None:
    outcome = tokenmill(*arguments)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err


def test_a_shard_of_another_tokenizer_is_refused(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    other = train_tokenizer(
        iter(["an altogether different text " * 50]), vocabulary=300, minimum_frequency=2
    )
    (folder / "tokenizer" / "tokenizer.json").write_bytes(tokenizer_bytes(other))
    before = digests(folder)
    check_error(tokenmill("train", folder), 1, "tokenizer")
    assert digests(folder) == before
    assert not list(folder.glob("model/*"))


def test_a_shard_cut_off_is_refused(tokenmill: Callable, finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    shard = next(folder.glob("shards/train-news-*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-100])
    check_error(tokenmill("inspect", shard), 1, "cannot read shard")
    check_error(tokenmill("train", folder), 1, "shard")


def test_inspect_gives_json_for_a_run_a_stage_a_shard_and_a_tokenizer(
    tokenmill: Callable, finished: Path
) -> None:
    whole = json.loads(tokenmill("inspect", finished, "--json").out)
    assert list(whole["stages"]) == ["documents", "dedup", "tokenizer", "shards"]
    stage = json.loads(tokenmill("inspect", finished / "dedup", "--json").out)
    assert stage == whole["stages"]["dedup"]
    shard = json.loads(
        tokenmill("inspect", next(finished.glob("shards/train-news-*")), "--json").out
    )
    assert shard["info"]["sequence_length"] == 64
    assert shard["counters"] == whole["stages"]["shards"]["counters"]["train"]["news"]
    tokenizer = json.loads(
        tokenmill("inspect", finished / "tokenizer" / "tokenizer.json", "--json").out
    )
    assert tokenizer["counters"]["vocabulary"] == 400
    assert (
        json.loads(tokenmill("inspect", finished.parent / "tokenmill.toml", "--json").out)["stages"]
        == whole["stages"]
    )


def test_inspect_prints_the_figures(tokenmill: Callable, finished: Path) -> None:
    printed = tokenmill("inspect", finished).out
    for part in (
        "jsonl/wrong-type",
        "gopher/too-few-words",
        "candidate pairs",
        "bytes/token",
        "utilisation",
        "train books",
    ):
        assert part in printed
    assert "400" in tokenmill("inspect", finished / "tokenizer" / "tokenizer.json").out
    assert "end_of_text" in tokenmill("inspect", next(finished.glob("shards/train-*"))).out


def test_stages_one_by_one_equal_a_run(tokenmill: Callable, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(
        finished.parent, tmp_path, dirs_exist_ok=True, ignore=lambda _, names: {"run"} & set(names)
    )
    for command in ("ingest", "dedup", "vocabulary", "shards"):
        assert tokenmill(command, tmp_path / "tokenmill.toml").status == 0
    assert digests(tmp_path / "run") == digests(finished)


def test_init_writes_a_file_that_run_understands(
    tokenmill: Callable, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tokenmill("init").status == 0
    check_error(tokenmill("run", "tokenmill.toml"), 2, "sources.news.paths: no file matches")


def test_every_command_and_option_has_help(tokenmill: Callable) -> None:
    import typer.main

    for name, command in typer.main.get_command(app).commands.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"
        assert tokenmill(name, "--help").status == 0


def test_inspect_refuses_what_no_stage_made(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    manifest = json.loads((finished / "shards" / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"stage": "train"}))
    check_error(
        tokenmill("inspect", tmp_path), 1, "'train'", "neither a stage of a run nor an export"
    )


def test_the_quickstart_leaves_a_configuration_of_the_users_alone(
    tokenmill: Callable, tmp_path: Path
) -> None:
    (tmp_path / "tokenmill.toml").write_text("mine")
    check_error(
        tokenmill("quickstart", "--folder", tmp_path, "--no-train"),
        2,
        "there is another configuration here",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["tokenmill.toml"]
    assert (tmp_path / "tokenmill.toml").read_text() == "mine"


def test_training_refuses_shards_made_with_other_settings(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished.parent, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "tokenmill.toml"
    path.write_text(path.read_text().replace("sequence_length = 64", "sequence_length = 32"))
    check_error(
        tokenmill("train", path),
        1,
        "shards.sequence_length was 64, is 32",
        "tokenmill shards CONFIG --overwrite",
    )


@pytest.mark.parametrize(
    ("encoding", "errors"),
    [("ascii", "strict"), ("ascii", "surrogateescape"), ("latin-1", "strict"), ("utf-8", "strict")],
)
def test_no_encoding_of_the_terminal_stops_a_command(
    monkeypatch: pytest.MonkeyPatch, encoding: str, errors: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, errors=errors))
    cli._print_anything()
    values = {"title": "é 中 😀 ه"}
    cli._print_json(values)
    sys.stdout.flush()
    assert json.loads(written.getvalue().decode(encoding)) == values
    cli._console().print("é 中 \udcff")  # the last is a byte of a file name
    sys.stdout.flush()
    assert "\\udcff" in written.getvalue().decode(encoding)
