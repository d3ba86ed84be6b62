"""Files on any file system that fsspec knows: list with sizes, open, write atomically.

Local paths, `gs://`, `s3://` and `https://` are alike here. A written file appears under its name
whole or not at all.
"""

import bz2
import contextlib
import errno
import gzip
import io
import itertools
import os
import posixpath
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
import zstandard
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractBufferedFile
from fsspec.utils import glob_translate

from transforms.errors import ConfigError
from transforms.storage import globs, hub, web

_TEMPORARY = ".tmp-"
_PROTOCOL = re.compile(r"([\w.+-]+)://")
_EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3", "s3a": "s3", "hf": "hf"}
_VERSION_KEYS = (
    "mtime",
    "etag",
    "ETag",
    "LastModified",
    "last_modified",
    "Last-Modified",
    "updated",
    "created",
    "blob_id",
)
_STORE_BUFFER = 1 << 17
_ZSTD_WINDOW = 1 << 31  # the largest that the format's tools make: `zstd --long=31`
_ZSTD_BLOCK = 1 << 14  # compressed bytes at a time; they can become 32,768 times as many


@dataclass(frozen=True, kw_only=True)
class FileInfo:
    """One input file. `version`: its modification time or etag, whatever the file system knows."""

    path: str
    size: int
    version: str


def file_system(path: str) -> tuple[Any, str]:
    """The fsspec file system of a path or URL, and the path inside it.

    It remembers no listings: other processes write there, too. Raises ConfigError for a protocol
    that fsspec does not know or whose package is not installed.
    """
    if path.startswith("/"):  # also with `::` in it, which else joins file systems to a chain
        return fsspec.filesystem("file"), LocalFileSystem._strip_protocol(path)
    try:
        return fsspec.core.url_to_fs(path, use_listings_cache=False)
    except ImportError as error:
        extra = next(
            (_EXTRAS[protocol] for protocol in _PROTOCOL.findall(path) if protocol in _EXTRAS), None
        )
        remedy = f"pip install 'tokenmill[{extra}]'" if extra else str(error)
        raise ConfigError(
            "this file system needs a package that is not installed", where=path, remedy=remedy
        ) from error
    except ValueError as error:
        unknown = [
            protocol
            for protocol in _PROTOCOL.findall(path)
            if protocol not in fsspec.available_protocols()
        ]
        if not unknown:
            raise
        remedy = "use a local path, gs://, s3://, https:// or another protocol that fsspec knows"
        raise ConfigError(f"unknown protocol {unknown[0]}://", where=path, remedy=remedy) from error


def is_local(path: str) -> bool:
    """Whether a path is one of this machine's file system."""
    return isinstance(file_system(path)[0], LocalFileSystem)


def join(folder: str, *names: str) -> str:
    """The path of a name in a folder, `/` between them on every file system."""
    return posixpath.join(folder, *names)


def parent(path: str) -> str:
    """The folder that a path lies in; of a bare name the current one."""
    if path in ("", ".", "..") or path.endswith("/.."):
        return join(path, "..")
    return path.rpartition("/")[0] or "."


def exists(path: str) -> bool:
    """Whether there is a file or a folder."""
    fs, inner = file_system(path)
    with hub.errors(path):
        return fs.exists(inner)


def size(path: str) -> int:
    """Bytes of a file. Raises FileNotFoundError."""
    if web.is_http(path):
        return web.remote_file(path).size or 0
    fs, inner = file_system(path)
    with hub.errors(path):
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
    """Files that a glob matches (or the one file named), in the order of their paths.

    Folders are left out.

    What is there as it is spelled comes before a reading as a glob, but for `*`: the file
    `a[1].txt`, or the files in the folder `a[1]`. Signs that `globs.escape` escaped are plain.
    Links to files are files; links to folders are not followed. A URL's paths are spelled as the
    pattern is. Raises ConfigError for a file of unknown size.
    """
    fs, inner = file_system(pattern)
    with hub.errors(pattern):
        if hub.is_hub(pattern):
            hub.check_repository(fs, globs.unescape(inner))
        exact = None if "*" in inner and globs.has_magic(inner) else _file_info(fs, inner)
        found = {inner: exact} if exact else _glob(fs, inner)
        return list(_file_infos(found, fs, pattern=pattern, inner=inner))


def list_folder(path: str) -> list[FileInfo]:
    """All files in a folder and the folders in it, in the order of their paths.

    Links to folders are not followed.
    """
    fs, inner = file_system(path)
    more = (
        {"on_error": "raise"} if isinstance(fs, LocalFileSystem) else {}
    )  # else a folder that cannot be read is as one without files
    with hub.errors(path):
        found = {
            name: entry
            for name, entry in fs.find(inner, detail=True, **more).items()
            if entry["type"] != "directory"
        }
        return list(_file_infos(found, fs, pattern=globs.unescape(path), inner=inner))


def is_folder(path: str) -> bool:
    """Whether there is a folder; there is none over HTTP."""
    if web.is_http(path):
        return False
    fs, inner = file_system(path)
    with hub.errors(path):
        return fs.isdir(inner)


def find_literal(pattern: str) -> tuple[str, str]:
    """Splits a pattern into a literal path or URL and the pattern of the rest.

    See `globs.split_pattern`.
    """
    if web.is_http(pattern):
        found = next(
            (index for index, sign in enumerate(pattern) if sign in globs.SIGNS), len(pattern)
        )
        cut = pattern.rfind("/", 0, found)
        return (pattern, "") if found == len(pattern) else (pattern[:cut], pattern[cut + 1 :])
    protocol, inner = globs.split_protocol(pattern)
    literal, rest = globs.split_pattern(inner, lambda path: exists(protocol + path))
    return protocol + literal, rest


def _file_infos(found: dict[str, Any], fs: Any, *, pattern: str, inner: str) -> Iterator[FileInfo]:
    for path, entry in sorted(found.items()):
        known = entry["type"] == "file" and entry["size"] is not None
        info = entry if known or entry["type"] == "directory" else _file_info(fs, path)
        if info is None or info["type"] != "file":
            continue
        spelled = _spelled(path, pattern=pattern, inner=inner, fs=fs)
        if info["size"] is None:
            raise ConfigError(
                "the size of a file is not known",
                where=spelled,
                remedy="copy the file to a disk or an object store",
            )
        version = next((str(info[key]) for key in _VERSION_KEYS if info.get(key) is not None), "")
        yield FileInfo(path=spelled, size=info["size"], version=version)


def _file_info(fs: Any, path: str) -> dict[str, Any] | None:
    """What a file system knows of a file, through links.

    None if it is no file, a link that leads nowhere or not there.
    """
    try:
        if web.is_http(path):
            size, version = web.remote_file(path)
            return {"name": path, "size": size, "type": "file", "etag": version or None}
        info = fs.info(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
            return None
        raise
    return info if info["type"] == "file" else None


def _glob(fs: Any, pattern: str) -> dict[str, dict[str, Any]]:
    """The files that a glob matches, with what is known of each.

    A page of links is asked for until the server answers.
    """
    if not web.is_http(pattern):
        return _glob_files(fs, pattern)
    if not any(sign in pattern for sign in "*?["):
        return {}
    return web.with_retries(lambda: fs.glob(pattern, detail=True), url=pattern)


def _glob_files(fs: Any, pattern: str) -> dict[str, dict[str, Any]]:
    literal, rest = globs.split_pattern(pattern, fs.exists)
    if not rest:
        info = _file_info(fs, literal)
        return {literal: info} if info else {}
    if not any(sign in literal for sign in globs.SIGNS):
        return fs.glob(
            f"{literal}/{rest}" if literal or pattern.startswith("/") else rest, detail=True
        )
    matches = re.compile(glob_translate(f"{globs.escape(literal)}/{rest}")).match
    depth = None if "**" in rest else rest.count("/") + 1
    return {
        path: entry
        for path, entry in fs.find(literal, maxdepth=depth, detail=True).items()
        if matches(path)
    }


def _spelled(path: str, *, pattern: str, inner: str, fs: Any) -> str:
    """A path inside a file system -> the path or URL that begins as `pattern` does.

    `inner` is the pattern inside the file system.
    """
    if "://" not in pattern:
        return path
    shared = sum(
        1
        for _ in itertools.takewhile(
            lambda pair: pair[0] == pair[1], zip(reversed(pattern), reversed(inner), strict=False)
        )
    )
    head = inner[: len(inner) - shared]
    if any(sign in head for sign in globs.SIGNS) or not path.startswith(head):
        return fs.unstrip_protocol(path)
    return pattern[: len(pattern) - shared] + path[len(head) :]


def list_names(folder: str) -> list[str]:
    """Names of the files in a folder, sorted, without temporary ones.

    Empty if there is no such folder.
    """
    return sorted(file_sizes(folder))


def file_sizes(folder: str) -> dict[str, int]:
    """{name: bytes} of the files in a folder, without temporary ones.

    Empty if there is no such folder.
    """
    fs, inner = file_system(folder)
    try:
        entries = fs.ls(inner, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    sizes = {
        posixpath.basename(entry["name"].rstrip("/")): entry["size"]
        for entry in entries
        if entry["type"] == "file"
    }
    return {name: size for name, size in sizes.items() if _TEMPORARY not in name}


def open_input(path: str) -> BinaryIO:
    """Opens a file for reading its bytes unchanged."""
    if web.is_http(path):
        return web.open_url(path)
    fs, inner = file_system(path)
    if hub.is_hub(path):
        return hub.open_file(fs, inner, path)
    stream = fs.open(inner, "rb")
    # fsspec's own buffered files have no `readline` with a limit, and read a line byte after byte.
    return (
        io.BufferedReader(stream, _STORE_BUFFER)
        if isinstance(stream, AbstractBufferedFile)
        else stream
    )


def open_decompressed(path: str) -> BinaryIO:
    """Opens a file for reading bytes.

    `.gz`, `.bz2` and `.zst` are decompressed, with all their members.

    Reading a file that was cut off inside a member raises EOFError; a cut between two members
    leaves no trace.
    """
    stream = open_input(path)
    if path.endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=stream))
    if path.endswith(".bz2"):
        return io.BufferedReader(bz2.BZ2File(stream))
    if path.endswith(".zst"):
        return io.BufferedReader(_ZstdReader(stream), 1 << 17)
    return stream


class _ZstdReader(io.RawIOBase):
    """All frames of a zstd stream, with any window size.

    `zstandard.stream_reader` takes a frame that was cut for its end.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame: Any = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._stream.read(_ZSTD_BLOCK)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the file ends inside a zstd frame")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            self._ready = memoryview(self._frame.decompress(self._packed))
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def read_bytes(path: str) -> bytes:
    """The bytes of a whole file."""
    with open_input(path) as stream:
        return stream.read()


@contextlib.contextmanager
def atomic_output(path: str) -> Iterator[str]:
    """Yields the name of a local temporary file.

    When the block ends well, that file becomes `path`.

    On a local file system the temporary file lies beside `path`, is synced and renamed. Elsewhere
    it is uploaded: an object appears when its upload is complete. If the block raises, nothing is
    left.
    """
    fs, inner = file_system(path)
    if isinstance(fs, LocalFileSystem):
        temporary = os.path.join(
            os.path.dirname(inner), f"{_TEMPORARY}{uuid.uuid4().hex}-{os.path.basename(inner)}"
        )
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
    """Removes a folder with all that it holds, if it exists.

    Raises OSError when something of it is left.
    """
    fs, inner = file_system(path)
    try:
        if isinstance(fs, LocalFileSystem):
            shutil.rmtree(inner)
        elif any(sign in inner for sign in globs.SIGNS):  # which `rm` takes for a glob
            for name in fs.find(inner):
                fs.rm_file(name)
        else:
            fs.rm(inner, recursive=True)
    except FileNotFoundError:
        if fs.exists(inner):
            raise


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """Yields the name of a local file with the bytes of `path`.

    That is the file itself where it is local, else a temporary copy.
    """
    fs, inner = file_system(path)
    if isinstance(fs, LocalFileSystem):
        yield inner
        return
    with tempfile.TemporaryDirectory() as spool:
        copy = os.path.join(spool, posixpath.basename(inner))
        if web.is_http(path):
            with web.open_url(path) as stream, open(copy, "wb") as handle:
                shutil.copyfileobj(stream, handle)
        else:
            fs.get_file(inner, copy)
        yield copy
