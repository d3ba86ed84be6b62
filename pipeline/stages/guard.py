"""Guards: bounds of the configuration that stop a run, as `tokenmill plan` shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

from transforms.contracts.plain import JsonObject, to_plain


@dataclass(frozen=True, kw_only=True)
class HighestRate:
    """The source with the highest rate, a share in [0, 1]."""

    source: str
    rate: float


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The largest rate per source that a stage accepts, for instance of unreadable records.

    `key`: in the configuration. `limit`: a share in [0, 1]. `counted`: what the rate counts, in
    words. `highest`: the rate that the finished stage counted; None before.
    """

    key: str
    limit: float
    counted: str
    highest: HighestRate | None

    def to_plain(self) -> JsonObject:
        """The JSON value below `key`; `counted` is only for people."""
        return {"limit": self.limit, "highest": to_plain(self.highest)}


def highest_rate(counts: Mapping[str, tuple[int, int]]) -> HighestRate | None:
    """The source with the highest rate; None without sources.

    `counts`: {source: (part, whole)}. Among equal rates the first source wins; a whole of 0 is a
    rate of 0.
    """
    rates = {source: part / max(whole, 1) for source, (part, whole) in counts.items()}
    if not rates:
        return None
    source = max(rates, key=lambda name: rates[name])
    return HighestRate(source=source, rate=round(rates[source], 6))
