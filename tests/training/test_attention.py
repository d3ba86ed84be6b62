import math

import torch

from training.attention import attend, document_mask


def loop_attention(queries, keys, values, starts):
    """One head and one position at a time."""
    out = torch.zeros_like(queries)
    group = queries.shape[1] // keys.shape[1]
    for b in range(queries.shape[0]):
        for h in range(queries.shape[1]):
            for q in range(queries.shape[2]):
                seen = slice(int(starts[b, q]), q + 1)
                scores = keys[b, h // group, seen] @ queries[b, h, q] / math.sqrt(queries.shape[3])
                out[b, h, q] = scores.softmax(0) @ values[b, h // group, seen]
    return out


def test_attention_is_that_of_a_loop():
    torch.manual_seed(0)
    queries, keys, values = (
        torch.randn(2, 4, 9, 8),
        torch.randn(2, 2, 9, 8),
        torch.randn(2, 2, 9, 8),
    )
    starts = torch.tensor([[0, 0, 0, 3, 3, 5, 5, 5, 5], [0, 1, 1, 1, 1, 1, 1, 1, 8]])
    torch.testing.assert_close(
        attend(queries, keys, values, mask=document_mask(starts)),
        loop_attention(queries, keys, values, starts),
    )
    causal = loop_attention(queries, keys, values, torch.zeros_like(starts))
    torch.testing.assert_close(attend(queries, keys, values), causal)
    torch.testing.assert_close(attend(queries[:, :, 6:], keys, values), causal[:, :, 6:])
    torch.testing.assert_close(attend(queries[:, :, 8:], keys, values), causal[:, :, 8:])
