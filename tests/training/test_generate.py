from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from training.checkpoint import load_model
from training.generate import (
    Sampling,
    TextGenerator,
    TextStream,
    choose,
    generate,
    restrict,
    stream,
)
from training.train import train
from transforms.errors import ConfigError, UserError


@pytest.fixture(scope="session")
def folder(config, shards, tokenizer_file, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("generate") / "model")
    train(
        replace(config, steps=60, width=32, checkpoint_every=0),
        shards=shards,
        tokenizer=tokenizer_file,
        out=out,
    )
    return out


@pytest.fixture(scope="session")
def generator(folder):
    return TextGenerator(load_model(folder, device="cpu"))


def uncached(generator, prompt, *, count, sampling, seed):
    """Every token from a full pass over all that is before it."""
    decoder, draws = generator.model.decoder, torch.Generator().manual_seed(seed)
    tokens = list(generator.encode(prompt))
    first = len(tokens)
    for _ in range(count):
        with torch.no_grad():
            token = choose(decoder(torch.tensor([tokens]))[0, -1], sampling, draws)
        if token == generator.model.end_of_text:
            break
        tokens.append(token)
    return tuple(tokens[first:])


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.5, 1.0, 1.5]),
    top_k=st.sampled_from([0, 1, 5, 500]),
    top_p=st.sampled_from([0.3, 0.9, 1.0]),
)


@settings(max_examples=25, deadline=None)
@given(
    sampling=samplings,
    seed=st.integers(0, 2**40),
    prompt=st.sampled_from(["", "a small web", "goes on here and so"]),
)
def test_the_cache_changes_no_token(generator, sampling, seed, prompt):
    expected = uncached(generator, prompt, count=20, sampling=sampling, seed=seed)
    assert (
        generator.generate(prompt, max_tokens=20, sampling=sampling, seed=seed).tokens == expected
    )


@settings(max_examples=25, deadline=None)
@given(
    sampling=samplings,
    seed=st.integers(0, 2**40),
    portions=st.lists(st.integers(0, 12), min_size=1, max_size=4),
)
def test_in_portions_it_is_what_it_is_at_once(generator, sampling, seed, portions):
    whole = generator.generate("a small", max_tokens=sum(portions), sampling=sampling, seed=seed)
    part = None
    for portion in portions:
        part = generator.generate(
            "a small", max_tokens=portion, sampling=sampling, seed=seed, after=part
        )
    assert part == whole


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), count=st.integers(0, 60))
def test_streamed_text_is_the_text(generator, seed, count):
    pieces = list(
        generator.stream("a small", max_tokens=count, sampling=Sampling(temperature=1.5), seed=seed)
    )
    whole = generator.generate(
        "a small", max_tokens=count, sampling=Sampling(temperature=1.5), seed=seed
    )
    assert "".join(piece.text for piece in pieces) == whole.text
    assert tuple(piece.token for piece in pieces) == whole.tokens
    assert all(piece.log_probability < 0 for piece in pieces)


def test_the_same_seed_is_the_same_text_and_another_one_another(folder):
    texts = [
        generate(folder, prompt="a small", max_tokens=30, seed=seed, device="cpu")
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1]
    assert texts[0].tokens != texts[2].tokens
    assert (
        "".join(
            piece.text
            for piece in stream(folder, prompt="a small", max_tokens=30, seed=1, device="cpu")
        )
        == texts[0].text
    )


def test_a_trained_model_goes_on_as_its_text_does(folder):
    assert (
        "goes on here"
        in generate(
            folder,
            prompt="a small web text",
            max_tokens=12,
            sampling=Sampling(temperature=0),
            device="cpu",
        ).text
    )


def test_stops_at_end_of_text_and_at_the_sequence_length(generator):
    results = [generator.generate("a", max_tokens=500, seed=seed) for seed in range(12)]
    ended = [result for result in results if result.finish == "end-of-text"]
    assert ended
    assert all(generator.model.end_of_text not in result.tokens for result in results)
    assert all(
        generator.generate("a", max_tokens=9, seed=0, after=result) == result
        for result in ended[:1]
    )
    with torch.no_grad():  # a model that never ends: its sequence length does
        weight = generator.model.decoder.model.embed_tokens.weight
        kept = weight[generator.model.end_of_text].clone()
        weight[generator.model.end_of_text] = (
            -30
            * generator.model.decoder.hidden(torch.tensor([list(generator.encode("a"))]))[
                0, -1
            ].sign()
        )
    try:
        full = next(
            result
            for seed in range(50)
            if (result := generator.generate("a", max_tokens=500, seed=seed)).finish == "length"
        )
    finally:
        with torch.no_grad():
            weight[generator.model.end_of_text] = kept
    assert (
        len(full.prompt_tokens) + len(full.tokens)
        == generator.model.decoder.config.sequence_length + 1
    )


def test_a_prompt_begins_with_end_of_text_and_cannot_spell_it(generator):
    tokens = generator.encode("<|endoftext|>")
    assert tokens[0] == generator.model.end_of_text
    assert generator.model.end_of_text not in tokens[1:]


def test_refuses_a_prompt_that_is_too_long_and_wrong_settings(generator, folder):
    with pytest.raises(UserError, match="the prompt has"):
        generator.generate("word " * 200, max_tokens=1)
    for wrong in ({"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_k": -1}):
        with pytest.raises(ConfigError, match="cannot be sampled"):
            Sampling(**wrong)


def test_after_another_prompt_is_refused(generator):
    with pytest.raises(ValueError, match="another prompt"):
        generator.generate("b", max_tokens=1, after=generator.generate("a", max_tokens=1))


@pytest.mark.parametrize(
    ("top_k", "top_p", "kept"),
    [
        (0, 1.0, [0, 1, 2, 3]),
        (2, 1.0, [0, 2]),
        (1, 0.1, [0]),
        (0, 0.5, [0]),
        (0, 0.51, [0, 2]),
        (0, 0.81, [0, 2, 1]),
        (9, 0.0001, [0]),
        (3, 0.5, [0]),
    ],
)
def test_restrict(top_k, top_p, kept):
    logits = torch.tensor([0.5, 0.15, 0.3, 0.05], dtype=torch.float64).log()
    expected = torch.full_like(logits, -torch.inf)
    expected[kept] = logits[kept]
    assert torch.equal(restrict(logits, top_k=top_k, top_p=top_p), expected)


def test_draws_follow_the_probabilities():
    probabilities = torch.tensor([0.6, 0.3, 0.1, 0.0])
    draws = torch.Generator().manual_seed(0)
    counts = torch.zeros(4)
    for _ in range(4000):
        counts[choose(probabilities.log(), Sampling(), draws)] += 1
    torch.testing.assert_close(counts / 4000, probabilities, atol=0.03, rtol=0)
    assert counts[3] == 0


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=20), junk=st.lists(st.integers(1, 290), max_size=6))
def test_text_stream_shows_only_whole_characters_and_loses_none(tokenizer_file, text, junk):
    tokenizer = Tokenizer.from_file(tokenizer_file)
    for ids in (tokenizer.encode(text).ids, [*tokenizer.encode(text).ids, *junk]):
        stream = TextStream(tokenizer)
        pieces = [stream.push(token) for token in ids]
        if not junk and "\ufffd" not in text:
            assert not any("\ufffd" in piece for piece in pieces)
        assert "".join(pieces) + stream.flush() == tokenizer.decode(ids)


def test_text_stream_holds_back_an_incomplete_character(tokenizer_file):
    tokenizer = Tokenizer.from_file(tokenizer_file)
    ids = tokenizer.encode("a🜁b").ids
    assert len(ids) == 6
    stream = TextStream(tokenizer)
    assert [stream.push(token) for token in ids] == ["a", "", "", "", "🜁", "b"]
