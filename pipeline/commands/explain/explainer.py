"""A run that is asked about its documents: finding them, and what every stage did with each.

Everything is found by reading single columns of the run's own files; nothing is kept for it besides.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from pipeline.commands.explain.dedup import explain_dedup, find_groups
from pipeline.commands.explain.inputs import Inputs, Stored
from pipeline.run.folder import STAGES, Run
from pipeline.stages.all_stages import finished_stages
from pipeline.stages.tokenizer.made import RunTokenizer, read_tokenizer
from transforms import storage
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.manifest import read_manifest
from transforms.contracts.names import PARTS, REJECTS, SIGNALS
from transforms.errors import ConfigError
from transforms.lookup import Test, find_rows, read_rows_of, same
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import open_shard

EXCERPT = 120
_KNOWN_BY = ("source", "origin", "locator", "url", "title")


class Explainer:
    """A run, as far as its stages are finished."""

    def __init__(self, run: Run):
        self.run = run
        self.manifests = dict(finished_stages(run))
        self._inputs = Inputs(run, self.manifests["documents"]) if "documents" in self.manifests else None
        self._tokenizer: RunTokenizer | None = None
        self._last: tuple[str, str, Segments] | None = None

    @property
    def inputs(self) -> Inputs:
        assert self._inputs is not None
        return self._inputs

    @property
    def is_whole(self) -> bool:
        """Whether the run is finished and its shards were made from the documents that are there now."""
        made = list(self.manifests.values())
        return len(made) == len(STAGES) and all(after.upstream == before.fingerprint for before, after in itertools.pairwise(made))

    def require_documents(self) -> None:
        """Raises UserError where the documents stage is not finished: then nothing can be said."""
        if "documents" not in self.manifests:
            read_manifest(self.run.stage("documents"))

    def tokenizer_for(self, sha256: str) -> Tokenizer | None:
        """The run's tokenizer, if it is the one of this hash."""
        if self._tokenizer is None and "tokenizer" in self.manifests:
            self._tokenizer = read_tokenizer(self.run)
        return self._tokenizer.tokenizer if self._tokenizer and self._tokenizer.sha256 == sha256 else None

    def stored(self, part: int, row: int, *, rejected: bool) -> Stored:
        """A document or reject with all its columns. Raises ConfigError for one that is not there."""
        name = REJECTS.name(part) if rejected else PARTS.name(part)
        entry = self.manifests["documents"].files.get(name)
        if entry is None or row >= entry.rows:
            what = "there is no such part" if entry is None else f"it has {entry.rows:,} rows, from 0"
            where = storage.join(self.run.stage("documents"), f"{name}:{row}")
            raise ConfigError(what, where=where, remedy="name a row of one of RUN/documents' files")
        return next(self.read(part, np.array([row]), rejected=rejected))

    def read(self, part: int, rows: np.ndarray, *, rejected: bool) -> Iterator[Stored]:
        """Rows (int64, rising) of a part of the documents or of its rejects, which are there."""
        for row, values in read_rows_of(self._path(part, rejected=rejected), rows):
            yield Stored(part=part, row=row, rejected=rejected, values=values)

    def find(self, columns: Sequence[str], test: Test) -> list[Stored]:
        """All documents and rejects of which some columns pass a test, by part, documents first."""
        found: list[Stored] = []
        for part, path, rejected in self._files():
            rows = find_rows(path, columns, test)
            found += self.read(part, rows, rejected=rejected)
        return found

    def urls(self) -> Iterator[Any]:
        """The URLs of all documents and rejects, a file at a time."""
        for _, path, _ in self._files():
            with storage.open_input(path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=["url"]):
                    yield batch.column("url")

    def explain(self, rows: Sequence[Stored], *, extract: bool, shard: str = "") -> list[dict[str, Any]]:
        """What every stage did with each of these. `shard`: the one that is likely to hold them, which is looked into first."""
        if not rows:
            return []
        again: dict[tuple[int, int, bool], dict[str, Any]] = {}
        notes: list[str] = []
        if extract:
            from pipeline.commands.explain.reextract import Extractor  # what it imports takes as long as all the rest

            extractor = Extractor(self.inputs)
            again = {row.key: outcome for row, outcome in extractor.read_again(rows)}
            notes = extractor.notes() if any(outcome["state"] != "equal" for outcome in again.values()) else []
        addresses = [_address(row) for row in rows if not row.rejected]
        groups = find_groups(self.run, addresses) if "dedup" in self.manifests else {}
        explained = []
        for row in rows:
            values = self._explain_reject(row) if row.rejected else self._explain_document(row, groups.get(_address(row)), shard)
            if extract:
                values["read_again"] = again[row.key] | {"notes": notes}
            explained.append(values)
        return explained

    def known_by(self, address: int) -> dict[str, Any]:
        """Source, origin, locator, URL, title and the beginning of the text of a document."""
        part, row = unpack_address(address)
        _, values = next(read_rows_of(self._path(part, rejected=False), np.array([row]), (*_KNOWN_BY, "text")))
        known = {name: values[name] for name in _KNOWN_BY if values[name] is not None}
        return known | {"excerpt": _excerpt(values["text"])}

    def locate(self, source: str, address: int, *, first: str = "") -> dict[str, Any] | None:
        """The shard that holds a document of a source, its split, the rows and the document's number of tokens."""
        names = [name for name in self.manifests["shards"].files if f"-{source}-" in name]
        for name in sorted(names, key=lambda name: (name != first, names.index(name))):
            split, segments = self._segments(name)
            own = segments.take(segments.document == np.uint64(address))
            if len(own):
                rows = own.row[np.argsort(own.offset)].tolist()
                return {"split": split, "file": name, "rows": rows, "tokens": int(own.document_tokens.max())}
        return None

    def _segments(self, name: str) -> tuple[str, Segments]:
        """The split and the segments of a shard, of which the last is kept."""
        if self._last is None or self._last[0] != name:
            with storage.local_copy(storage.join(self.run.stage("shards"), name)) as local:
                shard = open_shard(local)
                self._last = name, shard.info.split, read_segments(shard)
        return self._last[1:]

    def _files(self) -> Iterator[tuple[int, str, bool]]:
        for name in self.manifests["documents"].files:
            kind, _, number = name.removesuffix(".parquet").partition("-")
            if kind in ("part", "rejects"):
                yield int(number), self._path(int(number), rejected=kind == "rejects"), kind == "rejects"

    def _path(self, part: int, *, rejected: bool) -> str:
        return storage.join(self.run.stage("documents"), REJECTS.name(part) if rejected else PARTS.name(part))

    def _where(self, row: Stored) -> dict[str, Any]:
        source, origin, locator = (row.values[name] for name in ("source", "origin", "locator"))
        kind = self.inputs.kind(row.part, origin, source)
        return {
            "id": row.values["id"].hex(),
            "source": source,
            "source_kind": kind,
            "origin": origin,
            "input": self.inputs.describe(row.part, origin),
            "locator": locator,
            "locator_meaning": self.inputs.locator_meaning(kind, locator),
            "url": row.values["url"],
        }

    def _explain_reject(self, row: Stored) -> dict[str, Any]:
        reasons = {name: row.values[name] for name in ("stage", "rule", "value", "threshold", "detail", "excerpt")}
        return {"fate": "rejected", "row": f"{REJECTS.name(row.part)}:{row.row}", **self._where(row), **reasons, **self._signals(row)}

    def _explain_document(self, row: Stored, group: dict[str, Any] | None, shard: str) -> dict[str, Any]:
        values = row.values
        published = values["published"]
        explained = {
            "document": f"{row.part}:{row.row}",
            "row": f"{PARTS.name(row.part)}:{row.row}",
            **self._where(row),
            "title": values["title"],
            "published": None if published is None else published.isoformat(),
            "language": values["language"],
            "language_score": values["language_score"],
            "declared_language": values["declared_language"],
            "truncated": values.get("truncated"),  # runs before format 3 have neither this column nor the next
            "kept": json.loads(values["kept"]) if values.get("kept") is not None else None,
            "filters": [item["name"] for item in self.manifests["documents"].configuration["sources"][values["source"]]["quality"]],
            "characters": len(values["text"]),
            "excerpt": _excerpt(values["text"]),
            **self._signals(row),
        }
        if "dedup" in self.manifests:
            explained["dedup"] = explain_dedup(self.run, row.part, row.row, text=values["text"], group=group, describe=self.known_by)
        dropped = explained.get("dedup", {}).get("verdict") == "dropped"
        if "shards" in self.manifests and not dropped:
            explained["shards"] = self.locate(values["source"], _address(row), first=shard)
        fate = "dropped" if dropped else "in the shards" if explained.get("shards") else "kept"
        return {"fate": fate, **explained, "not_done": [name for name in ("dedup", "tokenizer", "shards") if name not in self.manifests]}

    def _signals(self, row: Stored) -> dict[str, Any]:
        """What filters measured of it, if the run wrote that."""
        name = SIGNALS.name(row.part)
        if name not in self.manifests["documents"].files:
            return {}
        path = storage.join(self.run.stage("documents"), name)
        rows = find_rows(path, ["id"], same("id", row.values["id"]))
        for _, values in read_rows_of(path, rows):
            own = ("id", "source", "language", "language_score", "kept", "characters")
            return {"signals": {name: value for name, value in values.items() if name not in own and value is not None}}
        return {}


def _excerpt(text: str) -> str:
    return " ".join(text[: 2 * EXCERPT].split())[:EXCERPT]


def _address(row: Stored) -> int:
    return pack_address(row.part, row.row)
