"""Files: listing, decompression, and writes that are whole or not there."""

import bz2
import gzip
import http.server
import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import zstandard
from fsspec.registry import _registry
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms import storage
from transforms.errors import ConfigError


def test_listing_is_sorted_and_knows_sizes_and_versions(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    files = storage.list_files(f"{tmp_path}/**/*.txt")
    assert [Path(file.path).name for file in files] == ["a.txt", "b.txt", "c.txt"]
    assert [file.size for file in files] == [5, 5, 9]
    before = files[0].version
    (tmp_path / "a.txt").write_text("a.txt")
    assert storage.list_files(f"{tmp_path}/a.txt")[0].version != before
    assert storage.list_files(f"{tmp_path}/none*") == []
    assert storage.list_files(f"{tmp_path}/sub") == []


def test_links_to_files_are_listed_with_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    target = tmp_path / "away" / "target"
    target.write_text("12345")
    for link, to in {
        "file.txt": target,
        "folder.txt": tmp_path / "away",
        "nowhere.txt": tmp_path / "none",
    }.items():
        (tmp_path / link).symlink_to(to)
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    [file] = storage.list_files(f"{tmp_path}/*.txt")
    assert (file.path, file.size) == (f"{tmp_path}/file.txt", 5)
    os.utime(target, (1, 1))
    [changed] = storage.list_files(f"{tmp_path}/*.txt")
    assert changed.version != file.version
    assert storage.list_files(f"{tmp_path}/file.txt") == [changed]


@pytest.mark.parametrize("name", ["a[1].txt", "a?.txt", "plain.txt"])
def test_an_exact_name_comes_before_a_glob(tmp_path: Path, name: str) -> None:
    for each in (name, "a1.txt"):
        (tmp_path / each).write_text("x")
    assert [Path(file.path).name for file in storage.list_files(f"{tmp_path}/{name}")] == [name]


def test_a_name_that_is_not_utf8_passes_through(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"b\xff.txt")).write_text("x")
    [file] = storage.list_files(f"{tmp_path}/*.txt")
    assert os.fsencode(file.path).endswith(b"/b\xff.txt")
    assert storage.read_bytes(file.path) == b"x"


@pytest.mark.parametrize(
    "pattern",
    ["memory://in/x", "memory:///in/x", "memory://in/*", "memory:///in/**/x", "memory://i?/x"],
)
def test_paths_are_spelled_as_their_pattern(pattern: str) -> None:
    storage.write_bytes("memory://in/x", b"data")
    [file] = storage.list_files(pattern)
    assert file.path == ("memory:///in/x" if pattern.startswith("memory:///") else "memory://in/x")
    assert storage.read_bytes(file.path) == b"data"


def test_other_bytes_of_the_same_size_are_another_version_on_a_store_without_times() -> None:
    """The memory file system knows of a file only when it was created."""
    versions = set()
    for data in (b"one", b"two"):
        storage.write_bytes("memory://in/x", data)
        versions |= {
            storage.list_files(pattern)[0].version for pattern in ("memory://in/x", "memory://in/*")
        }
    assert len(versions) == 4
    assert "" not in versions


@pytest.fixture
def server_without_sizes() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(b"data")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/file.txt"
    server.shutdown()
    server.server_close()


def test_a_file_of_unknown_size_is_refused_by_name(server_without_sizes: str) -> None:
    with pytest.raises(ConfigError) as caught:
        storage.list_files(server_without_sizes)
    assert caught.value.where == server_without_sizes


@pytest.mark.parametrize(
    ("path", "missing", "remedy"),
    [
        ("gs://bucket/a", "gcsfs", "pip install 'tokenmill[gcs]'"),
        ("s3://bucket/a", "s3fs", "pip install 'tokenmill[s3]'"),
        ("simplecache::s3a://bucket/a", "s3fs", "pip install 'tokenmill[s3]'"),
        ("abfs://bucket/a", "adlfs", "adlfs"),
        ("foo://bucket/a", "", "s3://"),
        ("zip://*::foo://bucket/a", "", "s3://"),
    ],
)
def test_a_protocol_without_its_package_is_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, path: str, missing: str, remedy: str
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
        for protocol in ("gs", "s3", "s3a", "abfs"):
            monkeypatch.delitem(_registry, protocol, raising=False)
    with pytest.raises(ConfigError) as caught:
        storage.file_system(path)
    assert remedy in caught.value.remedy
    assert caught.value.where == path


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("", bytes),
        (".gz", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
        (".bz2", lambda data: bz2.compress(data[:3]) + bz2.compress(data[3:])),
        (".zst", lambda data: zstandard.compress(data[:3]) + zstandard.compress(data[3:])),
        (
            ".zst",
            lambda data: (
                zstandard.compress(data[:3])
                + b"\x50\x2a\x4d\x18\2\0\0\0??"
                + zstandard.compress(data[3:])
            ),
        ),  # to skip
        (".zst", lambda data: pack_with_a_long_window(data)),
    ],
)
def test_decompression_reads_all_members(tmp_path: Path, suffix: str, pack) -> None:
    data = b"one\ntwo\nthree\n"
    path = tmp_path / f"file.jsonl{suffix}"
    path.write_bytes(pack(data))
    with storage.open_decompressed(str(path)) as stream:
        assert list(stream) == [b"one\n", b"two\n", b"three\n"]


def pack_with_a_long_window(data: bytes) -> bytes:
    """As `zstd --long=30` does."""
    packer = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=30)
    ).compressobj()
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)],
)
@pytest.mark.parametrize("cut", [1, 5, 2000, 4090])
def test_a_compressed_file_that_was_cut_off_is_an_error(
    tmp_path: Path, suffix: str, pack, cut: int
) -> None:
    path = tmp_path / f"file.jsonl{suffix}"
    path.write_bytes((pack(b"whole\n") + pack(random.Random(0).randbytes(4096)))[:-cut])
    with storage.open_decompressed(str(path)) as stream, pytest.raises(EOFError):
        stream.read()


@given(st.lists(st.binary(max_size=300_000), max_size=4), st.integers(1, 100_000))
@settings(max_examples=20, deadline=None)
def test_zstd_frames_come_back_whole(blocks: list[bytes], size: int) -> None:
    storage.write_bytes("memory://packed/x.zst", b"".join(map(zstandard.compress, blocks)))
    with storage.open_decompressed("memory://packed/x.zst") as stream:
        assert b"".join(iter(lambda: stream.read(size), b"")) == b"".join(blocks)


def fail_half_way(path: str) -> None:
    try:
        with storage.atomic_output(path) as temporary:
            Path(temporary).write_bytes(b"half")
            raise InterruptedError
    except InterruptedError:
        return
    pytest.fail("the error was swallowed")


def test_an_atomic_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    storage.write_bytes(str(path), b"old")
    fail_half_way(str(path))
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_not_listed_and_is_removed(tmp_path: Path) -> None:
    writer = storage.atomic_output(str(tmp_path / "part"))
    Path(writer.__enter__()).write_bytes(b"half")
    assert storage.list_names(str(tmp_path)) == []
    assert len(list(tmp_path.iterdir())) == 1
    storage.remove_temporary_files(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_object_stores_work_alike() -> None:
    """fsspec's memory file system stands for stores without rename."""
    folder = "memory://bucket/run"
    storage.write_bytes(f"{folder}/a.bin", b"data")
    fail_half_way(f"{folder}/b.bin")
    assert storage.list_names(folder) == ["a.bin"]
    assert storage.read_bytes(f"{folder}/a.bin") == b"data"
    with storage.local_copy(f"{folder}/a.bin") as copy:
        assert Path(copy).read_bytes() == b"data"
    storage.remove_folder(folder)
    assert not fsspec.filesystem("memory").exists("/bucket/run/a.bin")


def test_a_folder_that_cannot_be_removed_is_an_error_and_a_missing_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.remove_folder(str(tmp_path / "none"))
    storage.remove_folder("memory://bucket/none")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "part").write_text("x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        with pytest.raises(PermissionError):
            storage.remove_folder(str(tmp_path / "run"))
    storage.remove_folder(str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
