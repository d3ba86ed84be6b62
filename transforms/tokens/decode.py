"""Token ids -> the bytes that they stand for, many at a time, for byte-level vocabularies."""

import json
from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from transforms.arrays import join_ranges, lengths_of, to_offsets


class TokenBytes(NamedTuple):
    """The bytes of a whole vocabulary.

    Those of token i are `data[starts[i] : starts[i] + lengths[i]]`; uint8, int64, int64.
    """

    data: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def of(self, token: int) -> bytes:
        start = int(self.starts[token])
        return self.data[start : start + int(self.lengths[token])].tobytes()


def byte_alphabet() -> dict[str, int]:
    """The characters that stand for bytes in a byte-level vocabulary: character -> byte.

    After GPT-2 (Radford et al. 2019), `bytes_to_unicode`.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {
        chr(256 + number): byte for number, byte in enumerate(others)
    }


def token_bytes(tokenizer: Tokenizer) -> TokenBytes | None:
    """The bytes of every token; special tokens have none.

    None for a tokenizer that is not byte-level, or that changes text before it is cut.
    """
    settings = json.loads(tokenizer.to_str())
    if (settings.get("decoder") or {}).get("type") != "ByteLevel" or settings.get(
        "normalizer"
    ) is not None:
        return None
    alphabet = byte_alphabet()
    spelled = [b""] * tokenizer.get_vocab_size(with_added_tokens=True)
    for token, number in tokenizer.get_vocab(with_added_tokens=False).items():
        if not all(character in alphabet for character in token):
            return None
        spelled[number] = bytes(alphabet[character] for character in token)
    for number, added in tokenizer.get_added_tokens_decoder().items():
        spelled[number] = b"" if added.special else added.content.encode()
    lengths = lengths_of(spelled)
    return TokenBytes(np.frombuffer(b"".join(spelled), np.uint8), to_offsets(lengths)[:-1], lengths)


def join_bytes(ids: np.ndarray, table: TokenBytes) -> tuple[np.ndarray, np.ndarray]:
    """n ids -> their bytes, uint8 (bytes,), and where each token ends in them, int64 (n,)."""
    lengths = table.lengths[ids]
    return table.data[join_ranges(table.starts[ids], lengths)], np.cumsum(lengths)


def printable_token(token: int, tokenizer: Tokenizer, table: TokenBytes | None) -> str:
    """A token as a person reads it: quoted, or in hex where it is no whole character.

    A special token is not quoted.
    """
    added = tokenizer.get_added_tokens_decoder().get(token)
    if added is not None and added.special:
        return added.content
    if table is None:
        return repr(tokenizer.decode([token]))
    octets = table.of(token)
    try:
        return repr(octets.decode())
    except UnicodeDecodeError:
        return " ".join(f"0x{octet:02X}" for octet in octets)
