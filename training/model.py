"""A Llama-like decoder with the parameter names of Hugging Face's Llama, or Qwen3 with QK-norm."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from training.attention import attend, document_mask
from training.config import ModelConfig

_INITIAL_STD = 0.02


class KeyValueCache:
    """The keys and values of past positions, in fixed tensors (layers, B, K, capacity, D)."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        batch: int,
        capacity: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ):
        shape = (config.layers, batch, config.kv_heads, capacity, config.head_width)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.length = 0

    def extend(
        self, layer: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store keys and values (B, K, T, D) behind the `length` cached positions; returns all.

        The caller increases `length` after the last layer.
        """
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last dimension, computed in float32."""

    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.epsilon).to(x.dtype)


def rope_table(config: ModelConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """The cosines and sines of rotary positions, float32 (sequence_length, head_width) each.

    They are for the half-split layout, in which floats i and i + D/2 are a pair.
    """
    half = torch.arange(0, config.head_width, 2, dtype=torch.float32) / config.head_width
    angles = torch.outer(
        torch.arange(config.sequence_length, dtype=torch.float32), config.rope_theta**-half
    )
    return torch.cat([angles.cos()] * 2, dim=1), torch.cat([angles.sin()] * 2, dim=1)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Apply rotary positions: (B, H, T, D) with tables (T, D) -> (B, H, T, D) of the dtype of x."""
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat((-second, first), dim=-1) * sin).to(x.dtype)


class Attention(nn.Module):
    """Grouped-query attention with rotary positions: (B, T, width) -> (B, T, width)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.layer, self.heads, self.kv_heads, self.head_width = (
            layer,
            config.heads,
            config.kv_heads,
            config.head_width,
        )
        self.q_proj = nn.Linear(config.width, config.heads * config.head_width, bias=False)
        self.k_proj = nn.Linear(config.width, config.kv_heads * config.head_width, bias=False)
        self.v_proj = nn.Linear(config.width, config.kv_heads * config.head_width, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_width, config.width, bias=False)
        self.q_norm = RMSNorm(config.head_width, config.norm_epsilon) if config.qk_norm else None
        self.k_norm = RMSNorm(config.head_width, config.norm_epsilon) if config.qk_norm else None

    def forward(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        mask: torch.Tensor | None,
        cache: KeyValueCache | None,
    ) -> torch.Tensor:
        batch, length, _ = x.shape
        queries = self.q_proj(x).view(batch, length, self.heads, self.head_width).transpose(1, 2)
        keys = self.k_proj(x).view(batch, length, self.kv_heads, self.head_width).transpose(1, 2)
        values = self.v_proj(x).view(batch, length, self.kv_heads, self.head_width).transpose(1, 2)
        if self.q_norm is not None and self.k_norm is not None:
            queries, keys = self.q_norm(queries), self.k_norm(keys)
        queries, keys = rotate(queries, cos, sin), rotate(keys, cos, sin)
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        mixed = attend(queries, keys, values, mask=mask)
        output: torch.Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        return output


class MLP(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.up_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.down_proj = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class Layer(nn.Module):
    """A pre-norm transformer layer: attention, then MLP, each added to its input."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.input_layernorm = RMSNorm(config.width, config.norm_epsilon)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.width, config.norm_epsilon)
        self.mlp = MLP(config)

    def forward(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        mask: torch.Tensor | None,
        cache: KeyValueCache | None,
    ) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache)
        output: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Backbone(nn.Module):
    """The embedding, the layers and the last norm: the model without its head."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.padded_vocabulary, config.width)
        self.layers = nn.ModuleList(Layer(config, layer) for layer in range(config.layers))
        self.norm = RMSNorm(config.width, config.norm_epsilon)


class Decoder(nn.Module):
    """The language model; equal seeds give equal initial weights on every machine and device."""

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__()
        self.config = config
        self.model = Backbone(config)
        self.lm_head = (
            None if config.tied else nn.Linear(config.width, config.padded_vocabulary, bias=False)
        )
        cos, sin = rope_table(config)
        self.cos: torch.Tensor
        self.sin: torch.Tensor
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise(seed)

    @torch.no_grad()
    def _initialise(self, seed: int) -> None:
        """Initialise matrices from a normal distribution with a standard deviation of 0.02.

        Matrices that write to the residual stream are divided by sqrt(2 x layers).
        """
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            residual = name.endswith(("o_proj.weight", "down_proj.weight"))
            std = _INITIAL_STD / math.sqrt(2 * self.config.layers) if residual else _INITIAL_STD
            parameter.normal_(0.0, std, generator=generator)

    @property
    def head_weight(self) -> torch.Tensor:
        """The weight of the head (padded vocabulary, width); the embedding when tied.

        Rows from `vocabulary_size` on are padding.
        """
        return self.model.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    def hidden(
        self,
        tokens: torch.Tensor,
        *,
        document_start: torch.Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> torch.Tensor:
        """Token ids (B, T) -> normalised last hidden states (B, T, width).

        `document_start` (B, T) is the first position of each position's document; without it,
        attention is causal over the whole row. Rotary positions are those in the row. Only their
        differences matter, so the place of a document in its row has no effect. With a `cache`, the
        tokens follow the cached ones.
        """
        first = cache.length if cache is not None else 0
        cos, sin = (
            self.cos[first : first + tokens.shape[1]],
            self.sin[first : first + tokens.shape[1]],
        )
        mask = None if document_start is None else document_mask(document_start)
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cos, sin, mask, cache)
        if cache is not None:
            cache.length += tokens.shape[1]
        normalised: torch.Tensor = self.model.norm(x)
        return normalised

    def forward(
        self,
        tokens: torch.Tensor,
        *,
        document_start: torch.Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> torch.Tensor:
        """Token ids (B, T) -> logits (B, T, vocabulary_size)."""
        hidden = self.hidden(tokens, document_start=document_start, cache=cache)
        return F.linear(hidden, self.head_weight)[..., : self.config.vocabulary_size]
