"""Work files of documents that are compared with earlier runs, written once for each part."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import binary_rows, rows_to_binary, to_batch
from transforms.contracts.addresses import unpack_address
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import PARTS
from transforms.dedup.near.candidates import read_texts
from transforms.dedup.near.shingles import ShingleSets, concatenate_sets
from transforms.dedup.near.sign import sets_of
from transforms.dedup.near.signatures import read_signatures
from transforms.dedup.screens.screened import screened_folder
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import arrow_writer, open_arrow


def candidates_path(out: str, run: int, part: int) -> str:
    """The work file of a part's candidates, `candidates_schema`."""
    return storage.join(screened_folder(out), f"sets-{run + 1}-{part:05d}.arrow")


def candidates_schema(config: DedupConfig) -> pa.Schema:
    """A part's candidates, sorted by row.

    `shingles` are empty where the texts of an earlier run are gone.
    """
    return pa.schema(
        [
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("id", pa.binary(ID_BYTES), nullable=False),
            pa.field(
                "shingles",
                pa.large_list(pa.field("item", pa.uint64(), nullable=False)),
                nullable=False,
            ),
            pa.field("signature", pa.binary(4 * config.permutations), nullable=False),
        ]
    )


def write_candidates(
    dedup: str, documents: str | None, part: int, rows: np.ndarray, config: DedupConfig, path: str
) -> None:
    """Writes a part's candidates: ids and signatures of its dedup folder, shingles of its texts.

    `rows`: int64 (n,), the candidates, rising.
    """
    columns = read_signatures(dedup, part, ["id", "signature"])
    if documents is None:
        sets = ShingleSets(values=np.zeros(0, np.uint64), offsets=np.zeros(len(rows) + 1, np.int64))
    else:
        sets = concatenate_sets(
            [sets_of(texts, config) for texts in read_texts(PARTS.path(documents, part), rows)]
        )
    schema = candidates_schema(config)
    shingles = pa.LargeListArray.from_arrays(
        pa.array(sets.offsets), pa.array(sets.values), type=schema.field("shingles").type
    )
    ids, signatures = (rows_to_binary(columns[name][rows]) for name in ("id", "signature"))
    with arrow_writer(path, schema) as writer:
        writer.write_batch(to_batch(schema, rows.astype(np.uint32), ids, shingles, signatures))


@dataclass(frozen=True, kw_only=True, eq=False)
class CandidateDocuments:
    """n documents to compare.

    `ids` uint8 (n, 16), their shingle `sets`, and `signatures` uint32 (n, permutations).
    """

    ids: np.ndarray
    sets: ShingleSets
    signatures: np.ndarray


class CandidateFiles:
    """The candidates' work files of a folder, opened when they are asked for."""

    def __init__(self, out: str):
        self._out = out
        self._opened: dict[tuple[int, int], pa.RecordBatch] = {}

    def take(self, run: int, addresses: np.ndarray) -> CandidateDocuments:
        """Documents of a run by address: uint64 (n,), rising, n > 0."""
        parts, rows = unpack_address(addresses)
        found = [
            self._of_part(run, part, rows[parts == part]) for part in np.unique(parts).tolist()
        ]
        return CandidateDocuments(
            ids=np.concatenate([one.ids for one in found]),
            sets=concatenate_sets([one.sets for one in found]),
            signatures=np.concatenate([one.signatures for one in found]),
        )

    def _of_part(self, run: int, part: int, rows: np.ndarray) -> CandidateDocuments:
        if (run, part) not in self._opened:
            self._opened[run, part] = open_arrow(candidates_path(self._out, run, part)).get_batch(0)
        batch = self._opened[run, part]
        index = np.searchsorted(batch.column("row").to_numpy(), rows)
        shingles = batch.column("shingles")
        return CandidateDocuments(
            ids=binary_rows(batch.column("id"))[index],
            sets=ShingleSets(
                values=shingles.values.to_numpy(), offsets=shingles.offsets.to_numpy()
            ).take(index),
            signatures=np.ascontiguousarray(binary_rows(batch.column("signature"))[index]).view(
                "<u4"
            ),
        )
