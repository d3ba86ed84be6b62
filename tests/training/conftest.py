"""A tokenizer, shards and a configuration that train in seconds."""

import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).parent))  # for small_shards.py, in any import mode of pytest

from small_runs import run
from small_shards import SEQUENCE_LENGTH, Row, pack, sentences, small_info, write_shards

from training.config import TrainConfig
from transforms.contracts.manifest import sha256_of


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A byte-level BPE of about 330 ids over the made-up language; id 0 is <|endoftext|>."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        sentences("web", count=50, seed=0) + sentences("books", count=50, seed=0), trainer
    )
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return str(path)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory, tokenizer_file: str) -> str:
    """Three sources in train, two of them in validation; the third has an empty file there."""
    tokenizer = Tokenizer.from_file(tokenizer_file)

    def rows(source: str, *, count: int, seed: int) -> list[Row]:
        documents = [
            tokenizer.encode(text).ids for text in sentences(source, count=count, seed=seed)
        ]
        return pack(
            documents,
            length=SEQUENCE_LENGTH,
            token_bytes=lambda token: len(tokenizer.id_to_token(token)),
        )

    info = small_info(
        sha256_of(tokenizer_file),
        vocabulary_size=tokenizer.get_vocab_size(),
        sequence_length=SEQUENCE_LENGTH,
    )
    splits = {
        ("train", "web"): rows("web", count=60, seed=1),
        ("train", "books"): rows("books", count=25, seed=1),
        ("train", "news"): rows("news", count=10, seed=1),
        ("validation", "web"): rows("web", count=12, seed=2),
        ("validation", "books"): rows("books", count=8, seed=2),
        ("validation", "news"): [],
    }
    return write_shards(tmp_path_factory.mktemp("shards"), splits, info)


@pytest.fixture(scope="session")
def config() -> TrainConfig:
    """A model of some 20,000 parameters for 20 steps."""
    return TrainConfig(
        model="nano",
        width=16,
        layers=2,
        heads=2,
        kv_heads=1,
        steps=20,
        global_batch=4,
        learning_rate=1e-2,
        checkpoint_every=5,
        evaluate_every=0,
        device="cpu",
        seed=3,
    )


@pytest.fixture(scope="session")
def finished(config, shards, tokenizer_file, tmp_path_factory):
    """A run of 20 steps that nothing interrupted: its folder, result and events."""
    out = tmp_path_factory.mktemp("finished") / "model"
    return out, *run(config, shards, tokenizer_file, out)
