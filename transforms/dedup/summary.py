"""What a finished deduplication did, counted from its files."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import io
from transforms.dedup.tables import RULES, STATISTICS, clusters_path, documents_path, drops_path
from transforms.errors import UserError


def summarise(out: str, documents: str) -> dict[str, Any]:
    """Counts of a dedup folder over the documents folder it was made from; equal for equal files.

    `documents` = `kept` + `dropped`, and `dropped` = `exact` + `near`; `sources`: the same for each source, by name;
    `components`: groups of duplicates, `largest_component`: documents in the largest; `candidate_pairs`: distinct pairs
    that were compared exactly, `similar_pairs`: those at or above the threshold (exact copies are not compared),
    `oversized_buckets`: buckets not all of whose pairs were compared.
    Raises UserError when the drops of a part are missing or clusters and drops disagree.
    """
    tally: dict[str, Counter[str]] = {}
    names = [name for name in io.list_names(documents) if name.startswith("part-")]
    for name in names:
        _tally(out, documents, int(name.removeprefix("part-").removesuffix(".parquet")), tally)
    sources = {source: _complete(tally[source]) for source in sorted(tally)}
    total = _complete(sum(tally.values(), Counter()))
    with io.open_input(clusters_path(out)) as stream:
        clusters = pq.read_table(stream, columns=["component", "member", "keeper"])
    gone = pc.sum(pc.not_equal(clusters["member"], clusters["keeper"])).as_py() or 0
    if gone != total["dropped"]:
        raise UserError(
            f"clusters.parquet drops {gone} documents, the drops of the parts {total['dropped']}",
            where=out,
            remedy="remove the folder and run the stage again",
        )
    sizes = np.unique(clusters["component"].to_numpy(), return_counts=True)[1]
    metadata = clusters.schema.metadata or {}
    return {
        **total,
        "sources": sources,
        "components": len(sizes),
        "largest_component": int(sizes.max(initial=0)),
        **{name: int(metadata.get(f"tokenmill.{name}".encode(), b"0")) for name in STATISTICS},
    }


def _tally(out: str, documents: str, part: int, tally: dict[str, Counter[str]]) -> None:
    with io.open_input(documents_path(documents, part)) as stream:
        sources = pq.read_table(stream, columns=["source"])["source"].cast(pa.string())
    path = drops_path(out, part)
    try:
        with io.open_input(path) as stream:
            drops = pq.read_table(stream, columns=["row", "rule"])
    except FileNotFoundError as error:
        raise UserError("the drops of a part are missing", where=path, remedy="run the dedup stage again") from error
    rules = drops["rule"].cast(pa.string())
    counted = {"documents": sources}
    for rule in RULES:
        counted[rule.removeprefix("dedup/")] = sources.take(drops["row"].filter(pc.equal(rules, rule)))
    for name, values in counted.items():
        for entry in pc.value_counts(values).to_pylist():
            tally.setdefault(entry["values"], Counter())[name] += entry["counts"]


def _complete(counts: Counter[str]) -> dict[str, int]:
    dropped = counts["exact"] + counts["near"]
    documents = counts["documents"]
    return {"documents": documents, "kept": documents - dropped, "dropped": dropped, "exact": counts["exact"], "near": counts["near"]}
