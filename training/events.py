"""What a training run tells while it goes on, and when it is done."""

from dataclasses import dataclass
from typing import Any

from training.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Started:
    """Training begins, at step 0 or where the newest checkpoint was taken."""

    step: int
    steps: int
    parameters: int
    device: str
    rows: int  # in the training split


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """One optimizer step is done; `step` counts from 1. `loss` is in nats per token, of the step's own batch."""

    step: int
    steps: int
    loss: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float  # positions of the rows, masked ones among them
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    step: int
    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class Saved:
    step: int
    path: str


Event = Started | Stepped | Evaluated | Saved


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished run. `rows` and `tokens` (unmasked targets) are those of all steps; `seconds` those of this process."""

    folder: str
    steps: int
    resumed_from: int
    parameters: int
    rows: int
    tokens: int
    loss: float  # of the last step, nats per token
    validation: (
        dict[str, Any] | None
    )  # Evaluation.figures() after the last step; None without validation rows
    history: list[dict[str, float]]  # step, loss and learning rate of up to 1000 steps
    seconds: float
    tokens_per_second: float
