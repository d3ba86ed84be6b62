"""The work of the documents stage in pieces."""

from dataclasses import dataclass

from pipeline.run.folder import Run
from pipeline.run.plan import read_units
from transforms.ingest.unit import InputFile


@dataclass(frozen=True, kw_only=True)
class DocumentsUnit:
    """Files, or ranges of files, of one source, which become one part. `bytes`: of them together."""

    files: tuple[InputFile, ...]
    bytes: int

    @property
    def source(self) -> str:
        return self.files[0].source


def sources_of_parts(run: Run) -> list[str]:
    """The source of each part of a run's documents, in order."""
    return [unit.source for unit in read_units(run.documents, DocumentsUnit)]
