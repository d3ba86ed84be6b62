"""Keep policies: which of two similar documents is kept.

Policies become order keys: bytes whose order is the order of preference.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.arrays import binary_rows, rows_to_binary
from transforms.contracts.documents import ID_BYTES

DROP_ALL = "drop-all"
"""The policy under which no document that has a duplicate is kept."""

QUALITY = "language_score"
"""The column that `quality` means when it names none."""

_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)
_SIGN = np.uint64(1 << 63)
_FIELD_BYTES = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Traits:
    """What policies look at, one entry for each document.

    ids         fixed binary 16
    sources     string, or dictionary of strings
    characters  int64, length of the text in code points
    published   timestamp("s"), null where unknown
    scores      numeric columns by name, null or NaN where unknown
    """

    ids: pa.Array
    sources: pa.Array
    characters: np.ndarray
    published: pa.Array
    scores: Mapping[str, pa.Array] = field(default_factory=dict)


def _longest(traits: Traits, _: str) -> np.ndarray:
    return _LAST - traits.characters.astype(np.uint64)


def _shortest(traits: Traits, _: str) -> np.ndarray:
    return traits.characters.astype(np.uint64)


def _newest(traits: Traits, _: str) -> np.ndarray:
    # The 1 keeps the value of the earliest date below that of an unknown date.
    return np.where(_known(traits), _LAST - np.uint64(1) - _seconds(traits), _LAST)


def _oldest(traits: Traits, _: str) -> np.ndarray:
    return np.where(_known(traits), _seconds(traits), _LAST)


def _source(traits: Traits, name: str) -> np.ndarray:
    same = pc.equal(traits.sources.cast(pa.string()), pa.scalar(name))
    return (~same.to_numpy(zero_copy_only=False)).astype(np.uint64)


def _quality(traits: Traits, name: str) -> np.ndarray:
    scores = (
        traits.scores[name or QUALITY]
        .cast(pa.float64())
        .fill_null(np.nan)
        .to_numpy(zero_copy_only=False)
        + 0.0
    )  # -0.0 is 0.0
    bits = scores.view(np.uint64)
    rising = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return np.where(np.isnan(scores), _LAST, _LAST - np.uint64(1) - rising)


def _known(traits: Traits) -> np.ndarray:
    return traits.published.is_valid().to_numpy(zero_copy_only=False)


def _seconds(traits: Traits) -> np.ndarray:
    seconds = traits.published.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return seconds.view(np.uint64) ^ _SIGN


_POLICIES: dict[str, Callable[[Traits, str], np.ndarray]] = {
    "longest": _longest,
    "shortest": _shortest,
    "newest": _newest,
    "oldest": _oldest,
    "source": _source,
    "quality": _quality,
}
_WITH_ARGUMENT = {"source"}
_MAY_HAVE_ARGUMENT = {"source", "quality"}
_PATTERN = re.compile(r"(?P<name>[a-z-]+)(?::(?P<argument>.+))?", re.DOTALL)


def parse_policy(policy: str) -> tuple[str, str]:
    """Parse a policy into its name and its argument, "" if it has none.

    Policies are `longest`, `shortest`, `newest`, `oldest`, `source:NAME`, `quality`,
    `quality:COLUMN` and `drop-all`. Raises ValueError for anything else.
    """
    match = _PATTERN.fullmatch(policy)
    name, argument = (match["name"], match["argument"]) if match else ("", None)
    if name == DROP_ALL and argument is None:
        return name, ""
    unfit = name in _WITH_ARGUMENT if argument is None else name not in _MAY_HAVE_ARGUMENT
    if name not in _POLICIES or unfit:
        known = ", ".join(
            f"'{known}:NAME'" if known in _WITH_ARGUMENT else f"'{known}'" for known in _POLICIES
        )
        raise ValueError(
            f"{policy!r} is not a keep policy; it is one of {known}, 'quality:COLUMN', '{DROP_ALL}'"
        )
    return name, argument or ""


def score_columns(keep: Sequence[str]) -> list[str]:
    """The numeric columns that the policies read, sorted."""
    return sorted(
        {argument or QUALITY for name, argument in map(parse_policy, keep) if name == "quality"}
    )


def _fields(keep: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, argument) for name, argument in map(parse_policy, keep) if name != DROP_ALL]


def key_bytes(keep: Sequence[str]) -> int:
    """Bytes of an order key: 8 for each policy and the 16 of the id."""
    return _FIELD_BYTES * len(_fields(keep)) + ID_BYTES


def order_keys(keep: Sequence[str], traits: Traits) -> pa.Array:
    """Order keys of n documents: fixed binary (n,).

    Of two documents the one with the smaller key is kept.

    Each policy of `keep` decides where the ones before it tie. The id decides last, so no two keys
    are equal. Documents without a date or score come after all that have one. Under `drop-all` the
    order only decides which document is named as keeper.
    """
    documents = len(traits.ids)
    width = key_bytes(keep)
    keys = np.empty((documents, width), np.uint8)
    for index, (name, argument) in enumerate(_fields(keep)):
        field = (
            _POLICIES[name](traits, argument)
            .astype(">u8")
            .view(np.uint8)
            .reshape(documents, _FIELD_BYTES)
        )
        keys[:, _FIELD_BYTES * index : _FIELD_BYTES * (index + 1)] = field
    keys[:, width - ID_BYTES :] = binary_rows(traits.ids)
    return rows_to_binary(keys)
