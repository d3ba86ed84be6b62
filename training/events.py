"""The events that a training run reports, and its result."""

from dataclasses import dataclass
from typing import Any

from training.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Started:
    """Training starts, at step 0 or at the step of the newest checkpoint."""

    step: int
    steps: int
    parameters: int
    device: str
    rows: int  # in the training split


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """An optimizer step is done; `step` counts from 1.

    `loss` is that of the batch of the step, in nats per token. `tokens_per_second` counts all
    positions of the rows, masked ones included.
    """

    step: int
    steps: int
    loss: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The model was evaluated after `step` steps."""

    step: int
    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A checkpoint of `step` steps was written to `path`."""

    step: int
    path: str


Event = Started | Stepped | Evaluated | Saved


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished run.

    rows, tokens  of all steps; tokens are unmasked targets
    loss          of the last step, in nats per token
    validation    Evaluation.figures() after the last step; None without validation rows
    history       step, loss and learning rate of up to 1000 steps
    seconds       of this process
    """

    folder: str
    steps: int
    resumed_from: int
    parameters: int
    rows: int
    tokens: int
    loss: float
    validation: dict[str, Any] | None
    history: list[dict[str, float]]
    seconds: float
    tokens_per_second: float
