"""Tokenizers, encoding, packing, and token shards as files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.tokens.decode import TokenBytes, token_bytes
    from transforms.tokens.encode import (
        Encoded,
        encode_texts,
        end_of_text_id,
        load_tokenizer,
        token_byte_lengths,
    )
    from transforms.tokens.encoders import choose_encoder
    from transforms.tokens.merges import Merges, learn_merges
    from transforms.tokens.pack import PackedRows, pack_documents
    from transforms.tokens.patterns import PATTERNS
    from transforms.tokens.pretokens import count_pretokens, merge_counts
    from transforms.tokens.rows import Segments, read_segments, target_mask
    from transforms.tokens.shards import MappedShard, ShardInfo, ShardWriter, open_shard
    from transforms.tokens.train import (
        END_OF_TEXT,
        tokenizer_bytes,
        tokenizer_sha256,
        train_tokenizer,
    )
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".decode": "TokenBytes token_bytes",
            ".encode": "Encoded encode_texts end_of_text_id load_tokenizer token_byte_lengths",
            ".encoders": "choose_encoder",
            ".merges": "Merges learn_merges",
            ".pack": "PackedRows pack_documents",
            ".patterns": "PATTERNS",
            ".pretokens": "count_pretokens merge_counts",
            ".rows": "Segments read_segments target_mask",
            ".shards": "MappedShard ShardInfo ShardWriter open_shard",
            ".train": "END_OF_TEXT tokenizer_bytes tokenizer_sha256 train_tokenizer",
        },
    )

__all__ = [
    "END_OF_TEXT",
    "PATTERNS",
    "Encoded",
    "MappedShard",
    "Merges",
    "PackedRows",
    "Segments",
    "ShardInfo",
    "ShardWriter",
    "TokenBytes",
    "choose_encoder",
    "count_pretokens",
    "encode_texts",
    "end_of_text_id",
    "learn_merges",
    "load_tokenizer",
    "merge_counts",
    "open_shard",
    "pack_documents",
    "read_segments",
    "target_mask",
    "token_byte_lengths",
    "token_bytes",
    "tokenizer_bytes",
    "tokenizer_sha256",
    "train_tokenizer",
]
