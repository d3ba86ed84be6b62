"""Reads token shards: checks a folder, draws rows in a reproducible order, builds batches."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from training.order import MixtureSchedule, permute
from transforms import storage
from transforms.contracts.manifest import read_manifest, sha256_of
from transforms.errors import ConfigError, UserError
from transforms.tokens.shards import MappedShard, ShardInfo, open_shard

IGNORE = -100  # a masked target, as in torch
_REMAKE = "make the shards again with `tokenmill shards CONFIG --overwrite`"


@dataclass(frozen=True)
class Rows:
    """B rows of shards of sequence length T, with their S segments in all.

    `segment_row` is the row of a segment, 0 .. B - 1. `bytes` is the UTF-8 size of a row.
    """

    tokens: np.ndarray  # (B, T + 1) int64
    bytes: np.ndarray  # (B,) int64
    segment_row: np.ndarray  # (S,) int64
    start: np.ndarray  # (S,) int64
    length: np.ndarray  # (S,) int64
    ends: np.ndarray  # (S,) bool


@dataclass(frozen=True)
class Batch:
    """The input of a training step, three arrays (B, T) int64.

    A masked target is -100. `document_start` is the first position of the document, or of the
    padding, that a position belongs to.
    """

    inputs: np.ndarray
    targets: np.ndarray
    document_start: np.ndarray

    @property
    def scored(self) -> int:
        """The number of targets that are not masked."""
        return int((self.targets != IGNORE).sum())


def make_batch(rows: Rows) -> Batch:
    """Build the inputs, targets and document starts of rows from their segments.

    The target of position p is scored exactly when `start <= p < start + length - 1` for a segment,
    or when p is the last position of a segment that ends its document. Positions in no segment are
    treated as separate documents.
    """
    # `change` is +1 where the scored positions of a segment begin and -1 behind their end: its
    # running sum is positive exactly inside. The last column takes ends at the row's end.
    count, length = rows.tokens.shape[0], rows.tokens.shape[1] - 1
    first_masked = np.minimum(rows.start + rows.length - 1 + rows.ends, length)
    change = np.zeros((count, length + 1), dtype=np.int8)
    np.add.at(change, (rows.segment_row, np.minimum(rows.start, length)), 1)
    np.add.at(
        change, (rows.segment_row, np.maximum(first_masked, np.minimum(rows.start, length))), -1
    )
    scored = np.cumsum(change[:, :length], axis=1, dtype=np.int8) > 0

    starts = np.zeros((count, length + 1), dtype=np.int64)
    for begin in (rows.start, np.minimum(rows.start + rows.length, length)):
        starts[rows.segment_row, begin] = begin
    document_start = np.maximum.accumulate(starts[:, :length], axis=1)
    return Batch(
        rows.tokens[:, :length], np.where(scored, rows.tokens[:, 1:], IGNORE), document_start
    )


class SourceRows:
    """All rows of one source and split, indexed over its shards in the order of their names."""

    def __init__(self, source: str, shards: list[MappedShard]):
        self.source = source
        self._chunks: list[tuple[str, pa.RecordBatch]] = []
        for shard in shards:
            self._chunks += [
                (shard.path, chunk) for chunk in shard.table.to_batches() if chunk.num_rows
            ]
        self._first = np.cumsum([0, *(chunk.num_rows for _, chunk in self._chunks)])
        self._views = [_ChunkView(chunk) for _, chunk in self._chunks]

    def __len__(self) -> int:
        return int(self._first[-1])

    def locate(self, index: int) -> tuple["_ChunkView", int, str]:
        """The chunk that holds a row, the row's index in it, and the path of its shard."""
        chunk = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._views[chunk], index - int(self._first[chunk]), self._chunks[chunk][0]


class _ChunkView:
    """Zero-copy numpy views of one record batch of a shard."""

    def __init__(self, chunk: pa.RecordBatch):
        tokens, segments = chunk.column("tokens"), chunk.column("segments")
        width = tokens.type.list_size
        self.tokens = (
            tokens.values.slice(tokens.offset * width, len(tokens) * width)
            .to_numpy()
            .reshape(len(tokens), width)
        )
        self.bytes = chunk.column("bytes").to_numpy()
        self.offsets = segments.offsets.to_numpy()
        values = segments.values
        self.start, self.length = (
            values.field("start").to_numpy(),
            values.field("length").to_numpy(),
        )
        self.ends: pa.BooleanArray = values.field("ends")  # bits, which numpy cannot view


class ShardFolder:
    """A finished folder of shards, with its manifest checked against the files.

    Raises UserError for a folder without a manifest; for a file that is missing, truncated or has
    another number of rows; for a shard of another tokenizer than `tokenizer` (the path of a
    tokenizer.json); and for a shard whose vocabulary or sequence length differs from the others or
    from `sequence_length`.
    """

    def __init__(
        self, folder: str, *, tokenizer: str | None = None, sequence_length: int | None = None
    ):
        self.folder = folder
        manifest = read_manifest(folder)
        self._tokenizer_sha256 = sha256_of(tokenizer) if tokenizer is not None else ""
        self.splits: dict[str, dict[str, SourceRows]] = {}
        self.info: ShardInfo
        opened: dict[tuple[str, str], list[MappedShard]] = {}
        digest = hashlib.sha256(manifest.fingerprint.encode())
        names = sorted(name for name in manifest.files if name.endswith(".arrow"))
        if not names:
            raise UserError("the folder holds no shards", where=folder, remedy=_REMAKE)
        for name in names:
            path, entry = storage.join(folder, name), manifest.files[name]
            shard = open_shard(path)
            self._check(shard, first=opened, tokenizer=tokenizer, sequence_length=sequence_length)
            if len(shard) != entry.rows:
                raise UserError(
                    f"the shard has {len(shard)} rows, its manifest says {entry.rows}",
                    where=path,
                    remedy=_REMAKE,
                )
            opened.setdefault((shard.info.split, shard.info.source), []).append(shard)
            digest.update(f"{name}\0{entry.sha256}\0".encode())
        for (split, source), shards in sorted(opened.items()):
            self.splits.setdefault(split, {})[source] = SourceRows(source, shards)
        self.fingerprint = digest.hexdigest()

    def _check(
        self,
        shard: MappedShard,
        *,
        first: dict[Any, Any],
        tokenizer: str | None,
        sequence_length: int | None,
    ) -> None:
        info = shard.info
        if tokenizer is not None and info.tokenizer_sha256 != self._tokenizer_sha256:
            raise UserError(
                f"it was made with another tokenizer ({info.tokenizer_sha256[:12]}) "
                f"than {tokenizer} ({self._tokenizer_sha256[:12]})",
                where=shard.path,
                remedy="name the tokenizer.json of the same run, or " + _REMAKE,
            )
        if not first:
            self.info = info
        for field, label in (
            ("tokenizer_sha256", "tokenizer"),
            ("vocabulary_size", "vocabulary size"),
            ("end_of_text", "end-of-text id"),
            ("sequence_length", "sequence length"),
        ):
            mine, theirs = getattr(info, field), getattr(self.info, field)
            if mine != theirs:
                raise UserError(
                    f"the shard has {label} {mine}, the others of its folder {theirs}",
                    where=shard.path,
                    remedy=_REMAKE,
                )
        if sequence_length is not None and info.sequence_length != sequence_length:
            raise UserError(
                f"the shard has sequence length {info.sequence_length}, "
                f"the model {sequence_length}",
                where=shard.path,
                remedy="name shards of the model's sequence length",
            )

    def split(self, name: str) -> dict[str, SourceRows]:
        """The sources of a split that have rows, by name."""
        return {source: rows for source, rows in self.splits.get(name, {}).items() if len(rows)}

    def gather(self, places: list[tuple[SourceRows, int]]) -> Rows:
        """Copy rows out of the mapped files, in the order of `places` (source, row).

        Raises UserError for a token id outside the vocabulary.
        """
        tokens = np.empty((len(places), self.info.sequence_length + 1), dtype=np.int64)
        byte_counts = np.empty(len(places), dtype=np.int64)
        starts, lengths, ends, counts = [], [], [], []
        for index, (source, row) in enumerate(places):
            view, inner, path = source.locate(row)
            tokens[index] = view.tokens[inner]
            byte_counts[index] = view.bytes[inner]
            segments = slice(view.offsets[inner], view.offsets[inner + 1])
            starts.append(view.start[segments])
            lengths.append(view.length[segments])
            ends.append(view.ends[segments].to_numpy(zero_copy_only=False))
            counts.append(len(starts[-1]))
            if tokens[index].max() >= self.info.vocabulary_size:
                raise UserError(
                    f"row {inner} holds token {tokens[index].max()}, "
                    f"the vocabulary has {self.info.vocabulary_size}",
                    where=path,
                    remedy=_REMAKE,
                )
        return Rows(
            tokens=tokens,
            bytes=byte_counts,
            segment_row=np.repeat(np.arange(len(places)), counts),
            start=np.concatenate(starts).astype(np.int64)
            if starts
            else np.empty(0, dtype=np.int64),
            length=np.concatenate(lengths).astype(np.int64)
            if lengths
            else np.empty(0, dtype=np.int64),
            ends=np.concatenate(ends) if ends else np.empty(0, dtype=bool),
        )


class RowReader:
    """An endless reader of a split, in an order fixed by (seed, mixture, rows of each source).

    Each source is read in a new permutation per epoch; the mixture selects the source of each row.
    `rows_consumed` is the whole state, and resuming from it costs the same at any position.

    Raises UserError for a split without rows and ConfigError for a mixture that names a source
    without rows or has no weight above 0.
    """

    def __init__(
        self,
        shards: ShardFolder,
        *,
        seed: int,
        mixture: Mapping[str, float] | None = None,
        split: str = "train",
    ):
        self.shards, self.seed, self.rows_consumed = shards, seed, 0
        self._sources = shards.split(split)
        if not self._sources:
            raise UserError(
                f"the shards hold no rows of the split {split!r}",
                where=shards.folder,
                remedy="give the run more text, or lower [shards] validation",
            )
        weights = (
            dict(mixture)
            if mixture
            else {source: float(len(rows)) for source, rows in self._sources.items()}
        )
        unknown = sorted(
            source
            for source, weight in weights.items()
            if weight > 0 and source not in self._sources
        )
        if unknown or not any(weight > 0 for weight in weights.values()):
            what = (
                f"the mixture names {unknown[0]!r}, of which there are no rows"
                if unknown
                else "no source of the mixture has a weight above 0"
            )
            raise ConfigError(
                what,
                where="[train] mixture",
                remedy=f"use the sources {', '.join(map(repr, self._sources))}",
            )
        self._schedule = MixtureSchedule(weights, seed=seed)
        words = [
            shards.fingerprint,
            *(f"{source}={weights[source]!r}" for source in self._schedule.sources),
        ]
        self.fingerprint = hashlib.sha256("\0".join(words).encode()).hexdigest()

    def places(self, position: int, count: int) -> list[tuple[SourceRows, int]]:
        """Rows position .. position + count - 1 of the order, as (source, row)."""
        chosen, drawn = self._schedule.draw(position, count)
        rows = np.empty(count, dtype=np.int64)
        sources = [self._sources[name] for name in self._schedule.sources]
        for index, source in enumerate(sources):
            for epoch in np.unique(drawn[chosen == index] // len(source)):
                mine = (chosen == index) & (drawn // len(source) == epoch)
                rows[mine] = permute(
                    drawn[mine] % len(source),
                    size=len(source),
                    key=(self.seed, int(epoch), source.source),
                )
        return [(sources[index], int(row)) for index, row in zip(chosen, rows, strict=True)]

    def next_rows(self, count: int) -> Rows:
        """Read the next `count` rows and advance."""
        rows = self.shards.gather(self.places(self.rows_consumed, count))
        self.rows_consumed += count
        return rows

    def state(self) -> dict[str, Any]:
        """The position of the reader as JSON values, for `restore`."""
        return {"fingerprint": self.fingerprint, "seed": self.seed, "rows": self.rows_consumed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue at a saved state.

        Raises UserError when the state is of other shards, another mixture or another seed.
        """
        for key, mine, label in (
            ("fingerprint", self.fingerprint, "shards or mixture"),
            ("seed", self.seed, "seed"),
        ):
            if state[key] != mine:
                raise UserError(
                    f"the data state is of another {label}: "
                    f"{str(state[key])[:12]}, now {str(mine)[:12]}",
                    where=self.shards.folder,
                    remedy="train into a new folder, or put the shards and the configuration back",
                )
        self.rows_consumed = int(state["rows"])


def spread(count: int, limit: int | None) -> list[int]:
    """At most `limit` of the indices 0 .. count - 1, evenly spread and ascending.

    All of them if `limit` is None or 0.
    """
    if not limit or limit >= count:
        return list(range(count))
    return [index * count // limit for index in range(limit)]
