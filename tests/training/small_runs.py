"""Runs of a small model, cut off where a test wants it, and compared bit by bit."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from training.checkpoint import Checkpoints
from training.config import TrainConfig
from training.train import Event, Saved, Stepped, TrainResult, train


class Stop(Exception):
    pass


def run(
    config: TrainConfig,
    shards: str,
    tokenizer_file: str,
    out: Path | str,
    *,
    stop_after: int | None = None,
) -> tuple[TrainResult, list[Event]]:
    """Train; returns the result and the events.

    With `stop_after` the run ends with an exception after that many steps, and their checkpoint if
    one is due.
    """
    events: list[Event] = []

    def report(event: Event) -> None:
        events.append(event)
        if (
            isinstance(event, Saved if stop_after and stop_after % 5 == 0 else Stepped)
            and event.step == stop_after
        ):
            raise Stop

    return train(
        config, shards=shards, tokenizer=tokenizer_file, out=str(out), report=report
    ), events


def everything(out: Path) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]]:
    """All tensors of the newest checkpoint, and its state without what tells of the machine."""
    step, path = Checkpoints(str(out), keep=9).list()[-1]
    tensors = load_file(Path(path) / "model.safetensors") | load_file(
        Path(path) / "optimizer.safetensors"
    )
    return step, tensors, json.loads((Path(path) / "state.json").read_text())


def assert_equal_runs(out: Path, other: Path) -> None:
    step, tensors, state = everything(out)
    other_step, other_tensors, other_state = everything(other)
    assert (step, state) == (other_step, other_state)
    assert tensors.keys() == other_tensors.keys()
    assert [name for name in tensors if not torch.equal(tensors[name], other_tensors[name])] == []
    assert (out / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
