"""The worked examples of CONTRIBUTING: a source kind and a filter, added to a copy of the packages as the text says, work."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import PROJECT

PAGE = PROJECT / "CONTRIBUTING.md"
BLOCK = re.compile(r"```(?:python|toml)\n# (\S+)\n(.*?)```", re.DOTALL)
END_OF_LIST = "# isort: on\n"


def blocks(heading: str) -> dict[str, str]:
    """The blocks of a section that name a file: path -> text."""
    [section] = [
        part
        for part in PAGE.read_text("utf-8").split("\n## ")
        if part.removeprefix("## ").startswith(heading)
    ]
    return dict(BLOCK.findall(section))


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for package in ("pipeline", "transforms", "training"):
        shutil.copytree(
            PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def follow(house: Path, heading: str) -> list[str]:
    """Writes the files of a section, and its line at the end of a registry's list; returns the files of the packages that it names."""
    named = blocks(heading)
    for name, text in named.items():
        path = house / name
        if path.exists():
            assert text.count("\n") == 1, "more than one line"
            before = path.read_text("utf-8")
            assert before.count(END_OF_LIST) == 1
            path.write_text(before.replace(END_OF_LIST, text + END_OF_LIST), "utf-8")
        else:
            path.write_text(text, "utf-8")
    return [name for name in named if name.endswith(".py")]


def command(house: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        cwd=house,
        env={"PYTHONPATH": str(house), "PATH": "", "HOME": str(house)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(house: Path, kind: str) -> list[dict]:
    return [
        row
        for path in sorted((house / "run" / "documents").glob(f"{kind}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def test_a_source_in_one_file_and_one_line(house: Path) -> None:
    assert follow(house, "Add a source") == [
        "transforms/sources/subtitles.py",
        "transforms/sources/registry.py",
    ]
    (house / "talks").mkdir()
    cues = "1\r\n00:00:01,000 --> 00:00:02,500\r\nThe river rose.\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nThe mill stood still.\r\n"
    (house / "talks" / "a.srt").write_bytes(cues.encode())
    (house / "talks" / "b.srt").write_bytes(b"1\n00:00:01,000 --> 00:00:02,500\n\n")
    (house / "talks" / "notes.txt").write_text("no subtitles")
    command(house, "ingest", "sources.toml", "--workers", "1")
    assert [row["text"] for row in read(house, "part")] == ["The river rose. The mill stood still."]
    assert [(row["origin"], row["rule"]) for row in read(house, "rejects")] == [
        ("b.srt", "subtitles/empty")
    ]
    planned = json.loads((house / "run" / "documents" / "plan.json").read_text("utf-8"))[
        "configuration"
    ]["sources"]["talks"]
    assert planned["between"] == " "
    command(house, "init", "template.toml")
    assert '# subtitles: what stands between two cues in the text\nbetween = "\\n"\n' in (
        house / "template.toml"
    ).read_text("utf-8")
    document = f"{read(house, 'part')[0]['id'].hex()}"
    assert "equal" in command(house, "explain", "run", "--id", document, "--extract")


def test_a_filter_in_one_file_and_one_line(house: Path) -> None:
    assert follow(house, "Add a filter") == [
        "transforms/filters/digits.py",
        "transforms/filters/registry.py",
    ]
    (house / "tables").mkdir()
    (house / "tables" / "a.txt").write_text("The mill ground 12 sacks of corn before noon.")
    (house / "tables" / "b.txt").write_text("12 14 19 23 28 37")
    command(house, "ingest", "filters.toml", "--workers", "1")
    assert [row["origin"] for row in read(house, "part")] == ["a.txt"]
    [reject] = read(house, "rejects")
    assert (reject["rule"], reject["value"], reject["threshold"]) == (
        "digits/too-many",
        pytest.approx(12 / 17),
        0.3,
    )


def test_a_new_option_leaves_fingerprints_alone(house: Path) -> None:
    """plan.json of sources of other kinds is the same with the new kind and without."""
    (house / "a.txt").write_text("The mill ground 12 sacks of corn before noon.")
    (house / "plain.toml").write_text(
        'folder = "run"\n[sources.a]\nkind = "text"\npaths = ["a.txt"]\n'
    )
    command(house, "ingest", "plain.toml", "--workers", "1")
    before = (house / "run" / "documents" / "plan.json").read_bytes()
    follow(house, "Add a source")
    shutil.rmtree(house / "run")
    command(house, "ingest", "plain.toml", "--workers", "1")
    assert (house / "run" / "documents" / "plan.json").read_bytes() == before
