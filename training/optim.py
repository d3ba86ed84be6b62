"""The optimizer and the learning rate: AdamW or Muon; warm-up, stable, decay."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn

from training.muon import Muon

BETAS = (0.9, 0.95)
EPSILON = 1e-8


def learning_rate_at(step: int, *, steps: int, peak: float, warmup: float, decay: float) -> float:
    """The learning rate of step 0 .. steps - 1, by a schedule of warm-up, constant rate and decay.

    It rises linearly to `peak` over the first `warmup` fraction of the steps and falls linearly
    towards 0 over the last `decay` fraction; where the two overlap, the smaller rate is used. It is
    never 0 inside a run.
    """
    rising, falling = round(warmup * steps), round(decay * steps)
    factor = 1.0
    if step < rising:
        factor = (step + 1) / rising
    if step >= steps - falling:
        factor = min(factor, (steps - step) / falling)
    return peak * factor


class Optimizer:
    """An optimizer over all parameters of a model, with its state as named tensors.

    kind = "adamw" is AdamW with betas (0.9, 0.95). kind = "muon" is Muon, with steps of AdamW's
    size, for the matrices inside the layers, and AdamW for embedding, head and norms. Weight decay
    applies to matrices only.
    """

    def __init__(
        self, model: nn.Module, *, kind: Literal["adamw", "muon"] = "adamw", weight_decay: float
    ):
        self._parameters = dict(model.named_parameters())
        matrices = {name for name, parameter in self._parameters.items() if parameter.dim() >= 2}
        inner = {name for name in matrices if kind == "muon" and ".layers." in name}
        groups = [
            {
                "params": [self._parameters[name] for name in sorted(matrices - inner)],
                "weight_decay": weight_decay,
            },
            {
                "params": [
                    self._parameters[name] for name in sorted(self._parameters.keys() - matrices)
                ],
                "weight_decay": 0.0,
            },
        ]
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=0.0, betas=BETAS, eps=EPSILON, fused=True)
        ]
        if inner:
            muon = [self._parameters[name] for name in sorted(inner)]
            self._parts.append(Muon(muon, lr=0.0, weight_decay=weight_decay))
        self._part_of = {name: self._parts[-1 if name in inner else 0] for name in self._parameters}

    def step(self, *, learning_rate: float) -> None:
        """Update the parameters by their gradients, then clear the gradients."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()
            part.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state by name, such as "exp_avg/model.norm.weight"."""
        return {
            f"{key}/{name}": value.contiguous()
            for name, parameter in self._parameters.items()
            for key, value in self._part_of[name].state[parameter].items()
        }

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Restore a state returned by `tensors`."""
        for full_name, value in tensors.items():
            key, name = full_name.split("/", 1)
            parameter = self._parameters[name]
            self._part_of[name].state[parameter][key] = value.to(parameter.device)
