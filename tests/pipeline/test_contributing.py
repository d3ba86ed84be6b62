"""CONTRIBUTING.md keeps to the code: its picture, its commands and its worked example of a command."""

import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

from pipeline import cli
from tests.conftest import PROJECT

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PICTURE = TEXT.partition("```mermaid\n")[2].partition("```")[0]
ARROW = re.compile(r"^ *(\w+)(?:\[[^\]]*\])? --> (\w+)(?:\[[^\]]*\])?$", re.MULTILINE)
EXAMPLES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def drawn() -> tuple[set[str], set[tuple[str, str]]]:
    """The modules and the arrows of the picture."""
    names = dict(re.findall(r'\b(\w+)\["([\w.]+)"\]', PICTURE))
    arrows = {(names[importer], names[imported]) for importer, imported in ARROW.findall(PICTURE)}
    assert len(arrows) == PICTURE.count("-->")
    return set(names.values()), arrows


def below(arrows: set[tuple[str, str]], module: str) -> set[str]:
    """All modules that arrows lead to."""
    direct = {imported for importer, imported in arrows if importer == module}
    return direct | {deeper for each in direct for deeper in below(arrows, each)}


def test_the_picture_is_drawn_from_the_imports() -> None:
    modules, arrows = drawn()
    graph = grimp.build_graph("pipeline", "transforms", "training")
    parts = {module: {module, *graph.find_descendants(module)} for module in modules}
    imports = {
        (importer, imported)
        for importer in modules
        for imported in modules - {importer}
        if any(
            graph.find_modules_directly_imported_by(part) & parts[imported]
            for part in parts[importer]
        )
    }
    assert arrows - imports == set(), "an arrow without an import"
    assert {
        (importer, imported)
        for importer, imported in imports
        if importer in below(arrows, imported)
    } == set(), "against an arrow"


def test_folders_and_files_of_the_tour_are_there() -> None:
    table = TEXT.partition("| folder |")[2].partition("\n\n")[0]
    named = [
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`([\w/.]+)`", line.split("|")[1])
    ]
    assert len(named) > 14
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_the_worked_example_of_a_command_works(
    tokenmill: Callable, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"pipeline/commands/largest.py", "pipeline/cli.py"} <= set(EXAMPLES)
    path = tmp_path / "largest.py"
    path.write_text(EXAMPLES["pipeline/commands/largest.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("pipeline.commands.largest", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "pipeline.commands.largest", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(cli.app, "registered_commands", list(cli.app.registered_commands))
    exec(compile(EXAMPLES["pipeline/cli.py"], "CONTRIBUTING.md", "exec"), dict(vars(cli)))
    printed = tokenmill("largest", finished)
    assert (printed.status, printed.err) == (0, "")
    values = json.loads(tokenmill("largest", finished, "--json").out)
    assert [Path(name).parent.name for name in values] == [
        "dedup",
        "documents",
        "shards",
        "tokenizer",
    ]
    assert all(
        f"{size:,}  {name}" in printed.out.replace("\n", "") for name, size in values.items()
    )
    assert all(Path(name).stat().st_size == size for name, size in values.items())
