import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import Stop, everything, run

from training.checkpoint import load_model
from training.config import model_config
from training.data import RowReader, ShardFolder, make_batch
from training.evaluate import unigram_loss
from training.model import Decoder
from training.train import Evaluated, Saved, Started, Stepped
from transforms.contracts.manifest import read_manifest, sha256_of
from transforms.errors import UserError


def test_events_and_result_tell_of_the_run(finished, config, shards):
    _, result, events = finished
    steps = [event for event in events if isinstance(event, Stepped)]
    assert isinstance(events[0], Started)
    assert [event.step for event in steps] == list(range(1, 21))
    assert [event.step for event in events if isinstance(event, Saved)] == [5, 10, 15, 20]
    assert [event.step for event in events if isinstance(event, Evaluated)] == [20]
    assert steps[-1].seconds_left == 0
    assert steps[9].learning_rate == config.learning_rate
    assert steps[-1].learning_rate == pytest.approx(config.learning_rate / 8)
    assert all(event.tokens_per_second > 0 for event in steps)
    assert (result.steps, result.resumed_from, result.rows) == (20, 0, 80)
    assert result.loss == steps[-1].loss
    assert [point["step"] for point in result.history] == list(range(1, 21))
    assert result.tokens == sum_of_targets(config, shards)
    assert result.validation["sources"].keys() == {"books", "web"}


def sum_of_targets(config, shards):
    return make_batch(
        RowReader(ShardFolder(shards), seed=config.seed).next_rows(
            config.steps * config.global_batch
        )
    ).scored


def test_the_folder_stands_alone(finished, tokenizer_file):
    out, result, _ = finished
    manifest = read_manifest(str(out))
    assert manifest.counters["loss"] == result.loss
    for name, entry in manifest.files.items():
        assert sha256_of(str(out / name)) == entry.sha256
    assert (out / "tokenizer.json").read_bytes() == Path(tokenizer_file).read_bytes()
    loaded = load_model(str(out), device="cpu").decoder.state_dict()
    newest = everything(out)[1]
    assert all(torch.equal(tensor, newest[name]) for name, tensor in loaded.items())


def test_a_finished_run_is_not_run_again(finished, config, shards, tokenizer_file):
    out, result, _ = finished
    before = (out / "manifest.json").read_bytes()
    again, events = run(config, shards, tokenizer_file, out)
    assert [type(event) for event in events] == [Started]
    assert (again.loss, again.validation, again.history, again.tokens) == (
        result.loss,
        result.validation,
        result.history,
        result.tokens,
    )
    assert (out / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0.5}, "learning_rate = 0.01, now 0.5"),
        ({"mixture": {"web": 1.0}}, "mixture"),
    ],
)
def test_another_configuration_is_refused(finished, config, shards, tokenizer_file, change, words):
    with pytest.raises(UserError, match="another configuration") as caught:
        run(replace(config, **change), shards, tokenizer_file, finished[0])
    assert words in str(caught.value)
    assert "seed" not in caught.value.what


def test_other_shards_are_refused(finished, config, shards, tokenizer_file, tmp_path):
    shutil.copytree(shards, tmp_path / "shards")
    manifest = tmp_path / "shards" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("f" * 64, "e" * 64))
    with pytest.raises(UserError, match="the shards were"):
        run(config, str(tmp_path / "shards"), tokenizer_file, finished[0])


def test_a_folder_that_is_not_local_is_refused(config, shards, tokenizer_file):
    with pytest.raises(UserError, match="local folder"):
        run(config, shards, tokenizer_file, "memory://model")


def test_what_is_not_learned_may_change_between_runs(
    finished, config, shards, tokenizer_file, tmp_path
):
    with pytest.raises(Stop):
        run(config, shards, tokenizer_file, tmp_path / "model", stop_after=10)
    run(
        replace(config, checkpoint_every=0, evaluate_every=3, keep_checkpoints=1),
        shards,
        tokenizer_file,
        tmp_path / "model",
    )
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (
        finished[0] / "model.safetensors"
    ).read_bytes()
    assert os.listdir(tmp_path / "model" / "checkpoints") == ["step-00000020"]


def test_passes_of_a_step_add_up_to_the_step(config, shards, tokenizer_file, tmp_path):
    short = replace(config, steps=3, evaluate_every=0)
    whole, _ = run(short, shards, tokenizer_file, tmp_path / "whole")
    parts, _ = run(replace(short, device_batch=3), shards, tokenizer_file, tmp_path / "parts")
    assert parts.loss == pytest.approx(whole.loss, rel=1e-4)
    assert parts.tokens == whole.tokens


def test_a_clipped_gradient_moves_weights_less(config, shards, tokenizer_file, tmp_path):
    """AdamW normalises the gradient's size, unless it is far below its epsilon of 1e-8."""
    moved = {}
    start = Decoder(
        model_config(config, ShardFolder(shards).info.vocabulary_size, 48), seed=config.seed
    ).state_dict()
    for clip in (0.0, 1e-12):
        out = tmp_path / str(clip)
        run(
            replace(config, steps=1, warmup=0.0, decay=0.0, weight_decay=0.0, clip=clip),
            shards,
            tokenizer_file,
            out,
        )
        trained = load_model(str(out), device="cpu").decoder.state_dict()
        moved[clip] = max(float((trained[name] - start[name]).abs().max()) for name in start)
    assert moved[0.0] == pytest.approx(config.learning_rate, rel=0.01)
    assert moved[1e-12] < 1e-3 * moved[0.0]


def test_bfloat16_trains_too(config, shards, tokenizer_file, tmp_path):
    exact = everything_loss(config, shards, tokenizer_file, tmp_path / "exact")
    rounded = everything_loss(
        replace(config, dtype="bfloat16"), shards, tokenizer_file, tmp_path / "rounded"
    )
    assert exact != rounded
    assert exact == pytest.approx(rounded, rel=0.02)
    assert all(
        tensor.dtype == torch.float32
        for tensor in load_model(str(tmp_path / "rounded"), device="cpu")
        .decoder.state_dict()
        .values()
    )


def everything_loss(config, shards, tokenizer_file, out):
    return run(replace(config, steps=5), shards, tokenizer_file, out)[0].loss


def test_a_trained_model_beats_the_unigram_distribution(config, shards, tokenizer_file, tmp_path):
    result, _ = run(
        replace(config, steps=120, width=32, checkpoint_every=0),
        shards,
        tokenizer_file,
        tmp_path / "model",
    )
    assert result.validation["total"]["loss"] < 0.7 * unigram_loss(shards)


def test_a_loss_that_is_not_finite_ends_the_run(config, shards, tokenizer_file, tmp_path):
    with pytest.raises(UserError, match="not finite at step"):
        run(
            replace(config, learning_rate=1e30, clip=0.0),
            shards,
            tokenizer_file,
            tmp_path / "model",
        )


def test_the_global_random_state_is_left_alone(config, shards, tokenizer_file, tmp_path):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    run(replace(config, steps=1), shards, tokenizer_file, tmp_path / "model")
    assert torch.equal(torch.rand(3), expected)
