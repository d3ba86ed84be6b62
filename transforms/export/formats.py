"""What an export format is: how shards or parts become files, which files, and how to count what is in them.

A format is one file of this package, which ends with its format, and one line of `transforms.export.registry`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import pyarrow as pa
from pydantic.dataclasses import dataclass as checked_dataclass

from transforms.config_types import STRICT
from transforms.contracts.manifest import FileEntry
from transforms.export.streams import TokenDocuments
from transforms.tokens.shards import ShardInfo

Grouping = Literal["split", "source", "shard", "tokens"]


@checked_dataclass(frozen=True, kw_only=True, config=STRICT)
class ExportOptions:
    """What a user may choose of a format. A format with options has a subclass, whose fields have a default and a description."""


Options = TypeVar("Options", bound=ExportOptions)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Shards of one split that become one set of files.

    source     of all of them; empty when they may be of several
    index      of the group among those of its split and source
    positions  its files hold at most so many tokens, end-of-texts included
    """

    split: str
    source: str
    index: int
    positions: int


class Counts(NamedTuple):
    """`tokens` include an end-of-text for each document, and no padding."""

    documents: int
    tokens: int


Documents = Iterator[TokenDocuments]


def _no_check(info: ShardInfo) -> None:
    """Every shard can be exported."""


def _no_files(files: Mapping[str, FileEntry], tokenizer: bytes, options: Any) -> dict[str, bytes]:
    return {}


@dataclass(frozen=True, kw_only=True)
class TokenFormat(Generic[Options]):
    """Token files of another trainer.

    name         in `--format`
    grouping     which shards share files: all of a split, all of a source, each its own, or neighbours up to `file_tokens`
    names        a group's files, relative to the export's folder
    write        local paths of those files, the documents in order, what the shards say -> the files
    count        local paths of those files, what the shards say -> what is in them, read back
    check        raises ConfigError for shards that the format cannot hold
    finish       all files with their entries, the tokenizer.json -> small files that describe the rest, by name
    options      the type of its options
    settle       options, what the shards say -> options with the defaults that the shards decide
    file_tokens  with `grouping="tokens"`: the tokens that a file should have
    """

    name: str
    grouping: Grouping
    names: Callable[[Group, Options], list[str]]
    write: Callable[[Sequence[str], Documents, ShardInfo, Options], None]
    count: Callable[[Sequence[str], ShardInfo, Options], Counts]
    check: Callable[[ShardInfo], None] = _no_check
    finish: Callable[[Mapping[str, FileEntry], bytes, Options], dict[str, bytes]] = _no_files
    options: type[Options] = ExportOptions  # type: ignore[assignment]
    settle: Callable[[Options, ShardInfo], Options] = lambda options, info: options
    file_tokens: Callable[[Options], int] = lambda options: sys.maxsize

    content = "tokens"


Write = Callable[[pa.RecordBatch], None]


@dataclass(frozen=True, kw_only=True)
class DocumentFormat(Generic[Options]):
    """Files of documents, batches of `transforms.export.documents.export_schema`.

    name     in `--format`
    suffix   of a file's name
    open     a local path, the options, the schema of the batches if they have more columns -> a context that gives what writes a batch
    count    a path -> its documents, read back
    options  the type of its options
    """

    name: str
    suffix: Callable[[Options], str]
    open: Callable[..., AbstractContextManager[Write]]
    count: Callable[[str], int]
    options: type[Options] = ExportOptions  # type: ignore[assignment]

    content = "documents"
