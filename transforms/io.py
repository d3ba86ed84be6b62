"""Files on any file system that fsspec knows: list with sizes, open, write atomically.

Local paths, `gs://`, `s3://` and `https://` are alike here. A written file appears under its name whole or not at all.
"""

import contextlib
import gzip
import io
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
import zstandard
from fsspec.implementations.local import LocalFileSystem

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, kw_only=True)
class FileInfo:
    """One input file: `version` is its modification time or etag, whatever the file system knows."""

    path: str
    size: int
    version: str


def file_system(path: str) -> tuple[Any, str]:
    """The fsspec file system of a path or URL, and the path inside it."""
    return fsspec.core.url_to_fs(path)


def is_local(path: str) -> bool:
    return isinstance(file_system(path)[0], LocalFileSystem)


def join(folder: str, *names: str) -> str:
    return posixpath.join(folder, *names)


def exists(path: str) -> bool:
    fs, inner = file_system(path)
    return fs.exists(inner)


def size(path: str) -> int:
    """Bytes of a file. Raises FileNotFoundError."""
    fs, inner = file_system(path)
    return fs.size(inner)


def make_folder(path: str) -> None:
    """Creates a folder and its parents; a no-op on object stores."""
    fs, inner = file_system(path)
    fs.makedirs(inner, exist_ok=True)


def remove(path: str) -> None:
    """Removes a file if it is there."""
    fs, inner = file_system(path)
    with contextlib.suppress(FileNotFoundError):
        fs.rm_file(inner)


def list_files(pattern: str) -> list[FileInfo]:
    """Files that match a glob (or the one file named), in the order of their paths. Folders are left out."""
    fs, inner = file_system(pattern)
    found = fs.glob(inner, detail=True)
    files = []
    for path, info in sorted(found.items()):
        if info["type"] != "file":
            continue
        version = next((str(info[key]) for key in ("mtime", "etag", "ETag", "LastModified") if info.get(key)), "")
        files.append(FileInfo(path=fs.unstrip_protocol(path) if "://" in pattern else path, size=info["size"], version=version))
    return files


def list_names(folder: str) -> list[str]:
    """Names of the files in a folder, sorted, without temporary ones; empty if there is no such folder."""
    fs, inner = file_system(folder)
    fs.invalidate_cache()
    try:
        entries = fs.ls(inner, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = (posixpath.basename(entry["name"].rstrip("/")) for entry in entries if entry["type"] == "file")
    return sorted(name for name in names if _TEMPORARY not in name)


def open_input(path: str) -> BinaryIO:
    """Opens a file for reading bytes as they lie there."""
    fs, inner = file_system(path)
    return fs.open(inner, "rb")


def open_decompressed(path: str) -> BinaryIO:
    """Opens a file for reading bytes; `.gz` and `.zst` are decompressed."""
    stream = open_input(path)
    if path.endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=stream))
    if path.endswith(".zst"):
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
    return stream


def read_bytes(path: str) -> bytes:
    with open_input(path) as stream:
        return stream.read()


@contextlib.contextmanager
def atomic_output(path: str) -> Iterator[str]:
    """Yields the name of a local temporary file; when the block ends well, that file becomes `path`.

    On a local file system the temporary file lies beside `path`, is synced and renamed. Elsewhere it is uploaded:
    an object appears when its upload is complete. If the block raises, nothing is left.
    """
    fs, inner = file_system(path)
    if isinstance(fs, LocalFileSystem):
        temporary = os.path.join(os.path.dirname(inner), f"{_TEMPORARY}{uuid.uuid4().hex}-{os.path.basename(inner)}")
        try:
            yield temporary
            with open(temporary, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, inner)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return
    with tempfile.TemporaryDirectory() as spool:
        temporary = os.path.join(spool, posixpath.basename(inner))
        yield temporary
        fs.put_file(temporary, inner)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a small file atomically."""
    with atomic_output(path) as temporary, open(temporary, "wb") as handle:
        handle.write(data)


def remove_temporary_files(folder: str) -> None:
    """Removes what interrupted writers left in a local folder."""
    if not is_local(folder):
        return
    inner = file_system(folder)[1]
    if os.path.isdir(inner):
        for name in os.listdir(inner):
            if name.startswith(_TEMPORARY):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(inner, name))


def remove_folder(path: str) -> None:
    """Removes a folder with all that it holds, if it is there."""
    fs, inner = file_system(path)
    if isinstance(fs, LocalFileSystem):
        shutil.rmtree(inner, ignore_errors=True)
    elif fs.exists(inner):
        fs.rm(inner, recursive=True)


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """Yields the name of a local file with the bytes of `path`: the file itself where it is local, else a temporary copy."""
    fs, inner = file_system(path)
    if isinstance(fs, LocalFileSystem):
        yield inner
        return
    with tempfile.TemporaryDirectory() as spool:
        copy = os.path.join(spool, posixpath.basename(inner))
        fs.get_file(inner, copy)
        yield copy
