"""What a filter says of a batch: keep or reject, and by which rule."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Verdicts:
    """One verdict a row. All arrays have shape (rows,).

    keep       bool
    rule       object: the name of the rule that rejected the row, None where kept
    value      float64: what was measured, NaN where nothing was
    threshold  float64: what it was held against
    """

    keep: np.ndarray
    rule: np.ndarray
    value: np.ndarray
    threshold: np.ndarray

    @classmethod
    def where(cls, ok: np.ndarray, *, rule: str, value: np.ndarray | float = np.nan, threshold: float = np.nan) -> "Verdicts":
        """Rejects by `rule` each row where `ok` is false."""
        ok = np.asarray(ok, bool)
        return cls(
            keep=ok,
            rule=np.where(ok, np.array(None, object), np.array(rule, object)),
            value=np.where(ok, np.nan, np.broadcast_to(value, ok.shape)).astype(np.float64),
            threshold=np.where(ok, np.nan, threshold),
        )

    def then(self, later: "Verdicts") -> "Verdicts":
        """Both rules in this order: a row that both reject is rejected by the earlier one."""
        return Verdicts(
            keep=self.keep & later.keep,
            rule=np.where(self.keep, later.rule, self.rule),
            value=np.where(self.keep, later.value, self.value),
            threshold=np.where(self.keep, later.threshold, self.threshold),
        )
