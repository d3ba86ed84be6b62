"""Reading in ranges: for any cuts, the ranges together yield the whole file, each record once."""

import gzip
import io
import json
import random
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sources.test_warc import GOOD, PAGE, PARAGRAPH, REQUEST, record
from transforms.errors import UserError
from transforms.sources import members
from transforms.sources.jsonl import read_jsonl
from transforms.sources.members import find_member
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import KINDS, read_records
from transforms.sources.tables import read_parquet
from transforms.sources.warc import read_warc

NOISE = random.Random(5).randbytes(300_000)


def cuts_of(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, size), max_size=6).map(lambda cuts: [0, *sorted(cuts), size])


def in_ranges(path: Path, kind: str, cuts: Sequence[int], **options: object) -> list[Record]:
    """The results of the ranges between neighbouring cuts, concatenated."""
    return [
        found
        for start, end in pairwise(cuts)
        for found in read_records(str(path), kind=kind, options=options, start=start, end=end)
    ]


def page(number: int, size: int = 10) -> bytes:
    return record(
        PAGE.format(f"{number} {PARAGRAPH}" * size).encode(), url=f"http://example.org/{number}"
    )


def noisy(size: int) -> bytes:
    return record(NOISE[:size], headers="Content-Type: application/gzip")


def stored(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=0)


LINES = st.sampled_from(
    [
        *(
            b'{"text": "one"}',
            b'{"text": "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a"}',
            b'{"text": "a\\nb"}',
            b'{"text": 1}',
        ),
        *(b"", b" \t", b"{", b"\r", json.dumps({"text": "long " * 40}).encode()),
    ]
)


@given(
    lines=st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\n\n"])), max_size=12),
    last=LINES,
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_jsonl(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list,
    last: bytes,
    mark: bytes,
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.jsonl"
    path.write_bytes(content := mark + b"".join(line + end for line, end in lines) + last)
    whole = list(read_records(str(path), kind="jsonl", options={"fields": {}}))
    assert in_ranges(path, "jsonl", data.draw(cuts_of(len(content))), fields={}) == whole
    for found in whole:
        [again] = read_jsonl(
            io.BytesIO(content[int(found.locator) :].split(b"\n")[0] + b"\n"), fields={}
        )
        assert (again.url, again[1]) == (found.url, found[1])


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("blank", [b"", b"\n", b" \r\n\n"])
@pytest.mark.parametrize(
    "first", [b"{", b"[", b'{"text": "zero"}', b'[{"text": "zero"}]', b"[1,", b"}"]
)
@pytest.mark.parametrize(
    "rest",
    [
        b'{"text": "one"}\n{"text": "two"}',
        b'"text": "one"}\n{"text": "two"}',
        b'1,\n{"text": "one"}]',
    ],
)
def test_all_ranges_take_a_json_file_for_the_same(
    tmp_path: Path, mark: bytes, blank: bytes, first: bytes, rest: bytes
) -> None:
    """Lines, an array, or objects on several lines: all ranges must detect the same format."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(content := mark + blank + first + b"\n" + rest)
    whole = list(read_records(str(path), kind="jsonl", options={"fields": {}}))
    assert whole
    for cut in range(1, len(content)):
        assert in_ranges(path, "jsonl", [0, cut, len(content)], fields={}) == whole


def test_jsonl_every_cut_belongs_to_the_line_that_starts_in_it() -> None:
    content = b'\xef\xbb\xbf{"text": "\xe2\x82\xac"}\r\n\n{"text": "two"}\n{"text": "three"}'
    starts = [0, 21, 37]
    for cut in range(1, len(content)):
        for start, end in ((0, cut), (cut, len(content))):
            found = [
                int(each.locator)
                for each in read_jsonl(io.BytesIO(content), fields={}, start=start, end=end)
            ]
            assert found == [each for each in starts if start <= each < end]


def test_a_range_inside_a_long_line_passes_over_it_in_blocks() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def readline(self, size: int | None = -1) -> bytes:
            line = super().readline(size)
            self.largest = max(self.largest, len(line))
            return line

    stream = Watched(json.dumps({"text": "x" * 3_000_000}).encode() + b'\n{"text": "next"}\n')
    assert list(read_jsonl(stream, fields={}, start=1_000_000, end=2_000_000)) == []
    assert stream.largest <= 1 << 16
    assert [each.text for each in read_jsonl(stream, fields={}, start=1_000_000)] == ["next"]


@given(
    groups=st.lists(
        st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=1, max_size=20), max_size=6
    ),
    dictionary=st.booleans(),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_parquet(
    tmp_path_factory: pytest.TempPathFactory, groups: list, dictionary: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.parquet"
    schema = pa.schema({"title": pa.string(), "text": pa.string()})
    with pq.ParquetWriter(path, schema, use_dictionary=dictionary) as writer:
        for group in groups:
            writer.write_table(
                pa.table({"title": [f"t{len(group)}"] * len(group), "text": group}, schema=schema)
            )
    whole = list(read_records(str(path), kind="parquet", options={"fields": {}}))
    assert [each.locator for each in whole] == [
        str(number) for number in range(1, sum(map(len, groups)) + 1)
    ]
    assert in_ranges(path, "parquet", data.draw(cuts_of(path.stat().st_size)), fields={}) == whole


@pytest.mark.parametrize(
    "content", [b"PAR1 no table", pa.table({"other": ["a"]}), pa.table({"text": [1]})]
)
def test_what_is_wrong_with_a_table_is_told_once(tmp_path: Path, content: bytes | pa.Table) -> None:
    path = tmp_path / "a.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path)
    whole = list(read_records(str(path), kind="parquet", options={"fields": {}}))
    assert len(whole) == 1
    size = path.stat().st_size
    assert in_ranges(path, "parquet", [0, 3, size // 2, size], fields={}) == whole


def test_a_damaged_row_group_costs_its_range(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pq.ParquetWriter(
        path, pa.schema({"text": pa.string()}), use_dictionary=False, compression="none"
    ) as writer:
        for number in range(4):
            writer.write_table(pa.table({"text": [f"{number} " * 500] * 5}))
    starts = [
        pq.read_metadata(path).row_group(index).column(0).data_page_offset for index in range(4)
    ]
    content = bytearray(path.read_bytes())
    content[starts[1] : starts[1] + 40] = b"\xff" * 40
    path.write_bytes(content)
    found = in_ranges(path, "parquet", [0, starts[1], starts[2], len(content)], fields={})
    assert [each.locator for each in found if isinstance(each, RawDocument)] == [
        str(row) for row in (*range(1, 6), *range(11, 21))
    ]
    [reject] = [each for each in found if isinstance(each, RawReject)]
    assert (reject.rule, reject.locator) == ("read/broken-file", f"byte {starts[1]}+")


MEMBERS = st.lists(
    st.sampled_from(
        [
            REQUEST,
            page(1),
            page(2, 300),
            page(3) + page(4),
            page(5) + REQUEST + page(6),
            noisy(3000),
            noisy(100_000),
        ]
    ),
    min_size=1,
    max_size=12,
)


@given(members=MEMBERS, level=st.sampled_from([0, 1, 6]), data=st.data())
@settings(max_examples=60, deadline=None)
def test_warc(
    tmp_path_factory: pytest.TempPathFactory, members: list[bytes], level: int, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.warc.gz"
    path.write_bytes(
        content := b"".join(gzip.compress(each, compresslevel=level) for each in members)
    )
    whole = list(read_records(str(path), kind="warc", options={}))
    assert in_ranges(path, "warc", data.draw(cuts_of(len(content))), **{}) == whole


def test_warc_cut_at_and_around_every_member(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    parts = [gzip.compress(page(number)) for number in range(4)]
    path.write_bytes(b"".join(parts))
    whole = list(read_records(str(path), kind="warc", options={}))
    assert len(whole) == 4
    starts = [int(each.locator) for each in whole]
    size = path.stat().st_size
    for start in starts[1:]:
        for cut in (start - 1, start, start + 1):
            first, second = (
                list(read_records(str(path), kind="warc", options={}, start=a, end=b))
                for a, b in ((0, cut), (cut, size))
            )
            assert [int(each.locator) for each in first] == [each for each in starts if each < cut]
            assert first + second == whole


@pytest.mark.parametrize("pack", [bytes, stored, gzip.compress])
@pytest.mark.parametrize("inner", [1, 3, 40, 400])
def test_an_archive_inside_a_record_is_never_taken_for_the_files_own_members(
    tmp_path: Path, inner: int, pack
) -> None:
    """The inner archive's members are in stored blocks of the outer one, or in a plain file."""
    archive = b"".join(gzip.compress(page(number)) for number in range(inner))
    outer = [
        page(1000),
        record(archive, headers="Content-Type: application/gzip", url="http://example.org/archive"),
        page(1001),
    ]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(content := b"".join(map(pack, outer)))
    whole = list(read_records(str(path), kind="warc", options={}))
    assert [each.url for each in whole] == [
        "http://example.org/1000",
        "http://example.org/archive",
        "http://example.org/1001",
    ]
    for count in (2, 7, 50):
        assert (
            in_ranges(path, "warc", [len(content) * index // count for index in range(count + 1)])
            == whole
        )


def test_without_the_rule_of_stored_blocks_an_inner_archive_would_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second guard: no record is silently read twice."""
    monkeypatch.setattr(members, "_LONGEST_STORED_BLOCK", 100)
    archive = b"".join(gzip.compress(page(number)) for number in range(40))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(
        stored(record(archive, headers="Content-Type: application/gzip")) + gzip.compress(GOOD)
    )
    with pytest.raises(UserError, match="an archive inside the record at byte 0") as caught:
        in_ranges(path, "warc", [0, 1000, path.stat().st_size])
    assert "split = false" in caught.value.remedy


def test_one_member_for_the_whole_file_belongs_to_the_first_range(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(b"".join(page(number, 1) for number in range(50))))
    size = path.stat().st_size
    whole = list(read_records(str(path), kind="warc", options={}))
    assert len(whole) == 50
    assert list(read_records(str(path), kind="warc", options={}, start=0, end=size // 3)) == whole
    assert in_ranges(path, "warc", [size // 3, size // 2, size]) == []


def test_a_range_without_a_member_reads_no_more_than_itself() -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    stream = Counted(gzip.compress(record(NOISE * 10, headers="Content-Type: application/gzip")))
    assert find_member(stream, 1000, end=200_000) is None
    assert stream.taken < 200_000 + (1 << 17)


@pytest.mark.parametrize("cut", [1, 4, 40, 500])
def test_a_file_cut_off_is_told_once_by_the_range_of_its_last_member(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "a.warc.gz"
    content = b"".join(gzip.compress(page(number)) for number in range(30)) + gzip.compress(
        noisy(100_000)
    )
    path.write_bytes(content := content[:-cut])
    whole = list(read_records(str(path), kind="warc", options={}))
    told = [each.rule for each in whole if isinstance(each, RawReject) and each.stage == "read"]
    assert told in (["warc/truncated"], ["read/broken-file"])
    for count in (2, 5, 31):
        assert (
            in_ranges(path, "warc", [len(content) * index // count for index in range(count + 1)])
            == whole
        )


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_damage_costs_the_same_in_ranges_as_in_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """For any bytes overwritten, deleted or inserted, ranges yield the same records and counts."""
    parts = [gzip.compress(page(number) + (REQUEST if number % 3 else b"")) for number in range(12)]
    content = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.sampled_from([0, 5, 20, 300]))] = data.draw(
            st.binary(max_size=20)
        )
    path = tmp_path_factory.getbasetemp() / "damaged.warc.gz"
    path.write_bytes(content)
    passed, passed_in_ranges = Counter(), Counter()
    whole = list(read_records(str(path), kind="warc", options={}, passed_over=passed))
    found = []
    for start, end in pairwise(data.draw(cuts_of(len(content)))):
        found += read_records(
            str(path), kind="warc", options={}, start=start, end=end, passed_over=passed_in_ranges
        )
    assert found == whole
    assert passed_in_ranges == passed
    assert len({each.locator for each in whole}) == len(whole)


def test_a_damaged_member_costs_itself_only(tmp_path: Path) -> None:
    parts = [gzip.compress(noisy(30_000) + page(number)) for number in range(12)]
    content = bytearray(b"".join(parts))
    starts = [0, *accumulate(map(len, parts))]
    content[starts[4] + 100 : starts[4] + 140] = b"\0" * 40
    path = tmp_path / "a.warc.gz"
    path.write_bytes(content)
    found = list(read_records(str(path), kind="warc", options={}))
    damaged = [
        each.locator for each in found if isinstance(each, RawReject) and each.stage == "read"
    ]
    assert damaged == [str(starts[4])]
    assert in_ranges(path, "warc", starts[::6]) == found
    read = {
        starts.index(int(each.locator.split("#")[0]))
        for each in found
        if isinstance(each, RawDocument)
    }
    assert read == {*range(4), *range(5, 12)}


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "web/pages-01.warc.gz",
        "edge/whirlwind.warc.gz",
        "edge/clipped.warc.gz",
        "edge/wget-angle-bracket-uris.warc.gz",
    ],
)
def test_real_archives(data_folder: Path, name: str) -> None:
    path = data_folder / name
    size = path.stat().st_size
    cuts = [size * index // 5 for index in range(6)]
    ranges = [[each.locator for each in in_ranges(path, "warc", pair)] for pair in pairwise(cuts)]
    whole = [each.locator for each in read_records(str(path), kind="warc", options={})]
    assert [locator for locators in ranges for locator in locators] == whole
    if "pages" in name:
        assert all(ranges)


@pytest.mark.real_data
def test_a_real_wet_file_in_ranges(data_folder: Path) -> None:
    path = data_folder / "edge" / "whirlwind.warc.wet.gz"
    size = path.stat().st_size
    whole = list(read_records(str(path), kind="wet", options={}))
    assert whole
    for cut in (1, size // 2, size - 1):
        assert in_ranges(path, "wet", [0, cut, size]) == whole


@pytest.mark.parametrize(
    ("kind", "name", "splits"),
    [
        ("warc", "a.warc.gz", True),
        ("warc", "a.warc", False),
        ("warc", "a.warc.zst", False),
        ("wet", "a.warc.wet.gz", True),
        ("jsonl", "a.jsonl", True),
        ("jsonl", "a.jsonl.gz", False),
        ("jsonl", "a.jsonl.zst", False),
        ("parquet", "a.parquet", True),
        ("csv", "a.csv", False),
        ("text", "a.txt", False),
    ],
)
def test_what_splits(kind: str, name: str, splits: bool) -> None:
    assert KINDS[kind].can_split(name) is splits


def test_readers_of_whole_streams_know_ranges_too() -> None:
    """The same functions read a stream in memory, which has no name."""
    content = gzip.compress(GOOD) + gzip.compress(GOOD)
    middle = len(content) // 2
    assert len(list(read_warc(io.BytesIO(content), start=0, end=middle))) == 1
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b"]}), buffer, row_group_size=1)
    assert len(list(read_parquet(buffer, fields={}, start=0, end=5))) == 1
