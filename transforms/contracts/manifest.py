"""`manifest.json`: the record of a finished stage folder.

Written last: a folder without one is unfinished.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from transforms import storage
from transforms.errors import UserError

FORMAT_VERSION = 1
NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One data file of a stage: its rows (0 for files without rows), bytes and sha256."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A finished stage.

    files                 by name, sorted
    counters              the stage's figures, equal for equal input
    details               how it was made otherwise, such as the library that encoded
    seconds, cpu_seconds  how long it took; they differ from run to run
    """

    stage: str
    fingerprint: str
    upstream: str
    configuration: dict[str, Any]
    files: dict[str, FileEntry]
    counters: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    cpu_seconds: float
    format_version: int = FORMAT_VERSION
    details: dict[str, Any] = field(default_factory=dict)


def write_manifest(folder: str, manifest: Manifest) -> None:
    storage.write_bytes(storage.join(folder, NAME), (json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n").encode())


def read_manifest(folder: str) -> Manifest:
    """Reads a stage folder's manifest.

    Raises UserError when there is none, or it is of another format version.
    """
    path = storage.join(folder, NAME)
    try:
        values = json.loads(storage.read_bytes(path))
    except FileNotFoundError as error:
        raise UserError(
            "the stage is not finished: it has no manifest.json", where=folder, remedy="run `tokenmill run CONFIG` to finish it"
        ) from error
    except ValueError as error:
        raise UserError(f"the manifest is not JSON: {error}", where=path, remedy="run the stage again with --overwrite") from error
    if values.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"format version {values.get('format_version')} is not the one this version reads ({FORMAT_VERSION})",
            where=path,
            remedy="use the tokenmill version that wrote it, or run again with --overwrite",
        )
    files = {name: FileEntry(**entry) for name, entry in values.pop("files").items()}
    return Manifest(files=files, **values)


def sha256_of(path: str) -> str:
    """Hex sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with storage.open_input(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
