"""Beam: part numbers -> documents that hold evaluation texts. Nothing is shuffled; the index of grams is a file that workers map."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import slices_of_bytes, starts_run
from transforms.contracts.addresses import pack_address
from transforms.contracts.dedup import CONTAMINATION_SCHEMA, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import CONTAMINATION, PARTS
from transforms.corpus import read_rows
from transforms.dedup.screens.contamination import EvaluationIndex, find_matches, open_index
from transforms.dedup.screens.order import drops_of, gone_batch, screened_folder, write_screened
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import write_parquet

_BATCH_BYTES = 4 << 20


@dataclass
class ScreenContaminated(beam.PTransform):
    """Part numbers -> part numbers, when each has its `contamination-*.parquet` and, unless documents are only flagged, its drops."""

    documents: str
    out: str
    config: DedupConfig

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: beam.PCollection[int]) -> beam.PCollection[int]:
        return parts | "Spread" >> beam.Reshuffle() | "Match" >> beam.ParDo(_Match(self.documents, self.out, self.config))


def index_path(out: str) -> str:
    return storage.join(screened_folder(out), "evaluation.arrow")


def match_part(documents: str, part: int, index: EvaluationIndex) -> pa.Table:
    """The matches of a part: `CONTAMINATION_SCHEMA`, sorted by (row, number of the set)."""
    bits = index.filter_bits()
    found = [CONTAMINATION_SCHEMA.empty_table()]
    for rows, batch in read_rows(PARTS.path(documents, part), np.zeros(0, np.int64), columns=["id", "source", "text"]):
        for start, end in slices_of_bytes(batch.column("text"), _BATCH_BYTES):
            matches = find_matches(batch.column("text").slice(start, end - start), index, bits)
            at = pa.array(start + matches.documents)
            columns = [
                pa.array(rows[start + matches.documents], pa.uint32()),
                batch.column("id").take(at),
                batch.column("source").take(at).cast(pa.string()),
                pa.array([index.names[number] for number in matches.sets.tolist()], pa.string()),
                pa.array(matches.grams, pa.uint32()),
                pa.array(matches.excerpts, pa.string()),
            ]
            found.append(pa.Table.from_arrays(columns, schema=CONTAMINATION_SCHEMA))
    return pa.concat_tables(found).combine_chunks()


def contaminated_drops(part: int, matches: pa.Table) -> pa.Table:
    """The drops of a part's matches: a document once, with the set it shares most grams with, the first of those on a tie."""
    rows = matches["row"].to_numpy().astype(np.int64)
    order = np.lexsort((np.arange(len(rows)), -matches["grams"].to_numpy().astype(np.int64), rows))
    chosen = matches.take(pa.array(order[starts_run(rows[order])])).combine_chunks()
    ids = pa.array(chosen["id"].to_pylist(), pa.binary(ID_BYTES))
    members = pack_address(part, chosen["row"].to_numpy())
    other = pa.array(chosen["set"].to_pylist(), pa.string())
    return drops_of([gone_batch(members=members, ids=ids, rule=SCREEN_RULES["decontaminate"], other=other)])


def count_matches(out: str, parts: Iterable[int], figures: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """The figures of each evaluation set with the `documents` that share a gram with it and the grams that they share, `matches`."""
    found = {name: {**values, "documents": 0, "matches": 0} for name, values in figures.items()}
    for part in parts:
        with storage.open_input(CONTAMINATION.path(out, part)) as stream:
            table = pq.read_table(stream, columns=["set", "grams"])
        for name in pc.unique(table["set"]).to_pylist():
            grams = table.filter(pc.equal(table["set"], name))["grams"]
            found[name]["documents"] += len(grams)
            found[name]["matches"] += pc.sum(grams).as_py()
    return found


class _Match(beam.DoFn):
    def __init__(self, documents: str, out: str, config: DedupConfig):
        self._documents, self._out, self._config = documents, out, config
        self._index: EvaluationIndex | None = None

    def process(self, part: int) -> Iterator[int]:
        self._index = self._index or open_index(index_path(self._out))
        matches = match_part(self._documents, part, self._index)
        write_parquet(matches, CONTAMINATION.path(self._out, part), plain=("id",))
        if self._config.decontaminate_action == "drop":
            write_screened(self._out, "decontaminate", part, contaminated_drops(part, matches))
        yield part
