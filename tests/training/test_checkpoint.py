import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from small_runs import Stop, assert_equal_runs, run

from training.checkpoint import Checkpoints, load_model
from training.train import Saved, Stepped, train
from transforms.errors import UserError


def test_the_last_checkpoints_are_kept_and_each_is_a_model(finished):
    out, _, _ = finished
    assert sorted(os.listdir(out / "checkpoints")) == ["step-00000015", "step-00000020"]
    load_model(str(out / "checkpoints" / "step-00000015"), device="cpu")


@pytest.mark.parametrize("stops", [[10], [12], [3, 17], [6, 7, 19]], ids=str)
def test_a_resumed_run_is_bitwise_that_which_was_not_interrupted(
    finished, config, shards, tokenizer_file, tmp_path, stops
):
    for stop in stops:
        with pytest.raises(Stop):
            run(config, shards, tokenizer_file, tmp_path / "model", stop_after=stop)
    result, events = run(config, shards, tokenizer_file, tmp_path / "model")
    assert events[0].step == result.resumed_from == stops[-1] // 5 * 5
    assert_equal_runs(finished[0], tmp_path / "model")
    assert replace(result, folder="", resumed_from=0, seconds=0, tokens_per_second=0) == replace(
        finished[1], folder="", seconds=0, tokens_per_second=0
    )


def test_a_resumed_run_with_muon_too_is_bitwise_the_same(config, shards, tokenizer_file, tmp_path):
    muon = replace(config, optimizer="muon", steps=8)
    run(muon, shards, tokenizer_file, tmp_path / "whole")
    with pytest.raises(Stop):
        run(muon, shards, tokenizer_file, tmp_path / "model", stop_after=5)
    run(muon, shards, tokenizer_file, tmp_path / "model")
    assert_equal_runs(tmp_path / "whole", tmp_path / "model")


def test_random_numbers_go_on_where_the_checkpoint_was_taken(
    config, shards, tokenizer_file, tmp_path
):
    def draws(out, *, stop_after=None):
        drawn = {}

        def report(event):
            if isinstance(event, Stepped):
                drawn[event.step] = float(torch.rand(()))
            if isinstance(event, Saved) and event.step == stop_after:
                raise Stop

        with contextlib.suppress(Stop):
            train(
                replace(config, steps=10),
                shards=shards,
                tokenizer=tokenizer_file,
                out=str(tmp_path / out),
                report=report,
            )
        return drawn

    whole, first, second = draws("whole"), draws("parts", stop_after=5), draws("parts")
    assert len(set(whole.values())) == 10
    assert first | second == whole


CHILD = """
import json, os, signal, sys
from training.config import TrainConfig
from training.train import train
config, shards, tokenizer, out, kill = json.loads(sys.argv[1])
original, count = os.replace, 0

def die_at(name):
    real = getattr(os, name)
    def call(*arguments, **options):
        global count
        count += 1
        if count == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(os, name, call)

for name in ("replace", "rename", "fsync", "link"):
    die_at(name)
train(TrainConfig(**config), shards=shards, tokenizer=tokenizer, out=out)
"""


@pytest.mark.parametrize("kill", [2, 26, 33, 37])
def test_killed_at_any_write_a_run_goes_on_as_if_nothing_had_happened(
    finished, config, shards, tokenizer_file, tmp_path, kill
):
    """SIGKILL replaces the n-th rename, link or fsync: before, during and between checkpoints."""
    out = tmp_path / "model"
    arguments = json.dumps([asdict(config), shards, tokenizer_file, str(out), kill])
    child = subprocess.run(
        [sys.executable, "-c", CHILD, arguments],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.returncode == -signal.SIGKILL
    if Checkpoints(str(out), keep=9).list() and (out / "model.safetensors").exists():
        load_model(str(out), device="cpu")
    run(config, shards, tokenizer_file, out)
    assert list(out.rglob(".tmp-*")) == []
    assert_equal_runs(finished[0], out)


def test_a_damaged_checkpoint_is_passed_over(finished, config, shards, tokenizer_file, tmp_path):
    out = tmp_path / "model"
    shutil.copytree(finished[0], out)
    weights = out / "checkpoints" / "step-00000020" / "optimizer.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    result, _ = run(config, shards, tokenizer_file, out)
    assert result.resumed_from == 15
    assert_equal_runs(finished[0], out)


def test_a_checkpoint_of_which_the_state_is_no_state_is_passed_over(
    finished, config, shards, tokenizer_file, tmp_path
):
    out = tmp_path / "model"
    shutil.copytree(finished[0], out)
    (out / "checkpoints" / "step-00000020" / "state.json").write_text("[]")
    result, _ = run(config, shards, tokenizer_file, out)
    assert result.resumed_from == 15


def test_a_checkpoint_damaged_inside_is_refused_with_what_to_do(
    finished, config, shards, tokenizer_file, tmp_path
):
    out = tmp_path / "model"
    shutil.copytree(finished[0], out)
    state = out / "checkpoints" / "step-00000020" / "optimizer.safetensors"
    state.write_bytes(bytes(16) + state.read_bytes()[16:])
    with pytest.raises(UserError, match="the checkpoint cannot be read") as caught:
        run(config, shards, tokenizer_file, out)
    assert "one before it" in caught.value.remedy
    shutil.rmtree(state.parent)
    assert run(config, shards, tokenizer_file, out)[0].resumed_from == 15


@pytest.mark.parametrize(
    ("name", "words"), [("model.safetensors", "missing"), ("config.json", "missing")]
)
def test_a_folder_without_a_model_is_refused(finished, tmp_path, name, words):
    shutil.copytree(
        finished[0], tmp_path / "model", ignore=lambda folder, names: ["checkpoints", name]
    )
    with pytest.raises(UserError, match=words):
        load_model(str(tmp_path / "model"), device="cpu")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors", "cannot be read"),
        ("config.json", "cannot be read"),
        ("tokenizer.json", "trained with"),
    ],
)
def test_a_damaged_model_is_refused(finished, tmp_path, name, words):
    shutil.copytree(finished[0], tmp_path / "model")
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=words):
        load_model(str(tmp_path / "model"), device="cpu")
