"""`tokenmill explain`: where the tokens of a shard's row came from, and what every stage did with a document or record."""

from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from pipeline.commands.explain.explainer import Explainer
from pipeline.config.load import load_config
from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.addresses import address_text
from transforms.errors import ConfigError
from transforms.lookup import same
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import MappedShard, open_shard
from transforms.urls.url_query import UrlQuery

_ID_DIGITS = 32


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
        raise _no_row(text)
    if len(asked) != 1:
        what = "of what in the run?" if not asked else "one question at a time"
        raise ConfigError(what, where=text, remedy="give one of --url, --id and --document, or name a shard and its row, FILE.arrow:ROW")
    folder = load_config(text).folder if text.endswith(".toml") else text
    answer, question = asked[0]
    return answer(Run(folder), question, extract=extract)


def _no_row(path: str) -> ConfigError:
    """A file was named without a row of it."""
    if not path.endswith(".arrow") or not storage.exists(path):
        return ConfigError("which row of the file?", where=path, remedy="add its number, FILE:0")
    with storage.local_copy(path) as local:
        rows = len(open_shard(local))
    what = f"which of its {rows:,} rows?" if rows else "it has no rows"
    return ConfigError(what, where=path, remedy=f"add a number from 0 to {max(rows - 1, 0)}, FILE:0; `tokenmill inspect` shows the whole")


def explain_row(target: Target, *, extract: bool = False) -> dict[str, Any]:
    """A row of a shard, of a part of the documents or of its rejects. Raises ConfigError for a file or row that is not there."""
    if not storage.exists(target.path):
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
    if not (text.isascii() and part.isdigit() and row.isdigit()):
        raise ConfigError(f"{text!r} is no address", where="--document", remedy="write PART:ROW, such as 3:17")
    explainer = Explainer(run)
    explainer.require_documents()
    stored = explainer.stored(int(part), int(row), rejected=False)
    return {"kind": "documents", "path": run.folder, "asked": text, "found": explainer.explain([stored], extract=extract), "near": []}


def explain_row_segments(shard: MappedShard, row: int, tokenizer: Tokenizer | None) -> list[dict[str, Any]]:
    """The stretches of documents of a row, in order: `document`, `positions`, `document_tokens` (from 1), `begins`, `ends`, `text`."""
    segments = read_segments(shard, slice(row, row + 1))
    tokens = shard.table.column("tokens").slice(row, 1).combine_chunks().flatten().to_numpy()
    return [_segment(segments, number, tokens, tokenizer) for number in np.argsort(segments.start, kind="stable").tolist()]


def _explain_shard_row(target: Target, explainer: Explainer, *, extract: bool) -> dict[str, Any]:
    with storage.local_copy(target.path) as local:
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
    explained = explainer.explain(stored, extract=extract, shard=target.path.rpartition("/")[2])
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
        "documents": dict(zip(names, explained, strict=True)),
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
    return Run(parent_folder(parent_folder(path)))


def parent_folder(path: str) -> str:
    """The folder that a path lies in; of a bare name the current one."""
    if path in ("", ".", "..") or path.endswith("/.."):
        return storage.join(path, "..")
    return path.rpartition("/")[0] or "."
