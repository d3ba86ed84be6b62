"""The unit of work of the documents stage."""

from dataclasses import dataclass

from pipeline.run.folder import Run
from pipeline.run.plan import read_units
from transforms.ingest.unit import InputFile


@dataclass(frozen=True, kw_only=True)
class DocumentsUnit:
    """Files, or ranges of files, of one source, which become one part.

    `bytes`: their total size as stored, compressed or not.
    """

    files: tuple[InputFile, ...]
    bytes: int

    @property
    def source(self) -> str:
        """The name of the source that all files belong to."""
        return self.files[0].source


def sources_of_parts(run: Run) -> list[str]:
    """The source of each part of a run's documents, by part number."""
    return [unit.source for unit in read_units(run.documents, DocumentsUnit)]
