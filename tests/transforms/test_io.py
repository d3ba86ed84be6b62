"""Files: listing, decompression, and writes that are whole or not there."""

import gzip
from pathlib import Path

import fsspec
import pytest
import zstandard

from transforms import io


def test_listing_is_sorted_and_knows_sizes_and_versions(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    files = io.list_files(f"{tmp_path}/**/*.txt")
    assert [Path(file.path).name for file in files] == ["a.txt", "b.txt", "c.txt"]
    assert [file.size for file in files] == [5, 5, 9]
    before = files[0].version
    (tmp_path / "a.txt").write_text("a.txt")
    assert io.list_files(f"{tmp_path}/a.txt")[0].version != before
    assert io.list_files(f"{tmp_path}/none*") == []
    assert io.list_files(f"{tmp_path}/sub") == []


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("", bytes),
        (".gz", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
        (".zst", lambda data: zstandard.compress(data[:3]) + zstandard.compress(data[3:])),
    ],
)
def test_decompression_reads_all_members(tmp_path: Path, suffix: str, pack) -> None:
    data = b"one\ntwo\nthree\n"
    path = tmp_path / f"file.jsonl{suffix}"
    path.write_bytes(pack(data))
    with io.open_decompressed(str(path)) as stream:
        assert list(stream) == [b"one\n", b"two\n", b"three\n"]


def fail_half_way(path: str) -> None:
    try:
        with io.atomic_output(path) as temporary:
            Path(temporary).write_bytes(b"half")
            raise InterruptedError
    except InterruptedError:
        return
    pytest.fail("the error was swallowed")


def test_an_atomic_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    io.write_bytes(str(path), b"old")
    fail_half_way(str(path))
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_not_listed_and_is_removed(tmp_path: Path) -> None:
    writer = io.atomic_output(str(tmp_path / "part"))
    Path(writer.__enter__()).write_bytes(b"half")
    assert io.list_names(str(tmp_path)) == []
    assert len(list(tmp_path.iterdir())) == 1
    io.remove_temporary_files(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_object_stores_work_alike() -> None:
    """fsspec's memory file system stands for stores without rename."""
    folder = "memory://bucket/run"
    io.write_bytes(f"{folder}/a.bin", b"data")
    fail_half_way(f"{folder}/b.bin")
    assert io.list_names(folder) == ["a.bin"]
    assert io.read_bytes(f"{folder}/a.bin") == b"data"
    with io.local_copy(f"{folder}/a.bin") as copy:
        assert Path(copy).read_bytes() == b"data"
    io.remove_folder(folder)
    assert not fsspec.filesystem("memory").exists("/bucket/run/a.bin")
