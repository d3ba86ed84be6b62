import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_shards import pack, small_info, write_shards

from training.config import ModelConfig
from training.data import ShardFolder, make_batch
from training.evaluate import Score, evaluate, evaluate_decoder, unigram_evaluation, unigram_loss
from training.model import Decoder
from training.train import train
from transforms.errors import UserError

SHAPE = ModelConfig(
    vocabulary_size=50, sequence_length=16, width=16, layers=1, heads=2, kv_heads=2, hidden=16
)


@pytest.fixture
def folder(tmp_path):
    """Two sources of known documents; every token stands for three bytes."""
    documents = {
        "web": [[7, 8, 9] * 3] * 9,
        "books": [[number % 49 + 1] * number for number in range(1, 30)],
    }
    splits = {
        (split, source): pack(texts, length=16, token_bytes=lambda token: 3)
        for source, texts in documents.items()
        for split in ("train", "validation")
    }
    return write_shards(tmp_path / "shards", splits, small_info())


def direct(decoder, folder, source):
    """Sum the nats of each document, evaluated separately: the oracle of a packed evaluation."""
    shards = ShardFolder(folder)
    rows = shards.split("validation")[source]
    nats, tokens = 0.0, 0
    for index in range(len(rows)):
        batch = make_batch(shards.gather([(rows, index)]))
        with torch.no_grad():
            logits = (
                decoder(
                    torch.from_numpy(batch.inputs),
                    document_start=torch.from_numpy(batch.document_start),
                )[0]
                .double()
                .log_softmax(1)
            )
        for position, target in enumerate(batch.targets[0]):
            if target >= 0:
                nats -= float(logits[position, target])
                tokens += 1
    return nats, tokens


def test_evaluation_is_the_direct_computation(folder):
    decoder = Decoder(SHAPE, seed=1)
    with torch.no_grad():
        decoder.model.embed_tokens.weight.mul_(20)
    evaluation = evaluate_decoder(decoder, ShardFolder(folder))
    for source, documents, letters in (("web", 9, 81), ("books", 29, 435)):
        score, (nats, tokens) = evaluation.sources[source], direct(decoder, folder, source)
        assert score.tokens == tokens == letters + documents
        assert score.bytes == 3 * letters
        assert score.nats == pytest.approx(nats, rel=1e-6)
        assert score.loss == pytest.approx(nats / tokens, rel=1e-6)
        assert score.perplexity == pytest.approx(math.exp(nats / tokens), rel=1e-5)
        assert score.bits_per_byte == pytest.approx(nats / math.log(2) / (3 * letters), rel=1e-6)
    assert evaluation.total.tokens == sum(score.tokens for score in evaluation.sources.values())
    assert evaluation.total.nats == sum(score.nats for score in evaluation.sources.values())


def test_an_untrained_model_of_equal_logits_knows_nothing(folder):
    decoder = Decoder(SHAPE)
    with torch.no_grad():
        decoder.model.embed_tokens.weight.zero_()
    assert evaluate_decoder(decoder, ShardFolder(folder)).total.loss == pytest.approx(
        math.log(50), rel=1e-6
    )


def test_fewer_rows_are_some_of_the_rows(folder):
    shards, decoder, reports = ShardFolder(folder), Decoder(SHAPE), []
    some = evaluate_decoder(
        decoder, shards, max_rows=3, report=lambda done, total: reports.append((done, total))
    )
    assert {name: score.rows for name, score in some.sources.items()} == {"web": 3, "books": 3}
    assert reports[-1] == (6, 6)
    everything = evaluate_decoder(decoder, shards, max_rows=10**6)
    assert everything == evaluate_decoder(decoder, shards)
    assert some.total.nats < everything.total.nats


def test_evaluating_leaves_a_training_model_training(folder):
    decoder = Decoder(SHAPE).train()
    evaluate_decoder(decoder, ShardFolder(folder), max_rows=1)
    assert decoder.training


def test_unigram_is_add_one_over_the_training_targets(folder):
    counts = np.ones(50)
    for tokens in [[7, 8, 9] * 3 + [0]] * 9 + [
        [number % 49 + 1] * number + [0] for number in range(1, 30)
    ]:
        for token in tokens:
            counts[token] += 1
    nats = sum(-(count - 1) * math.log(count / counts.sum()) for count in counts)
    evaluation = unigram_evaluation(ShardFolder(folder))
    assert evaluation.total.nats == pytest.approx(nats)
    assert unigram_loss(folder) == pytest.approx(nats / (counts.sum() - 50))


def test_a_folder_is_evaluated_as_the_training_did(config, shards, tokenizer_file, tmp_path):
    out = str(tmp_path / "model")
    result = train(config, shards=shards, tokenizer=tokenizer_file, out=out)
    assert evaluate(out, shards=shards, device="cpu").figures() == result.validation
    assert evaluate(out, shards=shards, split="train", max_rows=2, device="cpu").sources.keys() == {
        "books",
        "news",
        "web",
    }


def test_refuses_what_does_not_belong_together(config, shards, folder, tokenizer_file, tmp_path):
    out = str(tmp_path / "model")
    train(replace(config, steps=1), shards=shards, tokenizer=tokenizer_file, out=out)
    with pytest.raises(UserError, match="another tokenizer"):
        evaluate(out, shards=folder, device="cpu")
    with pytest.raises(UserError, match="'test'"):
        evaluate(out, shards=shards, split="test", device="cpu")


def test_figures_are_plain_values(folder):
    figures = evaluate_decoder(Decoder(SHAPE), ShardFolder(folder), max_rows=1).figures()
    assert figures["total"].keys() == {
        "rows",
        "tokens",
        "bytes",
        "nats",
        "loss",
        "perplexity",
        "bits_per_byte",
    }


def test_a_perplexity_beyond_all_numbers_is_infinite_and_null_in_json():
    score = Score(rows=1, tokens=1, bytes=1, nats=800.0)
    assert score.perplexity == math.inf
    assert score.figures()["perplexity"] is None
    assert score.figures()["loss"] == 800
