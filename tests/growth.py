"""How long something takes, without the noise of the process it is measured in: for tests of growth, not of speed."""

import gc
import time
from collections.abc import Callable


def least_seconds(action: Callable[[], object], *, tries: int = 3) -> float:
    """CPU seconds of the fastest of several tries.

    The garbage collector waits meanwhile: late in a test run its pass over every living object takes longer than
    most of what is measured, and it would fall on one try or on another by chance.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return min(_seconds(action) for _ in range(tries))
    finally:
        if was_on:
            gc.enable()


def _seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start
