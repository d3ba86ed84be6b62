"""A look into a finished deduplication: its largest groups, and samples of dropped documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import unique_pairs
from transforms.contracts.addresses import address_text, pack_address, unpack_address
from transforms.contracts.dedup import RULES
from transforms.contracts.documents import EXCERPT_CHARACTERS
from transforms.contracts.names import DROPS, PARTS, clusters_path
from transforms.contracts.plain import JsonObject
from transforms.lookup import read_rows_of
from transforms.storage.arrow_files import read_parquet

LARGEST = 10
SAMPLES = 4


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What identifies a document to a person: where it was read, URL, title, start of the text."""

    source: str
    origin: str
    locator: str
    url: str | None
    title: str | None
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class SampledDocument:
    """A document of a group or a drop list.

    document    its address as text
    id          hexadecimal
    keeper      address of the document kept in its place; None if it is kept itself, or there is
                none
    similarity  to the keeper; None where none was measured
    other       the earlier run that holds the keeper, or the evaluation set
    text        None where its part is not there any more
    """

    document: str
    id: str
    keeper: str | None
    similarity: float | None
    other: str | None
    text: Excerpt | None

    def to_plain(self) -> JsonObject:
        """As JSON has it, without what is not known; the fields of `text` are keys of their own."""
        text = {} if self.text is None else vars(self.text)
        values: JsonObject = {
            "document": self.document,
            "id": self.id,
            "keeper": self.keeper,
            "similarity": self.similarity,
            "other": self.other,
            **text,
        }
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class SampledDrop(SampledDocument):
    """A document dropped by another rule than those of duplicates.

    `keeper_excerpt`: the beginning of its keeper's text.
    """

    keeper_excerpt: str | None

    def to_plain(self) -> JsonObject:
        return super().to_plain() | {"keeper_excerpt": self.keeper_excerpt}


@dataclass(frozen=True, kw_only=True)
class SampledCluster:
    """A group of duplicates: documents in it, how many are kept, and a sample, keepers first."""

    size: int
    kept: int
    documents: tuple[SampledDocument, ...]


class _Member(NamedTuple):
    """A row of `clusters.parquet`."""

    component: int
    member: int
    id: bytes
    keeper: int
    similarity: float


def largest_clusters(
    out: str, documents: str, *, count: int = LARGEST, samples: int = SAMPLES
) -> list[SampledCluster]:
    """The largest groups of duplicates, the largest first, ties by component.

    The sample of a group is its `samples` least similar dropped documents, after their keepers.
    Reads `clusters.parquet` three times, a batch at a time, and the sampled texts where the
    documents are still there.
    """
    sizes: dict[int, int] = {}
    for batch in _batches(out, ["component", "size"]):
        components, counts = unique_pairs(
            batch.column("component").to_numpy(), batch.column("size").to_numpy()
        )
        sizes.update(zip(components.tolist(), counts.tolist(), strict=True))
        sizes = dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:count])
    clusters = {component: _Sample(samples) for component in sizes}
    for member in _members_where(out, "component", list(sizes)):
        clusters[member.component].add(member)
    wanted = [member.keeper for sample in clusters.values() for member in sample.dropped]
    keepers = {member.member: member for member in _members_where(out, "member", wanted)}
    shown = {component: sample.members(keepers) for component, sample in clusters.items()}
    texts = read_excerpts(
        documents, [member.member for members in shown.values() for member in members]
    )
    return [
        SampledCluster(
            size=size,
            kept=clusters[component].kept,
            documents=tuple(
                _sampled_member(member, texts.get(member.member)) for member in shown[component]
            ),
        )
        for component, size in sizes.items()
    ]


def sample_drops(
    out: str, documents: str, *, samples: int = SAMPLES
) -> dict[str, list[SampledDrop]]:
    """Rule -> the first documents that it dropped, for rules other than those of duplicates."""
    drops = _first_drops(out, samples)
    own_keepers = [
        drop.keeper
        for of_rule in drops.values()
        for drop in of_rule
        if drop.keeper is not None and drop.other is None
    ]
    texts = read_excerpts(
        documents, [*(drop.member for of_rule in drops.values() for drop in of_rule), *own_keepers]
    )
    return {
        rule: [_sampled_drop(drop, texts) for drop in of_rule]
        for rule, of_rule in sorted(drops.items())
    }


def read_excerpts(documents: str, addresses: Sequence[int]) -> dict[int, Excerpt]:
    """Address -> excerpt of the document; documents whose part is not there are left out."""
    excerpts: dict[int, Excerpt] = {}
    parts, rows = unpack_address(np.unique(np.array(addresses, np.uint64)))
    for part in np.unique(parts).tolist():
        path = PARTS.path(documents, part)
        if storage.exists(path):
            for row, values in read_rows_of(
                path, rows[parts == part], ("source", "origin", "locator", "url", "title", "text")
            ):
                text = values.pop("text")[: 2 * EXCERPT_CHARACTERS]
                excerpt = " ".join(text.split())[:EXCERPT_CHARACTERS]
                excerpts[pack_address(part, row)] = Excerpt(**values, excerpt=excerpt)
    return excerpts


class _Sample:
    """The least similar dropped documents of one group, and how many of the group are kept."""

    def __init__(self, samples: int):
        self._samples = samples
        self.dropped: list[_Member] = []
        self.kept = 0

    def add(self, member: _Member) -> None:
        if member.keeper == member.member:
            self.kept += 1
        else:
            ranked = sorted([*self.dropped, member], key=lambda one: (one.similarity, one.member))
            self.dropped = ranked[: self._samples]

    def members(self, keepers: dict[int, _Member]) -> list[_Member]:
        """The keepers of the dropped documents, by address, then the dropped; each once."""
        first = [keepers[address] for address in sorted({member.keeper for member in self.dropped})]
        return list({member.member: member for member in [*first, *self.dropped]}.values())


class _Drop(NamedTuple):
    """A row of a drops file, with the document's address."""

    member: int
    id: bytes
    keeper: int | None
    similarity: float | None
    other: str | None


def _first_drops(out: str, samples: int) -> dict[str, list[_Drop]]:
    """The first drops of each rule, by part and row."""
    found: dict[str, list[_Drop]] = {}
    for part in DROPS.numbers(storage.list_names(out)):
        drops = read_parquet(DROPS.path(out, part))
        rules = drops["rule"].cast(pa.string())
        for rule in sorted(set(pc.unique(rules).to_pylist()) - set(RULES)):
            of_rule = found.setdefault(rule, [])
            for row in (
                drops.filter(pc.equal(rules, rule)).slice(0, samples - len(of_rule)).to_pylist()
            ):
                member = pack_address(part, row["row"])
                of_rule.append(
                    _Drop(member, row["id"], row["keeper"], row["similarity"], row["other"])
                )
    return found


def _sampled_drop(drop: _Drop, texts: dict[int, Excerpt]) -> SampledDrop:
    keeper = texts.get(drop.keeper) if drop.keeper is not None and drop.other is None else None
    return SampledDrop(
        document=address_text(drop.member),
        id=drop.id.hex(),
        keeper=None if drop.keeper is None else address_text(drop.keeper),
        similarity=None if drop.similarity is None else round(drop.similarity, 4),
        other=drop.other,
        text=texts.get(drop.member),
        keeper_excerpt=None if keeper is None else keeper.excerpt,
    )


def _sampled_member(member: _Member, text: Excerpt | None) -> SampledDocument:
    kept = member.keeper == member.member
    return SampledDocument(
        document=address_text(member.member),
        id=member.id.hex(),
        keeper=None if kept else address_text(member.keeper),
        similarity=None if kept else round(member.similarity, 4),
        other=None,
        text=text,
    )


def _members_where(out: str, column: str, values: Sequence[int]) -> Iterator[_Member]:
    """The rows of `clusters.parquet` of which a column has one of these values."""
    wanted = pa.array(values, pa.uint64())
    for batch in _batches(out, list(_Member._fields)):
        chosen = batch.filter(pc.is_in(batch.column(column), wanted))
        yield from map(
            _Member._make, zip(*(values.to_pylist() for values in chosen.columns), strict=True)
        )


def _batches(out: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with storage.open_input(clusters_path(out)) as stream:
        yield from pq.ParquetFile(stream).iter_batches(columns=columns)
