"""What a filter says of a batch: keep or reject, and by which rule."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Verdicts:
    """One verdict a row. All arrays have shape (rows,).

    keep       bool
    rule       object: the name of the rule that rejected the row, None where kept
    value      float64: what was measured, NaN where nothing was
    threshold  float64: what it was held against
    text       large_string: what the kept rows read from here on; None where the filter edits nothing
    """

    keep: np.ndarray
    rule: np.ndarray
    value: np.ndarray
    threshold: np.ndarray
    text: pa.LargeStringArray | None = None

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

    @classmethod
    def kept(cls, rows: int) -> "Verdicts":
        """Rejects none of them."""
        return cls.where(np.ones(rows, bool), rule="")

    def then(self, later: "Verdicts") -> "Verdicts":
        """Both rules in this order: a row that both reject is rejected by the earlier one; the later text stands."""
        return Verdicts(
            keep=self.keep & later.keep,
            rule=np.where(self.keep, later.rule, self.rule),
            value=np.where(self.keep, later.value, self.value),
            threshold=np.where(self.keep, later.threshold, self.threshold),
            text=self.text if later.text is None else later.text,
        )

    def with_text(self, text: pa.LargeStringArray) -> "Verdicts":
        """The same verdicts, and what the kept rows read from here on."""
        return replace(self, text=text)

    def among(self, rows: np.ndarray) -> "Verdicts":
        """Verdicts on the rows where bool `rows` is true -> verdicts on all: the others are kept. `text` must be None."""
        if self.text is not None:
            raise ValueError("verdicts with a text are about all rows")
        at = np.cumsum(rows) - 1
        empty = Verdicts.kept(1)

        def spread(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
            return np.append(mine, other)[np.where(rows, at, len(mine))]

        return Verdicts(
            keep=spread(self.keep, empty.keep),
            rule=spread(self.rule, empty.rule),
            value=spread(self.value, empty.value),
            threshold=spread(self.threshold, empty.threshold),
        )
