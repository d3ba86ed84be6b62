"""Where the records of a finished `documents` stage came from."""

from dataclasses import dataclass

from pipeline.run.folder import Run
from pipeline.run.plan import read_units
from pipeline.stages.documents.units import DocumentsUnit
from transforms import storage
from transforms.contracts.manifest import Manifest
from transforms.contracts.plain import from_plain
from transforms.errors import UserError
from transforms.ingest.unit import InputFile
from transforms.sources.registry import KINDS


@dataclass(frozen=True, kw_only=True)
class InputState:
    """An input file: its path and size when it was planned.

    `state`: "there", "missing", or how it differs from what was planned.
    """

    path: str
    bytes: int
    state: str


@dataclass(frozen=True, kw_only=True)
class FilterName:
    """A filter in the configuration of a finished stage; its options are of no interest here."""

    name: str


@dataclass(frozen=True, kw_only=True)
class StoredSource:
    """A source in the configuration of a finished stage."""

    kind: str
    quality: tuple[FilterName, ...]


@dataclass(frozen=True, kw_only=True)
class StoredConfiguration:
    """The sources and the language model (its sha256) of a finished documents stage."""

    sources: dict[str, StoredSource]
    language_model: str


class Inputs:
    """The input files of a run by part and origin."""

    def __init__(self, run: Run, manifest: Manifest):
        self.run = run
        self.manifest = manifest
        self.configuration = from_plain(StoredConfiguration, manifest.configuration)
        self._units = read_units(run.documents, DocumentsUnit)

    def kind(self, part: int, origin: str, source: str) -> str:
        """The kind of the file that a row of a part was read from."""
        return self.file(part, origin).kind or self.configuration.sources[source].kind

    def filters(self, source: str) -> tuple[str, ...]:
        """The names of the filters that the documents of a source have passed."""
        return tuple(item.name for item in self.configuration.sources[source].quality)

    def locator_meaning(self, kind: str, locator: str) -> str:
        """What a locator in a file of a kind counts."""
        stated = KINDS[kind].locator if kind in KINDS else ""  # a plugin's kind may not be loaded
        meaning = stated or (
            "the whole file" if locator == "0" else "as the reader of this kind counts"
        )
        return (
            f"{meaning}; the record with number {locator.partition('#')[2]} in it, from 0"
            if "#" in locator
            else meaning
        )

    def file(self, part: int, origin: str) -> InputFile:
        """The file, or its range, that a row of a part was read from, as it was planned."""
        planned = next((file for file in self._units[part].files if file.origin == origin), None)
        if planned is None:
            what = f"the plan has no file {origin!r} for part {part}"
            raise UserError(
                what, where=self.run.documents, remedy="check the run with `tokenmill verify`"
            )
        return planned

    def describe(self, part: int, origin: str) -> InputState:
        """The same file, compared with what is there now."""
        file = self.file(part, origin)
        return InputState(path=file.path, bytes=file.size, state=_state(file))


def _state(file: InputFile) -> str:
    try:
        size = storage.size(file.path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"not reachable: {error.strerror or error}"
    return "there" if size == file.size else f"there, but of {size:,} bytes"
