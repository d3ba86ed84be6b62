"""`tokenmill explain`: where a shard's row came from, and what every stage did with a document."""

from collections.abc import Sequence
from typing import NamedTuple

from tokenizers import Tokenizer

from pipeline.commands.explain.explained import (
    ExplainedDocument,
    ExplainedMatches,
    ExplainedShardRow,
    Explanation,
)
from pipeline.commands.explain.explainer import Explainer
from pipeline.commands.explain.segments import explain_row_segments
from pipeline.commands.explain.stored import StoredDocument, StoredRow, kind_of_file
from pipeline.config.load import load_config
from pipeline.run.folder import Run, run_of_file
from transforms import storage
from transforms.errors import ConfigError
from transforms.lookup import same
from transforms.tokens.shards import open_shard
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


def explain(
    text: str, *, url: str | None, id: str | None, document: str | None, extract: bool
) -> Explanation:
    """What `text` names: a row of a file, or a run with one of `url`, `id` and `document`.

    Raises ConfigError for any other combination.
    """
    questions = [(explain_url, url), (explain_id, id), (explain_document, document)]
    asked = [(answer, question) for answer, question in questions if question is not None]
    if target := parse_target(text):
        if asked:
            raise ConfigError(
                "a row of a file, or --url, --id or --document of a run: not both",
                where=text,
                remedy="leave one out",
            )
        return explain_row(target, extract=extract)
    if text.endswith((".arrow", ".parquet")):
        raise _no_row(text)
    if len(asked) != 1:
        what = "which document of the run?" if not asked else "one question at a time"
        raise ConfigError(
            what,
            where=text,
            remedy="give one of --url, --id and --document, "
            "or name a shard and its row, FILE.arrow:ROW",
        )
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
    return ConfigError(
        what,
        where=path,
        remedy=f"add a number from 0 to {max(rows - 1, 0)}, FILE:0; "
        "`tokenmill inspect` shows the whole",
    )


def explain_row(target: Target, *, extract: bool = False) -> Explanation:
    """A row of a shard, of a part of the documents or of its rejects.

    Raises ConfigError for a file or row that does not exist.
    """
    if not storage.exists(target.path):
        raise ConfigError(
            "there is no such file",
            where=target.path,
            remedy="name a file of RUN/shards or RUN/documents, and a row of it",
        )
    explainer = Explainer(run_of_file(target.path))
    if target.path.endswith(".arrow"):
        return _explain_shard_row(target, explainer, extract=extract)
    match = kind_of_file(target.path.rpartition("/")[2])
    if match is None:
        raise ConfigError(
            "this is no file of documents or rejects",
            where=target.path,
            remedy="name a shard, part-*.parquet or rejects-*",
        )
    explainer.require_documents()
    row = explainer.stored_row(*match, target.row)
    return ExplainedMatches(
        path=target.path, found=tuple(explainer.explain([row], extract=extract))
    )


def explain_url(run: Run, url: str, *, extract: bool = False) -> ExplainedMatches:
    """All documents and rejects of a URL; without one, URLs of the run that are like it."""
    explainer = Explainer(run)
    explainer.require_documents()
    query = UrlQuery(url)
    rows = explainer.matching_rows(["url"], lambda batch: query.matches(batch.column("url")))
    near = [] if rows else query.near(explainer.urls())
    return _matches(explainer, url, rows, extract=extract, near=near)


def explain_id(run: Run, text: str, *, extract: bool = False) -> ExplainedMatches:
    """The document or reject of an id, 32 hexadecimal digits."""
    digits = text.lower()
    if len(digits) != _ID_DIGITS or set(digits) - set("0123456789abcdef"):
        raise ConfigError(
            f"{text!r} is no id: it has {_ID_DIGITS} hexadecimal digits",
            where="--id",
            remedy="copy it whole",
        )
    explainer = Explainer(run)
    explainer.require_documents()
    rows = explainer.matching_rows(["id"], same("id", bytes.fromhex(digits)))
    return _matches(explainer, digits, rows, extract=extract)


def explain_document(run: Run, text: str, *, extract: bool = False) -> ExplainedMatches:
    """The document of an address, `PART:ROW`, as reports and shards name them."""
    part, _, row = text.partition(":")
    if not (text.isascii() and part.isdigit() and row.isdigit()):
        raise ConfigError(
            f"{text!r} is no address", where="--document", remedy="write PART:ROW, such as 3:17"
        )
    explainer = Explainer(run)
    explainer.require_documents()
    return _matches(
        explainer,
        text,
        [explainer.stored_row(StoredDocument, int(part), int(row))],
        extract=extract,
    )


def _matches(
    explainer: Explainer,
    asked: str,
    rows: Sequence[StoredRow],
    *,
    extract: bool,
    near: Sequence[str] = (),
) -> ExplainedMatches:
    explained = explainer.explain(rows, extract=extract)
    return ExplainedMatches(
        path=explainer.run.folder, asked=asked, found=tuple(explained), near=tuple(near)
    )


def _explain_shard_row(target: Target, explainer: Explainer, *, extract: bool) -> ExplainedShardRow:
    with storage.local_copy(target.path) as local:
        shard = open_shard(local)
        if target.row >= len(shard):
            rows = f"it has {len(shard):,} rows, from 0"
            raise ConfigError(rows, where=f"{target.path}:{target.row}", remedy="name one of them")
        tokenizer = explainer.tokenizer_for(shard.info.tokenizer_sha256)
        segments = explain_row_segments(shard, target.row, tokenizer)
        text_bytes = shard.table.column("bytes")[target.row].as_py()
    info = shard.info
    names = dict.fromkeys(segment.document for segment in segments) if explainer.is_whole else {}
    stored = [explainer.stored_row(StoredDocument, *map(int, name.split(":"))) for name in names]
    explained = explainer.explain(stored, extract=extract, shard=target.path.rpartition("/")[2])
    covered = sum(last - first + 1 for first, last in (segment.positions for segment in segments))
    return ExplainedShardRow(
        path=target.path,
        row=target.row,
        rows=len(shard),
        source=info.source,
        split=info.split,
        sequence_length=info.sequence_length,
        targets=sum(segment.targets for segment in segments),
        bytes=text_bytes,
        outside_segments=info.sequence_length + 1 - covered,
        note=_note(explainer, tokenizer),
        segments=segments,
        documents={row.document: row for row in explained if isinstance(row, ExplainedDocument)},
    )


def _note(explainer: Explainer, tokenizer: Tokenizer | None) -> str | None:
    whole = explainer.is_whole
    missing = (
        []
        if whole
        else [
            "the documents that it was made from are not beside the shard, "
            "so only addresses are known"
        ]
    )
    missing += (
        [] if tokenizer else ["its tokenizer is not beside the shard, so the tokens cannot be read"]
    )
    return "; ".join(missing) or None
