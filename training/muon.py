"""Muon: momentum, made orthogonal (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/).

As `torch.optim.Muon` in its state and its steps, which however iterates in bfloat16 on every device, one matrix at a time: on a
CPU without instructions for bfloat16 that takes four fifths of the training. Here a device iterates in the type that it is quick
in, over all matrices of one shape at once.
"""

from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor

MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_LEAST_NORM = 1e-7
_STACK_ELEMENTS = 1 << 22
_STATE = "momentum_buffer"


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, with steps as large as AdamW's (Liu et al., 2025, arXiv:2502.16982); decay as AdamW's.

    All parameters are matrices.
    """

    def __init__(self, parameters: list[torch.nn.Parameter], *, lr: float, weight_decay: float):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Moves the parameters that have a gradient."""
        for group in self.param_groups:
            for moved in _stacks(
                [parameter for parameter in group["params"] if parameter.grad is not None]
            ):
                updates = orthogonalised(
                    torch.stack([self._momentum(parameter) for parameter in moved])
                )
                rate = 0.2 * max(updates.shape[1:]) ** 0.5 * group["lr"]
                for parameter, update in zip(moved, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-rate)

    def _momentum(self, parameter: torch.nn.Parameter) -> Tensor:
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if _STATE not in state:
            state[_STATE] = torch.zeros_like(gradient)
        state[_STATE].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state[_STATE], MOMENTUM)


def _stacks(parameters: list[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    """Matrices of one shape together, as many as keep the iteration's memory small beside the model's."""
    by_shape: defaultdict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        by_shape[parameter.shape].append(parameter)
    for shape, same in by_shape.items():
        count = max(1, _STACK_ELEMENTS // shape.numel())
        yield from (same[first : first + count] for first in range(0, len(same), count))


def orthogonalised(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> the same singular vectors, all singular values near 1 (about 0.7 to 1.2), by Newton-Schulz iteration."""
    a, b, c = _COEFFICIENTS
    found = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    upright = found.shape[1] > found.shape[2]
    if upright:
        found = found.mT
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=_LEAST_NORM)
    for _ in range(_ITERATIONS):
        gram = found @ found.mT
        found = torch.baddbmm(
            found, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), found, beta=a
        )
    return found.mT if upright else found
