"""How much memory a stage may use on this machine, and in how many passes it exchanges data.

A local runner holds in memory what a shuffle groups. What does not fit is exchanged in passes: each
covers its share of the hash ranges, and the input is read again for each.
"""

import os
from typing import TypeVar

import numpy as np

COPIES_IN_MEMORY = 9
"""Measured: bytes of the driver and its workers for each byte that a pass exchanges.

They are those of tables, streams, queues and the reader's arrays.
"""

FIXED_MEMORY = 1_500_000_000
"""Measured: bytes of a driver and two workers beside what they exchange."""

SHARE_OF_MEMORY = 0.6

Numbers = TypeVar("Numbers", int, np.ndarray)
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def local_memory(limit: int) -> int:
    """Bytes that a stage may use on this machine.

    That is `limit`, or 60% of the memory of the machine or its container if `limit` is 0.
    """
    return limit or int(SHARE_OF_MEMORY * machine_memory())


def machine_memory() -> int:
    """Bytes of memory of the machine, or of the container that this process runs in."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            with open(path, encoding="ascii") as stream:
                limit = stream.read().strip()
        except OSError:
            continue
        if limit.isdigit():
            memory = min(memory, int(limit))
    return memory


def passes_for(exchanged: int, memory: int | None) -> int:
    """In how many passes to exchange so many bytes with `memory` bytes.

    One where the runner shuffles elsewhere (None).
    """
    if memory is None:
        return 1
    # A fixed part that is larger than the limit leaves a tenth, so that small machines still work,
    # in small steps.
    left = max(memory - FIXED_MEMORY, memory // 10)
    return max(-(-exchanged * COPIES_IN_MEMORY // left), 1)


def pass_of(numbers: Numbers, *, ranges: int, passes: int) -> Numbers:
    """The pass in which a hash range is exchanged: one number, or int64 (n,) -> same shape.

    Passes take equal shares of the `ranges`.
    """
    return numbers * passes // ranges
