"""Attention that does not cross document boundaries, and its mask."""

import torch
import torch.nn.functional as F


def document_mask(document_start: torch.Tensor) -> torch.Tensor:
    """Build the attention mask of packed documents.

    `document_start` (B, T) is the first position of each position's document. Returns a boolean
    mask (B, 1, T, T), true where query q attends to key k: `document_start[q] <= k <= q`. Every
    position attends at least to itself.
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
    """Scaled dot-product attention with grouped queries.

    Queries (B, H, Tq, D), keys and values (B, K, Tk, D) -> (B, H, Tq, D). `mask` is boolean and
    broadcasts to (B, H, Tq, Tk). Without a mask, attention is causal and the queries are the last
    Tq of the Tk positions.
    """
    grouped = queries.shape[1] != keys.shape[1]
    tq, tk = queries.shape[2], keys.shape[2]
    if mask is None and 1 < tq < tk:
        mask = torch.ones(tq, tk, dtype=torch.bool, device=queries.device).tril(tk - tq)
    if grouped and mask is not None and queries.is_cuda:
        # The memory-efficient CUDA kernel supports masks but not groups. Repeating the keys and
        # values keeps PyTorch from falling back to the slow reference kernel.
        repeat = queries.shape[1] // keys.shape[1]
        keys, values, grouped = (
            keys.repeat_interleave(repeat, 1),
            values.repeat_interleave(repeat, 1),
            False,
        )
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=mask is None and tq > 1, enable_gqa=grouped
    )
