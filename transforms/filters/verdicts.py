"""What a filter says of a batch: keep or reject, by which rule, what it measured and what it did."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    signals    {name: float64}: all that was measured, of kept rows too, NaN where nothing was; a rule's value has its name
    counts     {name: int64}: how often something was done: an edit of the text (`pii/email`), a rule that could not apply
    """

    keep: np.ndarray
    rule: np.ndarray
    value: np.ndarray
    threshold: np.ndarray
    text: pa.LargeStringArray | None = None
    signals: Mapping[str, np.ndarray] = field(default_factory=dict)
    counts: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def where(
        cls,
        ok: np.ndarray,
        *,
        rule: str,
        value: np.ndarray | float = np.nan,
        threshold: np.ndarray | float = np.nan,
    ) -> "Verdicts":
        """Rejects by `rule` each row where `ok` is false. `value` is what was measured of every row, `threshold` is for all or each."""
        ok = np.asarray(ok, bool)
        values = np.broadcast_to(np.asarray(value, np.float64), ok.shape)
        return cls(
            keep=ok,
            rule=np.where(ok, np.array(None, object), np.array(rule, object)),
            value=np.where(ok, np.nan, values),
            threshold=np.where(ok, np.nan, threshold),
            signals={rule: values} if values.size and not np.isnan(values).all() else {},
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
            signals={**self.signals, **later.signals},
            counts=_sum_counts(self.counts, later.counts),
        )

    def with_text(self, text: pa.LargeStringArray) -> "Verdicts":
        """The same verdicts, and what the kept rows read from here on."""
        return replace(self, text=text)

    def with_counts(self, counts: Mapping[str, np.ndarray]) -> "Verdicts":
        """The same verdicts, and how often something was done: {name: int (rows,)}."""
        return replace(self, counts=_sum_counts(self.counts, counts))

    def with_signals(self, signals: Mapping[str, np.ndarray]) -> "Verdicts":
        """The same verdicts, and values that no rule is held against: {name: float (rows,)}."""
        return replace(self, signals={**self.signals, **signals})

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
            signals={
                name: spread(values, np.array([np.nan])) for name, values in self.signals.items()
            },
            counts={
                name: spread(counts, np.zeros(1, np.int64)) for name, counts in self.counts.items()
            },
        )


def _sum_counts(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    total = dict(first)
    for name, counts in second.items():
        total[name] = total[name] + counts if name in total else counts
    return total
