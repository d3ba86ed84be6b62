"""Damaged archives: each record of each type is counted, and damage affects only its own record."""

import gzip
import io
import re
from collections import Counter
from collections.abc import Callable

import pytest
import zstandard

from tests.fuzz.seeds import _lz4
from tests.growth import least_seconds
from tests.transforms.sources.test_warc import GOOD, PAGE, PARAGRAPH, REQUEST, record
from transforms.sources.records import RawDocument, RawReject
from transforms.sources.warc import read_warc

BIG = record(PAGE.format(PARAGRAPH * 3).encode())
Pack = Callable[[list[bytes]], bytes]
PACKS: dict[str, Pack] = {
    "plain": b"".join,
    "gzip": lambda records: b"".join(map(gzip.compress, records)),
    "one-gzip-member": lambda records: gzip.compress(b"".join(records)),
    "zstd": lambda records: b"".join(map(zstandard.compress, records)),
    "one-zstd-frame": lambda records: zstandard.compress(b"".join(records)),
    "lz4": lambda records: b"".join(map(_lz4, records)),
    "one-lz4-frame": lambda records: _lz4(b"".join(records)),
}
every_pack = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)


def off_by(data: bytes, difference: int) -> bytes:
    """A record whose Content-Length is wrong by `difference` bytes."""
    return re.sub(
        rb"Content-Length: (\d+)",
        lambda found: b"Content-Length: %d" % (int(found[1]) + difference),
        data,
        count=1,
    )


def read(data: bytes) -> tuple[list[str], Counter[str]]:
    """The result of each record, with distinct locators, and the counts of skipped records."""
    passed: Counter[str] = Counter()
    found = list(read_warc(io.BytesIO(data), passed_over=passed))
    assert len({each.locator for each in found}) == len(found)
    return [each.rule if isinstance(each, RawReject) else "" for each in found], passed


@every_pack
@pytest.mark.parametrize(
    ("records", "outcomes"),
    [
        ([GOOD, off_by(GOOD, 10**9), BIG, GOOD], ["", "warc/wrong-length", "", ""]),
        ([off_by(GOOD, 10**15), BIG, off_by(GOOD, 10**15), GOOD],
         ["warc/wrong-length", "", "warc/wrong-length", ""]),
        ([GOOD, off_by(GOOD, 300), BIG, GOOD], ["", "warc/wrong-length", "", ""]),
        ([GOOD, off_by(GOOD, 5), BIG, GOOD], ["", "warc/wrong-length", "", ""]),
        ([GOOD, off_by(REQUEST, 10**9), BIG], ["", "warc/wrong-length", ""]),
        ([GOOD, off_by(GOOD, 10**9)], ["", "warc/truncated"]),
        ([GOOD, off_by(GOOD, -100), BIG, GOOD], ["", "warc/wrong-length", "", ""]),
        ([off_by(GOOD, -3), BIG], ["warc/wrong-length", ""]),
        ([GOOD, off_by(GOOD, -100)], ["", "warc/wrong-length"]),
        ([GOOD, GOOD.replace(b"Content-Length", b"Content-Size", 1), BIG],
         ["", "warc/bad-header", ""]),
        ([GOOD, re.sub(rb"Content-Length: \d+", b"Content-Length: -1", GOOD), BIG],
         ["", "warc/bad-header", ""]),
        ([GOOD, GOOD[:150], BIG], ["", "warc/bad-header", ""]),
        ([GOOD, GOOD[:160].rstrip() + b"\r\n", BIG], ["", "warc/bad-header", ""]),
        ([GOOD, GOOD[:-200], BIG], ["", "warc/wrong-length", ""]),
        ([b"junk\r\n", GOOD, b"junk\n", BIG], ["warc/junk", "", "warc/junk", ""]),
        ([b"\r\n\r\n\r\n", GOOD, b"\n\n\n", BIG, b"\r\n"], ["", ""]),
        ([GOOD, bytes(600), BIG, bytes(600)], ["", ""]),
        ([GOOD[:-2], BIG], ["", ""]),
        ([GOOD[:-4], BIG], ["", ""]),
        ([GOOD + b"\r\n\r\n\r\n", BIG], ["", ""]),
        ([GOOD.replace(b"WARC/1.0", version)
          for version in (b"WARC/0.17", b"WARC/1.1", b"warc/1.0")], [""] * 3),
        ([GOOD[: GOOD.index(b"HTTP/")].replace(b"\r\n", b"\n")
          + GOOD[GOOD.index(b"HTTP/") : -4] + b"\n\n", BIG], ["", ""]),
        ([GOOD.replace(b"WARC-Date", b"X: " + b"y" * 200_000 + b"\r\nWARC-Date", 1), BIG],
         ["", ""]),
        ([GOOD.replace(b"WARC-Date: ", b"WARC-Date:\r\n\t ", 1), BIG], ["", ""]),
        ([GOOD.replace(b"WARC-Type: response\r\n", b""), BIG], ["", ""]),
    ],
)  # fmt: skip
def test_damage_costs_the_record_that_has_it(
    pack: Pack, records: list[bytes], outcomes: list[str]
) -> None:
    assert read(pack(records))[0] == outcomes


@every_pack
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html><p>Not found</html>", "text/html"),
        (b"filedesc://a.arc 0.0.0.0 20080101000000 text/plain 76\n1 0 x\n", "an ARC file"),
        (b"The river rose.\n" * 10_000, "text"),
        (b"%PDF-1.4\n" + bytes(range(256)) * 999, "application/pdf"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_no_archive_says_so(pack: Pack, data: bytes, says: str) -> None:
    [found] = read_warc(io.BytesIO(pack([data])))
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == ("0", "warc/not-an-archive", "read")
    assert says in found.detail


@every_pack
def test_every_record_of_every_type_is_in_a_count(pack: Pack) -> None:
    types = [
        "warcinfo",
        "request",
        "metadata",
        "revisit",
        "continuation",
        "Request",
        "screenshot",
        "x" * 500,
    ]
    data = pack(
        [
            GOOD.replace(b"WARC-Type: response", b"WARC-Type: " + name.encode())
            for name in [*types, "RESPONSE"]
        ]
    )
    assert read(data) == (
        [""],
        Counter(
            {
                "warcinfo": 1,
                "request": 2,
                "metadata": 1,
                "revisit": 1,
                "continuation": 1,
                "unknown": 2,
            }
        ),
    )


def test_the_log_that_wget_stores_is_no_document() -> None:
    log = GOOD.replace(b"WARC-Type: response", b"WARC-Type: resource").replace(
        b"http://example.org/a", b"metadata://gnu.org/wget.log"
    )
    assert read(log) == ([], Counter(metadata=1))


@pytest.mark.parametrize(
    ("damage", "outcome"),
    [
        (slice(40, 60), "warc/damaged"),
        (slice(0, 3), "warc/damaged"),
        (slice(-6, -2), "warc/damaged"),
    ],
)
def test_reading_goes_on_behind_a_damaged_gzip_member(damage: slice, outcome: str) -> None:
    members = [bytearray(gzip.compress(each)) for each in (GOOD, BIG, GOOD, BIG, REQUEST)]
    for number in (1, 3):
        members[number][damage] = b"\xff" * len(members[number][damage])
    found, passed = read(b"".join(members))
    assert found == ["", outcome, "", outcome]
    assert passed == Counter(request=1)


def test_bytes_between_gzip_members_cost_themselves_only() -> None:
    data = gzip.compress(GOOD) + b"<html>502 Bad Gateway</html>" + gzip.compress(BIG) + bytes(512)
    assert read(data)[0] == ["", "warc/damaged", ""]


def test_the_details_say_what_is_wrong() -> None:
    data = b"".join([GOOD, off_by(GOOD, 10**9), off_by(GOOD, -100), GOOD, b"<p>junk\n", BIG])
    details = [each.detail for each in read_warc(io.BytesIO(data)) if isinstance(each, RawReject)]
    size = int(re.search(rb"Content-Length: (\d+)", GOOD)[1])
    assert (
        details[0]
        == f"Content-Length is {size + 10**9}, and the next record begins after {size + 4} bytes "
        "(response record)"
    )
    assert (
        details[1]
        == f"Content-Length is {size - 100}, and no record ends there: 104 bytes more follow "
        "(response record)"
    )
    assert details[2].startswith(
        "8 bytes that are no record: it looks like text/html, and begins with b'<p>junk"
    )


def test_an_archive_inside_a_damaged_record_of_its_own_member_is_not_read_as_records() -> None:
    inner = record(b"".join([GOOD] * 20), headers="Content-Type: application/warc")
    data = gzip.compress(GOOD) + gzip.compress(inner[:-3000]) + gzip.compress(BIG)
    assert read(data)[0] == ["", "warc/wrong-length", ""]


@pytest.mark.parametrize("name", ["plain", "gzip", "one-gzip-member", "one-zstd-frame"])
@pytest.mark.parametrize("difference", [10**12, 70_000_000, 3_000_000])
def test_wrong_lengths_everywhere_take_linear_time(name: str, difference: int) -> None:
    """Twice as many records take far less than four times as long, with overlapping lengths."""
    seconds = []
    for count in (1500, 3000):
        data = PACKS[name]([off_by(GOOD, difference)] * count)
        seconds.append(least_seconds(lambda data=data: read(data), tries=2))
        assert len(read(data)[0]) == count
    assert seconds[1] < 3.2 * seconds[0] + 0.2


def test_a_block_that_is_not_held_is_searched_again_when_it_was_none() -> None:
    """A block above the limit with a wrong length: the records inside are read from the file."""
    large = record(b"x" * 2_000_000)
    data = b"".join([GOOD, off_by(large, 500), BIG, off_by(large, 10**9), GOOD])
    found = list(read_warc(io.BytesIO(data), max_payload_megabytes=0.5))
    assert [each.rule if isinstance(each, RawReject) else "" for each in found] == [
        "",
        "warc/wrong-length",
        "",
        "warc/wrong-length",
        "",
    ]
    whole = list(read_warc(io.BytesIO(gzip.compress(data)), max_payload_megabytes=0.5))
    assert [getattr(each, "text", None) for each in whole] == [
        getattr(each, "text", None) for each in found
    ]
    assert isinstance(whole[2], RawDocument)


@pytest.mark.parametrize("kept", range(4, len(GOOD) + len(BIG), 29))
def test_a_zstd_file_cut_anywhere_is_told_once(kept: int) -> None:
    data = PACKS["zstd"]([GOOD, BIG])
    if kept < len(data):
        found = read(data[:kept])[0]
        assert [rule for rule in found if rule] in (["warc/truncated"], [])
        assert (found.count("warc/truncated") == 1) is (kept != len(PACKS["zstd"]([GOOD])))


def test_a_dictionary_before_the_frames() -> None:
    """The form of the Archive Team's `.warc.zst` files."""
    trained = zstandard.train_dictionary(
        2000, [GOOD[start : start + 300] for start in range(0, 500, 2)]
    )
    packer = zstandard.ZstdCompressor(dict_data=trained)
    for stored in (trained.as_bytes(), zstandard.compress(trained.as_bytes())):
        head = b"\x5d\x2a\x4d\x18" + len(stored).to_bytes(4, "little") + stored
        assert read(head + packer.compress(GOOD) + packer.compress(BIG))[0] == ["", ""]
