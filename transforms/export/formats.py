"""The definition of an export format: how shards or parts become files, and how these are counted.

A format is one file of this package, which ends with its format, and one line of
`transforms.export.registry`.
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
    """The options of a format.

    A format with options has a subclass, whose fields have defaults and descriptions.
    """


Options = TypeVar("Options", bound=ExportOptions)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Shards of one split that become one set of files.

    source     the source of all of them; empty when they may be of several
    index      the number of the group among those of its split and source
    positions  the most tokens of its files, end-of-text tokens included
    """

    split: str
    source: str
    index: int
    positions: int


class Counts(NamedTuple):
    """Documents and tokens; tokens include an end-of-text per document, and no padding."""

    documents: int
    tokens: int


Documents = Iterator[TokenDocuments]


def _no_check(info: ShardInfo) -> None:
    """Every shard can be exported."""


def _no_files(files: Mapping[str, FileEntry], tokenizer: bytes, options: Any) -> dict[str, bytes]:
    return {}


@dataclass(frozen=True, kw_only=True)
class TokenFormat(Generic[Options]):
    """A format of token files for other trainers.

    name         its name in `--format`
    grouping     the shards that share files: those of a split, those of a source, each separately,
                 or consecutive ones up to `file_tokens`
    names        the files of a group, relative to the folder of the export
    write        writes files: local paths, the documents in order, the shards' info
    count        counts files by reading them: local paths, the shards' info -> counts
    check        raises ConfigError for shards that the format cannot hold
    finish       all files with their entries, the tokenizer.json -> small descriptive files by name
    options      the type of its options
    settle       options, the shards' info -> options with the defaults that depend on the shards
    file_tokens  with `grouping="tokens"`: the target number of tokens of a file
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
    """A format of document files, from batches of `transforms.export.documents.export_schema`.

    name     its name in `--format`
    suffix   the suffix of file names
    open     a local path, the options, the schema of the batches if they have more columns -> a
             context manager whose value writes a batch
    count    counts the documents of a file by reading it
    options  the type of its options
    """

    name: str
    suffix: Callable[[Options], str]
    open: Callable[..., AbstractContextManager[Write]]
    count: Callable[[str], int]
    options: type[Options] = ExportOptions  # type: ignore[assignment]

    content = "documents"
