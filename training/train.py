"""Trains a model on token shards: `train` takes a folder of shards and writes a model folder."""

import contextlib
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn

from training.checkpoint import (
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    Checkpoints,
    ModelFiles,
    publish_weights,
    resolve_device,
    write_model_files,
)
from training.config import TrainConfig, model_config
from training.data import RowReader, ShardFolder, make_batch
from training.evaluate import evaluate_decoder
from training.events import Evaluated, Event, Saved, Started, Stepped, TrainResult
from training.loss import summed_cross_entropy
from training.model import Decoder
from training.optim import Optimizer, learning_rate_at
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import (
    FileEntry,
    Manifest,
    read_manifest,
    sha256_of,
    write_manifest,
)
from transforms.errors import UserError

# Fields that may change when a run is resumed: they determine when and where it computes, not what
# it learns.
_FREE = frozenset(
    {"checkpoint_every", "keep_checkpoints", "evaluate_every", "evaluate_rows", "device"}
)
_HISTORY_POINTS = 1000


def train(
    config: TrainConfig,
    *,
    shards: str,
    tokenizer: str,
    out: str,
    report: Callable[[Event], None] | None = None,
) -> TrainResult:
    """Train the model of `config` on a folder of shards; writes a model folder to `out`.

    `tokenizer` is the tokenizer.json that the shards were made with. Training resumes from the
    newest complete checkpoint in `out`; on a CPU, with the same number of threads, the weights are
    then bit for bit those of an uninterrupted run. If the process is killed, `out` keeps its last
    checkpoint and stays loadable. A finished run is not repeated. `report` is called after each
    event; an exception from it ends the run.

    Raises UserError when shards and tokenizer do not match, when `out` holds a run of another
    configuration or other shards, and when the loss is not finite.
    """
    trainer = _Trainer(
        config, shards=shards, tokenizer=tokenizer, out=out, report=report or (lambda event: None)
    )
    with torch.random.fork_rng(devices=[]):
        # `torch.manual_seed` would seed the caller's devices, too.
        torch.default_generator.manual_seed(config.seed)
        return trainer.run()


class _Trainer:
    def __init__(
        self,
        config: TrainConfig,
        *,
        shards: str,
        tokenizer: str,
        out: str,
        report: Callable[[Event], None],
    ):
        self.config, self.out, self.report = config, out, report
        if not storage.is_local(out):
            raise UserError(
                "a model is trained into a local folder",
                where=out,
                remedy="give the run a local folder, and copy it when it is done",
            )
        self.shards = ShardFolder(shards, tokenizer=tokenizer)
        self.reader = RowReader(self.shards, seed=config.seed, mixture=config.mixture)
        info = self.shards.info
        shape = model_config(config, info.vocabulary_size, info.sequence_length)
        self.files = ModelFiles(
            config=shape,
            end_of_text=info.end_of_text,
            tokenizer=tokenizer,
            tokenizer_sha256=info.tokenizer_sha256,
        )
        self.device = resolve_device(config.device)
        self.dtype = {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "auto": torch.bfloat16 if self.device.type == "cuda" else torch.float32,
        }[config.dtype]
        self.upstream = read_manifest(shards).fingerprint
        self.checkpoints = Checkpoints(out, keep=config.keep_checkpoints)
        storage.remove_temporary_files(out)
        self.step, self.tokens, self.loss = 0, 0, math.nan
        self.history: list[dict[str, float]] = []
        self.validation: dict[str, Any] | None = None

    def run(self) -> TrainResult:
        began, cpu_began = time.perf_counter(), time.process_time()
        found = self.checkpoints.list()
        if found:
            self._refuse_changes(found[-1][1])
        self.model = Decoder(self.files.config, seed=self.config.seed).to(self.device)
        self.optimizer = Optimizer(
            self.model, kind=self.config.optimizer, weight_decay=self.config.weight_decay
        )
        if found:
            self._resume(found[-1][1])
        else:
            write_model_files(self.out, self.files)
        if self.step < self.config.steps:
            storage.remove(storage.join(self.out, MANIFEST))
        resumed_from = self.step
        train_rows = sum(len(rows) for rows in self.shards.split("train").values())
        self.report(
            Started(
                step=self.step,
                steps=self.config.steps,
                parameters=self.files.config.parameters,
                device=str(self.device),
                rows=train_rows,
            )
        )
        clock = _Clock()
        while self.step < self.config.steps:
            self._one_step(clock)
            last = self.step == self.config.steps
            if self.shards.split("validation") and (
                last or _due(self.step, self.config.evaluate_every)
            ):
                self._evaluate()
            if last or _due(self.step, self.config.checkpoint_every):
                self._save()
        seconds = time.perf_counter() - began
        positions = (
            (self.step - resumed_from) * self.config.global_batch * self.shards.info.sequence_length
        )
        result = TrainResult(
            folder=self.out,
            steps=self.step,
            resumed_from=resumed_from,
            parameters=self.files.config.parameters,
            rows=self.reader.rows_consumed,
            tokens=self.tokens,
            loss=self.loss,
            validation=self.validation,
            history=self.history,
            seconds=seconds,
            tokens_per_second=positions / clock.seconds if clock.seconds else 0.0,
        )
        if not storage.exists(storage.join(self.out, MANIFEST)):
            self._write_manifest(result, cpu_seconds=time.process_time() - cpu_began)
        return result

    def _one_step(self, clock: "_Clock") -> None:
        config = self.config
        learning_rate = learning_rate_at(
            self.step,
            steps=config.steps,
            peak=config.peak_learning_rate,
            warmup=config.warmup,
            decay=config.decay,
        )
        clock.start()
        batch = make_batch(self.reader.next_rows(config.global_batch))
        scored = batch.scored
        arrays = [
            torch.from_numpy(array) for array in (batch.inputs, batch.targets, batch.document_start)
        ]
        if self.device.type == "cuda":
            arrays = [array.pin_memory().to(self.device, non_blocking=True) for array in arrays]
        nats = torch.zeros((), device=self.device)
        for inputs, targets, document_start in zip(
            *(array.split(config.device_batch or config.global_batch) for array in arrays),
            strict=True,
        ):
            with (
                torch.autocast(self.device.type, dtype=self.dtype)
                if self.dtype != torch.float32
                else contextlib.nullcontext()
            ):
                hidden = self.model.hidden(inputs, document_start=document_start)
                part = summed_cross_entropy(
                    hidden,
                    self.model.head_weight,
                    targets,
                    vocabulary_size=self.files.config.vocabulary_size,
                )
            (part / max(1, scored)).backward()
            nats += part.detach()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip or math.inf)
        self.loss = float(nats) / max(1, scored)
        if not (math.isfinite(self.loss) and math.isfinite(float(norm))):
            raise UserError(
                f"the loss or its gradient is not finite at step {self.step + 1} "
                f"(loss {self.loss}, gradient norm {float(norm)})",
                where=self.out,
                remedy="lower [train] learning_rate or raise warmup, and train into a new folder",
            )
        self.optimizer.step(learning_rate=learning_rate)
        self.step += 1
        self.tokens += scored
        if self.step % max(1, config.steps // _HISTORY_POINTS) == 0 or self.step == config.steps:
            self.history.append(
                {"step": self.step, "loss": self.loss, "learning_rate": learning_rate}
            )
        clock.stop()
        positions = config.global_batch * self.shards.info.sequence_length
        self.report(
            Stepped(
                step=self.step,
                steps=config.steps,
                loss=self.loss,
                gradient_norm=float(norm),
                learning_rate=learning_rate,
                tokens_per_second=positions / clock.step_seconds,
                seconds_left=(config.steps - self.step) * clock.step_seconds,
            )
        )

    def _evaluate(self) -> None:
        evaluation = evaluate_decoder(
            self.model, self.shards, max_rows=self.config.evaluate_rows or None, dtype=self.dtype
        )
        self.validation = evaluation.figures()
        self.report(Evaluated(step=self.step, evaluation=evaluation))

    def _save(self) -> None:
        state = {
            "configuration": asdict(self.config),
            "data": self.reader.state(),
            "tokenizer_sha256": self.files.tokenizer_sha256,
            "tokens": self.tokens,
            "loss": self.loss,
            "history": self.history,
            "validation": self.validation,
            "versions": _versions(),
        }
        path = self.checkpoints.save(self.step, self.model, self.optimizer, self.files, state)
        publish_weights(self.out, path)
        self.report(Saved(step=self.step, path=path))

    def _refuse_changes(self, path: str) -> None:
        """Raise UserError, with the differences, when a checkpoint is of another run."""
        state = self.checkpoints.read_state(path)
        before, now = _learned(state["configuration"]), _learned(asdict(self.config))
        changed = [
            f"{key} = {before.get(key)!r}, now {now.get(key)!r}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if state["tokenizer_sha256"] != self.files.tokenizer_sha256:
            changed.append(
                f"the tokenizer was {state['tokenizer_sha256'][:12]}, "
                f"now {self.files.tokenizer_sha256[:12]}"
            )
        elif not changed and state["data"]["fingerprint"] != self.reader.fingerprint:
            changed.append(
                f"the shards were {state['data']['fingerprint'][:12]}, "
                f"now {self.reader.fingerprint[:12]}"
            )
        if changed:
            raise UserError(
                f"the folder holds a run of another configuration: {'; '.join(changed)}",
                where=path,
                remedy="put it back to go on with that run, or train into a new folder",
            )

    def _resume(self, path: str) -> None:
        state = self.checkpoints.read_state(path)
        self.checkpoints.restore(path, self.model, self.optimizer)
        self.reader.restore(state["data"])
        self.step, self.tokens, self.loss = state["step"], state["tokens"], state["loss"]
        self.history, self.validation = state["history"], state["validation"]
        write_model_files(self.out, self.files)
        publish_weights(self.out, path)

    def _write_manifest(self, result: TrainResult, *, cpu_seconds: float) -> None:
        paths = {
            name: os.path.join(self.out, name) for name in sorted((CONFIG, TOKENIZER, WEIGHTS))
        }
        write_manifest(
            self.out,
            Manifest(
                stage="train",
                fingerprint=hashlib.sha256(
                    json.dumps([self.reader.fingerprint, _learned(asdict(self.config))]).encode()
                ).hexdigest(),
                upstream=self.upstream,
                configuration=asdict(self.config),
                files={
                    name: FileEntry(rows=0, bytes=os.path.getsize(path), sha256=sha256_of(path))
                    for name, path in paths.items()
                },
                counters={
                    key: getattr(result, key)
                    for key in (
                        "steps",
                        "rows",
                        "tokens",
                        "parameters",
                        "loss",
                        "validation",
                        "history",
                    )
                },
                versions=_versions(),
                seconds=result.seconds,
                cpu_seconds=cpu_seconds,
            ),
        )


class _Clock:
    """A timer of the steps, without evaluations and checkpoints.

    `seconds` is the total; `step_seconds` is the time of a step, smoothed over about twenty.
    """

    def __init__(self) -> None:
        self.seconds = self.step_seconds = self._began = 0.0
        self._steps = 0

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        took = time.perf_counter() - self._began
        self.seconds += took
        self._steps += 1
        self.step_seconds += (took - self.step_seconds) * max(0.05, 1 / self._steps)


def _learned(configuration: dict[str, Any]) -> dict[str, Any]:
    """The fields of a configuration that determine what is learned."""
    return {key: value for key, value in sorted(configuration.items()) if key not in _FREE}


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
