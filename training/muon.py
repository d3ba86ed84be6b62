"""Muon: orthogonalised momentum (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/).

State and steps are those of `torch.optim.Muon`. That one iterates in bfloat16 on all devices, one
matrix at a time, which takes four fifths of the training time on a CPU without bfloat16
instructions. This one iterates in float32 on a CPU and in bfloat16 on CUDA, over all matrices of
one shape at once.
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
    """Orthogonalised Nesterov momentum for matrices, with decoupled weight decay.

    Steps are scaled to the size of AdamW's (Liu et al., 2025, arXiv:2502.16982).
    """

    def __init__(self, parameters: list[torch.nn.Parameter], *, lr: float, weight_decay: float):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the parameters that have a gradient."""
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
    """Group matrices of one shape into stacks of at most _STACK_ELEMENTS elements.

    The limit keeps the memory of the iteration small compared with that of the model.
    """
    by_shape: defaultdict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        by_shape[parameter.shape].append(parameter)
    for shape, same in by_shape.items():
        count = max(1, _STACK_ELEMENTS // shape.numel())
        yield from (same[first : first + count] for first in range(0, len(same), count))


def orthogonalised(matrices: Tensor) -> Tensor:
    """Orthogonalise matrices (n, rows, columns) approximately, by Newton-Schulz iteration.

    The results have the same singular vectors and singular values near 1 (about 0.7 to 1.2).
    """
    a, b, c = _COEFFICIENTS
    current = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    # The transpose has the smaller Gram matrix.
    is_tall = current.shape[1] > current.shape[2]
    if is_tall:
        current = current.mT
    current = current / current.norm(dim=(1, 2), keepdim=True).clamp(min=_LEAST_NORM)
    for _ in range(_ITERATIONS):
        gram = current @ current.mT
        current = torch.baddbmm(
            current, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), current, beta=a
        )
    return current.mT if is_tall else current
