"""A look into a finished deduplication: its largest groups and samples of what each rule dropped, with excerpts of the texts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.addresses import address_text, pack_address, unpack_address
from transforms.contracts.dedup import CLUSTER_SCHEMA, RULES
from transforms.contracts.documents import EXCERPT_CHARACTERS
from transforms.contracts.names import DROPS, PARTS, clusters_path
from transforms.lookup import read_rows_of
from transforms.storage.arrow_files import read_parquet

LARGEST = 10
SAMPLES = 4
_SHOWN = ("source", "origin", "locator", "url", "title", "text")


def largest_clusters(out: str, documents: str, *, count: int = LARGEST, samples: int = SAMPLES) -> list[dict[str, Any]]:
    """The largest groups of duplicates, the largest first, ties by component: `size`, `kept` and `documents`, a sample of each:

    the `samples` least similar of the documents that go, after those for whose sake they go. Reads `clusters.parquet` three times, a
    batch at a time, and the sampled texts where the documents folder is still there.
    """
    found: dict[int, int] = {}
    for batch in _batches(out, ["component", "size"]):
        pairs = np.unique(np.stack([batch.column("component").to_numpy(), batch.column("size").to_numpy().astype(np.uint64)]), axis=1)
        found.update(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))
        found = dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:count])
    chosen = {component: _Sample(samples) for component in found}
    for row in _rows_where(out, "component", list(found)):
        chosen[row["component"]].add(row)
    keepers = {row["member"]: row for row in _rows_where(out, "member", [row["keeper"] for one in chosen.values() for row in one.gone])}
    shown = {component: sample.rows(keepers) for component, sample in chosen.items()}
    texts = read_excerpts(documents, [row["member"] for rows in shown.values() for row in rows])
    return [
        {
            "size": size,
            "kept": chosen[component].kept,
            "documents": [_described(row, texts.get(row["member"], {})) for row in shown[component]],
        }
        for component, size in found.items()
    ]


def sample_drops(out: str, documents: str, *, samples: int = SAMPLES) -> dict[str, list[dict[str, Any]]]:
    """Rule -> the first documents that it dropped, for rules other than those of groups of duplicates."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in DROPS.numbers(storage.list_names(out)):
        drops = read_parquet(DROPS.path(out, part))
        rules = drops["rule"].cast(pa.string())
        for rule in sorted(set(pc.unique(rules).to_pylist()) - set(RULES)):
            entries = found.setdefault(rule, [])
            for row in drops.filter(pc.equal(rules, rule)).slice(0, samples - len(entries)).to_pylist():
                entries.append({**row, "member": pack_address(part, row["row"])})
    addresses = [
        address
        for entries in found.values()
        for row in entries
        for address in (row["member"], row["keeper"] if row["other"] is None else None)
        if address is not None
    ]
    texts = read_excerpts(documents, addresses)
    return {
        rule: [{**_described(row, texts.get(row["member"], {})), "keeper_excerpt": _keeper_excerpt(row, texts)} for row in entries]
        for rule, entries in sorted(found.items())
    }


def read_excerpts(documents: str, addresses: list[int]) -> dict[int, dict[str, Any]]:
    """Address -> source, origin, locator, url, title and the beginning of the text; without those whose part is not there."""
    found: dict[int, dict[str, Any]] = {}
    parts, rows = unpack_address(np.unique(np.array(addresses, np.uint64)))
    for part in np.unique(parts).tolist():
        path = PARTS.path(documents, part)
        if storage.exists(path):
            for row, values in read_rows_of(path, rows[parts == part], _SHOWN):
                values["excerpt"] = " ".join(values.pop("text")[: 2 * EXCERPT_CHARACTERS].split())[:EXCERPT_CHARACTERS]
                found[pack_address(part, row)] = values
    return found


class _Sample:
    """The least similar documents that go of one group, and how many stay."""

    def __init__(self, samples: int):
        self._samples = samples
        self.gone: list[dict[str, Any]] = []
        self.kept = 0

    def add(self, row: dict[str, Any]) -> None:
        if row["keeper"] == row["member"]:
            self.kept += 1
        else:
            self.gone = sorted([*self.gone, row], key=lambda gone: (gone["similarity"], gone["member"]))[: self._samples]

    def rows(self, keepers: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
        """Those for whose sake the others go, by address, then the others; each once."""
        first = [keepers[address] for address in sorted({row["keeper"] for row in self.gone})]
        return list({row["member"]: row for row in [*first, *self.gone]}.values())


def _rows_where(out: str, column: str, values: list[int]) -> Iterator[dict[str, Any]]:
    wanted = pa.array(values, pa.uint64())
    for batch in _batches(out, CLUSTER_SCHEMA.names):
        yield from batch.filter(pc.is_in(batch.column(column), wanted)).to_pylist()


def _described(row: dict[str, Any], texts: dict[str, Any]) -> dict[str, Any]:
    stays = row["keeper"] == row["member"]
    values = {
        "document": address_text(row["member"]),
        "id": row["id"].hex(),
        "keeper": None if stays or row["keeper"] is None else address_text(row["keeper"]),
        "similarity": None if stays or row["similarity"] is None else round(row["similarity"], 4),
        "other": row.get("other"),
        **texts,
    }
    return {key: value for key, value in values.items() if value is not None}


def _keeper_excerpt(row: dict[str, Any], texts: dict[int, dict[str, Any]]) -> str | None:
    return texts.get(row["keeper"], {}).get("excerpt") if row["keeper"] is not None and row["other"] is None else None


def _batches(out: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with storage.open_input(clusters_path(out)) as stream:
        yield from pq.ParquetFile(stream).iter_batches(columns=columns)
