"""Filter `length`: bounds on the number of characters."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.filters.filter import Filter
from transforms.filters.verdicts import Verdicts


def judge_length(text: pa.LargeStringArray, *, at_least: int = 200, at_most: int = 0) -> Verdicts:
    """Rejects documents that are too short or too long.

    Rules: `length/too-short` below `at_least` characters; `length/too-long` above `at_most`
    characters, unless that is 0.
    """
    characters = pc.utf8_length(text).to_numpy(zero_copy_only=False).astype(np.float64)
    long_enough = Verdicts.where(
        characters >= at_least, rule="length/too-short", value=characters, threshold=at_least
    )
    if at_most == 0:
        return long_enough
    return long_enough.then(
        Verdicts.where(
            characters <= at_most, rule="length/too-long", value=characters, threshold=at_most
        )
    )


LENGTH = Filter(name="length", judge=judge_length)
