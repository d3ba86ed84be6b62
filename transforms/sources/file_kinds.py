"""Which kind a file is of: by the end of its name, else by its first bytes. For folders and for sources of kind `auto`."""

import re
from collections.abc import Callable

from transforms.sources.file_head import FileHead
from transforms.sources.registry import KINDS

AUTO = "auto"
PEEK_BYTES = 1 << 16

_OF_NO_KIND = re.compile(r"\.wat(\.gz)?$")
"""Names of files that no kind reads, though their first bytes are those of a WARC."""
_PASSED_OVER_FOLDERS = {"__macosx", "_temporary", "_delta_log"}
_PASSED_OVER_FILES = re.compile(
    r"\..*|_success|_metadata|_common_metadata|_started_.*|_committed_.*|thumbs\.db|desktop\.ini"
)


def is_passed_over(name: str) -> bool:
    """Whether a file of a folder is none of its data, by its path inside the folder: hidden, or left by a system or another tool."""
    *folders, file = name.casefold().split("/")
    return bool(_PASSED_OVER_FILES.fullmatch(file)) or any(
        part.startswith(".") or part in _PASSED_OVER_FOLDERS for part in folders
    )


def is_named_as(kind: str, path: str) -> bool:
    """Whether a file's name is one that files of a kind have. A plugin's kind without suffixes takes every name."""
    suffixes = KINDS[kind].suffixes
    if not suffixes:
        return True
    name = path.lower()
    compression = next((end for end in KINDS[kind].compressions if name.endswith(end)), "")
    return name.removesuffix(compression).endswith(suffixes)


def suffixes_of(kind: str) -> tuple[str, ...]:
    """Ends of the names of a kind's files; none where every name is one."""
    return KINDS[kind].suffixes


def kind_of_file(path: str, peek: Callable[[], bytes]) -> str | None:
    """The kind of a file by its name, or by its first bytes where no suffix or the suffixes of several kinds fit.

    `peek` gives the first bytes, decompressed. None where neither says it.
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
    """The kind of a file by its first bytes: signatures, or the root of its markup. Plain text is of no kind: it may be anything."""
    head = FileHead(data)
    return next((name for name, kind in KINDS.items() if kind.begins and kind.begins(head)), None)
