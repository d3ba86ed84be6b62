"""Gradient-boosted oblivious trees over the blocks of a page: features -> how likely each block is main text.

The trees are learned by `tests/bench/learn_main_text.py` and lie beside this module. A split compares a number with a threshold and
leaves are integers, so the sum does not depend on the order of additions: every machine gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files

import numpy as np

_FILE = "main_text_model.npz"
LEAF_SCALE = 1 << 20
"""A leaf of 1.0 in log-odds is stored as this integer."""


@dataclass(frozen=True)
class BlockModel:
    """t trees of depth d. `names`: the features it reads. `splits`: int (t, d), numbers of names. `thresholds`: float32 (t, d).
    `leaves`: int32 (t, 2^d), log-odds times LEAF_SCALE; bit j of a leaf's number says that split j's feature is above its threshold.
    Raises ValueError for leaves that may add up to more than 32 bits hold: log-odds of 2,000.
    """

    names: tuple[str, ...]
    splits: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    bias: int

    def __post_init__(self) -> None:
        if np.abs(self.leaves.astype(np.int64)).max(axis=1).sum() >= 1 << 31:
            raise ValueError("the leaves of all trees add up to more than 32 bits hold")

    @cached_property
    def _comparisons(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The different splits, half of all: int (s,) features, float32 (s,) thresholds; int (d, t) which of them each split is."""
        pairs = np.stack([self.splits.ravel().astype(np.float64), self.thresholds.ravel()])
        (features, thresholds), which = np.unique(pairs, axis=1, return_inverse=True)
        return (
            features.astype(np.intp),
            thresholds.astype(np.float32),
            np.ascontiguousarray(which.reshape(self.splits.shape).T),
        )

    def probabilities(self, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """float32 (features, m) and the names of its rows, of which every one that the model reads is one -> float64 (m,).

        The result is rounded to multiples of 2^-16, so that sums of it are exact.
        """
        numbers = {name: number for number, name in enumerate(names)}
        rows = np.array([numbers[name] for name in self.names])
        compared, thresholds, which = self._comparisons
        above = (features.take(rows[compared], axis=0) > thresholds[:, None]).view(np.uint8)
        leaf = np.zeros((len(self.leaves), features.shape[1]), np.uint8)
        for split in reversed(which):  # numpy adds bytes ten times as fast as it shifts them
            leaf += leaf
            leaf |= above.take(split, axis=0)
        trees, leaves = self.leaves.shape
        places = leaf + leaves * np.arange(trees)[:, None]
        # Sums of 32 bits take a sixth of the time of those of 64.
        total = self.leaves.take(places).sum(axis=0, dtype=np.int32).astype(np.int64) + self.bias
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
