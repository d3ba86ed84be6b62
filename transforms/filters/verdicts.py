"""The result of a filter for a batch: verdicts, rules, measured values, edits and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of one or several rules on a batch. All arrays have shape [rows].

    keep       bool
    rule       object: the name of the rule that rejected the row, None if kept
    value      float64: the measured value of a rejected row, NaN if kept or not measured
    threshold  float64: the threshold that the value was compared with
    text       large_string: the new texts, those of kept rows count; None if the filter edits none
    signals    {name: float64}: all measured values, of kept rows too, NaN where not measured; the
               value of a rule has the rule's name
    counts     {name: int64}: events per row, such as edits of the text (`pii/email`) or rules that
               could not be applied
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
        """Reject the rows where bool `ok` is false by `rule`.

        `value` holds the measured values of all rows, `threshold` one number or one per row.
        """
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
        """Verdicts that keep all `rows` rows."""
        return cls.where(np.ones(rows, bool), rule="")

    def then(self, later: "Verdicts") -> "Verdicts":
        """Combine two verdicts in order: the earlier rejection and the later text win."""
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
        """The same verdicts with new texts."""
        return replace(self, text=text)

    def with_counts(self, counts: Mapping[str, np.ndarray]) -> "Verdicts":
        """The same verdicts with counts added: {name: int64 [rows]}."""
        return replace(self, counts=_sum_counts(self.counts, counts))

    def with_signals(self, signals: Mapping[str, np.ndarray]) -> "Verdicts":
        """The same verdicts with further measured values: {name: float64 [rows]}."""
        return replace(self, signals={**self.signals, **signals})

    def among(self, rows: np.ndarray) -> "Verdicts":
        """Extend verdicts on the rows where bool `rows` is true to all rows; the others are kept.

        Raises ValueError if `text` is not None.
        """
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
