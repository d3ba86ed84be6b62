"""The configuration of a training run and of its model; this module does not import torch."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from transforms.errors import ConfigError

VOCABULARY_MULTIPLE = 128

ModelName = Literal["nano", "tiny", "small", "110m", "350m", "1b"]

# width, layers, heads, key/value heads, hidden width of the MLP, peak learning rate
_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {
        "width": 128,
        "layers": 4,
        "heads": 4,
        "kv_heads": 2,
        "hidden": 384,
        "learning_rate": 2e-3,
    },
    "tiny": {
        "width": 256,
        "layers": 6,
        "heads": 4,
        "kv_heads": 2,
        "hidden": 704,
        "learning_rate": 2e-3,
    },
    "small": {
        "width": 512,
        "layers": 8,
        "heads": 8,
        "kv_heads": 4,
        "hidden": 1408,
        "learning_rate": 1e-3,
    },
    "110m": {
        "width": 768,
        "layers": 12,
        "heads": 12,
        "kv_heads": 12,
        "hidden": 2048,
        "learning_rate": 6e-4,
    },
    "350m": {
        "width": 1024,
        "layers": 24,
        "heads": 16,
        "kv_heads": 8,
        "hidden": 2816,
        "learning_rate": 4e-4,
    },
    "1b": {
        "width": 2048,
        "layers": 20,
        "heads": 16,
        "kv_heads": 8,
        "hidden": 5632,
        "learning_rate": 3e-4,
    },
}
_UNTIED = frozenset({"1b"})


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ModelConfig:
    """The shape of a Llama-like decoder; widths are in floats, `sequence_length` in tokens."""

    vocabulary_size: int
    sequence_length: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    qk_norm: bool = False
    tied: bool = True
    rope_theta: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Floats of one attention head."""
        return self.width // self.heads

    @property
    def padded_vocabulary(self) -> int:
        """Rows of the embedding: the vocabulary size rounded up to a multiple of 128.

        Matrix kernels are fastest at such sizes.
        """
        return -(-self.vocabulary_size // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE

    @property
    def matrix_parameters(self) -> int:
        """Parameters in the matrix products of every token, for computing MFU.

        Each takes 6 FLOP per token, forward and backward.
        """
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.kv_heads)
        return (
            self.layers * (attention + 3 * self.width * self.hidden)
            + self.padded_vocabulary * self.width
        )

    @property
    def parameters(self) -> int:
        """All parameters; tied weights count once."""
        norms = (
            self.layers * (2 * self.width + (2 * self.head_width if self.qk_norm else 0))
            + self.width
        )
        return (
            self.matrix_parameters
            + norms
            + (0 if self.tied else self.padded_vocabulary * self.width)
        )


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class TrainConfig:
    """The table `[train]` of the configuration; its descriptions document the generated file."""

    model: Annotated[
        ModelName,
        Field(description="shape of the model: about 1.3M, 5M, 25M, 110M, 350M, 1B parameters"),
    ] = "nano"
    layers: Annotated[
        int | None, Field(description="layers, in place of the model's own", ge=1)
    ] = None
    width: Annotated[
        int | None,
        Field(
            description="width of the residual stream in floats, in place of the model's own", ge=2
        ),
    ] = None
    heads: Annotated[
        int | None,
        Field(description="attention heads, in place of the model's own; divides the width", ge=1),
    ] = None
    kv_heads: Annotated[
        int | None,
        Field(description="key and value heads, in place of the model's own; divides heads", ge=1),
    ] = None
    qk_norm: Annotated[
        bool,
        Field(
            description="normalise queries and keys in each head before RoPE (the layout of Qwen3)"
        ),
    ] = False
    steps: Annotated[int, Field(description="optimizer steps", ge=1)] = 1000
    global_batch: Annotated[
        int, Field(description="rows (sequences) a step, over all devices", ge=1)
    ] = 16
    device_batch: Annotated[
        int,
        Field(
            description="rows a forward pass on one device; "
            "gradients of the passes of a step add up. 0: all at once",
            ge=0,
        ),
    ] = 0
    optimizer: Annotated[
        Literal["adamw", "muon"],
        Field(
            description='"adamw", or "muon": Muon for the matrices of the layers '
            "and AdamW for the rest"
        ),
    ] = "adamw"
    learning_rate: Annotated[
        float | None, Field(description="peak learning rate, in place of the model's own", gt=0)
    ] = None
    warmup: Annotated[
        float,
        Field(
            description="fraction of the steps in which the learning rate rises from 0 to its peak",
            ge=0,
            le=1,
        ),
    ] = 0.02
    decay: Annotated[
        float,
        Field(
            description="fraction of the steps, at the end, in which the learning rate falls to 0",
            ge=0,
            le=1,
        ),
    ] = 0.4
    weight_decay: Annotated[
        float, Field(description="weight decay of matrices (norm weights have none)", ge=0)
    ] = 0.1
    clip: Annotated[
        float, Field(description="largest global L2 norm of the gradient; 0: no clipping", ge=0)
    ] = 1.0
    mixture: Annotated[
        dict[str, Annotated[float, Field(ge=0)]],
        Field(
            description="weight of each source, as in { web = 0.7, books = 0.3 }; "
            "a source left out is not used. Empty: by number of rows"
        ),
    ] = Field(default_factory=dict)
    checkpoint_every: Annotated[
        int, Field(description="steps between checkpoints; 0: only at the end", ge=0)
    ] = 500
    keep_checkpoints: Annotated[int, Field(description="newest checkpoints kept on disk", ge=1)] = 2
    evaluate_every: Annotated[
        int,
        Field(
            description="steps between evaluations on the validation split; 0: only at the end",
            ge=0,
        ),
    ] = 250
    evaluate_rows: Annotated[
        int,
        Field(
            description="validation rows of each source in an evaluation while training, "
            "evenly spread; 0: all",
            ge=0,
        ),
    ] = 256
    device: Annotated[
        str,
        Field(
            description='"auto" (CUDA if there, else CPU), "cpu", "cuda" or "cuda:N"',
            pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        ),
    ] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Field(
            description='arithmetic of matrix products: "auto" is bfloat16 on CUDA '
            "and float32 on CPU; weights stay float32"
        ),
    ] = "auto"
    seed: Annotated[
        int,
        Field(
            description="seed of the initial weights and of the order of the rows", ge=0, lt=1 << 63
        ),
    ] = 0

    @property
    def peak_learning_rate(self) -> float:
        """The configured learning rate, or that of the model preset."""
        return (
            self.learning_rate
            if self.learning_rate is not None
            else _PRESETS[self.model]["learning_rate"]
        )


def model_config(
    train_config: TrainConfig, vocabulary_size: int, sequence_length: int
) -> ModelConfig:
    """The model shape of a configuration, for shards of a vocabulary and sequence length.

    `vocabulary_size` is in ids, `sequence_length` in tokens. Raises ConfigError when the heads do
    not divide the width, or the key/value heads do not divide the heads.
    """
    preset = _PRESETS[train_config.model]
    width = train_config.width or preset["width"]
    heads = train_config.heads or preset["heads"]
    kv_heads = train_config.kv_heads or (
        preset["kv_heads"] if train_config.heads is None else heads
    )
    hidden = preset["hidden"] if width == preset["width"] else -(-width * 8 // 3 // 64) * 64
    if width % heads or (width // heads) % 2:
        raise ConfigError(
            f"a width of {width} cannot be cut into {heads} heads of an even number of floats",
            where="[train] width, heads",
            remedy="choose a width that is a multiple of 2 x heads",
        )
    if heads % kv_heads:
        raise ConfigError(
            f"{kv_heads} key/value heads do not divide {heads} heads",
            where="[train] heads, kv_heads",
            remedy="choose kv_heads that divides heads",
        )
    return ModelConfig(
        vocabulary_size=vocabulary_size,
        sequence_length=sequence_length,
        width=width,
        layers=train_config.layers or preset["layers"],
        heads=heads,
        kv_heads=kv_heads,
        hidden=hidden,
        qk_norm=train_config.qk_norm,
        tied=train_config.model not in _UNTIED,
    )
