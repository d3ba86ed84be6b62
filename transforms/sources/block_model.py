"""Gradient-boosted oblivious trees over the blocks of a page: features -> how likely each block is main text.

The trees are learned by `tests/bench/learn_main_text.py` and lie beside this module. A split compares a number with a threshold and
leaves are integers, so the sum does not depend on the order of additions: every machine gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

_FILE = "main_text_model.npz"
LEAF_SCALE = 1 << 20
"""A leaf of 1.0 in log-odds is stored as this integer."""


@dataclass(frozen=True, slots=True)
class BlockModel:
    """t trees of depth d. `names`: the features it reads. `splits`: int (t, d), numbers of names. `thresholds`: float32 (t, d).
    `leaves`: int32 (t, 2^d), log-odds times LEAF_SCALE; bit j of a leaf's number says that split j's feature is above its threshold.
    """

    names: tuple[str, ...]
    splits: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    bias: int

    def probabilities(self, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """float32 (features, m) and the names of its rows, of which every one that the model reads is one -> float64 (m,).

        The result is rounded to multiples of 2^-16, so that sums of it are exact.
        """
        trees, depth = self.splits.shape
        numbers = {name: number for number, name in enumerate(names)}
        rows = np.array([numbers[name] for name in self.names])
        leaf = np.zeros((trees, features.shape[1]), np.uint8)
        for level in range(depth):
            above = features[rows[self.splits[:, level]]] > self.thresholds[:, level, None]
            leaf |= above.view(np.uint8) << np.uint8(level)
        places = leaf + (np.arange(trees, dtype=np.intp) << depth)[:, None]
        total = self.leaves.ravel()[places].sum(axis=0, dtype=np.int64) + self.bias
        return np.round((1 << 16) / (1 + np.exp(-total / LEAF_SCALE))) / (1 << 16)


@lru_cache(1)
def block_model() -> BlockModel:
    """The model that comes with the package; read once a process."""
    with (
        (files(__package__) / _FILE).open("rb") as stream,
        np.load(stream, allow_pickle=False) as stored,
    ):
        return BlockModel(
            tuple(stored["names"].tolist()),
            stored["splits"].astype(np.int64),
            stored["thresholds"],
            stored["leaves"],
            int(stored["bias"]),
        )
