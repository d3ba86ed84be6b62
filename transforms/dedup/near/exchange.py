"""How hashes are exchanged: ranges, passes, bytes, and what a part sends in a pass."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.arrays import key_columns, rows_to_binary, split_by, to_batch
from transforms.contracts.addresses import pack_address
from transforms.dedup.keep_order import key_bytes
from transforms.dedup.near.bands import hash_band, range_of
from transforms.dedup.near.schemas import PAIR_SCHEMA, exact_schema
from transforms.dedup.near.signatures import read_signatures
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError
from transforms.memory import COPIES_IN_MEMORY, pass_of, passes_for
from transforms.words import mix64

ENTRY_BYTES = 12
"""Bytes of a document in one band: 8 of hash, 4 of its row; the part is written once in front."""

EXACT_ENTRY_BYTES = 24
"""Bytes of a document in the search for equal texts: 16 of hash, 8 of address.

Its order key comes on top.
"""

_HEADER = np.dtype("<u8")
_HASH = np.dtype("<u8")
_ROW = np.dtype("<u4")

_DOCUMENTS_A_RANGE = 1 << 20
_LEAST_RANGES = 4
MOST_RANGES = 4096
FOREST_DOCUMENTS = 50_000_000
"""Of more documents the spanning forest may be too large for one worker.

It takes 16 bytes for each document with duplicates.
"""

STAR_ROUNDS = 8


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """How hashes are exchanged.

    The result does not depend on it.

    ranges        equal intervals of hashes, each a key of the shuffle
    passes        over which the (band, range) pairs are spread
    exact_passes  over which the ranges of exact hashes are spread
    rounds        of star contraction before components are combined on one worker; 0 where a forest
                  of all fits
    """

    ranges: int
    passes: int = 1
    exact_passes: int = 1
    rounds: int = 0

    def pass_of(self, band: int, numbers: np.ndarray, *, bands: int) -> np.ndarray:
        """The pass of each range of a band: int64 (n,) -> same shape.

        Passes take equal shares of all (band, range) pairs.
        """
        return pass_of(band * self.ranges + numbers, ranges=bands * self.ranges, passes=self.passes)

    def exact_pass_of(self, numbers: np.ndarray) -> np.ndarray:
        """The pass of each range of exact hashes: int64 (n,) -> same shape."""
        return pass_of(numbers, ranges=self.ranges, passes=self.exact_passes)


def plan_exchange(documents: int, config: DedupConfig, *, memory: int | None) -> Exchange:
    """The exchange for a corpus of so many documents.

    `memory`: bytes for what a local runner shuffles; None for a runner that shuffles elsewhere.
    Raises ConfigError when `memory` is too little for the smallest pass.
    """
    bands, exact = band_bytes(documents, config), exact_bytes(documents, config)
    passes, exact_passes = config.passes or passes_for(bands, memory), passes_for(exact, memory)
    ranges = config.ranges or min(
        max(-(-documents // _DOCUMENTS_A_RANGE), _LEAST_RANGES, exact_passes), MOST_RANGES
    )
    rounds = STAR_ROUNDS if documents > FOREST_DOCUMENTS else 0
    if (not config.passes and passes > config.bands * ranges) or exact_passes > ranges:
        at_once = max(bands // (config.bands * ranges), exact // ranges) * COPIES_IN_MEMORY
        raise ConfigError(
            f"dedup.memory_limit = {config.memory_limit or 'automatic'} is too little for "
            f"{documents:,} documents: as many passes as there "
            f"are hash ranges still take {at_once / 1e6:,.0f} MB at once",
            where="the configuration",
            remedy="raise dedup.memory_limit, set more dedup.ranges, or run on a cluster",
        )
    return Exchange(
        ranges=ranges,
        passes=min(passes, config.bands * ranges),
        exact_passes=exact_passes,
        rounds=rounds,
    )


def band_bytes(documents: int, config: DedupConfig) -> int:
    """Bytes exchanged for the bands of so many documents, without headers of elements."""
    return documents * config.bands * ENTRY_BYTES


def exact_bytes(documents: int, config: DedupConfig) -> int:
    """Bytes exchanged for the exact hashes of so many documents."""
    return documents * (EXACT_ENTRY_BYTES + key_bytes(config.keep))


def pass_bytes(documents: int, config: DedupConfig, exchange: Exchange) -> int:
    """Bytes of the largest pass."""
    return max(
        band_bytes(documents, config) // exchange.passes,
        exact_bytes(documents, config) // exchange.exact_passes,
    )


def exact_of_pass(
    out: str,
    part: int,
    config: DedupConfig,
    exchange: Exchange,
    *,
    number: int,
    left_out: np.ndarray,
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """What a part sends in pass `number` to find equal texts: (range, batch of `exact_schema`).

    `left_out`: rows that are not sent.
    """
    columns = read_signatures(out, part, ["exact", "order"])
    numbers = range_of(key_columns(columns["exact"])[-1], exchange.ranges)
    chosen = exchange.exact_pass_of(numbers) == number
    chosen[left_out] = False
    rows = np.flatnonzero(chosen)
    exact, order = (rows_to_binary(columns[name][rows]) for name in ("exact", "order"))
    yield from split_by(
        numbers[rows], to_batch(exact_schema(config), exact, pack_address(part, rows), order)
    )


def bands_of_pass(
    out: str,
    part: int,
    config: DedupConfig,
    exchange: Exchange,
    *,
    number: int,
    left_out: np.ndarray,
) -> Iterator[tuple[tuple[int, int], bytes]]:
    """What a part sends in pass `number` to find pairs: see `entries_of_pass`.

    Empty texts and the rows `left_out` are not sent.
    """
    columns = read_signatures(out, part, ["shingles", "signature"])
    chosen = columns["shingles"] > 0
    chosen[left_out] = False
    signatures = columns["signature"].view("<u4")
    yield from entries_of_pass(
        part, signatures, np.flatnonzero(chosen), config, exchange, number=number
    )


def pairs_by_range(
    first: np.ndarray, second: np.ndarray, ranges: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Pairs of addresses, uint64 (n,) each -> (range of the pair's hash, batch of `PAIR_SCHEMA`).

    Equal pairs are in one range.
    """
    return split_by(
        range_of(mix64(first ^ mix64(second)), ranges), to_batch(PAIR_SCHEMA, first, second)
    )


def pack_entries(part: int, hashes: np.ndarray, rows: np.ndarray) -> bytes:
    """The documents of a part in one band and range.

    Hashes, uint64 (n,), and rows (n,) -> 8 + 12 n bytes.
    """
    return b"".join(
        (
            np.array([part], _HEADER).tobytes(),
            hashes.astype(_HASH).tobytes(),
            rows.astype(_ROW).tobytes(),
        )
    )


def unpack_entries(packed: Iterable[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of `pack_entries` of several parts -> hashes and addresses, uint64 (n,) each."""
    hashes, addresses = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for data in packed:
        count = (len(data) - _HEADER.itemsize) // ENTRY_BYTES
        part = int(np.frombuffer(data, _HEADER, 1)[0])
        hashes.append(np.frombuffer(data, _HASH, count, _HEADER.itemsize))
        addresses.append(
            pack_address(
                part, np.frombuffer(data, _ROW, count, _HEADER.itemsize + count * _HASH.itemsize)
            )
        )
    return np.concatenate(hashes), np.concatenate(addresses)


def entries_of_pass(
    part: int,
    signatures: np.ndarray,
    rows: np.ndarray,
    config: DedupConfig,
    exchange: Exchange,
    *,
    number: int,
) -> Iterator[tuple[tuple[int, int], bytes]]:
    """What a part sends in pass `number`: ((band, range), packed entries).

    Args:
        signatures: uint32 (documents, permutations), of the whole part.
        rows: int64 (n,), the documents to send.
    """
    every = np.arange(exchange.ranges)
    for band in range(config.bands):
        wanted = every[exchange.pass_of(band, every, bands=config.bands) == number]
        if not len(wanted):
            continue
        hashes = hash_band(signatures, band, rows=config.rows)[rows]
        # There are at most 4096 ranges, and numpy's stable sort of 16-bit integers is a radix sort.
        numbers = range_of(hashes, exchange.ranges).astype(np.uint16)
        order = np.argsort(numbers, kind="stable")
        edges = np.searchsorted(numbers[order], np.append(wanted, wanted[-1] + 1))
        for index, range_number in enumerate(wanted.tolist()):
            chosen = order[edges[index] : edges[index + 1]]
            if len(chosen):
                yield (band, range_number), pack_entries(part, hashes[chosen], rows[chosen])
