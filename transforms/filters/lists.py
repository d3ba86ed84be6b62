"""List files of filters, such as words and domains, read once per process.

Large lists are held as sorted 64-bit hashes.
"""

import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import BinaryIO

import numpy as np
import xxhash

from transforms import storage
from transforms.errors import ConfigError

_BLOCK = 1 << 22


class HashSet:
    """A set of byte strings, held as the sorted array of their 64-bit xxHash.

    An entry takes 8 bytes, and 1 to 2 in a bitmap of the hashes' first bits, which answers most
    lookups with one memory access. Two strings with one hash count as one. With n entries, a string
    outside the set is found with probability n / 2**64: 2.7e-13 for five million entries, so that
    ten billion lookups are all correct with a probability of 99.7%.
    """

    def __init__(self, blocks: Iterable[np.ndarray]):
        hashes = np.sort(np.concatenate([np.zeros(0, np.uint64), *blocks]))
        self._hashes = hashes[np.diff(hashes, prepend=~hashes[:1]) != 0]
        bits = max(len(self._hashes).bit_length() + 3, 6)
        self._shift = np.uint64(64 - bits)
        seen = np.zeros(1 << bits, bool)
        seen[self._hashes >> self._shift] = True
        self._bitmap = np.packbits(seen, bitorder="little")

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def nbytes(self) -> int:
        """The bytes of memory of the hashes and the bitmap."""
        return self._hashes.nbytes + self._bitmap.nbytes

    def contains(self, hashes: np.ndarray) -> np.ndarray:
        """Look up hashes: uint64 [n] -> bool [n]."""
        prefix = hashes >> self._shift
        member = (
            self._bitmap[prefix >> np.uint64(3)] >> (prefix & np.uint64(7)).astype(np.uint8) & 1
        ).astype(bool)
        likely = hashes[member]
        if len(likely):
            member[member] = (
                self._hashes[
                    np.minimum(np.searchsorted(self._hashes, likely), len(self._hashes) - 1)
                ]
                == likely
            )
        return member


def hash_all(entries: Iterable[str]) -> np.ndarray:
    """The 64-bit xxHash of each string (UTF-8): uint64 [n]."""
    return hash_bytes(map(str.encode, entries))


def hash_bytes(entries: Iterable[bytes]) -> np.ndarray:
    """The 64-bit xxHash of each byte string: uint64 [n]."""
    return np.fromiter(map(xxhash.xxh64_intdigest, entries), np.uint64)


@lru_cache(maxsize=32)
def read_entries(path: str) -> tuple[str, ...]:
    """Read a small list in UTF-8, plain, `.gz` or `.zst`: its stripped lines in order.

    Blank lines and lines that begin with "#" are skipped. Raises ConfigError when the file cannot
    be read, is not UTF-8 text or has no entry.
    """
    with open_list(path) as stream:
        try:
            lines = (line.strip() for line in stream.read().decode("utf-8-sig").splitlines())
        except UnicodeDecodeError as error:
            raise bad_list(path, f"it is not UTF-8 text: {error}") from error
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(path, error) from error
    entries = tuple(line for line in lines if line and not line.startswith("#"))
    if not entries:
        raise bad_list(path, "it has no entry")
    return entries


def read_hashes(
    stream: BinaryIO, *, path: str, normalize: Callable[[bytes], Iterable[bytes]]
) -> Iterator[np.ndarray]:
    """Read a large list in blocks of whole lines and hash its entries.

    `normalize` converts a block to entries. Yields uint64 [entries] per block. Raises ConfigError.
    """
    try:
        while lines := stream.readlines(_BLOCK):
            yield hash_bytes(normalize(b"".join(lines)))
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def open_list(path: str) -> BinaryIO:
    """Open a list for reading its decompressed bytes. Raises ConfigError."""
    try:
        return storage.open_decompressed(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def open_members(path: str) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the files of a tar archive with their names.

    Any compression that `tarfile` reads is accepted. Raises ConfigError.
    """
    try:
        with (
            storage.open_input(path) as stream,
            tarfile.open(fileobj=stream, mode="r|*") as archive,
        ):
            for member in archive:
                if member.isfile() and (content := archive.extractfile(member)):
                    yield member.name, content  # type: ignore[misc]
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise _unreadable(path, error) from error


def bad_list(path: str, why: str) -> ConfigError:
    """The error for a list with invalid content."""
    return ConfigError(
        f"not a list that this filter reads: {why}", where=path, remedy="one entry a line, in UTF-8"
    )


def _unreadable(path: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"cannot read the list: {error}", where=path, remedy="name a file or URL that can be read"
    )
