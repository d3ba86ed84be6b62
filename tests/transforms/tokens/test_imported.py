"""Tokenizers from elsewhere: BPE dropout, which makes other tokens of a text each time."""

import json

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from transforms.errors import UserError
from transforms.tokens.encode import encode_texts, load_tokenizer
from transforms.tokens.imported import check_imported

TEXT = "the old mill stands by the river and nobody has ground corn with it since the flood"


def tokenizer_json(dropout: float | None) -> bytes:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=["</s>"], show_progress=False
    )
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    values = json.loads(tokenizer.to_str())
    values["model"]["dropout"] = dropout
    return json.dumps(values).encode()


def different_ids(tokenizer: Tokenizer) -> int:
    return len({encode_texts(tokenizer, [TEXT]).ids.tobytes() for _ in range(30)})


def test_dropout_is_refused_with_the_way_out() -> None:
    with pytest.raises(UserError, match="merges by chance") as caught:
        check_imported(tokenizer_json(0.3), path="other.json", end_of_text="</s>")
    assert '"dropout": null' in str(caught.value)


@pytest.mark.parametrize("dropout", [None, 0.0])
def test_no_dropout_is_accepted(dropout: float | None) -> None:
    check_imported(tokenizer_json(dropout), path="other.json", end_of_text="</s>")


def test_a_tokenizer_that_is_only_measured_has_its_dropout_switched_off() -> None:
    data = tokenizer_json(0.5)
    assert different_ids(Tokenizer.from_buffer(data)) > 1
    assert different_ids(load_tokenizer(data, path="other.json", end_of_text="</s>")) == 1
