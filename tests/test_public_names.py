"""Public names: every package says in `__init__.py` what they are, and importing it costs nothing."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import PROJECT
from tests.process_state import packages
from tools.house.docstrings import first_line_fault
from transforms.lazy_exports import export_lazily

PACKAGES = sorted(packages())
EAGER = {"pipeline.config", "pipeline.sample", "transforms.storage"}
"""Packages that import their modules at once."""

HEAVY = {"apache_beam", "fsspec", "numpy", "pyarrow", "pydantic", "rich", "torch", "typer"}
IMPORTED_FIRST = """
import importlib, json, os, sys
for package in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(package)
        print(json.dumps([package, sorted({name.partition(".")[0] for name in sys.modules})]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, package
"""


def is_written_docstring(value: object) -> bool:
    """A dataclass and a named tuple without a docstring get their signature as one."""
    text = inspect.getdoc(value) or ""
    return bool(text) and not text.startswith(f"{getattr(value, '__name__', '')}(")


def typed_imports(module: ModuleType) -> Iterator[tuple[str, str]]:
    """(module, name) of the imports that type checkers see in a package with lazy exports."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.If):
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.module
                for alias in statement.names:
                    yield statement.module, alias.name


@pytest.fixture(scope="module")
def imported_by() -> dict[str, set[str]]:
    """Package -> the top-level modules that are there after importing it first and alone."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_FIRST, *PACKAGES],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {package: set(names) for package, names in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_is_public(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    assert first_line_fault(module.__doc__) is None
    assert len(set(module.__all__)) == len(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert is_written_docstring(value), name


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_that_of_a_submodule(package: str) -> None:
    """Else it is the module or the value, depending on what was imported before."""
    module = importlib.import_module(package)
    submodules = {path.stem for path in Path(module.__path__[0]).iterdir()}
    assert submodules.isdisjoint(module.__all__)


@pytest.mark.parametrize("package", sorted(set(PACKAGES) - EAGER))
def test_type_checkers_see_the_names_that_are_exported(package: str) -> None:
    module = importlib.import_module(package)
    seen = list(typed_imports(module))
    assert sorted(name for _, name in seen) == sorted(module.__all__)
    for home, name in seen:
        assert getattr(module, name) is getattr(importlib.import_module(home), name)


def test_importing_a_package_imports_no_other_project(imported_by: dict[str, set[str]]) -> None:
    assert set(imported_by) == set(PACKAGES)
    assert {package for package, names in imported_by.items() if names & HEAVY} == EAGER
    for package in EAGER:
        assert imported_by[package].isdisjoint({"apache_beam", "torch"})


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(ImportError, match=r"cannot import name 'lod_config' from 'pipeline'"):
        from pipeline import lod_config  # noqa: F401
    import pipeline

    with pytest.raises(AttributeError, match=r"module 'pipeline' has no attribute 'lod_config'"):
        _ = pipeline.lod_config


def test_a_name_that_is_replaced_in_its_module_is_replaced_in_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    get_attribute, names = export_lazily("tests", {".conftest": "PROJECT"})
    assert get_attribute("PROJECT") == PROJECT
    assert "PROJECT" in names()
    monkeypatch.setattr("tests.conftest.PROJECT", None)
    assert get_attribute("PROJECT") is None
