"""How well a tokenizer serves a corpus: bytes a token, which of its tokens are used, and whether it gives back every text."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from transforms.tokens.encoders import Encoder

_CHARACTERS = 1 << 22


class Measured(NamedTuple):
    """n texts: their UTF-8 bytes and tokens, int64 (n,), whether decoding gives them back, bool (n,), and uses of each id, int64 (ids,)."""

    bytes: np.ndarray
    tokens: np.ndarray
    restored: np.ndarray
    uses: np.ndarray


def measure_texts(tokenizer: Tokenizer, texts: list[str], *, encode: Encoder) -> Measured:
    """Encodes texts as shards are encoded, and decodes them with the tokenizer itself, as its users will."""
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
    return Measured(np.array(sizes, np.int64), np.concatenate(tokens), np.array(restored, bool), uses)


def id_count(tokenizer: Tokenizer) -> int:
    """One more than the largest id: what an embedding needs, and more than the tokens where ids are left out."""
    return max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1


def _blocks(texts: list[str]) -> Iterator[list[str]]:
    """The texts in lists of at most so many characters, or of one text."""
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
