"""Near-duplicate pairs of texts in memory: the pure twin of `transforms.beam.drop_duplicates`."""

import numpy as np
import pyarrow as pa

from transforms.arrays import unique_pairs
from transforms.dedup.near.bands import band_hashes, candidate_pairs
from transforms.dedup.near.candidates import similarity_of
from transforms.dedup.near.minhash import minhash_signatures
from transforms.dedup.near.set_overlap import common_values
from transforms.dedup.near.sign import sets_of
from transforms.dedup.settings import DedupConfig


def near_duplicate_pairs(
    texts: pa.Array, config: DedupConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs of texts that are at least as similar as `config.jaccard`.

    A pair is found with probability `match_probability(similarity, bands, rows)`. Texts without
    words are in no pair.

    Args:
        texts: (n,), without nulls.

    Returns:
        first < second, int64 (pairs,) each, sorted, and their similarity, float64 (pairs,).
    """
    sets = sets_of(texts, config)
    filled = np.flatnonzero(sets.sizes)
    signatures = minhash_signatures(sets, count=config.permutations, seed=config.seed)
    hashes = band_hashes(signatures[filled], bands=config.bands, rows=config.rows)
    found = [candidate_pairs(band, filled.astype(np.uint64), limit=len(texts)) for band in hashes]
    first, second = unique_pairs(
        np.concatenate([pairs.first for pairs in found]),
        np.concatenate([pairs.second for pairs in found]),
    )
    first, second = first.astype(np.int64), second.astype(np.int64)
    exact = config.verify == "exact"
    common = (
        common_values(sets, first, second)
        if exact
        else (signatures[first] == signatures[second]).sum(axis=1)
    )
    similarity = similarity_of(common, sets.sizes[first], sets.sizes[second], config)
    similar = similarity >= config.least_similarity
    return first[similar], second[similar], similarity[similar]
