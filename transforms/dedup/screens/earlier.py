"""Earlier runs: what they kept, and which documents of this run are there already."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import (
    binary_rows,
    first_of_run,
    gather,
    join_ranges,
    key_columns,
    rows_to_binary,
    starts_run,
    to_batch,
    to_numpy,
    unique_pairs,
)
from transforms.contracts.addresses import unpack_address
from transforms.contracts.dedup import EXACT_BYTES, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import read_manifest
from transforms.contracts.names import DROPS, PARTS, SIGNATURES
from transforms.dedup.near.candidates import read_texts, similarity_of
from transforms.dedup.near.shingles import ShingleSets, concatenate_sets
from transforms.dedup.near.sign import sets_of
from transforms.dedup.near.signatures import read_signatures, signature_schema
from transforms.dedup.near.verify import common_values
from transforms.dedup.screens.order import GONE_SCHEMA, drops_of, gone_batch
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError
from transforms.storage.arrow_files import arrow_writer, open_arrow
from transforms.storage.short_names import short_names

OWN = -1
"""The number of this run; those of earlier runs start at 0."""

_PAIRS = 1 << 13

EXACT_SCHEMA = pa.schema(
    [
        pa.field("exact", pa.binary(EXACT_BYTES), nullable=False),
        pa.field("run", pa.int32(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
    ]
)
BAND_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("run", pa.int32(), nullable=False),
        pa.field("address", pa.uint64(), nullable=False),
    ]
)
PAIR_SCHEMA = pa.schema(
    [
        pa.field("run", pa.int32(), nullable=False),
        pa.field("own", pa.uint64(), nullable=False),
        pa.field("other", pa.uint64(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """A finished run: `name` for messages and data, its `dedup` folder, `documents` (None if they are gone or not those that were
    deduplicated), the dedup stage's `fingerprint`, the numbers of its `parts`, and how many documents it `kept`."""

    name: str
    dedup: str
    documents: str | None
    fingerprint: str
    parts: tuple[int, ...]
    kept: int


def open_runs(folders: Sequence[str], config: DedupConfig, *, own: str) -> list[EarlierRun]:
    """The earlier runs of `dedup.against`, in order. Raises UserError for one that is not finished, ConfigError for one that is this
    run, was not deduplicated, or was with settings that make its signatures another thing than ours."""
    return [_open_run(name, folder, config, own) for name, folder in zip(short_names(list(folders)), folders, strict=True)]


def _open_run(name: str, folder: str, config: DedupConfig, own: str) -> EarlierRun:
    if folder.rstrip("/") == own.rstrip("/"):
        raise ConfigError("dedup.against names this run itself", where=folder, remedy="name the folders of earlier runs")
    dedup = storage.join(folder, "dedup")
    manifest = read_manifest(dedup)
    parts = SIGNATURES.numbers(manifest.files)
    if not parts:
        raise ConfigError(
            f"dedup.against: the run {name!r} has no signatures", where=dedup, remedy="run it with dedup.enabled = true, or leave it out"
        )
    _check_settings(name, SIGNATURES.path(dedup, parts[0]), config)
    signed, dropped = (sum(entry.rows for name, entry in manifest.files.items() if kind.matches(name)) for kind in (SIGNATURES, DROPS))
    documents = storage.join(folder, "documents")
    same = storage.exists(storage.join(documents, MANIFEST)) and read_manifest(documents).fingerprint == manifest.upstream
    return EarlierRun(
        name=name,
        dedup=dedup,
        documents=documents if same else None,
        fingerprint=manifest.fingerprint,
        parts=tuple(parts),
        kept=signed - dropped,
    )


def _check_settings(name: str, path: str, config: DedupConfig) -> None:
    """Signatures can be compared when all that their values depend on is equal; the keep policy is not among that."""
    with storage.open_input(path) as stream:
        found = {key.decode(): value.decode() for key, value in (pq.read_schema(stream).metadata or {}).items()}
    wanted = {key.decode(): value.decode() for key, value in signature_schema(config).metadata.items()}
    for key, value in wanted.items():
        if key != "tokenmill.keep" and found.get(key) != value:
            raise ConfigError(
                f"dedup.against: the run {name!r} was made with {key.removeprefix('tokenmill.')} = {found.get(key, 'unknown')}, "
                f"this one has {value}",
                where=path,
                remedy="give this run's [dedup] the settings of that run, or leave it out",
            )


def read_kept_signatures(run: EarlierRun, part: int, columns: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows (int64 [n]) of a part of an earlier run that stayed, and these columns of their signatures, n rows each."""
    signatures = read_signatures(run.dedup, part, columns)
    with storage.open_input(DROPS.path(run.dedup, part)) as stream:
        dropped = pq.read_table(stream, columns=["row"])["row"].to_numpy()
    kept = np.delete(np.arange(len(signatures[columns[0]])), dropped)
    return kept, {name: column[kept] for name, column in signatures.items()}


def join_exact(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> pa.RecordBatch:
    """Batches of `EXACT_SCHEMA` of this and earlier runs -> `GONE_SCHEMA`: each own document whose text an earlier run has.

    Of several, the one of the first run and the smallest id is named.
    """
    columns = gather(batches, EXACT_SCHEMA)
    exact = key_columns(columns["exact"])
    own = columns["run"] == OWN
    order = np.lexsort([*key_columns(columns["id"]), columns["run"], own, *exact])
    first = order[first_of_run(starts_run(*(column[order] for column in exact)))]
    matched = own[order] & ~own[first]
    gone, keepers = order[matched], first[matched]
    return gone_batch(
        members=columns["address"][gone],
        ids=rows_to_binary(columns["id"][gone]),
        rule=SCREEN_RULES["against"],
        keepers=pa.array(columns["address"][keepers]),
        keeper_ids=rows_to_binary(columns["id"][keepers]),
        similarity=pa.array(np.ones(len(gone), np.float32)),
        other=pa.array([names[run] for run in columns["run"][keepers].tolist()], pa.string()),
    )


def cross_pairs(hashes: np.ndarray, runs: np.ndarray, addresses: np.ndarray, *, limit: int) -> tuple[pa.RecordBatch, int]:
    """Columns of `BAND_SCHEMA` in any order -> (`PAIR_SCHEMA`: each own document with each of an earlier run that shares its hash,
    buckets beyond the limit). Of more than `limit` earlier documents in a bucket only the first, by run and address, are paired."""
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
    return to_batch(PAIR_SCHEMA, runs[right], addresses[left], addresses[right]), oversized


def set_schema(config: DedupConfig) -> pa.Schema:
    """What is kept of a part's candidates while pairs are compared, sorted by row; no shingles where the texts are gone."""
    return pa.schema(
        [
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("id", pa.binary(ID_BYTES), nullable=False),
            pa.field("shingles", pa.large_list(pa.field("item", pa.uint64(), nullable=False)), nullable=False),
            pa.field("signature", pa.binary(4 * config.permutations), nullable=False),
        ]
    )


def write_sets(dedup: str, documents: str | None, part: int, rows: np.ndarray, config: DedupConfig, path: str) -> None:
    """Writes the candidates `rows` (int64, sorted, each once) of a part: ids and signatures from `dedup`, shingles of the texts."""
    with storage.open_input(SIGNATURES.path(dedup, part)) as stream:
        table = pq.read_table(stream, columns=["id", "signature"]).take(pa.array(rows)).combine_chunks()
    if documents is None:
        sets = ShingleSets(values=np.zeros(0, np.uint64), offsets=np.zeros(len(rows) + 1, np.int64))
    else:
        sets = concatenate_sets([sets_of(texts, config) for texts in read_texts(PARTS.path(documents, part), rows)])
    schema = set_schema(config)
    shingles = pa.LargeListArray.from_arrays(pa.array(sets.offsets), pa.array(sets.values), type=schema.field("shingles").type)
    ids, signatures = (rows_to_binary(to_numpy(table.column(name))) for name in ("id", "signature"))
    batch = to_batch(schema, rows.astype(np.uint32), ids, shingles, signatures)
    with arrow_writer(path, schema) as writer:
        writer.write_batch(batch)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Documents to compare: `ids` uint8 [n, 16], `sets`, and `signatures` uint32 [n, permutations]."""

    ids: np.ndarray
    sets: ShingleSets
    signatures: np.ndarray


class SetFiles:
    """The candidates' files of a folder, opened as they are asked for."""

    def __init__(self, paths: dict[int, str]):
        """`paths`: by run, a path with `{part}` in it."""
        self._paths = paths
        self._opened: dict[tuple[int, int], pa.RecordBatch] = {}

    def take(self, run: int, addresses: np.ndarray) -> Candidates:
        """Documents of a run by address: uint64 [n], sorted, n > 0."""
        parts, rows = unpack_address(addresses)
        found = []
        for part in np.unique(parts).tolist():
            batch = self._open(run, part)
            index = np.searchsorted(batch.column("row").to_numpy(), rows[parts == part])
            shingles = batch.column("shingles")
            sets = ShingleSets(values=shingles.values.to_numpy(), offsets=shingles.offsets.to_numpy()).take(index)
            found.append((binary_rows(batch.column("id"))[index], sets, binary_rows(batch.column("signature"))[index]))
        return Candidates(
            ids=np.concatenate([ids for ids, _, _ in found]),
            sets=concatenate_sets([sets for _, sets, _ in found]),
            signatures=np.ascontiguousarray(np.concatenate([signatures for _, _, signatures in found])).view("<u4"),
        )

    def _open(self, run: int, part: int) -> pa.RecordBatch:
        if (run, part) not in self._opened:
            path = self._paths[run].format(part=part)
            self._opened[run, part] = open_arrow(path).get_batch(0)
        return self._opened[run, part]


def compare_pairs(
    batches: Iterable[pa.RecordBatch], files: SetFiles, runs: Sequence[EarlierRun], config: DedupConfig
) -> Iterator[pa.RecordBatch]:
    """Batches of `PAIR_SCHEMA` -> `GONE_SCHEMA`, a row for each pair whose similarity is at least `config.jaccard`.

    The similarity is that of `config.similarity` on the shingle sets; of a run without documents, and unless `config.verify` is
    "exact", the share of equal values in the signatures.
    """
    columns = gather(batches, PAIR_SCHEMA)
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
                common = common_values(concatenate_sets([ours.sets, theirs.sets]), left, len(own) + right)
                similarity = similarity_of(common, ours.sets.sizes[left], theirs.sets.sizes[right], config)
            similar = np.flatnonzero(similarity >= config.jaccard)
            left, right = left[similar], right[similar]
            yield gone_batch(
                members=own[left],
                ids=rows_to_binary(ours.ids[left]),
                rule=SCREEN_RULES["against"],
                keepers=pa.array(other[right]),
                keeper_ids=rows_to_binary(theirs.ids[right]),
                similarity=pa.array(similarity[similar].astype(np.float32)),
                other=pa.array([run.name] * len(similar), pa.string()),
            )


def best_matches(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> pa.Table:
    """Batches of `GONE_SCHEMA` of one part -> its drops: of each document the most similar match, ties by run and id."""
    table = pa.Table.from_batches(batches, schema=GONE_SCHEMA).unify_dictionaries().combine_chunks()
    if not table.num_rows:
        return drops_of([])
    members = table["member"].to_numpy()
    ranks = np.array([names.index(name) for name in table["other"].to_pylist()], np.int64)
    keys = key_columns(binary_rows(table["keeper_id"].combine_chunks()))
    order = np.lexsort([*keys, ranks, -table["similarity"].to_numpy(), members])
    return drops_of(table.take(pa.array(order[starts_run(members[order])])).combine_chunks().to_batches())
