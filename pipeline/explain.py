"""`tokenmill explain`: where the tokens of a shard's row came from, and what every stage did with a document or record.

Everything is found by reading single columns of the run's own files; nothing is kept for it besides.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from pipeline.config import load_config
from pipeline.explain_dedup import explain_dedup
from pipeline.inputs import Inputs, Stored
from pipeline.run import STAGES, Run, finished_stages, part_name, rejects_name, signals_name
from transforms import io
from transforms.dedup.examine import address_text
from transforms.documents import pack_address
from transforms.errors import ConfigError
from transforms.lookup import find_rows, read_rows_of, same
from transforms.manifest import read_manifest
from transforms.near_urls import UrlQuery
from transforms.tokens.encode import load_tokenizer
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import MappedShard, open_shard
from transforms.tokens.train import tokenizer_sha256

EXCERPT = 120
_ID_DIGITS = 32
_KNOWN_BY = ("source", "origin", "locator", "url", "title")


class Target(NamedTuple):
    """What is asked about: a file and a row of it."""

    path: str
    row: int


def parse_target(text: str) -> Target | None:
    """`FILE:ROW` -> both; None for what names no row."""
    path, colon, row = text.rpartition(":")
    if colon and row.isascii() and row.isdigit() and path.endswith((".arrow", ".parquet")):
        return Target(path, int(row))
    return None


def explain(text: str, *, url: str | None, id: str | None, document: str | None, extract: bool) -> dict[str, Any]:
    """What `text` names: a row of a file, or a run with one of `url`, `id` and `document`. Raises ConfigError where it does not add up."""
    questions = [(explain_url, url), (explain_id, id), (explain_document, document)]
    asked = [(answer, question) for answer, question in questions if question is not None]
    if target := parse_target(text):
        if asked:
            raise ConfigError("a row of a file, or --url, --id or --document of a run: not both", where=text, remedy="leave one out")
        return explain_row(target, extract=extract)
    if text.endswith((".arrow", ".parquet")):
        rows = "FILE:0" if not io.exists(text) or not text.endswith(".arrow") else f"FILE:0 to FILE:{_count_rows(text) - 1}"
        raise ConfigError("which row of the file?", where=text, remedy=f"add its number, {rows}; `tokenmill inspect` shows the whole")
    if len(asked) != 1:
        what = "of what in the run?" if not asked else "one question at a time"
        raise ConfigError(what, where=text, remedy="give one of --url, --id and --document, or name a shard and its row, FILE.arrow:ROW")
    folder = load_config(text).folder if text.endswith(".toml") else text
    answer, question = asked[0]
    return answer(Run(folder), question, extract=extract)


def _count_rows(path: str) -> int:
    with io.local_copy(path) as local:
        return len(open_shard(local))


def explain_row(target: Target, *, extract: bool = False) -> dict[str, Any]:
    """A row of a shard, of a part of the documents or of its rejects. Raises ConfigError for a file or row that is not there."""
    if not io.exists(target.path):
        raise ConfigError("there is no such file", where=target.path, remedy="name a file of RUN/shards or RUN/documents, and a row of it")
    explainer = Explainer(run_of_file(target.path))
    name = target.path.rpartition("/")[2]
    if target.path.endswith(".arrow"):
        return _explain_shard_row(target, explainer, extract=extract)
    kind, _, number = name.removesuffix(".parquet").partition("-")
    if kind not in ("part", "rejects") or not number.isdigit():
        raise ConfigError("this is no file of documents or rejects", where=target.path, remedy="name a shard, part-*.parquet or rejects-*")
    explainer.require_documents()
    return {
        "kind": "documents",
        "path": target.path,
        "found": explainer.explain([explainer.stored(int(number), target.row, rejected=kind == "rejects")], extract=extract),
    }


def explain_url(run: Run, url: str, *, extract: bool = False) -> dict[str, Any]:
    """All documents and rejects of a URL: `found`; without one, `near`: URLs of the run that are like it."""
    explainer = Explainer(run)
    explainer.require_documents()
    query = UrlQuery(url)
    rows = explainer.find(["url"], lambda batch: query.matches(batch.column("url")))
    near = [] if rows else query.near(explainer.urls())
    return {"kind": "documents", "path": run.folder, "asked": url, "found": explainer.explain(rows, extract=extract), "near": near}


def explain_id(run: Run, text: str, *, extract: bool = False) -> dict[str, Any]:
    """The document or reject of an id, 32 hexadecimal digits."""
    digits = text.lower()
    if len(digits) != _ID_DIGITS or set(digits) - set("0123456789abcdef"):
        raise ConfigError(f"{text!r} is no id: it has {_ID_DIGITS} hexadecimal digits", where="--id", remedy="copy it whole")
    explainer = Explainer(run)
    explainer.require_documents()
    rows = explainer.find(["id"], same("id", bytes.fromhex(digits)))
    return {"kind": "documents", "path": run.folder, "asked": digits, "found": explainer.explain(rows, extract=extract), "near": []}


def explain_document(run: Run, text: str, *, extract: bool = False) -> dict[str, Any]:
    """The document of an address, `PART:ROW`, as reports and shards name them."""
    part, _, row = text.partition(":")
    if not (part.isdigit() and row.isdigit()):
        raise ConfigError(f"{text!r} is no address", where="--document", remedy="write PART:ROW, such as 3:17")
    explainer = Explainer(run)
    explainer.require_documents()
    stored = explainer.stored(int(part), int(row), rejected=False)
    return {"kind": "documents", "path": run.folder, "asked": text, "found": explainer.explain([stored], extract=extract), "near": []}


class Explainer:
    """A run, as far as its stages are finished."""

    def __init__(self, run: Run):
        self.run = run
        self.manifests = dict(finished_stages(run))
        self._inputs = Inputs(run, self.manifests["documents"]) if "documents" in self.manifests else None
        self._tokenizer: tuple[Tokenizer, str] | None = None

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
            path = io.join(self.run.stage("tokenizer"), "tokenizer.json")
            data = io.read_bytes(path)
            self._tokenizer = load_tokenizer(data, path=path, end_of_text=None), tokenizer_sha256(data)
        return self._tokenizer[0] if self._tokenizer and self._tokenizer[1] == sha256 else None

    def stored(self, part: int, row: int, *, rejected: bool) -> Stored:
        """A document or reject with all its columns. Raises ConfigError for one that is not there."""
        name = rejects_name(part) if rejected else part_name(part)
        entry = self.manifests["documents"].files.get(name)
        if entry is None or row >= entry.rows:
            what = "there is no such part" if entry is None else f"it has {entry.rows:,} rows, from 0"
            where = io.join(self.run.stage("documents"), f"{name}:{row}")
            raise ConfigError(what, where=where, remedy="name a row of one of RUN/documents' files")
        return next(self.read(part, np.array([row]), rejected=rejected))

    def read(self, part: int, rows: np.ndarray, *, rejected: bool) -> Iterator[Stored]:
        """Rows (int64, rising) of a part of the documents or of its rejects, which are there."""
        for row, values in read_rows_of(self._path(part, rejected=rejected), rows):
            yield Stored(part=part, row=row, rejected=rejected, values=values)

    def find(self, columns: Sequence[str], test: Any) -> list[Stored]:
        """All documents and rejects of which some columns pass a test, by part, documents first."""
        found: list[Stored] = []
        for part, path, rejected in self._files():
            rows = find_rows(path, columns, test)
            found += self.read(part, rows, rejected=rejected)
        return found

    def urls(self) -> Iterator[Any]:
        """The URLs of all documents and rejects, a file at a time."""
        for _, path, _ in self._files():
            with io.open_input(path) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=["url"]):
                    yield batch.column("url")

    def explain(self, rows: Sequence[Stored], *, extract: bool) -> list[dict[str, Any]]:
        """What every stage did with each of these."""
        again: dict[tuple[int, int, bool], dict[str, Any]] = {}
        notes: list[str] = []
        if extract:
            from pipeline.reextract import Extractor  # what it imports takes as long as all the rest

            extractor = Extractor(self.inputs)
            again = {row.key: outcome for row, outcome in extractor.read_again(rows)}
            notes = extractor.notes() if any(outcome["state"] != "equal" for outcome in again.values()) else []
        explained = []
        for row in rows:
            values = self._explain_reject(row) if row.rejected else self._explain_document(row)
            if extract:
                values["read_again"] = again[row.key] | {"notes": notes}
            explained.append(values)
        return explained

    def known_by(self, address: int) -> dict[str, Any] | None:
        """Source, origin, locator, URL, title and the beginning of the text of a document."""
        part, row = address >> 32, address & 0xFFFFFFFF
        for _, values in read_rows_of(self._path(part, rejected=False), np.array([row]), (*_KNOWN_BY, "text")):
            known = {name: values[name] for name in _KNOWN_BY if values[name] is not None}
            return known | {"excerpt": " ".join(values["text"][: 2 * EXCERPT].split())[:EXCERPT]}
        return None

    def locate(self, source: str, address: int) -> dict[str, Any] | None:
        """The shard that holds a document of a source, its split, the rows and the document's number of tokens."""
        folder = self.run.stage("shards")
        for name in self.manifests["shards"].files:
            if f"-{source}-" not in name:
                continue
            with io.local_copy(io.join(folder, name)) as local:
                shard = open_shard(local)
                segments = read_segments(shard)
                own = segments.take(segments.document == np.uint64(address))
                if len(own):
                    tokens = int(own.document_tokens.max())
                    rows = own.row[np.argsort(own.offset)].tolist()
                    return {"split": shard.info.split, "file": name, "rows": rows, "tokens": tokens}
        return None

    def _files(self) -> Iterator[tuple[int, str, bool]]:
        for name in self.manifests["documents"].files:
            kind, _, number = name.removesuffix(".parquet").partition("-")
            if kind in ("part", "rejects"):
                yield int(number), self._path(int(number), rejected=kind == "rejects"), kind == "rejects"

    def _path(self, part: int, *, rejected: bool) -> str:
        return io.join(self.run.stage("documents"), rejects_name(part) if rejected else part_name(part))

    def _where(self, row: Stored) -> dict[str, Any]:
        source, origin, locator = (row.values[name] for name in ("source", "origin", "locator"))
        return {
            "id": row.values["id"].hex(),
            "source": source,
            "source_kind": self.inputs.kind(source),
            "origin": origin,
            "input": self.inputs.describe(row.part, origin),
            "locator": locator,
            "locator_meaning": self.inputs.locator_meaning(source, locator),
            "url": row.values["url"],
        }

    def _explain_reject(self, row: Stored) -> dict[str, Any]:
        reasons = {name: row.values[name] for name in ("stage", "rule", "value", "threshold", "detail", "excerpt")}
        return {"fate": "rejected", "row": f"{rejects_name(row.part)}:{row.row}", **self._where(row), **reasons, **self._signals(row)}

    def _explain_document(self, row: Stored) -> dict[str, Any]:
        values = row.values
        published = values["published"]
        address = int(pack_address(row.part, np.array([row.row]))[0])
        explained = {
            "document": f"{row.part}:{row.row}",
            "row": f"{part_name(row.part)}:{row.row}",
            **self._where(row),
            "title": values["title"],
            "published": None if published is None else published.isoformat(),
            "language": values["language"],
            "language_score": values["language_score"],
            "declared_language": values["declared_language"],
            "filters": [item["name"] for item in self.manifests["documents"].configuration["sources"][values["source"]]["quality"]],
            "characters": len(values["text"]),
            "excerpt": " ".join(values["text"][: 2 * EXCERPT].split())[:EXCERPT],
            **self._signals(row),
        }
        if "dedup" in self.manifests:
            explained["dedup"] = explain_dedup(self.run, row.part, row.row, values["text"], self.known_by)
        dropped = explained.get("dedup", {}).get("verdict") == "dropped"
        if "shards" in self.manifests and not dropped:
            explained["shards"] = self.locate(values["source"], address)
        fate = "dropped" if dropped else "in the shards" if explained.get("shards") else "kept"
        return {"fate": fate, **explained, "not_done": [name for name in ("dedup", "tokenizer", "shards") if name not in self.manifests]}

    def _signals(self, row: Stored) -> dict[str, Any]:
        """What filters measured of it, if the run wrote that."""
        name = signals_name(row.part)
        if name not in self.manifests["documents"].files:
            return {}
        path = io.join(self.run.stage("documents"), name)
        rows = find_rows(path, ["id"], same("id", row.values["id"]))
        for _, values in read_rows_of(path, rows):
            own = ("id", "source", "language", "language_score", "kept", "characters")
            return {"signals": {name: value for name, value in values.items() if name not in own and value is not None}}
        return {}


def explain_row_segments(shard: MappedShard, row: int, tokenizer: Tokenizer | None) -> list[dict[str, Any]]:
    """The stretches of documents of a row, in order: `document`, `positions`, `document_tokens` (from 1), `begins`, `ends`, `text`."""
    segments = read_segments(shard, slice(row, row + 1))
    tokens = shard.table.column("tokens").slice(row, 1).combine_chunks().flatten().to_numpy()
    return [_segment(segments, number, tokens, tokenizer) for number in np.argsort(segments.start, kind="stable").tolist()]


def _explain_shard_row(target: Target, explainer: Explainer, *, extract: bool) -> dict[str, Any]:
    with io.local_copy(target.path) as local:
        shard = open_shard(local)
        if target.row >= len(shard):
            rows = f"it has {len(shard):,} rows, from 0"
            raise ConfigError(rows, where=f"{target.path}:{target.row}", remedy="name one of them")
        tokenizer = explainer.tokenizer_for(shard.info.tokenizer_sha256)
        segments = explain_row_segments(shard, target.row, tokenizer)
        octets = shard.table.column("bytes")[target.row].as_py()
    info = shard.info
    names = list(dict.fromkeys(segment["document"] for segment in segments)) if explainer.is_whole else []
    stored = [explainer.stored(*map(int, name.split(":")), rejected=False) for name in names]
    covered = sum(last - first + 1 for first, last in (segment["positions"] for segment in segments))
    return {
        "kind": "row",
        "path": target.path,
        "row": target.row,
        "rows": len(shard),
        "source": info.source,
        "split": info.split,
        "sequence_length": info.sequence_length,
        "targets": sum(segment["targets"] for segment in segments),
        "bytes": octets,
        "outside_segments": info.sequence_length + 1 - covered,
        "note": _note(explainer, tokenizer),
        "segments": segments,
        "documents": dict(zip(names, explainer.explain(stored, extract=extract), strict=True)),
    }


def _segment(segments: Segments, number: int, tokens: np.ndarray, tokenizer: Tokenizer | None) -> dict[str, Any]:
    start, length, offset, address = (int(getattr(segments, name)[number]) for name in ("start", "length", "offset", "document"))
    begins = offset == 0
    ids = tokens[start + begins : start + length].tolist()
    return {
        "document": address_text(address),
        "positions": [start, start + length - 1],
        "document_tokens": [max(offset, 1), offset + length - 1],
        "targets": int(segments.targets[number]),
        "begins": begins,
        "ends": bool(segments.ends[number]),
        "text": None if tokenizer is None else tokenizer.decode(ids, skip_special_tokens=False),
    }


def _note(explainer: Explainer, tokenizer: Tokenizer | None) -> str | None:
    whole = explainer.is_whole
    missing = [] if whole else ["the documents that it was made from are not beside the shard, so only addresses are known"]
    missing += [] if tokenizer else ["its tokenizer is not beside the shard, so the tokens cannot be read"]
    return "; ".join(missing) or None


def run_of_file(path: str) -> Run:
    """The run that a file of one of its stages lies in."""
    return Run(_parent(_parent(path)))


def _parent(path: str) -> str:
    """The folder that a path lies in; of a bare name the current one."""
    if path in ("", ".", "..") or path.endswith("/.."):
        return io.join(path, "..")
    return path.rpartition("/")[0] or "."
