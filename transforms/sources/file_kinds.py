"""Determine the kind of a file by its name, or by its first bytes.

Used for folders, and for sources of kind `auto`.
"""

import re
from collections.abc import Callable

from transforms.sources.file_head import FileHead
from transforms.sources.registry import KINDS

AUTO = "auto"
PEEK_BYTES = 1 << 16

_OF_NO_KIND = re.compile(r"\.wat(\.gz)?$")
"""Names of files that no kind reads, although they begin like a WARC file."""
_PASSED_OVER_FOLDERS = {"__macosx", "_temporary", "_delta_log"}
_PASSED_OVER_FILES = re.compile(
    r"\..*|_success|_metadata|_common_metadata|_started_.*|_committed_.*|thumbs\.db|desktop\.ini"
)


def is_passed_over(name: str) -> bool:
    """Whether a file in a folder is skipped, by its path inside the folder.

    It is hidden, or was left there by the operating system or another tool.
    """
    *folders, file = name.casefold().split("/")
    return bool(_PASSED_OVER_FILES.fullmatch(file)) or any(
        part.startswith(".") or part in _PASSED_OVER_FOLDERS for part in folders
    )


def is_named_as(kind: str, path: str) -> bool:
    """Whether a file's name fits a kind. A plugin's kind without suffixes fits every name."""
    suffixes = KINDS[kind].suffixes
    if not suffixes:
        return True
    name = path.lower()
    compression = next((end for end in KINDS[kind].compressions if name.endswith(end)), "")
    return name.removesuffix(compression).endswith(suffixes)


def suffixes_of(kind: str) -> tuple[str, ...]:
    """The suffixes of a kind's files; empty if every name fits."""
    return KINDS[kind].suffixes


def kind_of_file(path: str, peek: Callable[[], bytes]) -> str | None:
    """The kind of a file by its name, or by its first bytes if no suffix or several kinds fit.

    `peek` returns the first bytes, decompressed. None if neither the name nor the bytes fit a kind.
    """
    for name, kind in KINDS.items():
        if kind.name_pattern and kind.name_pattern.search(path):
            return name
    names = [name for name, kind in KINDS.items() if kind.suffixes and is_named_as(name, path)]
    if len(names) == 1:
        return names[0]
    if not names and _OF_NO_KIND.search(path):
        return None
    return kind_of_bytes(peek())


def kind_of_bytes(data: bytes) -> str | None:
    """The kind of a file by its first bytes: a signature, or the root element of markup.

    None for plain text, which could be of several kinds.
    """
    head = FileHead(data)
    return next((name for name, kind in KINDS.items() if kind.begins and kind.begins(head)), None)
