from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shards import pack, rows_of

from training.config import ModelConfig
from training.data import make_batch
from training.model import Decoder, KeyValueCache, rope_table, rotate

SHAPE = ModelConfig(
    vocabulary_size=50, sequence_length=32, width=24, layers=2, heads=4, kv_heads=2, hidden=32
)


@pytest.fixture(
    params=[{}, {"qk_norm": True}, {"kv_heads": 4}, {"tied": False}, {"kv_heads": 1, "heads": 2}],
    ids=str,
)
def decoder(request):
    model = Decoder(replace(SHAPE, **request.param), seed=1)
    with torch.no_grad():
        for (
            parameter
        ) in model.parameters():  # larger than at the start, so that positions and documents matter
            parameter.mul_(4) if parameter.dim() > 1 else parameter.add_(torch.rand_like(parameter))
    return model


@settings(max_examples=15, deadline=None)
@given(
    documents=st.lists(
        st.lists(st.integers(1, 49), min_size=1, max_size=12), min_size=3, max_size=5
    ),
    which=st.integers(0, 2),
)
def test_a_document_does_not_see_the_others(documents, which):
    decoder = Decoder(SHAPE, seed=2)
    changed = [
        [token % 49 + 1 for token in document] if index == which else document
        for index, document in enumerate(documents)
    ]
    logits = []
    for texts in (documents, changed):
        packed = pack(texts, length=32, token_bytes=lambda token: 1)
        batch = make_batch(rows_of(packed, 32))
        with torch.no_grad():
            logits.append(
                decoder(
                    torch.from_numpy(batch.inputs),
                    document_start=torch.from_numpy(batch.document_start),
                )
            )
    touched = torch.zeros(logits[0].shape[:2], dtype=torch.bool)
    for index, row in enumerate(packed):
        for segment in row.segments:
            if segment["document"] == which:
                touched[index, segment["start"] : segment["start"] + segment["length"]] = True
    assert torch.equal(logits[0][~touched], logits[1][~touched])
    assert not torch.equal(logits[0][touched], logits[1][touched])


def test_a_document_is_read_alike_wherever_it_lies(decoder):
    document = torch.randint(1, 50, (1, 9))
    row = torch.cat([torch.randint(1, 50, (1, 14)), document], dim=1)
    starts = torch.tensor([[0] * 14 + [14] * 9])
    torch.testing.assert_close(
        decoder(row, document_start=starts)[:, 14:], decoder(document), atol=2e-4, rtol=1e-4
    )


def test_without_boundaries_attention_is_causal(decoder):
    tokens = torch.randint(1, 50, (2, 20))
    zeros = torch.zeros_like(tokens)
    torch.testing.assert_close(
        decoder(tokens), decoder(tokens, document_start=zeros), atol=1e-4, rtol=1e-4
    )
    changed = tokens.clone()
    changed[:, 12] = changed[:, 12] % 49 + 1
    same, other = decoder(tokens), decoder(changed)
    assert torch.equal(same[:, :12], other[:, :12])
    assert not torch.equal(same[:, 12:], other[:, 12:])


@pytest.mark.parametrize("portions", [[20], [1] * 20, [7, 1, 1, 5, 6]], ids=str)
def test_a_cache_changes_nothing(decoder, portions):
    tokens = torch.randint(1, 50, (2, 20))
    cache = KeyValueCache(decoder.config, batch=2, capacity=25, device=torch.device("cpu"))
    pieces = [decoder(piece, cache=cache) for piece in tokens.split(portions, dim=1)]
    assert cache.length == 20
    torch.testing.assert_close(torch.cat(pieces, dim=1), decoder(tokens), atol=1e-4, rtol=1e-4)


def test_rotation_turns_the_pairs_of_hugging_face_in_the_complex_plane():
    x = torch.randn(2, 4, 32, 6)
    frequency = 10_000.0 ** (-torch.arange(3) / 3)
    turn = torch.polar(torch.ones(32, 3), torch.arange(32)[:, None] * frequency)
    turned = torch.complex(x[..., :3], x[..., 3:]) * turn
    torch.testing.assert_close(
        rotate(x, *rope_table(SHAPE)),
        torch.cat([turned.real, turned.imag], dim=-1),
        atol=1e-5,
        rtol=1e-5,
    )


def test_parameters_have_the_names_of_hugging_face():
    names = set(Decoder(replace(SHAPE, qk_norm=True, tied=False)).state_dict())
    layer = {
        f"self_attn.{part}.weight"
        for part in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")
    }
    layer |= {f"mlp.{part}_proj.weight" for part in ("gate", "up", "down")} | {
        "input_layernorm.weight",
        "post_attention_layernorm.weight",
    }
    expected = {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"} | {
        f"model.layers.{i}.{name}" for i in range(2) for name in layer
    }
    assert names == expected


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(0)
    first = Decoder(SHAPE, seed=5).state_dict()
    torch.manual_seed(1)
    second, other = Decoder(SHAPE, seed=5).state_dict(), Decoder(SHAPE, seed=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])
    wide = Decoder(replace(SHAPE, width=256, hidden=512), seed=0).state_dict()
    assert wide["model.layers.0.self_attn.q_proj.weight"].std() == pytest.approx(0.02, rel=0.05)
    assert wide["model.layers.1.mlp.down_proj.weight"].std() == pytest.approx(0.02 / 2, rel=0.05)
