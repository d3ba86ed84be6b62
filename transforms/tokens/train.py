"""Learning a byte-level BPE vocabulary with the reference trainer of the `tokenizers` library."""

import hashlib
import json
from collections.abc import Iterator

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"
SPLIT_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How text is cut before merging: the pattern of cl100k_base (OpenAI tiktoken, 2022)."""


def train_tokenizer(texts: Iterator[str], *, vocabulary: int, minimum_frequency: int) -> Tokenizer:
    """Learns at most `vocabulary` tokens, the end of text (id 0) and the 256 bytes included. Equal texts in order give equal bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=minimum_frequency,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tokenizer_files(tokenizer: Tokenizer, *, sequence_length: int) -> dict[str, bytes]:
    """The files of a Hugging Face tokenizer folder by name."""
    return {
        "tokenizer.json": tokenizer.to_str(pretty=True).encode(),
        "tokenizer_config.json": _json(
            {
                "bos_token": END_OF_TEXT,
                "clean_up_tokenization_spaces": False,
                "eos_token": END_OF_TEXT,
                "model_max_length": sequence_length,
                "tokenizer_class": "PreTrainedTokenizerFast",
                "unk_token": None,
            }
        ),
        "special_tokens_map.json": _json({"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT}),
    }


def tokenizer_sha256(data: bytes) -> str:
    """How shards and models name their tokenizer: the sha256 of the bytes of its tokenizer.json."""
    return hashlib.sha256(data).hexdigest()


def _json(values: dict[str, object]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()
