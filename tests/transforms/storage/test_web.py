"""Files over HTTP, from a server on this machine that fails as real ones do."""

import errno
import random
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.file_server import Fault, Server, cut_short, reset, serving, status, then_change
from transforms import storage
from transforms.errors import UserError
from transforms.sources.registry import read_records
from transforms.storage import web

DATA = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "a.bin").write_bytes(DATA)
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(web, "sleep", waited.append)
    return waited


TRANSIENT = [
    *(status(code) for code in (429, 500, 502, 503, 504)),
    *(status(403, Retry_After="2"), reset, cut_short(0), cut_short(1000), cut_short(1_400_000)),
]


def test_size_and_version(server: Server) -> None:
    [found] = storage.list_files(f"{server.url}a.bin")
    assert (found.path, found.size) == (f"{server.url}a.bin", len(DATA))
    assert found.version
    assert storage.size(f"{server.url}a.bin") == len(DATA)
    assert storage.list_files(f"{server.url}none.bin") == []


@pytest.mark.parametrize("fault", [*TRANSIENT[:7], status(405)])
def test_a_size_is_asked_for_again(server: Server, fault: Fault) -> None:
    server.faults.append(fault)
    assert storage.size(f"{server.url}a.bin") == len(DATA)
    assert server.requests.total() == 2


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("fault", TRANSIENT)
def test_reading_goes_on_where_it_broke_off(
    server: Server, fault: Fault, ranges: bool, delays: list[float]
) -> None:
    server.ranges = ranges
    server.faults.extend([fault, fault])
    with storage.open_input(f"{server.url}a.bin") as stream:
        assert stream.read() == DATA
    assert len(delays) == 2
    assert server.requests == {("GET", "/a.bin"): 3}


@given(
    st.lists(st.tuples(st.integers(0, len(DATA) + 5), st.integers(0, 50_000)), max_size=8),
    st.booleans(),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_seeking(server: Server, places: list[tuple[int, int]], ranges: bool) -> None:
    server.ranges = ranges
    with storage.open_input(f"{server.url}a.bin") as stream:
        for place, size in places:
            stream.seek(place)
            assert stream.read(size) == DATA[place : place + size]
        stream.seek(-5, 2)
        assert stream.read() == DATA[-5:]


def test_one_request_reads_a_whole_file_and_small_steps_ahead_need_no_other(server: Server) -> None:
    with storage.open_input(f"{server.url}a.bin") as stream:
        stream.read(10)
        stream.seek(700_000)
        stream.read(10)
        stream.seek(1_000_000)
        assert stream.read() == DATA[1_000_000:]
    assert server.requests.total() == 1


def test_delays_double_up_to_a_limit_and_honour_what_the_server_asks(
    delays: list[float], server: Server
) -> None:
    server.faults.extend(
        [status(503)] * 3 + [status(429, Retry_After="17"), status(503, Retry_After="100000")]
    )

    def ask() -> web.RemoteFile:
        return web._ask(f"{server.url}a.bin")

    web.with_retries(ask, url=server.url, draw=lambda: 1.0)
    assert delays == [1, 2, 4, 17, web.LONGEST_RETRY_AFTER]
    delays.clear()
    server.faults.extend([status(503)] * 3)
    web.with_retries(ask, url=server.url, draw=lambda: 0.25)
    assert delays == [0.25, 0.5, 1]


def test_retry_after_as_a_date() -> None:
    assert web._seconds(formatdate(0, usegmt=True)) == 0
    assert web._seconds("soon") == web._seconds(None) == 0
    assert web._seconds(formatdate(4e9, usegmt=True)) > 1e6


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (status(503), errno.EIO),
        (reset, errno.EIO),
        (cut_short(0), errno.EIO),
        (status(429), errno.EIO),
    ],
)
def test_what_does_not_mend_is_an_error_of_the_system(
    server: Server, fault: Fault, number: int, delays: list[float]
) -> None:
    server.faults.extend([fault] * 20)
    with pytest.raises(OSError, match=r"6 attempts") as caught:
        storage.open_input(f"{server.url}a.bin").read()
    assert caught.value.errno == number
    assert caught.value.filename == f"{server.url}a.bin"
    assert len(delays) == web.ATTEMPTS - 1


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (404, errno.ENOENT),
        (410, errno.ENOENT),
        (401, errno.EACCES),
        (403, errno.EACCES),
        (400, errno.EIO),
    ],
)
def test_what_no_second_try_can_mend_fails_at_once(
    server: Server, code: int, number: int, delays: list[float]
) -> None:
    server.faults.append(status(code))
    with pytest.raises(OSError, match=str(code)) as caught:
        storage.open_input(f"{server.url}a.bin").read()
    assert caught.value.errno == number
    assert (delays, server.requests.total()) == ([], 1)


def test_a_server_that_is_not_there(delays: list[float], tmp_path: Path) -> None:
    with serving(tmp_path) as gone:
        url = gone.url
    with pytest.raises(OSError, match="6 attempts"):
        storage.size(f"{url}a.bin")
    assert len(delays) == 5


def test_a_file_that_changes_while_it_is_read(server: Server, tmp_path: Path) -> None:
    server.faults.append(then_change(tmp_path / "a.bin", DATA[::-1]))
    with pytest.raises(UserError, match="changed while it was read"):
        storage.open_input(f"{server.url}a.bin").read()


def test_a_file_that_shrinks_below_what_was_read(server: Server, tmp_path: Path) -> None:
    server.faults.append(then_change(tmp_path / "a.bin", DATA[:10]))
    with pytest.raises(UserError, match="changed while it was read"):
        storage.open_input(f"{server.url}a.bin").read()


def test_an_error_of_the_network_inside_a_record_is_no_reject(
    server: Server, tmp_path: Path
) -> None:
    from tests.transforms.sources.test_ranges import noisy, page

    (tmp_path / "a.warc").write_bytes(page(1) + noisy(300_000) + noisy(300_000))
    server.faults.extend([cut_short(400_000)] + [status(503)] * 20)
    with pytest.raises(OSError, match="503"):
        list(read_records(f"{server.url}a.warc", kind="warc", options={}))


def test_a_listing_is_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in "ab":
        (tmp_path / "folder" / f"{name}.txt").write_text(name)
    server.faults.extend([status(503), reset])
    found = storage.list_files(f"{server.url}folder/*.txt")
    assert [(each.path, each.size) for each in found] == [
        (f"{server.url}folder/{name}.txt", 1) for name in "ab"
    ]


def test_a_parquet_file(server: Server, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": [f"text {row}" for row in range(1000)]}),
        tmp_path / "a.parquet",
        row_group_size=100,
    )
    local, remote = (
        list(read_records(f"{root}a.parquet", kind="parquet", options={"fields": {}}))
        for root in (f"{tmp_path}/", server.url)
    )
    assert remote == local
    assert len(local) == 1000


def test_a_local_copy_is_read_with_retries(server: Server) -> None:
    server.faults.append(cut_short(10))
    with storage.local_copy(f"{server.url}a.bin") as copy:
        assert Path(copy).read_bytes() == DATA
