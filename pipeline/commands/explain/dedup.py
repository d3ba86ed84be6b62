"""Reads what deduplication did with one document from the files of its stage."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.commands.explain.verdicts import (
    DedupVerdict,
    Dropped,
    DroppedMember,
    DuplicateGroup,
    EvaluationMatch,
    Keeper,
    Kept,
    KnownBy,
    RemovedLine,
    Verdict,
)
from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.addresses import address_text, unpack_address
from transforms.contracts.dedup import LINES_KEY
from transforms.contracts.names import CONTAMINATION, DROPS, clusters_path
from transforms.dedup.lines.removed_lines import read_removed
from transforms.lookup import find_rows, read_matches, read_rows_of, same

LISTED_MEMBERS = 10
_DROP_COLUMNS = ("row", "rule", "keeper", "keeper_id", "similarity", "other")
_MATCH_COLUMNS = ("set", "grams", "excerpt")

Describe = Callable[[int], KnownBy]
"""A document's address -> what a person knows it by."""


def explain_dedup(
    run: Run, address: int, *, text: str, group: DuplicateGroup | None, describe: Describe
) -> DedupVerdict:
    """The verdict on a document of a deduplicated run.

    `text`: the document's. `group`: that of `find_groups`.
    """
    part, row = unpack_address(address)
    return DedupVerdict(
        verdict=_verdict(run.dedup, address, describe),
        group=group,
        lines=_removed(run, part, row, text),
        evaluation_texts=_contamination(run.dedup, part, row),
    )


def find_groups(
    run: Run, addresses: Sequence[int], describe: Describe
) -> dict[int, DuplicateGroup]:
    """The group of duplicates of each document that has one.

    Reads `clusters.parquet` twice, a batch at a time.
    """
    path = clusters_path(run.dedup)
    wanted = pa.array(addresses, pa.uint64())
    sizes: dict[int, int] = {}
    components: dict[int, int] = {}
    for batch in _batches(path, ["component", "size", "member"]):
        for entry in batch.filter(pc.is_in(batch.column("member"), wanted)).to_pylist():
            sizes[entry["member"]] = entry["size"]
            components[entry["member"]] = entry["component"]
    if not sizes:
        return {}
    counts = _count_members(path, wanted, sorted(set(components.values())))
    return {
        address: DuplicateGroup(
            documents=size,
            kept=counts.kept[components[address]],
            dropped=counts.dropped[address],
            members=tuple(
                DroppedMember(
                    document=address_text(member), similarity=similarity, known_by=describe(member)
                )
                for member, similarity in counts.members[address]
            ),
        )
        for address, size in sizes.items()
    }


class _Members(NamedTuple):
    """`kept`: documents by component. By keeper: how many were `dropped`, and the first of them."""

    kept: Counter[int]
    dropped: Counter[int]
    members: defaultdict[int, list[tuple[int, float]]]


def _count_members(path: str, keepers: pa.Array, components: list[int]) -> _Members:
    counts = _Members(Counter(), Counter(), defaultdict(list))
    chosen = pa.array(components, pa.uint64())
    for batch in _batches(path, ["component", "member", "keeper", "similarity"]):
        batch = batch.filter(pc.is_in(batch.column("component"), chosen))
        is_kept = pc.equal(batch.column("member"), batch.column("keeper"))
        counts.kept.update(batch.filter(is_kept).column("component").to_pylist())
        drops = batch.filter(pc.and_(pc.invert(is_kept), pc.is_in(batch.column("keeper"), keepers)))
        for keeper, number in Counter(drops.column("keeper").to_pylist()).items():
            members = counts.members[keeper]
            rows = drops.filter(pc.equal(drops.column("keeper"), pa.scalar(keeper, pa.uint64())))
            rows = rows.slice(0, LISTED_MEMBERS - len(members))
            similarities = rows.column("similarity").to_pylist()
            counts.dropped[keeper] += number
            members += zip(rows.column("member").to_pylist(), similarities, strict=True)
    return counts


def removed_lines(run: Run, part: int, row: int) -> np.ndarray:
    """The numbers of the lines that were removed from a document: int64, rising."""
    path = DROPS.path(run.dedup, part)
    with storage.open_input(path) as stream:
        name = (pq.read_schema(stream).metadata or {}).get(LINES_KEY)
    removed = read_removed(path, name)
    return np.zeros(0, np.int64) if removed is None else removed.of(row)


@dataclass(frozen=True, kw_only=True)
class _Drop:
    """A row of a drops file.

    `keeper`: an address, in this run or in the `other`; None where none is known.
    """

    row: int
    rule: str
    keeper: int | None
    keeper_id: bytes | None
    similarity: float | None
    other: str | None

    @property
    def keeper_here(self) -> int | None:
        """The address of the keeper where it is a document of this run."""
        return self.keeper if self.other is None else None


def _verdict(folder: str, address: int, describe: Describe) -> Verdict:
    """Follows the drops from a document, then builds the verdicts from the last one back."""
    drops: list[_Drop] = []
    seen: set[int] = set()
    at: int | None = address
    verdict: Verdict | None = None
    while at is not None and at not in seen:
        seen.add(at)
        drop = _drop_of(folder, at)
        if drop is None:
            verdict = Kept()
            break
        drops.append(drop)
        at = drop.keeper_here
    for drop in reversed(drops):
        keeper = _keeper(drop, describe, verdict)
        verdict = Dropped(
            rule=drop.rule, similarity=drop.similarity, other=drop.other, keeper=keeper
        )
    assert verdict is not None
    return verdict


def _keeper(drop: _Drop, describe: Describe, then: Verdict | None) -> Keeper | None:
    if drop.keeper_id is None:
        return None
    document = None if drop.keeper is None else address_text(drop.keeper)
    here = drop.keeper_here
    return Keeper(
        document=document,
        id=drop.keeper_id.hex(),
        known_by=None if here is None else describe(here),
        then=then,
    )


def _drop_of(folder: str, address: int) -> _Drop | None:
    part, row = unpack_address(address)
    drops, _ = read_matches(DROPS.path(folder, part), _DROP_COLUMNS, same("row", row), limit=1)
    return _Drop(**drops[0]) if drops else None


def _batches(path: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with storage.open_input(path) as stream:
        yield from pq.ParquetFile(stream).iter_batches(columns=columns)


def _removed(run: Run, part: int, row: int, text: str) -> tuple[RemovedLine, ...]:
    lines = text.split("\n")
    return tuple(
        RemovedLine(line=number, text=lines[number])
        for number in removed_lines(run, part, row).tolist()
    )


def _contamination(folder: str, part: int, row: int) -> tuple[EvaluationMatch, ...]:
    path = CONTAMINATION.path(folder, part)
    if not storage.exists(path):
        return ()
    rows = find_rows(path, ["row"], same("row", row))
    return tuple(
        EvaluationMatch(**values) for _, values in read_rows_of(path, rows, _MATCH_COLUMNS)
    )
