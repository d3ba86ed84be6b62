"""Paths of the configuration: what is a path by its type, and where relative ones start."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from transforms.config_types import (
    BASE_FOLDER,
    ConfigPath,
    ConfigPaths,
    ConfigPattern,
    ConfigPatterns,
    absolute_path,
    absolute_pattern,
    holds_paths,
)


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("a/b", "/base", "/base/a/b"),
        ("../a", "/base/c", "/base/a"),
        ("/a", "/base", "/a"),
        ("file:///a/b", "/base", "/a/b"),
        ("gs://b/a", "/base", "gs://b/a"),
        ("a", "s3://bucket/x", "s3://bucket/x/a"),
        ("../a", "s3://bucket/x", "s3://bucket/a"),
        ("/a", "s3://bucket/x", "/a"),
    ],
)
def test_where_relative_paths_start(path: str, base: str, expected: str) -> None:
    assert absolute_path(path, base) == expected
    assert TypeAdapter(ConfigPath).validate_python(path, context={BASE_FOLDER: base}) == expected


def test_wildcards_in_the_name_of_the_folder_are_no_wildcards() -> None:
    assert absolute_pattern("*.txt", "/a[1]") == "/a[[]1]/*.txt"
    assert TypeAdapter(ConfigPatterns).validate_python("*.txt", context={BASE_FOLDER: "/a*"}) == (
        "/a[*]/*.txt",
    )


def test_without_a_folder_paths_stay() -> None:
    assert TypeAdapter(ConfigPaths).validate_python(["a", ""]) == ("a", "")
    assert TypeAdapter(ConfigPaths).validate_python(["a", ""], context={BASE_FOLDER: "/b"}) == (
        "/b/a",
        "",
    )


@pytest.mark.parametrize(
    "annotation",
    [
        ConfigPath,
        ConfigPath | None,
        ConfigPaths,
        tuple[ConfigPath, ...],
        Mapping[str, ConfigPattern],
    ],
)
def test_paths_are_seen_in_types(annotation: Any) -> None:
    assert holds_paths(annotation)


@pytest.mark.parametrize("annotation", [str, tuple[str, ...], str | None, dict[str, int], bool])
def test_other_types_hold_no_paths(annotation: Any) -> None:
    assert not holds_paths(annotation)
