"""`manifest.json`: the description of a finished stage folder.

It is written last: a folder without one is unfinished.
"""

import hashlib
import json
from dataclasses import dataclass, field

from transforms import storage
from transforms.contracts.plain import JsonObject, from_plain, to_plain
from transforms.errors import UserError

FORMAT_VERSION = 1
NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One data file of a stage: its rows (0 for files without rows), bytes and SHA-256 in hex."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A finished stage.

    files                 name -> entry, sorted by name
    counters              the counters of the stage, equal for equal input; their types are in
                          `transforms.contracts.counters`
    details               further facts of how it was made, such as the library that encoded
    seconds, cpu_seconds  wall and CPU time, which differ from run to run
    """

    stage: str
    fingerprint: str
    upstream: str
    configuration: JsonObject
    files: dict[str, FileEntry]
    counters: JsonObject
    versions: dict[str, str]
    seconds: float
    cpu_seconds: float
    format_version: int = FORMAT_VERSION
    details: JsonObject = field(default_factory=dict)


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Write the manifest of a stage folder, atomically."""
    storage.write_bytes(
        storage.join(folder, NAME),
        (json.dumps(to_plain(manifest), indent=2, ensure_ascii=False) + "\n").encode(),
    )


def read_manifest(folder: str) -> Manifest:
    """Read the manifest of a stage folder.

    Raises UserError when there is none, or when it has another format version.
    """
    path = storage.join(folder, NAME)
    try:
        values = json.loads(storage.read_bytes(path))
    except FileNotFoundError as error:
        raise UserError(
            "the stage is not finished: it has no manifest.json",
            where=folder,
            remedy="run `tokenmill run CONFIG` to finish it",
        ) from error
    except ValueError as error:
        raise UserError(
            f"the manifest is not JSON: {error}",
            where=path,
            remedy="run the stage again with --overwrite",
        ) from error
    if values.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"format version {values.get('format_version')} "
            f"is not the one this version reads ({FORMAT_VERSION})",
            where=path,
            remedy="use the tokenmill version that wrote it, or run again with --overwrite",
        )
    return from_plain(Manifest, values)


def sha256_of(path: str) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with storage.open_input(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
