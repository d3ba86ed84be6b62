"""Common Crawl names: the files they stand for, and the errors of those that stand for none."""

import gzip
from pathlib import Path

import pytest

from transforms.errors import ConfigError
from transforms.sources.common_crawl import crawl_paths, parse_crawl_name

PATHS = [f"crawl-data/CC-MAIN-2024-22/segments/1/warc/{number:05d}.warc.gz" for number in range(10)]


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    for crawl, kind in (
        ("CC-MAIN-2024-22", "warc"),
        ("CC-MAIN-2024-22", "wet"),
        ("CC-NEWS/2024/05", "warc"),
    ):
        folder = tmp_path / "crawl-data" / crawl
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{kind}.paths.gz").write_bytes(
            gzip.compress("".join(f"{path}\n" for path in PATHS).encode())
        )
    return tmp_path


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("cc:CC-MAIN-2024-22/warc", range(10)),
        ("cc:CC-MAIN-2024-22/warc[0:4]", range(4)),
        ("cc:CC-MAIN-2024-22/warc[:]", range(10)),
        ("cc:CC-MAIN-2024-22/warc[8:]", [8, 9]),
        ("cc:CC-MAIN-2024-22/warc[-2:]", [8, 9]),
        ("cc:CC-MAIN-2024-22/warc[8:99]", [8, 9]),
        ("cc:CC-MAIN-2024-22/warc[ 1 : 9 : 4 ]", [1, 5]),
        ("cc:CC-MAIN-2024-22/warc[::5]", [0, 5]),
        ("cc:CC-MAIN-2024-22/wet[3]", [3]),
        ("cc:CC-MAIN-2024-22/warc[-1]", [9]),
        ("cc:CC-NEWS/2024/05/warc[1:2]", [1]),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_names(mirror: Path, name: str, chosen: object, slash: str) -> None:
    assert crawl_paths(name, base=f"{mirror}{slash}") == [PATHS[number] for number in chosen]


def test_where_the_published_lists_lie() -> None:
    assert (
        parse_crawl_name("cc:CC-MAIN-2024-22/wet").listing
        == "crawl-data/CC-MAIN-2024-22/wet.paths.gz"
    )
    assert (
        parse_crawl_name("cc:CC-NEWS/2024/05/warc").listing
        == "crawl-data/CC-NEWS/2024/05/warc.paths.gz"
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "cc:",
            "cc:CC-MAIN-2024-22",
            "cc:CC-MAIN-2024-22/",
            "cc:CC-MAIN-2024/warc",
            "cc:CC-MAIN-2024-22/arc",
            "cc:cc-main-2024-22/warc",
        ),
        *(
            "cc:CC-MAIN-2024-22/warc[]",
            "cc:CC-MAIN-2024-22/warc[a]",
            "cc:CC-MAIN-2024-22/warc[0:4",
            "cc:CC-MAIN-2024-22/warc[0,4]",
        ),
        *(
            "cc:CC-MAIN-2024-22/warc[0:4:0]",
            "cc:CC-MAIN-2024-22/warc[::-1]",
            "cc:CC-MAIN-2024-22/warc[0:4]x",
            "cc:CC-MAIN-2024-22/warc[1:2:3:4]",
        ),
        *(
            "cc:CC-NEWS/warc",
            "cc:CC-NEWS/2024/13/warc",
            "cc:CC-NEWS/2024/05/wet",
            "cc:CC-MAIN-2024-22/../warc",
        ),
    ],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(ValueError, match="cc:"):
        parse_crawl_name(name)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("cc:CC-MAIN-2024-22/warc[10]", "the list has 10"),
        ("cc:CC-MAIN-2024-22/warc[10:]", "the list has 10"),
        ("cc:CC-MAIN-2024-23/warc", "no list of paths"),
    ],
)
def test_names_that_stand_for_nothing(mirror: Path, name: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        crawl_paths(name, base=str(mirror))
    assert caught.value.where.startswith(str(mirror))


@pytest.mark.parametrize(
    "damage", [b"", b"plain text", gzip.compress(b"crawl-data/x", mtime=0)[:-4]]
)
def test_a_damaged_list(mirror: Path, damage: bytes) -> None:
    (mirror / "crawl-data" / "CC-MAIN-2024-22" / "warc.paths.gz").write_bytes(damage)
    with pytest.raises(ConfigError, match=r"damaged|the list has 0"):
        crawl_paths("cc:CC-MAIN-2024-22/warc", base=str(mirror))
