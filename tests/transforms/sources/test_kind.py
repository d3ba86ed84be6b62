"""Source kinds: options of the reader, ranges, names and first bytes of files."""

from collections.abc import Iterator
from typing import Annotated, BinaryIO

import pytest
from pydantic import Field, ValidationError

from transforms.sources.file_head import FileHead
from transforms.sources.file_kinds import kind_of_bytes, kind_of_file
from transforms.sources.kind import Ranges, SourceKind
from transforms.sources.options import NO_FIELDS, FieldsOption, check_options
from transforms.sources.records import Record, Screen
from transforms.sources.registry import KINDS, TABLE_OPTIONS, options_of


def read(
    stream: BinaryIO,
    *,
    size: Annotated[int, Field(ge=1, description="lines of a record")] = 3,
    fields: FieldsOption = NO_FIELDS,
    name: Annotated[str, Field(description="must be given")],
    screen: Screen | None = None,
    max_bytes: int = 10,
) -> Iterator[Record]:
    yield from ()


KIND = SourceKind(name="lines", read=read)


def test_options_are_the_keywords_that_are_described() -> None:
    assert [(option.name, option.description) for option in KIND.options.values()][::2] == [
        ("size", "lines of a record"),
        ("name", "must be given"),
    ]
    assert KIND.options["fields"] == TABLE_OPTIONS["fields"]
    assert KIND.takes("screen")
    assert not KIND.takes("columns")
    assert not KIND.has_columns


def test_options_are_checked_and_have_their_defaults() -> None:
    assert check_options(KIND.options, {"name": "a", "fields": {"text": "t"}}) == {
        "size": 3,
        "fields": {"text": "t"},
        "name": "a",
    }
    assert check_options(KIND.options, {"name": "a"})["fields"] == {}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"name": "a", "size": 0}, "size"),
        ({"name": "a", "size": "many"}, "size"),
        ({"name": "a", "fields": {"body": "t"}}, "fields"),
        ({"name": "a", "max_bytes": 3}, "max_bytes"),
        ({}, "name"),
    ],
)
def test_wrong_values_are_located(given: dict, key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_options(KIND.options, given)
    assert caught.value.errors()[0]["loc"][0] == key


def test_kinds_share_an_option_or_name_it_otherwise() -> None:
    def other(
        stream: BinaryIO, *, size: Annotated[int, Field(description="bytes")] = 3
    ) -> Iterator[Record]:
        yield from ()

    with pytest.raises(ValueError, match="option 'size' of source kind 'bytes' differs"):
        options_of([KIND, SourceKind(name="bytes", read=other)])


@pytest.mark.parametrize(
    ("ranges", "path", "split"),
    [
        (None, "a.txt", False),
        (Ranges(of="line", files="all"), "a.txt", True),
        (Ranges(of="line", files="plain", except_suffixes=(".gz",)), "a.txt.gz", False),
        (Ranges(of="member", files="gzip", suffixes=(".gz",)), "a.txt.gz", True),
        (Ranges(of="member", files="gzip", suffixes=(".gz",)), "a.txt", False),
    ],
)
def test_which_files_are_read_in_ranges(ranges: Ranges | None, path: str, split: bool) -> None:
    kind = SourceKind(name="lines", read=read, ranges=ranges)
    assert kind.can_split(path) is split
    assert not kind.starts_at_locators(path)


@pytest.mark.parametrize(
    ("head", "root"),
    [
        (b"<?xml version='1.0'?><!-- c --><rss version='2'>", "rss"),
        (b"\xef\xbb\xbf<rdf:RDF>", "rdf"),
        ("\ufeff<feed>".encode("utf-16"), ""),
        ("<feed>".encode("utf-16"), "feed"),
        (b"text <rss>", ""),
        (b"", ""),
    ],
)
def test_the_root_of_markup(head: bytes, root: str) -> None:
    assert FileHead(head).root == root


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PAR1....", "parquet"),
        (b"ARROW1\0\0", "arrow"),
        (b"\xff\xff\xff\xff\x10", "arrow"),
        (b"WARC/1.0\r\n", "warc"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/epub+zip", "epub"),
        (b"PK\x03\x04 another archive", None),
        (b'{"text": 1}', "jsonl"),
        (b"[ {", "jsonl"),
        (b"<!DOCTYPE html><p>", "html"),
        (b"<!DOCTYPE html><rss>", "feed"),
        (b"<mediawiki xml:lang='de'>", "wikipedia"),
        (b"plain text", None),
    ],
)
def test_kinds_by_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of_bytes(head) == kind
    assert kind_of_file("a.unknown", lambda: head) == kind


def test_a_wat_file_is_of_no_kind_and_a_dump_is_one_by_its_name() -> None:
    assert kind_of_file("CC-MAIN.wat.gz", lambda: b"WARC/1.0") is None
    assert kind_of_file("dewiki-pages-articles.xml.bz2", lambda: b"") == "wikipedia"


def test_measured_rates_are_of_files_that_the_kind_reads() -> None:
    for kind in KINDS.values():
        assert all(
            rate.bytes_per_second > 1e5 and 0 < rate.parts < rate.text
            for rate in kind.rates.values()
        ), kind.name
