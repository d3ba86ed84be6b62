"""Benches and fuzzers are run by hand; here they are only imported, so that none is left behind by a change of what it uses."""

import importlib

import pytest

from tests.conftest import PROJECT

SCRIPTS = sorted(
    path
    for folder in ("bench", "fuzz")
    for path in (PROJECT / "tests" / folder).glob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("name", [f"tests.{path.parent.name}.{path.stem}" for path in SCRIPTS])
def test_a_script_can_be_imported(name: str) -> None:
    importlib.import_module(name)
