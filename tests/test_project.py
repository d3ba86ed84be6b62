"""Files about the project keep to each other: workflow, Makefile, classifiers, pre-commit, forms, changelog."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT
from tests.install.pythons import TRIED

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
CONFIGURATION = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
FORMS = sorted(
    path.name
    for path in (PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    if path.name != "config.yml"
)


def read_yaml(name: str) -> Any:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


def test_the_workflow_runs_targets_of_the_makefile_on_every_python() -> None:
    job = read_yaml(".github/workflows/test.yml")["jobs"]["test"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ["make test", "make quickstart", "make wheel"]
    assert {command.partition(" ")[2] for command in commands} <= TARGETS
    assert job["strategy"]["matrix"]["python"] == list(TRIED)


def test_classifiers_name_the_pythons_that_are_tried() -> None:
    classifiers = CONFIGURATION["project"]["classifiers"]
    assert re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers)) == list(TRIED)
    assert CONFIGURATION["project"]["requires-python"] == f">={TRIED[0]}"
    assert classifiers == sorted(classifiers)


def test_every_phony_target_is_there() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == TARGETS


def test_targets_that_documents_name_are_there() -> None:
    for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob(".github/*.md")]:
        named = set(
            re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        assert named <= TARGETS, path.name


def test_pre_commit_runs_what_make_lint_runs() -> None:
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    hooks = {
        tuple(hook["entry"].replace(" --force-exclude", "").split()) for hook in repository["hooks"]
    }
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe
    lint = recipe[1].replace("$(BIN)", ".venv/bin").replace(" --check", "")
    assert hooks == {tuple(line.removesuffix(" .").split()) for line in lint.splitlines()}


@pytest.mark.parametrize("name", FORMS)
def test_issue_forms(name: str) -> None:
    form = read_yaml(f".github/ISSUE_TEMPLATE/{name}")
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 2
    assert all(
        field["attributes"].get("label") for field in form["body"] if field["type"] != "markdown"
    )


def test_the_changelog_keeps_its_form() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(
        re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:]
    )
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    released = versions[1:]
    assert not released or released[0].startswith(f"[{CONFIGURATION['project']['version']}]")
