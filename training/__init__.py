"""Trains, evaluates and samples from a language model on token shards. Knows nothing of Beam.

Importing this package or `training.config` does not import torch; the other modules do.
"""

import os

# Threads that wait by spinning take the core from those they wait for where cores are shared: up to a tenth of the speed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
