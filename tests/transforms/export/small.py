"""Documents of made-up tokens as shards, for tests of what reads shards."""

from pathlib import Path

import numpy as np

from tests.training.small_shards import small_info
from transforms.contracts.addresses import pack_address
from transforms.tokens.encode import Encoded
from transforms.tokens.shards import MappedShard, ShardWriter, open_shard
from transforms.tokens.windows import pack_checked

END_OF_TEXT = 0
NARROW, WIDE = 50_000, 100_000
"""Vocabularies of uint16 and of uint32 tokens."""


def write_documents(
    folder: Path, documents: list[list[int]], *, vocabulary: int = NARROW, sequence_length: int = 8
) -> MappedShard:
    """Pack and write documents with the real packer; addresses are 3, 2 ** 32 + 3, ..."""
    offsets = np.cumsum([0, *map(len, documents)])
    encoded = Encoded(
        np.array([token for document in documents for token in document], np.uint32), offsets
    )
    info = small_info(vocabulary_size=vocabulary, sequence_length=sequence_length)
    path = str(folder / "shard.arrow")
    with ShardWriter(path, info) as writer:
        writer.write(
            pack_checked(encoded, info, token_bytes=np.ones(vocabulary, np.int32), seed=1),
            addresses(documents),
        )
    return open_shard(path)


def addresses(documents: list[list[int]]) -> np.ndarray:
    return np.array([pack_address(part, 3) for part in range(len(documents))], np.uint64)
