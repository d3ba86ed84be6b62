"""Unusual archives from the tests of other tools: which records are read or rejected, and why."""

from pathlib import Path

import pytest

from transforms.sources.records import RawReject
from transforms.sources.registry import read_records

GOLDEN: dict[str, tuple[str, list[int], list[tuple[str, str, str]]]] = {
    "chunked-transfer.warc": ("warc", [405], []),
    "clipped.warc.gz": ("warc", [], [("0", "warc/truncated", "75207 of 88275 bytes")]),
    "truncated.warc": (
        "warc",
        [1197],
        [],
    ),  # two zeros behind the stated length, which end the body's gzip checksum
    "warcfile.warc.lz4": (
        "warc",
        [
            1202,
            15562,
            37929,
            45779,
            51472,
            58174,
            74013,
            85422,
            92091,
            107106,
            122247,
            131591,
            136817,
            148408,
            154663,
            163610,
        ],
        [],
    ),
    "wget-angle-bracket-uris.warc.gz": (
        "warc",
        [
            856,
            12746,
            24218,
            35216,
            46426,
            78027,
            109633,
            120231,
            132646,
            170431,
            202025,
            207740,
            212816,
            220410,
            227910,
        ],
        [],
    ),
    "whirlwind.warc.gz": ("warc", [1023], []),
    "whirlwind.warc.wet.gz": ("wet", [466], []),
}
"""File -> (kind, locators of the documents, (locator, rule, detail) of the rejects)."""

WORDS = {
    "chunked-transfer.warc": (150, 250),
    "warcfile.warc.lz4": (1200, 2500),
    "wget-angle-bracket-uris.warc.gz": (4500, 6500),
    "whirlwind.warc.gz": (200, 350),
    "whirlwind.warc.wet.gz": (581, 581),
}
"""Words in all documents of a file, split at white space.

The main text may change a little, but must not become empty.
"""

pytestmark = pytest.mark.real_data


def test_every_file_is_in_the_table(data_folder: Path) -> None:
    assert {path.name for path in (data_folder / "edge").iterdir()} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_becomes_of_a_file(data_folder: Path, name: str) -> None:
    kind, documents, rejects = GOLDEN[name]
    found = list(read_records(str(data_folder / "edge" / name), kind=kind, options={}))
    read = [record for record in found if not isinstance(record, RawReject)]
    assert [record.locator for record in read] == list(map(str, documents))
    assert [
        (record.locator, record.rule, record.detail)
        for record in found
        if isinstance(record, RawReject)
    ] == rejects
    assert all(record.url and not record.url.startswith("<") for record in read)
    words = sum(len(record.text.split()) for record in read)
    least, most = WORDS.get(name, (0, 50))
    assert least <= words <= most


def test_the_same_page_from_its_archive_and_its_extract(data_folder: Path) -> None:
    """A WET file has the whole text of a page with its menus, and so the words of its main text."""
    (page,) = read_records(str(data_folder / "edge" / "whirlwind.warc.gz"), kind="warc", options={})
    (extract,) = read_records(
        str(data_folder / "edge" / "whirlwind.warc.wet.gz"), kind="wet", options={}
    )
    assert not isinstance(page, RawReject)
    assert not isinstance(extract, RawReject)
    assert page.url == extract.url
    shared = set(page.text.split()) & set(extract.text.split())
    assert len(shared) > 0.9 * len(set(page.text.split()))
