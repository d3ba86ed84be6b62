"""Reading one record again gives the record of the whole file, for every kind of source."""

from pathlib import Path
from unittest import mock

import pytest

from tests.fuzz.seeds import SEEDS
from transforms.ingest import reread
from transforms.ingest.reread import find_records, first_difference, read_again
from transforms.ingest.settings import FilterConfig, LanguageConfig, SourceConfig
from transforms.ingest.unit import InputFile
from transforms.sources.records import RawDocument
from transforms.sources.registry import read_records

ALL = LanguageConfig(keep=(), threshold=0.0, characters=1000, model=None)
OPTIONS = {
    "jsonl": {"fields": {}},
    "csv": {"fields": {}},
    "parquet": {"fields": {}},
    "arrow": {"fields": {}},
}
FILES = [(kind, number) for kind, seeds in SEEDS.items() for number in range(len(seeds))]


def input_file(path: Path) -> InputFile:
    return InputFile(source="s", path=str(path), origin=path.name, size=path.stat().st_size)


@pytest.mark.parametrize(("kind", "number"), FILES)
def test_each_record_comes_again(tmp_path: Path, kind: str, number: int) -> None:
    extension, make = SEEDS[kind][number]
    path = tmp_path / f"a{extension}"
    path.write_bytes(make())
    settings = SourceConfig(kind=kind, paths=("x",), options=OPTIONS.get(kind, {}))
    whole = {
        record.locator: record
        for record in read_records(str(path), kind=kind, options=settings.options)
    }
    assert whole
    for locator, record in whole.items():
        assert list(find_records(input_file(path), [locator], settings, ALL)) == [record]
    together = list(find_records(input_file(path), list(whole), settings, ALL))
    assert sorted(together, key=str) == sorted(whole.values(), key=str)
    assert list(find_records(input_file(path), ["no such"], settings, ALL)) == []


@pytest.mark.parametrize(("kind", "number"), [("warc", 1), ("wet", 1), ("jsonl", 0)])
def test_where_a_reader_can_start_anywhere_only_the_record_is_read(
    tmp_path: Path, kind: str, number: int
) -> None:
    extension, make = SEEDS[kind][number]
    path = tmp_path / f"a{extension}"
    path.write_bytes(make())
    settings = SourceConfig(kind=kind, paths=("x",), options=OPTIONS.get(kind, {}))
    locators = [
        record.locator for record in read_records(str(path), kind=kind, options=settings.options)
    ]
    read = []

    def spy(*arguments, **keywords):
        for record in read_records(*arguments, **keywords):
            read.append(record.locator)
            yield record

    with mock.patch.object(reread, "read_records", spy):
        assert len(list(find_records(input_file(path), locators[-2:], settings, ALL))) == 2
    assert read == locators[-2:]


def test_a_record_whose_neighbours_are_damaged_is_found_by_reading_them_all(tmp_path: Path) -> None:
    data = bytearray(SEEDS["warc"][1][1]())
    path = tmp_path / "a.warc.gz"
    path.write_bytes(data)
    settings = SourceConfig(kind="warc", paths=("x",))
    records = list(read_records(str(path), kind="warc", options={}))
    last = int(records[-1].locator)
    data[last + 40] ^= 0xFF
    path.write_bytes(data)
    record = next(find_records(input_file(path), [records[-2].locator], settings, ALL))
    assert record == records[-2]


def test_filters_judge_and_edit_what_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        '{"text": "Ask jane@firm.org for the keys of the old mill by the river."}',
        '{"text": "short"}',
        '{"text": 5}',
    ]
    path.write_text("\n".join(lines))
    settings = SourceConfig(
        kind="jsonl",
        paths=("x",),
        quality=(FilterConfig(name="pii"), FilterConfig(name="length", options={"at_least": 20})),
    )
    locators = ["0", str(len(lines[0]) + 1), str(len(lines[0]) + len(lines[1]) + 2)]
    found = {
        item.locator: item
        for item in read_again(
            input_file(path), locators, settings=settings, language=ALL, signals=False
        )
    }
    first, second, third = (found[locator] for locator in locators)
    assert first.text is not None
    assert first.rule is None
    assert "jane" not in first.text
    assert (second.rule, second.value, second.threshold, second.text) == (
        "length/too-short",
        5.0,
        20.0,
        "short",
    )
    assert (third.rule, third.text) == ("jsonl/wrong-type", lines[2])


def test_pages_are_screened_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<html><body><p>"
        + "Am Morgen lagen die unteren Felder unter Wasser; niemand im Dorf hatte das gesehen. "
        * 20
        + "</p></body>"
    )
    settings = SourceConfig(kind="html", paths=("x",))
    english = LanguageConfig(keep=("en",), threshold=0.5, characters=1000, model=None, screen=True)
    screened, whole = (
        next(
            read_again(
                input_file(path), ["0"], settings=settings, language=english, signals=signals
            )
        )
        for signals in (False, True)
    )
    assert (screened.rule, whole.rule) == ("language/not-kept", "language/not-kept")
    assert screened.detail == "de, by a sample of the page"
    assert whole.detail is None
    assert isinstance(next(find_records(input_file(path), ["0"], settings, ALL)), RawDocument)


@pytest.mark.parametrize(
    ("before", "now", "parts"),
    [
        ("a\nb\nc\nd", "a\nb\nX\nd", ["@@ line 3, character 1 @@", " a", " b", "-c", "+X"]),
        ("a\nb", "a", ["@@ line 2, character 1 @@", " a", "-b"]),
        ("a", "a\nb", ["@@ line 2, character 1 @@", " a", "+b"]),
        (
            "x" * 500 + "1" + "y" * 500,
            "x" * 500 + "2" + "y" * 500,
            [f"-…{'x' * 100}1{'y' * 99}…", f"+…{'x' * 100}2{'y' * 99}…"],
        ),
        ("", "a", ["@@ line 1, character 1 @@", "-", "+a"]),
    ],
)
def test_the_first_difference_is_shown_with_what_stands_before_it(
    before: str, now: str, parts: list[str]
) -> None:
    shown = first_difference(before, now).splitlines()
    assert shown[:2] == ["--- stored", "+++ read again"]
    for part in parts:
        assert part in shown
