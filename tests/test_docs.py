"""Documentation that cannot go stale: every command of the README runs, and the command reference is what `--help` says.

python -m tests.test_docs > docs/commands.md
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from pipeline.cli import app
from tests.conftest import PROJECT
from tests.process_state import packages

README = (PROJECT / "README.md").read_text(encoding="utf-8")
LIBRARY = (PROJECT / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
END_OF_EXAMPLE = "--- end of an example\n"
SECTION = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def readme_commands() -> list[str]:
    """The lines of the README's shell blocks, without comments."""
    return commands_of(README)


def commands_of(text: str) -> list[str]:
    lines = (
        line.split("  #")[0].strip()
        for block in SECTION.findall(text)
        for line in block.splitlines()
    )
    return [line for line in lines if line and not line.startswith("#")]


def command_reference() -> str:
    """All commands with their arguments and options, as Markdown."""
    return "\n".join(_reference_lines()) + "\n"


def _reference_lines() -> Iterator[str]:
    yield "# Commands\n"
    yield "Made from the commands' own help by `python -m tests.test_docs > docs/commands.md`; a test holds it to that.\n"
    yield "Exit status: 0 done, 1 failed, 2 wrong usage. CONFIG is a TOML file or the folder of a run."
    yield "`python -m pipeline` is the same as `tokenmill`.\n"
    group = typer.main.get_command(app)
    yield from _parameter_lines(group.params)
    for name, command in group.commands.items():
        yield f"\n## tokenmill {name}\n\n{command.help}\n"
        yield from _parameter_lines(command.params)


def _parameter_lines(parameters: Iterable[Any]) -> Iterator[str]:
    for parameter in parameters:
        flags = ", ".join(f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts))
        label = (
            flags
            if parameter.param_type_name == "option"
            else f"`{parameter.metavar or parameter.name.upper()}`"
        )
        default = (
            ""
            if parameter.default in (None, "", False, True) or parameter.required
            else f" (default: {parameter.default})"
        )
        yield f"- {label}: {parameter.help}{default}"


def test_the_command_reference_is_what_the_help_says() -> None:
    assert (PROJECT / "docs" / "commands.md").read_text(encoding="utf-8") == command_reference()


def test_the_readme_names_every_command_and_both_front_doors() -> None:
    for name, command in typer.main.get_command(app).commands.items():
        assert command.hidden or f"tokenmill {name}" in README, name
    assert {"make quickstart", "make test"} <= set(readme_commands())
    assert len(README.splitlines()) < 200


def test_files_that_the_documents_name_are_there() -> None:
    for path in sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def run_all(tokenmill: Callable, commands: list[str]) -> None:
    for command in commands:
        outcome = tokenmill(*shlex.split(command)[1:])
        assert outcome.status == 0, f"{command}\n{outcome.err}"
        assert outcome.out or "run" in command
        if command.startswith("tokenmill quickstart"):
            _train_briefly(Path("demo/tokenmill.toml"))


def _train_briefly(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "steps = 250" in text
    path.write_text(text.replace("steps = 250", "steps = 3"), encoding="utf-8")


def test_every_command_of_the_readme_runs(
    tokenmill: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [
        line
        for line in readme_commands()
        if line.startswith("tokenmill ") and "real-data" not in line
    ]
    assert len(commands) > 8
    explaining = commands_of((PROJECT / "docs" / "explain.md").read_text(encoding="utf-8"))
    assert len(explaining) == 4
    monkeypatch.chdir(tmp_path)
    run_all(tokenmill, [*commands, *explaining])


def test_every_example_of_the_library_page_prints_what_the_page_says(tmp_path: Path) -> None:
    examples = EXAMPLE.findall(LIBRARY)
    assert len(examples) == LIBRARY.count("```python\n") > 12
    program = f"print({END_OF_EXAMPLE!r}, end='')\n".join(code for code, _ in examples)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(END_OF_EXAMPLE) == [output for _, output in examples]


def test_the_library_page_names_every_package_with_public_names_and_imports_no_others() -> None:
    public = {name: importlib.import_module(name).__all__ for name in packages()}
    assert [name for name in public if public[name] and f"`{name}`" not in LIBRARY] == []
    imports = re.findall(
        r"^from ([\w.]+) import (?:\((.*?)\)|(.*?)$)", LIBRARY, re.MULTILINE | re.DOTALL
    )
    for package, several, line in imports:
        for name in filter(None, re.split(r"[\s,]+", several or line)):
            assert name in public.get(package, [name]), f"{package}.{name}"


@pytest.mark.real_data
def test_the_readme_names_the_real_run_and_its_configuration_finds_its_files(
    data_folder: Path,
) -> None:
    from pipeline.config.load import load_config
    from pipeline.stages.documents.planning import plan_documents

    assert "tokenmill run docs/examples/real-data.toml" in readme_commands()
    text = (PROJECT / "docs" / "examples" / "real-data.toml").read_text(encoding="utf-8")
    config = load_config(str(PROJECT / "docs" / "examples" / "real-data.toml"))
    assert "../shared/data" in text
    assert len(plan_documents("documents", config).inputs) == 3 + 4 + 15


if __name__ == "__main__":
    print(command_reference(), end="")
