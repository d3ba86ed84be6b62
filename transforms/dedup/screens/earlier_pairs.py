"""Which documents of this run are in an earlier run already, exactly or nearly."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import (
    binary_rows,
    first_of_run,
    gather,
    join_ranges,
    key_columns,
    rows_to_binary,
    split_by,
    starts_run,
    to_batch,
    unique_pairs,
)
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.dedup import EXACT_BYTES, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import PARTS
from transforms.dedup.near.bands import band_hashes, range_of
from transforms.dedup.near.candidates import read_texts, similarity_of
from transforms.dedup.near.set_overlap import common_values
from transforms.dedup.near.shingles import ShingleSets, concatenate_sets
from transforms.dedup.near.sign import sets_of
from transforms.dedup.near.signatures import read_signatures
from transforms.dedup.screens.earlier_runs import OWN, EarlierRun, read_kept_signatures
from transforms.dedup.screens.screened import (
    ADDRESSED_DROP_SCHEMA,
    addressed_drops,
    drops_of_part,
    screened_folder,
    screened_rows,
    screens_before,
)
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import arrow_writer, open_arrow

_PAIRS = 1 << 13
"""Pairs compared at a time: their sets are held in memory."""

EXACT_SCHEMA = pa.schema(
    [
        pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
        pa.field("run", pa.int32(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
    ]
)
"""A document of this or an earlier run where equal texts are searched."""

BAND_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("run", pa.int32(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
    ]
)
"""A document of this or an earlier run in one band."""

CROSS_PAIR_SCHEMA = pa.schema(
    [
        pa.field("run", pa.int32(), nullable=False),
        pa.field("own", pa.uint64(), nullable=False),
        pa.field("other", pa.uint64(), nullable=False),
    ]
)
"""A document of this run and one of an earlier run, by address."""


def candidates_path(out: str, run: int, part: int) -> str:
    """The work file of a part's candidates, `candidates_schema`."""
    return storage.join(screened_folder(out), f"sets-{run + 1}-{part:05d}.arrow")


def write_oversized(out: str, buckets: int) -> None:
    """Notes how many buckets were larger than the limit."""
    storage.write_bytes(_oversized_path(out), str(buckets).encode())


def read_oversized(out: str) -> int:
    """How many buckets with earlier runs were larger than the limit.

    Not all of their pairs were compared.
    """
    return int(storage.read_bytes(_oversized_path(out)))


def _oversized_path(out: str) -> str:
    return storage.join(screened_folder(out), "against-oversized")


def own_exact(
    out: str, part: int, config: DedupConfig, *, ranges: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The documents of a part of this run that earlier screens leave, by range of the exact hash.

    The batches are of `EXACT_SCHEMA`.
    """
    columns = read_signatures(out, part, ["exact", "id"])
    dropped = screened_rows(out, part, config, screens=screens_before("against", config))
    rows = np.delete(np.arange(len(columns["exact"])), dropped)
    return _exact_by_range(
        OWN, part, rows, {name: column[rows] for name, column in columns.items()}, ranges
    )


def earlier_exact(
    run: EarlierRun, number: int, part: int, *, ranges: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The same of what an earlier run kept of a part; `number` is the run's."""
    rows, columns = read_kept_signatures(run, part, ["exact", "id"])
    return _exact_by_range(number, part, rows, columns, ranges)


def _exact_by_range(
    run: int, part: int, rows: np.ndarray, columns: dict[str, np.ndarray], ranges: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    exact, ids = (rows_to_binary(columns[name]) for name in ("exact", "id"))
    batch = to_batch(
        EXACT_SCHEMA, exact, np.full(len(rows), run, np.int32), pack_address(part, rows), ids
    )
    yield from split_by(range_of(key_columns(columns["exact"])[-1], ranges), batch)


def own_signatures(
    out: str, part: int, drops: Iterable[pa.RecordBatch], config: DedupConfig
) -> tuple[np.ndarray, np.ndarray]:
    """The documents of a part of this run that are searched for near-duplicates in earlier runs.

    Left out are empty texts, what earlier screens dropped, and `drops`, batches of
    `ADDRESSED_DROP_SCHEMA`.

    Returns:
        Their rows, int64 (n,), and their signatures, uint8 (n, 4 * permutations).
    """
    columns = read_signatures(out, part, ["shingles", "signature"])
    chosen = columns["shingles"] > 0
    chosen[unpack_address(gather(drops, ADDRESSED_DROP_SCHEMA)["member"])[1]] = False
    chosen[screened_rows(out, part, config, screens=screens_before("against", config))] = False
    rows = np.flatnonzero(chosen)
    return rows, columns["signature"][rows]


def earlier_signatures(run: EarlierRun, part: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of what an earlier run kept of a part."""
    rows, columns = read_kept_signatures(run, part, ["shingles", "signature"])
    filled = columns["shingles"] > 0
    return rows[filled], columns["signature"][filled]


def bands_by_range(
    run: int,
    part: int,
    rows: np.ndarray,
    signatures: np.ndarray,
    config: DedupConfig,
    *,
    ranges: int,
) -> Iterator[tuple[tuple[int, int], pa.RecordBatch]]:
    """The band hashes of documents of a part: ((band, hash range), batch of `BAND_SCHEMA`).

    Args:
        run, part: where the documents are.
        rows: int64 (n,), their rows.
        signatures: uint8 (n, 4 * permutations).
    """
    addresses, runs = pack_address(part, rows), np.full(len(rows), run, np.int32)
    values = np.ascontiguousarray(signatures).view("<u4")
    for band, hashes in enumerate(band_hashes(values, bands=config.bands, rows=config.rows)):
        for number, batch in split_by(
            range_of(hashes, ranges), to_batch(BAND_SCHEMA, hashes, runs, addresses)
        ):
            yield (band, number), batch


def join_exact(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> pa.RecordBatch:
    """The documents of this run whose text an earlier run has.

    Batches of `EXACT_SCHEMA` -> `ADDRESSED_DROP_SCHEMA`.

    The keeper is the document of the first such run, of several there the one with the smallest id.
    `names` are those of the earlier runs.
    """
    columns = gather(batches, EXACT_SCHEMA)
    exact = key_columns(columns["exact"])
    own = columns["run"] == OWN
    # Equal texts become runs of rows, documents of earlier runs in front, in the order of
    # preference.
    order = np.lexsort([*key_columns(columns["id"]), columns["run"], own, *exact])
    first = order[first_of_run(starts_run(*(column[order] for column in exact)))]
    matched = own[order] & ~own[first]
    dropped, keepers = order[matched], first[matched]
    return addressed_drops(
        members=columns["address"][dropped],
        ids=rows_to_binary(columns["id"][dropped]),
        rule=SCREEN_RULES["against"],
        keepers=pa.array(columns["address"][keepers]),
        keeper_ids=rows_to_binary(columns["id"][keepers]),
        similarity=pa.array(np.ones(len(dropped), np.float32)),
        other=pa.array([names[run] for run in columns["run"][keepers].tolist()], pa.string()),
    )


def cross_pairs(
    hashes: np.ndarray, runs: np.ndarray, addresses: np.ndarray, *, limit: int
) -> tuple[pa.RecordBatch, int]:
    """Pairs each document of this run with the documents of earlier runs that share its hash.

    Args:
        hashes, runs, addresses: (n,) each, columns of `BAND_SCHEMA` in any order.
        limit: of more earlier documents in a bucket only the first, by run and address, are paired.

    Returns:
        `CROSS_PAIR_SCHEMA`, and how many buckets were larger than the limit.
    """
    # Buckets become runs of rows, documents of earlier runs in front.
    order = np.lexsort((addresses, runs, runs == OWN, hashes))
    hashes, runs, addresses = hashes[order], runs[order], addresses[order]
    new = starts_run(hashes)
    starts = np.flatnonzero(new)
    bucket = np.cumsum(new) - 1
    others = np.bincount(bucket, weights=runs != OWN, minlength=len(starts)).astype(np.int64)
    own = np.flatnonzero(runs == OWN)
    counts = np.minimum(others, limit)[bucket[own]]
    left, right = np.repeat(own, counts), join_ranges(starts[bucket[own]], counts)
    oversized = int((others[np.unique(bucket[own])] > limit).sum())
    return to_batch(CROSS_PAIR_SCHEMA, runs[right], addresses[left], addresses[right]), oversized


def candidates_schema(config: DedupConfig) -> pa.Schema:
    """A part's candidates, sorted by row.

    `shingles` are empty where the texts of an earlier run are missing.
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

    `rows`: int64 (n,), the candidates, ascending.
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
class Candidates:
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

    def take(self, run: int, addresses: np.ndarray) -> Candidates:
        """Documents of a run by address: uint64 (n,), ascending, n > 0."""
        parts, rows = unpack_address(addresses)
        found = [
            self._of_part(run, part, rows[parts == part]) for part in np.unique(parts).tolist()
        ]
        return Candidates(
            ids=np.concatenate([one.ids for one in found]),
            sets=concatenate_sets([one.sets for one in found]),
            signatures=np.concatenate([one.signatures for one in found]),
        )

    def _of_part(self, run: int, part: int, rows: np.ndarray) -> Candidates:
        if (run, part) not in self._opened:
            self._opened[run, part] = open_arrow(candidates_path(self._out, run, part)).get_batch(0)
        batch = self._opened[run, part]
        index = np.searchsorted(batch.column("row").to_numpy(), rows)
        shingles = batch.column("shingles")
        return Candidates(
            ids=binary_rows(batch.column("id"))[index],
            sets=ShingleSets(
                values=shingles.values.to_numpy(), offsets=shingles.offsets.to_numpy()
            ).take(index),
            signatures=np.ascontiguousarray(binary_rows(batch.column("signature"))[index]).view(
                "<u4"
            ),
        )


def compare_pairs(
    batches: Iterable[pa.RecordBatch],
    files: CandidateFiles,
    runs: Sequence[EarlierRun],
    config: DedupConfig,
) -> Iterator[pa.RecordBatch]:
    """Compares pairs with earlier runs: batches of `CROSS_PAIR_SCHEMA` -> `ADDRESSED_DROP_SCHEMA`.

    There is a row for each pair at least as similar as `config.jaccard`. The similarity is that of
    `config.similarity` on shingle sets. For a run without documents, and unless `config.verify` is
    "exact", it is estimated: the share of equal values in the signatures.
    """
    columns = gather(batches, CROSS_PAIR_SCHEMA)
    for number, run in enumerate(runs):
        chosen = columns["run"] == number
        first, second = unique_pairs(columns["own"][chosen], columns["other"][chosen])
        for start in range(0, len(first), _PAIRS):
            own, left = np.unique(first[start : start + _PAIRS], return_inverse=True)
            other, right = np.unique(second[start : start + _PAIRS], return_inverse=True)
            ours, theirs = files.take(OWN, own), files.take(number, other)
            if run.documents is None or config.verify != "exact":
                similarity = (ours.signatures[left] == theirs.signatures[right]).mean(axis=1)
            else:
                common = common_values(
                    concatenate_sets([ours.sets, theirs.sets]), left, len(own) + right
                )
                similarity = similarity_of(
                    common, ours.sets.sizes[left], theirs.sets.sizes[right], config
                )
            similar = np.flatnonzero(similarity >= config.jaccard)
            left, right = left[similar], right[similar]
            yield addressed_drops(
                members=own[left],
                ids=rows_to_binary(ours.ids[left]),
                rule=SCREEN_RULES["against"],
                keepers=pa.array(other[right]),
                keeper_ids=rows_to_binary(theirs.ids[right]),
                similarity=pa.array(similarity[similar].astype(np.float32)),
                other=pa.array([run.name] * len(similar), pa.string()),
            )


def best_matches(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> pa.Table:
    """Batches of `ADDRESSED_DROP_SCHEMA` of one part -> its drops.

    Of each document the most similar match is taken, ties by run and id.
    """
    table = (
        pa.Table.from_batches(batches, schema=ADDRESSED_DROP_SCHEMA)
        .unify_dictionaries()
        .combine_chunks()
    )
    if not table.num_rows:
        return drops_of_part([])
    members = table["member"].to_numpy()
    ranks = np.array([names.index(name) for name in table["other"].to_pylist()], np.int64)
    keys = key_columns(binary_rows(table["keeper_id"].combine_chunks()))
    order = np.lexsort([*keys, ranks, -table["similarity"].to_numpy(), members])
    best = table.take(pa.array(order[starts_run(members[order])]))
    return drops_of_part(best.combine_chunks().to_batches())
