"""Compares the ids of tiktoken with those of `tokenizers` on all text of the data folder and every code point.

    python -m tests.bench.same_ids [--vocabularies 4096,32768] [--patterns gpt2,gpt4,o200k,split-digits]

Four patterns with two vocabularies each, learned from a part of the same text. Web pages come with their markup. Ends with 1 if an id
differs.
"""

import argparse
import sys

import numpy as np
from rich.console import Console

from pipeline.terminal import figures_table
from tests.conftest import DATA
from tests.transforms.tokens.test_encoders import (
    PATTERNS,
    byte_level,
    character_texts,
    real_texts,
    sampled,
    trained,
)
from transforms.tokens.encode import encode_texts, load_tokenizer
from transforms.tokens.encoders import choose_encoder

BATCH = 256


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vocabularies", default="4096,32768")
    parser.add_argument("--patterns", default=",".join(PATTERNS))
    options = parser.parse_args()
    texts = list(real_texts(DATA))
    learned_from = sampled(iter(texts), 30_000)
    texts += character_texts(1)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    table = figures_table(
        "pattern", "vocabulary", "encoder", "texts", "MB", "tokens", "texts with other ids"
    )
    others = 0
    for name in options.patterns.split(","):
        for size in map(int, options.vocabularies.split(",")):
            data = trained(
                learned_from, size, byte_level(None if name == "gpt2" else PATTERNS[name])
            )
            tokenizer = load_tokenizer(data, path=name)
            encode, library, _ = choose_encoder(data, tokenizer, sample=learned_from[:20])
            tokens = different = 0
            for start in range(0, len(texts), BATCH):
                batch = texts[start : start + BATCH]
                found, expected = encode(batch), encode_texts(tokenizer, batch)
                tokens += len(expected.ids)
                if not (
                    np.array_equal(found.ids, expected.ids)
                    and np.array_equal(found.offsets, expected.offsets)
                ):
                    different += sum(
                        not np.array_equal(encode([text]).ids, encode_texts(tokenizer, [text]).ids)
                        for text in batch
                    )
            others += different
            figures = (
                f"{tokenizer.get_vocab_size():,}",
                library,
                f"{len(texts):,}",
                f"{megabytes:.1f}",
                f"{tokens:,}",
                f"{different:,}",
            )
            table.add_row(name, *figures)
    Console(width=110).print(table)
    return int(others > 0)


if __name__ == "__main__":
    sys.exit(main())
