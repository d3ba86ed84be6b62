"""Tokens as bytes: those of a byte-level tokenizer, and none for other tokenizers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from transforms.tokens.decode import byte_alphabet, join_bytes, printable_token, token_bytes
from transforms.tokens.encode import encode_texts, load_tokenizer, token_byte_lengths
from transforms.tokens.train import train_tokenizer


def trained() -> Tokenizer:
    tokenizer = train_tokenizer(
        iter(["the river rose in the night über den Fluß 夜里河水 " * 9]),
        vocabulary=300,
        minimum_frequency=2,
    )
    return load_tokenizer(tokenizer.to_str().encode(), path="here")


TOKENIZER = trained()


def test_the_alphabet_is_that_of_the_library() -> None:
    assert set(byte_alphabet()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_alphabet().values()) == list(range(256))


@given(st.lists(st.text(max_size=40), max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_bytes_of_a_text_come_back(texts: list[str]) -> None:
    table = token_bytes(TOKENIZER)
    assert table is not None
    encoded = encode_texts(TOKENIZER, texts)
    data, ends = join_bytes(encoded.ids, table)
    assert data.tobytes() == "".join(texts).encode()
    stops = np.concatenate([[0], ends])[encoded.offsets]
    assert [data[start:end].tobytes().decode() for start, end in itertools.pairwise(stops)] == texts


def test_lengths_are_those_that_shards_count_with() -> None:
    table = token_bytes(TOKENIZER)
    assert table is not None
    assert table.lengths.tolist() == token_byte_lengths(TOKENIZER).tolist()


def test_a_tokenizer_that_changes_text_or_has_no_bytes_has_none() -> None:
    changing = Tokenizer.from_str(TOKENIZER.to_str())
    changing.normalizer = normalizers.Lowercase()
    assert token_bytes(changing) is None
    words = Tokenizer(models.WordLevel({"a": 0}, "a"))
    assert token_bytes(words) is None
    words.decoder = decoders.ByteLevel()
    words.add_tokens(["é b"])
    assert token_bytes(words) is not None
    assert token_bytes(Tokenizer(models.WordLevel({"夜": 0}, "夜"))) is None


def test_added_tokens_that_are_no_special_ones_stand_for_their_text() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    tokenizer.add_tokens([AddedToken("<tool é>", special=False)])
    table = token_bytes(tokenizer)
    assert table is not None
    assert table.of(tokenizer.token_to_id("<tool é>") or 0) == "<tool é>".encode()
    assert table.lengths.tolist() == token_byte_lengths(tokenizer).tolist()


@pytest.mark.parametrize(
    ("text", "shown"), [(" the", "' the'"), ("\n", "'\\n'"), ("é", "0xC3 0xA9")]
)
def test_tokens_are_printed_as_text_or_as_bytes(text: str, shown: str) -> None:
    table = token_bytes(TOKENIZER)
    ids = encode_texts(TOKENIZER, [text]).ids.tolist()
    assert " ".join(printable_token(token, TOKENIZER, table) for token in ids) == shown
    assert printable_token(0, TOKENIZER, table) == "<|endoftext|>"
    assert printable_token(ids[0], TOKENIZER, None) == repr(TOKENIZER.decode([ids[0]]))


def test_truncation_and_padding_of_a_file_from_elsewhere_are_switched_off() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=50)
    text = "the river rose in the night"
    loaded = load_tokenizer(tokenizer.to_str().encode(), path="here")
    assert encode_texts(loaded, [text]).ids.tolist() == encode_texts(TOKENIZER, [text]).ids.tolist()
