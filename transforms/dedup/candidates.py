"""The shingle sets of candidates: written once by part, mapped into memory by those that compare them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import io
from transforms.dedup.order import binary_rows, rows_to_binary
from transforms.dedup.settings import DedupConfig
from transforms.dedup.shingles import ShingleSets, concatenate_sets
from transforms.dedup.sign import sets_of, slices_of_bytes
from transforms.dedup.tables import documents_path, edge_schema, set_schema, sets_path, signatures_path, to_batch, to_numpy
from transforms.dedup.verify import blocks_of, jaccard_of_pairs
from transforms.documents import unpack_address

_BATCH_BYTES = 4 << 20
_BLOCK = 1 << 23


def write_sets(documents: str, out: str, part: int, rows: np.ndarray, config: DedupConfig) -> None:
    """Writes the sets and order keys of `rows` (int64, sorted, each once) of a part to a work file of `out`."""
    with io.open_input(signatures_path(out, part)) as stream:
        orders = to_numpy(pq.read_table(stream, columns=["order"]).column("order"))[rows]
    sets = concatenate_sets([sets_of(texts, config) for texts in read_texts(documents_path(documents, part), rows)])
    shingles = pa.LargeListArray.from_arrays(pa.array(sets.offsets), pa.array(sets.values), type=set_schema(config).field("shingles").type)
    batch = to_batch(set_schema(config), rows.astype(np.uint32), rows_to_binary(orders), shingles)
    with (
        io.atomic_output(sets_path(out, part)) as temporary,
        pa.OSFile(temporary, "wb") as sink,
        pa.ipc.new_file(sink, batch.schema) as writer,
    ):
        writer.write_batch(batch)


def read_texts(path: str, rows: np.ndarray) -> Iterator[pa.Array]:
    """The texts of `rows` (int64, sorted) of a documents file, in order, some megabytes at a time; row groups without any are not read."""
    with io.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(rows, [start, end])
            if first < last:
                texts = (
                    file.read_row_group(group, columns=["text"]).column("text").combine_chunks().take(pa.array(rows[first:last] - start))
                )
                for begin, stop in slices_of_bytes(texts, _BATCH_BYTES):
                    yield texts.slice(begin, stop - begin)
            start = end


class CandidateSets:
    """The work files of a folder, opened as they are asked for; local ones are mapped, not read."""

    def __init__(self, out: str):
        self._out = out
        self._parts: dict[int, tuple[np.ndarray, np.ndarray, ShingleSets]] = {}

    def sizes(self, addresses: np.ndarray) -> np.ndarray:
        """Shingles of each document: uint64 [n], sorted -> int64 [n]."""
        return np.concatenate([np.zeros(0, np.int64), *(sets.sizes[index] for _, sets, index in self._by_part(addresses))])

    def orders(self, addresses: np.ndarray) -> np.ndarray:
        """The order key of each document: uint64 [n], sorted, n > 0 -> uint8 [n, width]."""
        return np.concatenate([orders[index] for orders, _, index in self._by_part(addresses)])

    def sets(self, addresses: np.ndarray) -> ShingleSets:
        """The set of each document: uint64 [n], sorted."""
        return concatenate_sets([sets.take(index) for _, sets, index in self._by_part(addresses)])

    def _by_part(self, addresses: np.ndarray) -> Iterator[tuple[np.ndarray, ShingleSets, np.ndarray]]:
        parts, rows = unpack_address(addresses)
        for part in np.unique(parts).tolist():
            known, orders, sets = self._open(part)
            yield orders, sets, np.searchsorted(known, rows[parts == part])

    def _open(self, part: int) -> tuple[np.ndarray, np.ndarray, ShingleSets]:
        if part not in self._parts:
            path = sets_path(self._out, part)
            source = pa.memory_map(io.file_system(path)[1]) if io.is_local(path) else pa.BufferReader(io.read_bytes(path))
            batch = pa.ipc.open_file(source).get_batch(0)
            shingles = batch.column("shingles")
            sets = ShingleSets(values=shingles.values.to_numpy(), offsets=shingles.offsets.to_numpy())
            self._parts[part] = batch.column("row").to_numpy().astype(np.int64), binary_rows(batch.column("order")), sets
        return self._parts[part]


def verify_pairs(candidates: CandidateSets, first: np.ndarray, second: np.ndarray, config: DedupConfig) -> Iterator[pa.RecordBatch]:
    """Pairs of addresses (uint64 [pairs] each) -> batches of `edge_schema`, those with Jaccard >= `config.jaccard`.

    The smaller set over the larger bounds the similarity from above, so most pairs of unlike length need no reading.
    """
    addresses, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    sizes = candidates.sizes(addresses)
    left, right = sizes[ends[: len(first)]], sizes[ends[len(first) :]]
    possible = np.minimum(left, right) / np.maximum(np.maximum(left, right), 1) >= config.jaccard
    first, second, totals = first[possible], second[possible], (left + right)[possible]
    for start, end in blocks_of(totals, _BLOCK):
        pairs = np.concatenate([first[start:end], second[start:end]])
        addresses, ends = np.unique(pairs, return_inverse=True)
        similarity = jaccard_of_pairs(candidates.sets(addresses), ends[: end - start], ends[end - start :])
        similar = np.flatnonzero(similarity >= config.jaccard)
        if len(similar):
            orders = candidates.orders(addresses)
            yield to_batch(
                edge_schema(config),
                first[start + similar],
                second[start + similar],
                similarity[similar],
                np.zeros(len(similar), bool),
                rows_to_binary(orders[ends[: end - start][similar]]),
                rows_to_binary(orders[ends[end - start :][similar]]),
            )
