"""Small shards of a synthetic language, packed here by the contract, without the pipeline."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from training.data import Rows
from transforms.contracts.manifest import FileEntry, Manifest, sha256_of, write_manifest
from transforms.tokens.shards import ShardInfo

END_OF_TEXT = 0
SEQUENCE_LENGTH = 48
_ENDINGS = {
    "web": "quickly over the lazy dog",
    "books": "and so, he said, we beat on",
    "news": "— reports say £5m, naïve ☕",
}


def sentences(source: str, *, count: int, seed: int) -> list[str]:
    """Documents of 1 to 60 words with an order to learn.

    A word is mostly followed by the next one in the word list of its source.
    """
    words = f"a small {source} text goes on here {_ENDINGS[source]}".split()
    draw = random.Random(f"{source} {seed}")
    documents = []
    for _ in range(count):
        at, text = draw.randrange(len(words)), []
        for _ in range(draw.choice((1, 5, 20, 60))):
            text.append(words[at])
            at = (at + 1) % len(words) if draw.random() < 0.9 else draw.randrange(len(words))
        documents.append(" ".join(text))
    return documents


@dataclass
class Row:
    """One row as Python lists, as a packer would build it."""

    tokens: list[int]
    segments: list[dict[str, int | bool]]
    bytes: int


def pack(
    documents: list[list[int]],
    *,
    length: int,
    token_bytes: Callable[[int], int],
    longest: int = 1 << 30,
) -> list[Row]:
    """Pack documents into rows of length + 1 tokens; cuts overlap by one token.

    The closing EOT of a document is the opening one of the next, except after every third, where a
    separator stands between them. Every fifth document starts a new row, which gives padding. A
    piece of a document has at most `longest` tokens, at least 2, which gives cuts inside rows.
    """
    rows: list[Row] = []
    row = Row([], [], 0)

    def close() -> None:
        nonlocal row
        if row.segments:
            row.tokens += [END_OF_TEXT] * (length + 1 - len(row.tokens))
            rows.append(row)
        row = Row([], [], 0)

    for number, tokens in enumerate(documents):
        stream, offset = [END_OF_TEXT, *tokens], 0
        if number % 5 == 4 or len(row.tokens) > length - 2:
            close()
        start = len(row.tokens)
        if row.segments and row.segments[-1]["ends"] and number % 3:
            start -= 1
            row.tokens.pop()
        while True:
            taken = stream[offset : offset + min(length + 1 - start, longest)]
            ends = offset + len(taken) == len(stream) and start + len(taken) <= length
            row.tokens += taken + [END_OF_TEXT] * ends
            row.segments.append(
                {
                    "start": start,
                    "length": len(taken),
                    "document": number,
                    "token_offset": offset,
                    "ends": ends,
                }
            )
            row.bytes += sum(token_bytes(token) for token in taken[1:])
            if ends:
                break
            offset += len(taken) - 1
            if len(row.tokens) > length - 1:
                close()
            start = len(row.tokens)
    close()
    return rows


def rows_of(packed: list[Row], length: int) -> Rows:
    """Rows of the packer as the reader gives them."""
    segments = [(index, segment) for index, row in enumerate(packed) for segment in row.segments]
    return Rows(
        tokens=np.array([row.tokens for row in packed], dtype=np.int64).reshape(
            len(packed), length + 1
        ),
        bytes=np.array([row.bytes for row in packed], dtype=np.int64),
        segment_row=np.array([index for index, _ in segments], dtype=np.int64),
        start=np.array([segment["start"] for _, segment in segments], dtype=np.int64),
        length=np.array([segment["length"] for _, segment in segments], dtype=np.int64),
        ends=np.array([segment["ends"] for _, segment in segments], dtype=bool),
    )


def write_shard(path: Path, rows: list[Row], info: ShardInfo) -> None:
    schema = info.schema()
    columns = [
        pa.FixedSizeListArray.from_arrays(
            pa.array(
                np.array([row.tokens for row in rows], dtype=np.uint32).reshape(-1),
                type=info.token_type,
            ),
            type=schema.field("tokens").type,
        ),
        pa.array([row.segments for row in rows], type=schema.field("segments").type),
        pa.array([row.bytes for row in rows], type=pa.int32()),
    ]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        for begin in range(0, len(rows), 7):  # several record batches, as a real writer makes
            writer.write_batch(batch.slice(begin, 7))


def write_shards(
    folder: Path,
    splits: dict[tuple[str, str], list[Row]],
    info: ShardInfo,
    *,
    shards: int = 2,
    fingerprint: str = "f" * 64,
) -> str:
    """Write {(split, source): rows} as a finished folder of shards.

    Each source of a split has `shards` files; rows are assigned to them in turn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for (split, source), rows in splits.items():
        for number in range(shards):
            name = f"{split}-{source}-{number:05d}-of-{shards:05d}.arrow"
            mine = rows[number::shards]
            write_shard(folder / name, mine, replace(info, source=source, split=split))
            files[name] = FileEntry(
                rows=len(mine),
                bytes=os.path.getsize(folder / name),
                sha256=sha256_of(str(folder / name)),
            )
    finish(folder, files, fingerprint=fingerprint)
    return str(folder)


def finish(folder: Path, files: dict[str, FileEntry], *, fingerprint: str = "f" * 64) -> None:
    write_manifest(
        str(folder),
        Manifest(
            stage="shards",
            fingerprint=fingerprint,
            upstream="",
            configuration={},
            files=files,
            counters={},
            versions={},
            seconds=0.0,
            cpu_seconds=0.0,
        ),
    )


def small_info(
    tokenizer_sha256: str = "0" * 64, *, vocabulary_size: int = 50, sequence_length: int = 16
) -> ShardInfo:
    return ShardInfo(
        tokenizer_sha256=tokenizer_sha256,
        vocabulary_size=vocabulary_size,
        end_of_text=END_OF_TEXT,
        sequence_length=sequence_length,
        packing="concat",
        source="web",
        split="train",
        seed=0,
    )
