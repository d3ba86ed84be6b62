"""Near-duplicate pairs of texts that fit into memory: what `DropDuplicates` does across parts, in one function."""

import numpy as np
import pyarrow as pa

from transforms.arrays import unique_pairs
from transforms.dedup.near.bands import band_hashes, candidate_pairs
from transforms.dedup.near.candidates import similarity_of
from transforms.dedup.near.minhash import minhash_signatures
from transforms.dedup.near.set_overlap import common_values
from transforms.dedup.near.sign import sets_of
from transforms.dedup.settings import DedupConfig


def near_duplicate_pairs(texts: pa.Array, config: DedupConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of texts [n] (no nulls) as similar as `config.jaccard`, measured and verified as the settings say.

    Returns first < second (int64 [pairs], sorted) and their similarity (float64 [pairs]). A pair is found with the
    probability `match_probability(similarity, bands, rows)`; texts without words are in no pair.
    """
    sets = sets_of(texts, config)
    filled = np.flatnonzero(sets.sizes)
    signatures = minhash_signatures(sets, count=config.permutations, seed=config.seed)
    hashes = band_hashes(signatures[filled], bands=config.bands, rows=config.rows)
    found = [candidate_pairs(band, filled.astype(np.uint64), limit=len(texts)) for band in hashes]
    first, second = unique_pairs(np.concatenate([pairs.first for pairs in found]), np.concatenate([pairs.second for pairs in found]))
    first, second = first.astype(np.int64), second.astype(np.int64)
    exact = config.verify == "exact"
    common = common_values(sets, first, second) if exact else (signatures[first] == signatures[second]).sum(axis=1)
    similarity = similarity_of(common, sets.sizes[first], sets.sizes[second], config)
    similar = similarity >= config.least_similarity
    return first[similar], second[similar], similarity[similar]
