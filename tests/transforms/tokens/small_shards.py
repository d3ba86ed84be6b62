"""Small shards on disk, packed from made-up documents."""

from pathlib import Path

import numpy as np

from transforms.contracts.addresses import pack_address
from transforms.tokens.encode import Encoded
from transforms.tokens.shards import MappedShard, ShardInfo, ShardWriter, open_shard
from transforms.tokens.windows import pack_checked

VOCABULARY = 100
TOKEN_BYTES = np.array([0] + [index % 5 + 1 for index in range(1, VOCABULARY)], np.int32)


def write_small_shard(
    path: Path, documents: list[list[int]], *, sequence_length: int = 16, seed: int = 1
) -> MappedShard:
    """Documents of tokens from 1 to 99, at the addresses 7:0, 7:1, …; the end of text is 0."""
    offsets = np.concatenate(
        [[0], np.cumsum([len(document) for document in documents], dtype=np.int64)]
    ).astype(np.int64)
    encoded = Encoded(
        np.array([token for document in documents for token in document], np.uint32), offsets
    )
    info = ShardInfo(
        tokenizer_sha256="x",
        vocabulary_size=VOCABULARY,
        end_of_text=0,
        sequence_length=sequence_length,
        packing="best-fit",
        source="s",
        split="train",
        seed=seed,
    )
    with ShardWriter(str(path), info) as writer:
        packed = pack_checked(encoded, info, token_bytes=TOKEN_BYTES, seed=seed)
        writer.write(packed, pack_address(7, np.arange(len(documents))))
    return open_shard(str(path))
