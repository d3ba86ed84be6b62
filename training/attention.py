"""Attention that does not cross documents: one function, and the mask it needs."""

import torch
import torch.nn.functional as F


def document_mask(document_start: torch.Tensor) -> torch.Tensor:
    """First positions of each position's document, (B, T) -> boolean mask (B, 1, T, T): True where query q may see key k.

    Position q sees k exactly when `document_start[q] <= k <= q`, so every position sees at least itself.
    """
    positions = torch.arange(document_start.shape[1], device=document_start.device)
    causal = positions[None, :] <= positions[:, None]
    return (causal & (document_start[:, :, None] <= positions)).unsqueeze(1)


def attend(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    *,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Scaled dot-product attention with grouped queries: (B, H, Tq, D) with keys and values (B, K, Tk, D) -> (B, H, Tq, D).

    `mask` is boolean and broadcasts to (B, H, Tq, Tk). Without one the queries are the last Tq of the Tk positions and
    each sees itself and what lies before it (plain causal attention when Tq == Tk).
    """
    grouped = queries.shape[1] != keys.shape[1]
    tq, tk = queries.shape[2], keys.shape[2]
    if mask is None and 1 < tq < tk:
        mask = torch.ones(tq, tk, dtype=torch.bool, device=queries.device).tril(tk - tq)
    if grouped and mask is not None and queries.is_cuda:
        # The memory-efficient CUDA kernel takes a mask but no groups; the slow reference would be used instead.
        repeat = queries.shape[1] // keys.shape[1]
        keys, values, grouped = (
            keys.repeat_interleave(repeat, 1),
            values.repeat_interleave(repeat, 1),
            False,
        )
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=mask is None and tq > 1, enable_gqa=grouped
    )
