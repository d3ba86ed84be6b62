"""Cross-entropy of the next tokens in chunks, so that a batch's logits are never all in memory."""

from typing import Any

import torch
import torch.nn.functional as F

from training.data import IGNORE

_CHUNK_LOGITS = 1 << 22  # logits per chunk: 16 MiB of float32, about the cache of a CPU


def _chunk_rows(hidden: torch.Tensor, vocabulary: int) -> int:
    limit = _CHUNK_LOGITS if not hidden.is_cuda else _CHUNK_LOGITS * 64
    return max(1, limit // vocabulary)


def _chunk_logits(hidden: torch.Tensor, weight: torch.Tensor, vocabulary_size: int) -> torch.Tensor:
    logits = F.linear(hidden, weight).float()
    if weight.shape[0] > vocabulary_size:
        logits[:, vocabulary_size:] = -torch.inf
    return logits


class _SummedCrossEntropy(torch.autograd.Function):
    """Computes loss and gradient together, chunk by chunk.

    The logits of a chunk are neither kept nor computed twice.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        targets: torch.Tensor,
        vocabulary_size: int,
    ) -> torch.Tensor:
        total = torch.zeros((), device=hidden.device, dtype=torch.float32)
        dtype = (
            torch.get_autocast_dtype(hidden.device.type)
            if torch.is_autocast_enabled(hidden.device.type)
            else hidden.dtype
        )
        cast_hidden, cast_weight = hidden.to(dtype), weight.to(dtype)
        hidden_gradient = torch.empty_like(hidden)
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32)
        step = _chunk_rows(hidden, weight.shape[0])
        with torch.autocast(hidden.device.type, enabled=False):
            for begin in range(0, hidden.shape[0], step):
                rows = slice(begin, begin + step)
                logits = _chunk_logits(cast_hidden[rows], cast_weight, vocabulary_size)
                counted = targets[rows] != IGNORE
                index = targets[rows].clamp(min=0).unsqueeze(1)
                log_probability = logits.log_softmax(1)
                total -= (log_probability.gather(1, index).squeeze(1) * counted).sum()
                gradient = log_probability.exp_()
                gradient.scatter_add_(1, index, torch.full_like(index, -1, dtype=gradient.dtype))
                gradient *= counted.unsqueeze(1)
                gradient = gradient.to(dtype)
                hidden_gradient[rows] = gradient @ cast_weight
                weight_gradient += gradient.T @ cast_hidden[rows]
        ctx.save_for_backward(hidden_gradient, weight_gradient.to(weight.dtype))
        return total

    @staticmethod
    def backward(
        ctx: Any, *gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return hidden_gradient * gradients[0], weight_gradient * gradients[0], None, None


def summed_cross_entropy(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, *, vocabulary_size: int
) -> torch.Tensor:
    """The cross-entropy summed over the unmasked targets, in nats: a float32 scalar.

    `hidden` (..., width) and `targets` (...) have the same leading shape; a target of -100 is
    masked. Rows of `weight` (padded vocabulary, width) from `vocabulary_size` on have probability
    0. Softmax and sum are computed in float32. Differentiable once.
    """
    total: torch.Tensor = _SummedCrossEntropy.apply(
        hidden.reshape(-1, hidden.shape[-1]), weight, targets.reshape(-1), vocabulary_size
    )
    return total


@torch.no_grad()
def row_nats(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, *, vocabulary_size: int
) -> torch.Tensor:
    """The cross-entropy of each row's unmasked targets, in nats, summed in float64.

    Hidden states (B, T, width) and targets (B, T) -> (B,).
    """
    flat, flat_targets = hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1)
    step = _chunk_rows(flat, weight.shape[0])
    nats = [
        F.cross_entropy(
            _chunk_logits(flat[begin : begin + step], weight, vocabulary_size),
            flat_targets[begin : begin + step],
            reduction="none",
            ignore_index=IGNORE,
        )
        for begin in range(0, flat.shape[0], step)
    ]
    return torch.cat(nats).double().view(targets.shape).sum(1)
