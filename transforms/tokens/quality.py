"""How well a tokenizer serves a corpus: bytes a token, which of its tokens are used, and whether it gives back every text."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

_CHARACTERS = 1 << 22


class Measured(NamedTuple):
    """n texts: their UTF-8 bytes and tokens, int64 (n,), whether decoding gives them back, bool (n,), and uses of each id, int64 (ids,)."""

    bytes: np.ndarray
    tokens: np.ndarray
    restored: np.ndarray
    uses: np.ndarray


def measure_texts(tokenizer: Tokenizer, texts: list[str]) -> Measured:
    """Encodes and decodes texts with a tokenizer that reads special tokens in text as characters (`load_tokenizer`)."""
    tokens: list[int] = []
    restored: list[bool] = []
    uses = np.zeros(id_count(tokenizer), np.int64)
    for block in _blocks(texts):
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(block, add_special_tokens=False)]
        tokens += map(len, ids)
        decoded = tokenizer.decode_batch(ids, skip_special_tokens=False)
        restored += (text == again for text, again in zip(block, decoded, strict=True))
        uses += np.bincount(np.fromiter((number for each in ids for number in each), np.int64), minlength=len(uses))
    sizes = [len(text.encode()) for text in texts]
    return Measured(np.array(sizes, np.int64), np.array(tokens, np.int64), np.array(restored, bool), uses)


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
