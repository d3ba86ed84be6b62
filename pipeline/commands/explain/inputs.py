"""Where the records of a finished `documents` stage came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.run.folder import Run
from pipeline.run.plan import read_plan
from transforms import storage
from transforms.contracts.manifest import Manifest
from transforms.errors import UserError
from transforms.ingest.unit import InputFile

STAGE = "documents"
_LOCATORS = {
    "warc": "byte offset of the record, or of its gzip member, in the file",
    "wet": "byte offset of the record, or of its gzip member, in the file",
    "jsonl": "byte offset of the line in the file, decompressed",
    "arrow": "number of the row, from 1",
    "csv": "number of the row, from 1",
    "parquet": "number of the row, from 1",
    "feed": "number of the entry, from 1",
    "wikipedia": "id of the page",
}
_WHOLE = "the whole file"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A row of the stage. `values`: its columns as plain values, of a document its `text` among them."""

    part: int
    row: int
    rejected: bool
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, int, bool]:
        return self.part, self.row, self.rejected


class Inputs:
    """The input files of a run by part and origin."""

    def __init__(self, run: Run, manifest: Manifest):
        self.run = run
        self.manifest = manifest
        self._units = read_plan(run.stage(STAGE))["units"]

    def kind(self, part: int, origin: str, source: str) -> str:
        """The kind of the file that a row of a part was read from."""
        return self.file(part, origin).kind or self.manifest.configuration["sources"][source]["kind"]

    def locator_meaning(self, kind: str, locator: str) -> str:
        """What a locator in a file of a kind counts."""
        meaning = _LOCATORS.get(kind, _WHOLE if locator == "0" else "as the reader of this kind counts")
        return f"{meaning}; the record with number {locator.partition('#')[2]} in it, from 0" if "#" in locator else meaning

    def file(self, part: int, origin: str) -> InputFile:
        """The file, or its range, that a row of a part was read from, as it was planned."""
        found = next((InputFile(**file) for file in self._units[part]["files"] if file["origin"] == origin), None)
        if found is None:
            what = f"the plan has no file {origin!r} for part {part}"
            raise UserError(what, where=self.run.stage(STAGE), remedy="look into the run with `tokenmill verify`")
        return found

    def describe(self, part: int, origin: str) -> dict[str, Any]:
        """The file's path, planned size and `state`: "there", "gone", or what is there now."""
        file = self.file(part, origin)
        return {"path": file.path, "bytes": file.size, "state": _state(file)}


def _state(file: InputFile) -> str:
    try:
        size = storage.size(file.path)
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return f"not reachable: {error.strerror or error}"
    return "there" if size == file.size else f"there, but of {size:,} bytes"
