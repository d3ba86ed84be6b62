"""Text -> token ids, a batch at a time."""

from typing import NamedTuple

import numpy as np
from tokenizers import Tokenizer

from transforms.arrays import lengths_of, to_offsets
from transforms.errors import UserError
from transforms.tokens.train import END_OF_TEXT


class Encoded(NamedTuple):
    """n documents: all their ids, uint32 (tokens,), and offsets into them, int64 (n + 1,)."""

    ids: np.ndarray
    offsets: np.ndarray


def load_tokenizer(data: bytes, *, path: str, end_of_text: str | None = END_OF_TEXT) -> Tokenizer:
    """Loads a tokenizer.json as a tokenizer that encodes special tokens in text as text.

    It has no dropout, and neither truncates nor pads. Raises UserError when it is no tokenizer or
    has no token `end_of_text`, unless that is None.
    """
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # the library raises bare Exception
        raise UserError(
            f"not a tokenizer: {error}", where=path, remedy="name a Hugging Face tokenizer.json"
        ) from error
    if end_of_text is not None and tokenizer.token_to_id(end_of_text) is None:
        remedy = (
            "name its end-of-text token in tokenizer.end_of_text, "
            "or train one with `tokenmill vocabulary`"
        )
        raise UserError(f"the tokenizer has no {end_of_text} token", where=path, remedy=remedy)
    tokenizer.encode_special_tokens = True
    # A file may ask for truncation and padding, which would change the text.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None  # random: results must be reproducible
    return tokenizer


def end_of_text_id(tokenizer: Tokenizer, end_of_text: str = END_OF_TEXT) -> int:
    """The id of the end-of-text token of a tokenizer of `load_tokenizer`."""
    number = tokenizer.token_to_id(end_of_text)
    assert number is not None
    return number


def encode_texts(tokenizer: Tokenizer, texts: list[str]) -> Encoded:
    """n texts -> their ids.

    Text that spells a special token is encoded as text: no document can forge an end of text.
    """
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    ids = [np.array(encoding.ids, np.uint32) for encoding in encodings]
    return Encoded(
        np.concatenate(ids) if ids else np.zeros(0, np.uint32), to_offsets(lengths_of(ids))
    )


def token_byte_lengths(tokenizer: Tokenizer) -> np.ndarray:
    """UTF-8 bytes that each token stands for: int32 (vocabulary,), 0 for special tokens.

    A byte-level vocabulary spells each byte as one character, so a token's length is its number of
    bytes. Tokens that were added without being special, such as runs of spaces, are spelled as they
    are.
    """
    lengths = np.zeros(tokenizer.get_vocab_size(with_added_tokens=True), np.int32)
    for token, number in tokenizer.get_vocab(with_added_tokens=True).items():
        lengths[number] = len(token)
    for number, added in tokenizer.get_added_tokens_decoder().items():
        lengths[number] = 0 if added.special else len(added.content.encode())
    return lengths
