"""Registries are what a module imports: by type, in order, each name once."""

from dataclasses import dataclass

import pytest

from transforms.registered import registered


@dataclass(frozen=True)
class Entry:
    name: str


def test_entries_are_listed_by_name_in_the_order_of_the_imports() -> None:
    module = {"ONE": Entry("one"), "os": object(), "TWO": Entry("another"), "name": "text"}
    assert list(registered(module.values(), Entry)) == ["one", "another"]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="two entries of a registry have one name: one, one"):
        registered([Entry("one"), Entry("one")], Entry)
