"""The contract of a token shard: one Arrow IPC file, uncompressed, memory-mappable.

A row holds T + 1 tokens: positions 0..T-1 are inputs, position p predicts the token at p + 1. A
document's stream is `[EOT] + tokens + [EOT]`; a row's `segments` say which stretch of which
document's stream lies where:

    start         first position of the stretch in the row
    length        how many of the document's tokens lie there (its closing EOT is not counted)
    document      address of the document (`transforms.contracts.addresses`)
    token_offset  index of the stretch's first token in the document's stream (0 is the opening EOT)
    ends          True: the stretch ends its document, and the token at start + length is its
                  closing EOT

So the target of position p is the document's true next token exactly when `start <= p < start +
length - 1`, or when `p == start + length - 1` and `ends`; every other target (after a cut, in
padding) is masked. The closing EOT of one document may serve as the opening EOT of the next.
Positions in no segment are separators or padding and hold EOT.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.errors import UserError
from transforms.tokens.pack import PackedRows

FORMAT_VERSION = 1
ROWS_A_BATCH = 1024
_PREFIX = "tokenmill."
_SEGMENT_BYTES = 25
_ROW_BYTES = 8  # its offset into the segments, and `bytes`
_READERS: dict[object, Callable[[str], int | str]] = {int: int, str: str}

SEGMENT_TYPE = pa.struct(
    [
        pa.field("start", pa.int32(), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
        pa.field("document", pa.uint64(), nullable=False),
        pa.field("token_offset", pa.int64(), nullable=False),
        pa.field("ends", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class ShardInfo:
    """What a shard says of itself in its schema metadata."""

    format_version: int = FORMAT_VERSION
    tokenizer_sha256: str
    vocabulary_size: int
    end_of_text: int
    sequence_length: int
    packing: str
    source: str
    split: str
    seed: int

    @property
    def token_type(self) -> pa.DataType:
        """uint16 while every id fits, else uint32."""
        return token_type(self.vocabulary_size)

    @property
    def token_dtype(self) -> np.dtype:
        """`token_type` in numpy, native byte order.

        Arrow's own `to_pandas_dtype` imports pandas, which a bare installation lacks.
        """
        return np.dtype(f"u{self.token_type.bit_width // 8}")

    def schema(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(
                    "tokens",
                    pa.list_(
                        pa.field("item", self.token_type, nullable=False), self.sequence_length + 1
                    ),
                    nullable=False,
                ),
                pa.field(
                    "segments",
                    pa.list_(pa.field("item", SEGMENT_TYPE, nullable=False)),
                    nullable=False,
                ),
                pa.field("bytes", pa.int32(), nullable=False),
            ],
            metadata={
                f"{_PREFIX}{field.name}": str(getattr(self, field.name)) for field in fields(self)
            },
        )

    @classmethod
    def from_schema(cls, schema: pa.Schema, *, path: str) -> "ShardInfo":
        """Reads the metadata back.

        Raises UserError when the file is no shard, or one of another format version.
        """
        metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        try:
            values: dict[str, Any] = {
                field.name: _READERS[field.type](metadata[_PREFIX + field.name])
                for field in fields(cls)
            }
        except KeyError as error:
            raise UserError(
                f"not a token shard: schema metadata {error.args[0]!r} is missing",
                where=path,
                remedy="name a file of RUN/shards",
            ) from error
        if values["format_version"] != FORMAT_VERSION:
            raise UserError(
                f"shard format {values['format_version']} "
                f"is not the one this version reads ({FORMAT_VERSION})",
                where=path,
                remedy="make the shards again, or use the tokenmill version that wrote them",
            )
        return cls(**values)


def token_type(vocabulary_size: int) -> pa.DataType:
    """The type of ids of a vocabulary: uint16 while every id fits, else uint32."""
    return pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()


def estimated_bytes(
    tokens: float, documents: int, *, sequence_length: int, vocabulary_size: int
) -> int:
    """About how large a shard of so many tokens and documents is, if little of it is padding."""
    rows = tokens / sequence_length
    token_bytes = token_type(vocabulary_size).bit_width // 8
    return int(
        rows * ((sequence_length + 1) * token_bytes + _ROW_BYTES)
        + (rows + documents) * _SEGMENT_BYTES
    )


@dataclass(frozen=True)
class MappedShard:
    """A shard mapped into memory: nothing is read until a row is."""

    path: str
    info: ShardInfo
    table: pa.Table

    def __len__(self) -> int:
        return self.table.num_rows

    def token_chunks(self) -> Iterator[np.ndarray]:
        """Zero-copy (rows, T + 1) arrays, one a record batch, in row order."""
        for chunk in self.table.column("tokens").chunks:
            width = self.info.sequence_length + 1
            values = chunk.values.slice(chunk.offset * width, len(chunk) * width)
            yield values.to_numpy(zero_copy_only=True).reshape(len(chunk), width)


def open_shard(path: str) -> MappedShard:
    """Maps a local shard.

    Raises UserError for a file that is cut off, is no Arrow file, or is no token shard.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(path)).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"cannot read shard: {error}",
            where=path,
            remedy="make the shards again, or restore the file",
        ) from error
    return MappedShard(path, ShardInfo.from_schema(table.schema, path=path), table)


class ShardWriter:
    """Writes a local shard, some packed rows at a time; a context manager.

    The file is whole when the block has ended.
    """

    def __init__(self, path: str, info: ShardInfo):
        self._schema = info.schema()
        self._sink = pa.OSFile(path, "wb")
        self._writer = pa.ipc.new_file(self._sink, self._schema)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.close()
        self._sink.close()

    def write(self, packed: PackedRows, addresses: np.ndarray) -> None:
        """`addresses`: uint64 (documents,), what `segments.document` says for each document."""
        for first in range(0, len(packed.tokens), ROWS_A_BATCH):
            last = min(first + ROWS_A_BATCH, len(packed.tokens))
            self._writer.write_batch(_rows_batch(packed, addresses, self._schema, first, last))


def _rows_batch(
    packed: PackedRows, addresses: np.ndarray, schema: pa.Schema, first: int, last: int
) -> pa.RecordBatch:
    token_type = schema.field("tokens").type
    flat = pa.array(packed.tokens[first:last].reshape(-1), token_type.value_type)
    begin, end = int(packed.segment_offsets[first]), int(packed.segment_offsets[last])
    piece = packed.piece[begin:end]
    segments = pa.StructArray.from_arrays(
        [
            pa.array(packed.start[begin:end]),
            pa.array(packed.pieces.length[piece].astype(np.int32)),
            pa.array(addresses[packed.pieces.document[piece]]),
            pa.array(packed.pieces.offset[piece]),
            pa.array(packed.pieces.ends[piece]),
        ],
        fields=list(SEGMENT_TYPE),
    )
    columns = [
        pa.FixedSizeListArray.from_arrays(flat, type=token_type),
        pa.ListArray.from_arrays(
            packed.segment_offsets[first : last + 1] - begin,
            segments,
            type=schema.field("segments").type,
        ),
        pa.array(packed.bytes[first:last]),
    ]
    return pa.record_batch(columns, schema=schema)
