"""The sets of candidates: written once for each part, mapped into memory for comparisons."""

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import (
    binary_rows,
    blocks_of,
    key_columns,
    rows_to_binary,
    run_edges,
    run_starts,
    slices_of_bytes,
    to_batch,
    unique_pairs,
)
from transforms.contracts.addresses import unpack_address
from transforms.contracts.names import PARTS
from transforms.dedup.near.bands import hub_and_chain
from transforms.dedup.near.schemas import SET_SCHEMA, edge_schema, index_schema
from transforms.dedup.near.set_overlap import common_values
from transforms.dedup.near.shingles import ShingleSets, concatenate_sets
from transforms.dedup.near.sign import sets_of
from transforms.dedup.near.signatures import read_signatures
from transforms.dedup.near.work_files import index_path, sets_path
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import arrow_writer, open_arrow

_BATCH_BYTES = 4 << 20
_BLOCK = 1 << 23
_SET_BATCH = 1 << 18
_BATCHES_KEPT = 32
_PARTS_KEPT = 256


def write_sets(documents: str, out: str, part: int, rows: np.ndarray, config: DedupConfig) -> None:
    """Writes the work files of a part's candidates: an index, and their sets in batches.

    The documents are read once, and of them only row groups with candidates. Where signatures
    decide, only signatures are read.

    Args:
        documents, out: the documents folder; the dedup folder, which has the part's signatures.
        rows: int64 (n,), the candidates, ascending.
    """
    columns = (
        ["order", "shingles"] if config.verify == "exact" else ["order", "shingles", "signature"]
    )
    known = {name: column[rows] for name, column in read_signatures(out, part, columns).items()}
    sizes = known["shingles"].astype(np.int64)
    if config.verify == "exact":
        stored = sizes
        batches: Iterator[ShingleSets] = (
            sets_of(texts, config) for texts in read_texts(PARTS.path(documents, part), rows)
        )
    else:
        stored = np.full(len(rows), config.permutations)
        batches = iter([_signature_sets(known["signature"], config)])
    blocks = list(blocks_of(stored, _SET_BATCH))
    with arrow_writer(sets_path(out, part), SET_SCHEMA) as writer:
        for sets in _cut(batches, blocks):
            writer.write_batch(
                to_batch(
                    SET_SCHEMA,
                    pa.LargeListArray.from_arrays(
                        sets.offsets, sets.values, type=SET_SCHEMA[0].type
                    ),
                )
            )
    batch = np.repeat(
        np.arange(len(blocks), dtype=np.int32), [end - start for start, end in blocks]
    )
    with arrow_writer(index_path(out, part), index_schema(config)) as writer:
        writer.write_batch(
            to_batch(
                index_schema(config),
                rows.astype(np.uint32),
                rows_to_binary(known["order"]),
                sizes,
                batch,
            )
        )


def _signature_sets(signatures: np.ndarray, config: DedupConfig) -> ShingleSets:
    """Signatures as sets of (position, value), so that common values are common elements.

    uint8 (n, 4 * permutations) -> n sets of `permutations` elements.
    """
    # The position goes into the upper 32 bits, above the value.
    values = signatures.view("<u4").astype(np.uint64) | np.arange(
        config.permutations, dtype=np.uint64
    ) << np.uint64(32)
    return ShingleSets(
        values=values.ravel(), offsets=np.arange(len(signatures) + 1) * config.permutations
    )


def _cut(sets: Iterator[ShingleSets], blocks: list[tuple[int, int]]) -> Iterator[ShingleSets]:
    """The same sets in other batches: `blocks` are [start, end) of their numbers, without gaps."""
    held = concatenate_sets([])
    for start, end in blocks:
        pending = [held]
        while sum(map(len, pending)) < end - start:
            pending.append(next(sets))
        held = concatenate_sets(pending)
        yield held.take(np.arange(end - start))
        held = held.take(np.arange(end - start, len(held)))


def read_texts(path: str, rows: np.ndarray) -> Iterator[pa.Array]:
    """The texts of some rows of a documents file, in order, some megabytes at a time.

    Row groups without any of them are not read. `rows`: int64 (n,), ascending.
    """
    with storage.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(rows, [start, end])
            if first < last:
                texts = (
                    file.read_row_group(group, columns=["text"])
                    .column("text")
                    .combine_chunks()
                    .take(pa.array(rows[first:last] - start))
                )
                for begin, stop in slices_of_bytes(texts, _BATCH_BYTES):
                    yield texts.slice(begin, stop - begin)
            start = end


@dataclass(frozen=True, kw_only=True, eq=False)
class _Index:
    """A part's candidates, (n,) each.

    `starts` (batches,): the first candidate of each batch of the sets file.
    """

    rows: np.ndarray
    orders: np.ndarray
    sizes: np.ndarray
    batches: np.ndarray
    starts: np.ndarray

    def position(self, rows: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.rows, rows)


class CandidateSets:
    """The candidates' work files of a dedup folder, opened when they are asked for.

    Local files are mapped into memory. Of remote files only the batches that are asked for are
    fetched, and the last 64 MB of these are kept.
    """

    def __init__(self, out: str):
        self._out = out
        self._parts: OrderedDict[int, _Index] = OrderedDict()
        self._files: OrderedDict[int, pa.ipc.RecordBatchFileReader] = OrderedDict()
        self._fetched: OrderedDict[tuple[int, int], ShingleSets] = OrderedDict()

    def sizes(self, addresses: np.ndarray) -> np.ndarray:
        """Count the shingles of documents by ascending addresses: uint64 (n,) -> int64 (n,)."""
        parts = (index.sizes[index.position(rows)] for _, index, rows in self._by_part(addresses))
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def orders(self, addresses: np.ndarray) -> np.ndarray:
        """The order key of each document.

        Addresses, uint64 (n,), ascending, n > 0 -> uint8 (n, width).
        """
        return np.concatenate(
            [index.orders[index.position(rows)] for _, index, rows in self._by_part(addresses)]
        )

    def sets(self, addresses: np.ndarray) -> ShingleSets:
        """The set of each document: addresses, uint64 (n,), ascending -> n sets."""
        sets = []
        for part, index, rows in self._by_part(addresses):
            positions = index.position(rows)
            batches = index.batches[positions]
            wanted = np.unique(batches).tolist()
            sets += [
                self._fetch(part, batch).take(positions[batches == batch] - index.starts[batch])
                for batch in wanted
            ]
        return concatenate_sets(sets)

    def _by_part(self, addresses: np.ndarray) -> Iterator[tuple[int, _Index, np.ndarray]]:
        parts, rows = unpack_address(addresses)
        for start, end in itertools.pairwise(run_edges(parts).tolist()):
            part = int(parts[start])
            yield part, self._index(part), rows[start:end]

    def _index(self, part: int) -> _Index:
        if part not in self._parts:
            with open_arrow(index_path(self._out, part)) as reader:
                batch = reader.get_batch(0)
            batches = batch.column("batch").to_numpy()
            self._parts[part] = _Index(
                rows=batch.column("row").to_numpy().astype(np.int64),
                orders=binary_rows(batch.column("order")),
                sizes=batch.column("shingles").to_numpy(),
                batches=batches,
                starts=run_starts(batches),
            )
            _shorten(self._parts, _PARTS_KEPT)
        return self._parts[part]

    def _fetch(self, part: int, batch: int) -> ShingleSets:
        key = part, batch
        if key not in self._fetched:
            if part not in self._files:
                self._files[part] = open_arrow(sets_path(self._out, part))
                _shorten(self._files, _PARTS_KEPT)
            shingles = self._files[part].get_batch(batch).column("shingles")
            self._fetched[key] = ShingleSets(
                values=shingles.values.to_numpy(), offsets=shingles.offsets.to_numpy()
            )
            _shorten(self._fetched, _BATCHES_KEPT)
        self._fetched.move_to_end(key)
        return self._fetched[key]


def _shorten(kept: OrderedDict[Any, Any], limit: int) -> None:
    while len(kept) > limit:
        kept.popitem(last=False)


def pair_buckets(
    candidates: CandidateSets, buckets: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The hub and chain pairs of oversized buckets, in keep order, each pair once.

    `buckets`: addresses, uint64 (n,), ascending, of each. Returns two uint64 (pairs,).
    """
    pairs = [
        hub_and_chain(members[np.lexsort(key_columns(candidates.orders(members)))])
        for members in buckets
    ]
    none = np.zeros(0, np.uint64)
    return unique_pairs(
        np.concatenate([none, *(first for first, _ in pairs)]),
        np.concatenate([none, *(second for _, second in pairs)]),
    )


def verify_pairs(
    candidates: CandidateSets, first: np.ndarray, second: np.ndarray, config: DedupConfig
) -> Iterator[pa.RecordBatch]:
    """Compare pairs of documents, and keep those that are at least as similar as `config.jaccard`.

    With `verify = "signature"` the similarity is an estimate; with "none" it is too, and all pairs
    pass.

    Args:
        first, second: addresses, uint64 (pairs,) each.

    Returns:
        Batches of `edge_schema`, without copies.
    """
    addresses, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    sizes = candidates.sizes(addresses)
    left, right = sizes[ends[: len(first)]], sizes[ends[len(first) :]]
    least = config.least_similarity
    if config.verify == "exact" and config.similarity == "jaccard":
        # The smaller set over the larger bounds the Jaccard similarity from above, so pairs of
        # unlike length are settled without reading their sets.
        possible = np.minimum(left, right) / np.maximum(np.maximum(left, right), 1) >= least
        first, second, left, right = (
            first[possible],
            second[possible],
            left[possible],
            right[possible],
        )
    stored = (
        left + right if config.verify == "exact" else np.full(len(first), 2 * config.permutations)
    )
    for start, end in blocks_of(stored, _BLOCK):
        pairs = np.concatenate([first[start:end], second[start:end]])
        addresses, ends = np.unique(pairs, return_inverse=True)
        at_first, at_second = ends[: end - start], ends[end - start :]
        common = common_values(candidates.sets(addresses), at_first, at_second)
        similarity = similarity_of(common, left[start:end], right[start:end], config)
        similar = np.flatnonzero(similarity >= least)
        if len(similar):
            orders = candidates.orders(addresses)
            yield to_batch(
                edge_schema(config),
                first[start + similar],
                second[start + similar],
                similarity[similar],
                np.zeros(len(similar), bool),
                rows_to_binary(orders[at_first[similar]]),
                rows_to_binary(orders[at_second[similar]]),
            )


def similarity_of(
    common: np.ndarray, left: np.ndarray, right: np.ndarray, config: DedupConfig
) -> np.ndarray:
    """The similarity of pairs from counts.

    Equal values of two signatures estimate Jaccard as their share J of all positions. The shingles
    in common are then J / (1 + J) of those of both documents together.

    Args:
        common: int64 (pairs,), elements that the compared sets share.
        left, right: int64 (pairs,), shingles of either document.

    Returns:
        float64 (pairs,).
    """
    if config.verify != "exact":
        jaccard = common / config.permutations
        if config.similarity == "jaccard":
            return jaccard
        return np.minimum(
            jaccard / (1 + jaccard) * (left + right) / np.maximum(np.minimum(left, right), 1), 1.0
        )
    return common / np.maximum(
        left + right - common if config.similarity == "jaccard" else np.minimum(left, right), 1
    )
