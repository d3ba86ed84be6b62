"""Patterns, and paths with the signs of patterns."""

from pathlib import Path

import pytest

from transforms import storage
from transforms.storage import files, globs

ODD = [
    *("a[b]", "a*b", "a?b", "[!a]", "a[", "**", "a]b", "[[]"),
    *("%20 #", "a'b\"c", "~", "-x", "é", "e\u0301", "new\nline", "a&b;c$d", "{a,b}"),
]
"""Names of folders and files that a shell, a URL or a glob reads otherwise."""


@pytest.mark.parametrize("name", ODD)
def test_an_escaped_path_matches_itself_alone(tmp_path: Path, name: str) -> None:
    for folder in {name, "ab", "a1b", "axb", "b", "x"}:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "x.txt").write_text(folder)
    escaped = globs.escape(f"{tmp_path}/{name}")
    assert globs.unescape(escaped) == f"{tmp_path}/{name}"
    assert not globs.has_magic(escaped)
    for pattern in ("x.txt", "*.txt", "**", "x.tx[t]", "?.txt"):
        assert [file.path for file in storage.list_files(f"{escaped}/{pattern}")] == [
            f"{tmp_path}/{name}/x.txt"
        ]
    assert [file.path for file in storage.list_folder(f"{tmp_path}/{name}")] == [
        f"{tmp_path}/{name}/x.txt"
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a[1].txt", ["a[1].txt"]),  # is there as it is spelled
        ("a[2].txt", ["a2.txt"]),
        ("a[12].txt", ["a1.txt", "a2.txt"]),
        ("a*.txt", ["a*.txt", "a1.txt", "a2.txt", "a[1].txt"]),  # a star is always a pattern
        ("a[[]1].txt", ["a[1].txt"]),
        ("a[*].txt", ["a*.txt"]),
        ("d[1]/x", ["d[1]/x"]),
        ("d[1]/*", ["d[1]/x"]),
        ("d[2]/*", ["d2/x"]),
        ("d*/x", ["d1/x", "d2/x", "d[1]/x"]),
        ("*/x", ["d1/x", "d2/x", "d[1]/x"]),
    ],
)
def test_what_is_there_as_it_is_spelled_comes_before_a_pattern(
    tmp_path: Path, pattern: str, found: list[str]
) -> None:
    for name in ("a1.txt", "a2.txt", "a[1].txt", "a*.txt", "d1/x", "d2/x", "d[1]/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [
        file.path.removeprefix(f"{tmp_path}/")
        for file in storage.list_files(f"{tmp_path}/{pattern}")
    ] == found


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("/a/b/c.txt", ("/a/b/c.txt", "")),
        ("/a/b/*.txt", ("/a/b", "*.txt")),
        ("/a/[[]b]/**/c", ("/a/[b]", "**/c")),
        ("/a/there[1]/[b]", ("/a/there[1]", "[b]")),
        ("memory://a/[*]/x*", ("memory://a/*", "x*")),
        ("https://host/a?b=c", ("https://host", "a?b=c")),
        ("https://host/a/b", ("https://host/a/b", "")),
    ],
)
def test_the_literal_part_of_a_pattern(
    pattern: str, parts: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "exists", lambda path: path.endswith("there[1]"))
    assert storage.find_literal(pattern) == parts


def test_urls_of_the_web_are_not_escaped() -> None:
    assert globs.escape("https://host/a?b=[1]") == "https://host/a?b=[1]"
    assert globs.escape("s3://bucket/a[1]") == "s3://bucket/a[[]1]"


def test_removing_a_folder_with_a_star_in_its_name_leaves_others_of_a_store_alone() -> None:
    for name in ("run*", "run1"):
        storage.write_bytes(f"memory://globs/{name}/x", b"data")
    storage.remove_folder("memory://globs/run*")
    assert not storage.exists("memory://globs/run*/x")
    assert storage.exists("memory://globs/run1/x")
    storage.remove_folder("memory://globs/run1")
