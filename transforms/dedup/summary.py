"""What a finished deduplication did, counted from its files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.counters import DedupCounters, DropCounters
from transforms.contracts.dedup import ALL_RULES, STATISTICS
from transforms.contracts.names import DROPS, PARTS, clusters_path
from transforms.errors import UserError

_NAMES = tuple(rule.removeprefix("dedup/") for rule in ALL_RULES)
_BINS = 50


def summarise(out: str, documents: str) -> DedupCounters:
    """Count the drops and clusters of a dedup folder; equal files give equal counters.

    `documents` is the documents folder that it was made from. The counters of screens are not set.
    Raises UserError when the drops of a part are missing or clusters and drops disagree.
    """
    tally: dict[str, Counter[str]] = {}
    names = [name for name in storage.list_names(documents) if name.startswith("part-")]
    for name in names:
        _tally(out, documents, int(name.removeprefix("part-").removesuffix(".parquet")), tally)
    whole = sum(tally.values(), Counter())
    rules = [name for name in _NAMES if name in ("exact", "near") or whole[name]]
    total = _complete(whole, rules)
    sources = {source: _complete(tally[source], rules) for source in sorted(tally)}
    clusters = read_clusters(out)
    duplicates = total.rules["exact"] + total.rules["near"]
    if clusters.dropped != duplicates:
        raise UserError(
            f"clusters.parquet drops {clusters.dropped} documents, "
            f"the drops of the parts {duplicates}",
            where=out,
            remedy="remove the folder and run the stage again",
        )
    return DedupCounters(
        total=total,
        sources=sources,
        similarity=clusters.histogram,
        components=clusters.components,
        largest_component=clusters.largest,
        candidate_pairs=clusters.statistics["candidate_pairs"],
        similar_pairs=clusters.statistics["similar_pairs"],
        oversized_buckets=clusters.statistics["oversized_buckets"],
        oversized_documents=clusters.statistics["oversized_documents"],
        skipped_pairs=clusters.statistics["skipped_pairs"],
    )


@dataclass(frozen=True, kw_only=True)
class ClusterFigures:
    """The figures of `clusters.parquet`.

    components  connected components of similar documents
    largest     documents of the largest component
    dropped     dropped documents
    histogram   near-duplicates by similarity to the kept one
    statistics  counts of pairs and buckets
    """

    components: int
    largest: int
    dropped: int
    histogram: dict[str, int]
    statistics: dict[str, int]


def read_clusters(out: str) -> ClusterFigures:
    """Counts `clusters.parquet` in one pass, a batch at a time."""
    components = largest = dropped = 0
    last = -1
    bins = np.zeros(_BINS + 1, np.int64)
    with storage.open_input(clusters_path(out)) as stream:
        file = pq.ParquetFile(stream)
        for batch in file.iter_batches(
            columns=["component", "size", "member", "keeper", "similarity"]
        ):
            values = {name: batch.column(name).to_numpy() for name in batch.schema.names}
            new = np.ones(len(batch), bool)
            new[1:] = values["component"][1:] != values["component"][:-1]
            new[:1] = int(values["component"][0]) != last
            last = int(values["component"][-1])
            components += int(new.sum())
            largest = max(largest, int(values["size"].max()))
            gone = values["member"] != values["keeper"]
            dropped += int(gone.sum())
            # A float32 may lie just below the edge that its decimal value stands on.
            edges = np.minimum(
                (values["similarity"][gone].astype(np.float64) * _BINS + 1e-4).astype(np.int64),
                _BINS,
            )
            bins += np.bincount(edges, minlength=_BINS + 1)
        metadata = file.schema_arrow.metadata or {}
    return ClusterFigures(
        components=components,
        largest=largest,
        dropped=dropped,
        histogram={
            f"{number / _BINS:.2f}": int(bins[number]) for number in np.flatnonzero(bins).tolist()
        },
        statistics={
            name: int(metadata.get(f"tokenmill.{name}".encode(), b"0")) for name in STATISTICS
        },
    )


def _tally(out: str, documents: str, part: int, tally: dict[str, Counter[str]]) -> None:
    with storage.open_input(PARTS.path(documents, part)) as stream:
        sources = pq.read_table(stream, columns=["source"])["source"].cast(pa.string())
    path = DROPS.path(out, part)
    try:
        with storage.open_input(path) as stream:
            drops = pq.read_table(stream, columns=["row", "rule"])
    except FileNotFoundError as error:
        raise UserError(
            "the drops of a part are missing", where=path, remedy="run the dedup stage again"
        ) from error
    rules = drops["rule"].cast(pa.string())
    counted = {"documents": sources}
    for rule, name in zip(ALL_RULES, _NAMES, strict=True):
        counted[name] = sources.take(drops["row"].filter(pc.equal(rules, rule)))
    for name, values in counted.items():
        for entry in pc.value_counts(values).to_pylist():
            tally.setdefault(entry["values"], Counter())[name] += entry["counts"]


def _complete(counts: Counter[str], rules: Sequence[str]) -> DropCounters:
    dropped = sum(counts[rule] for rule in rules)
    documents = counts["documents"]
    return DropCounters(
        documents=documents,
        kept=documents - dropped,
        dropped=dropped,
        rules={rule: counts[rule] for rule in rules},
    )
