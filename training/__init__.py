"""Trains, evaluates and samples from a language model on token shards. Knows nothing of Beam.

Importing this package or `training.config` does not import torch; the other modules do.
"""
