"""How well a tokenizer fits a corpus: bytes per token, tokens used, texts restored by decoding."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from transforms.tokens.encoders import Encoder

_CHARACTERS = 1 << 22


class Measured(NamedTuple):
    """Measurements of n texts.

    bytes, tokens  int64 (n,), UTF-8 bytes and tokens of each text
    restored       bool (n,), whether decoding gives the text back
    uses           int64 (ids,), how often each id occurs
    """

    bytes: np.ndarray
    tokens: np.ndarray
    restored: np.ndarray
    uses: np.ndarray


def measure_texts(tokenizer: Tokenizer, texts: list[str], *, encode: Encoder) -> Measured:
    """Encodes texts as shards are encoded, and decodes them with the tokenizer itself."""
    tokens = [np.zeros(0, np.int64)]
    restored: list[bool] = []
    uses = np.zeros(id_count(tokenizer), np.int64)
    for block in _blocks(texts):
        encoded = encode(block)
        tokens.append(np.diff(encoded.offsets))
        ids = np.split(encoded.ids, encoded.offsets[1:-1])
        decoded = tokenizer.decode_batch([each.tolist() for each in ids], skip_special_tokens=False)
        restored += (text == again for text, again in zip(block, decoded, strict=True))
        uses += np.bincount(encoded.ids, minlength=len(uses))
    sizes = [len(text.encode()) for text in texts]
    return Measured(
        np.array(sizes, np.int64), np.concatenate(tokens), np.array(restored, bool), uses
    )


def id_count(tokenizer: Tokenizer) -> int:
    """One more than the largest id: the rows of an embedding.

    More than the number of tokens where ids are unused.
    """
    return max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1


def _blocks(texts: list[str]) -> Iterator[list[str]]:
    """The texts in lists of at most `_CHARACTERS` characters; a longer text is alone."""
    block: list[str] = []
    room = _CHARACTERS
    for text in texts:
        if block and len(text) > room:
            yield block
            block, room = [], _CHARACTERS
        block.append(text)
        room -= len(text)
    if block:
        yield block
