"""Beam: part numbers -> documents that hold evaluation texts.

Nothing is shuffled; workers map the index of n-grams.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from transforms.contracts.names import CONTAMINATION
from transforms.dedup.screens.contamination import contaminated_drops, match_part
from transforms.dedup.screens.evaluation_index import (
    EvaluationIndex,
    evaluation_index_path,
    open_index,
)
from transforms.dedup.screens.screened import write_screened
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import write_parquet


@dataclass
class ScreenContaminated(beam.PTransform):
    """Part numbers -> part numbers, once each has its `contamination-*.parquet`.

    Unless documents are only flagged, each has its drops, too.
    """

    documents: str
    out: str
    config: DedupConfig

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        return (
            parts
            | "Spread" >> beam.Reshuffle()
            | "Match" >> beam.ParDo(_Match(self.documents, self.out, self.config))
        )


class _Match(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config
        self._index: EvaluationIndex | None = None

    def process(self, part: int) -> Iterator[int]:
        self._index = self._index or open_index(evaluation_index_path(self._out))
        matches = match_part(self._documents, part, self._index)
        write_parquet(matches, CONTAMINATION.path(self._out, part), plain=("id",))
        if self._config.decontaminate_action == "drop":
            write_screened(self._out, "decontaminate", part, contaminated_drops(part, matches))
        yield part
