"""A worker process of Beam that tells at its end how much CPU time it took: `python -m pipeline.runner.worker`."""

import os
import sys
import time

CPU_SECONDS_FILE = "TOKENMILL_CPU_SECONDS_FILE"
"""Environment variable: where a worker writes its CPU seconds."""


def run_worker() -> None:
    """Works until Beam says that all is done."""
    from pipeline.runner import beam_compat

    with beam_compat.bundles_end_at_once():
        beam_compat.run_worker(sys.argv)
    if path := os.environ.get(CPU_SECONDS_FILE):
        with open(path, "w") as file:
            file.write(f"{time.process_time():.3f}")


if __name__ == "__main__":
    run_worker()
