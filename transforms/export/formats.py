"""What an export format is: how shards or parts become files, which files, and how to count what is in them.

A format is one file of this package and one line of `transforms.export.registry`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pyarrow as pa

from transforms.contracts.manifest import FileEntry
from transforms.export.streams import TokenDocuments
from transforms.tokens.shards import ShardInfo

Grouping = Literal["split", "source", "shard", "tokens"]


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What a user may choose; each option belongs to one format.

    file_tokens      llmc: aim for the tokens of a file
    sequence_length  mds: tokens of a sample
    compression      jsonl: gzip, zstd or none
    """

    file_tokens: int = 100_000_000
    sequence_length: int = 0
    compression: str = "gzip"


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


@dataclass(frozen=True, kw_only=True)
class TokenFormat:
    """A trainer's token files.

    grouping  which shards share files: all of a split, all of a source, each its own, or neighbours up to `file_tokens`
    names     a group's files, relative to the export's folder
    write     local paths of those files, the documents in order, what the shards say -> the files
    count     local paths of those files, what the shards say -> what is in them, read back
    check     raises ConfigError for shards that the format cannot hold
    finish    all files with their entries, the tokenizer.json -> small files that describe the rest, by name
    options   the fields of ExportOptions that it has
    """

    grouping: Grouping
    names: Callable[[Group, ExportOptions], list[str]]
    write: Callable[[Sequence[str], Documents, ShardInfo, ExportOptions], None]
    count: Callable[[Sequence[str], ShardInfo, ExportOptions], Counts]
    check: Callable[[ShardInfo], None] = lambda info: None
    finish: Callable[[Mapping[str, FileEntry], bytes, ExportOptions], dict[str, bytes]] = lambda files, tokenizer, options: {}
    options: tuple[str, ...] = ()


Write = Callable[[pa.RecordBatch], None]


@dataclass(frozen=True, kw_only=True)
class DocumentFormat:
    """Files of documents, batches of `transforms.export.document_columns.export_schema`.

    suffix   of a file's name
    open     a local path, the options, the schema of the batches if they have more columns -> a context that gives what writes a batch
    count    a path -> its documents, read back
    """

    suffix: Callable[[ExportOptions], str]
    open: Callable[..., AbstractContextManager[Write]]
    count: Callable[[str], int]
    options: tuple[str, ...] = ()
