"""The parts of a deduplicated run: documents, and the drops that exclude some of them."""

from collections.abc import Iterator

from pipeline.run.folder import Run
from pipeline.stages.documents.stage import DOCUMENTS
from transforms.contracts.names import DROPS, PARTS


def kept_parts(run: Run) -> Iterator[tuple[int, str, str]]:
    """(part number, documents file, drops file) of each part of a deduplicated run, in order."""
    for part, path in DOCUMENTS.finished(run).paths(PARTS).items():
        yield part, path, DROPS.path(run.dedup, part)
