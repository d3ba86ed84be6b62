"""The counters of a finished deduplication, from its files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.arrays import starts_run
from transforms.contracts.dedup import ALL_RULES, STATISTICS
from transforms.contracts.names import DROPS, PARTS, clusters_path
from transforms.errors import UserError
from transforms.storage.arrow_files import read_parquet

_NAMES = tuple(rule.removeprefix("dedup/") for rule in ALL_RULES)
_BINS = 50


def summarise(out: str, documents: str) -> dict[str, Any]:
    """Counts a dedup folder and the documents folder it was made from; equal for equal files.

    documents, kept, dropped  documents = kept + dropped
    exact, near, …            dropped by each rule; of other rules than these two only if any were
    sources                   the same for each source, by name
    similarity                dropped duplicates by similarity to their keeper: lower edge of a bin
                              of 0.02 -> number
    components                groups of duplicates; largest_component: documents in the largest
    candidate_pairs           distinct pairs compared; exact copies are not compared
    similar_pairs             of these at least as similar as the threshold
    oversized_buckets         buckets of which not all pairs were compared

    Raises UserError when the drops of a part are missing, or clusters and drops disagree.
    """
    tally: dict[str, Counter[str]] = {}
    for part in PARTS.numbers(storage.list_names(documents)):
        _tally(out, documents, part, tally)
    whole = sum(tally.values(), Counter())
    rules = [name for name in _NAMES if name in ("exact", "near") or whole[name]]
    total = _complete(whole, rules)
    sources = {source: _complete(tally[source], rules) for source in sorted(tally)}
    clusters = read_clusters(out)
    if clusters.dropped != total["exact"] + total["near"]:
        raise UserError(
            f"clusters.parquet drops {clusters.dropped} documents, the drops of the parts {total['exact'] + total['near']}",
            where=out,
            remedy="remove the folder and run the stage again",
        )
    return {
        **total,
        "sources": sources,
        "similarity": clusters.histogram,
        "components": clusters.components,
        "largest_component": clusters.largest,
        **clusters.statistics,
    }


@dataclass(frozen=True, kw_only=True)
class ClusterFigures:
    """Figures of `clusters.parquet`.

    components  groups of duplicates; `largest`: documents in the largest
    dropped     documents
    histogram   of the similarity of dropped documents to their keepers, see `summarise`
    statistics  of pairs and buckets, by name
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
        for batch in file.iter_batches(columns=["component", "size", "member", "keeper", "similarity"]):
            values = {name: batch.column(name).to_numpy() for name in batch.schema.names}
            new = starts_run(values["component"])
            # A group may begin in one batch and go on in the next.
            new[:1] = int(values["component"][0]) != last
            last = int(values["component"][-1])
            components += int(new.sum())
            largest = max(largest, int(values["size"].max()))
            is_dropped = values["member"] != values["keeper"]
            dropped += int(is_dropped.sum())
            # A float32 may be just below the edge that its decimal value is equal to.
            edges = np.minimum((values["similarity"][is_dropped].astype(np.float64) * _BINS + 1e-4).astype(np.int64), _BINS)
            bins += np.bincount(edges, minlength=_BINS + 1)
        metadata = file.schema_arrow.metadata or {}
    return ClusterFigures(
        components=components,
        largest=largest,
        dropped=dropped,
        histogram={f"{number / _BINS:.2f}": int(bins[number]) for number in np.flatnonzero(bins).tolist()},
        statistics={name: int(metadata.get(f"tokenmill.{name}".encode(), b"0")) for name in STATISTICS},
    )


def _tally(out: str, documents: str, part: int, tally: dict[str, Counter[str]]) -> None:
    sources = read_parquet(PARTS.path(documents, part), ["source"])["source"].cast(pa.string())
    path = DROPS.path(out, part)
    try:
        drops = read_parquet(path, ["row", "rule"])
    except FileNotFoundError as error:
        raise UserError("the drops of a part are missing", where=path, remedy="run the dedup stage again") from error
    rules = drops["rule"].cast(pa.string())
    counted = {"documents": sources}
    for rule, name in zip(ALL_RULES, _NAMES, strict=True):
        counted[name] = sources.take(drops["row"].filter(pc.equal(rules, rule)))
    for name, values in counted.items():
        for entry in pc.value_counts(values).to_pylist():
            tally.setdefault(entry["values"], Counter())[name] += entry["counts"]


def _complete(counts: Counter[str], rules: Sequence[str]) -> dict[str, int]:
    dropped = sum(counts[rule] for rule in rules)
    documents = counts["documents"]
    return {"documents": documents, "kept": documents - dropped, "dropped": dropped, **{rule: counts[rule] for rule in rules}}
