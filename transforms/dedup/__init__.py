"""Near-duplicate texts: MinHash signatures, candidate pairs by bands, exact similarity."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.dedup.near.bands import (
        ExpectedRecall,
        choose_bands,
        expected_recall,
        match_probability,
    )
    from transforms.dedup.near.minhash import minhash_signatures
    from transforms.dedup.near.pairs import near_duplicate_pairs
    from transforms.dedup.near.shingles import ShingleSets
    from transforms.dedup.near.sign import exact_hashes, sets_of
    from transforms.dedup.settings import DedupConfig
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".near.bands": "ExpectedRecall choose_bands expected_recall match_probability",
            ".near.minhash": "minhash_signatures",
            ".near.pairs": "near_duplicate_pairs",
            ".near.shingles": "ShingleSets",
            ".near.sign": "exact_hashes sets_of",
            ".settings": "DedupConfig",
        },
    )

__all__ = [
    "DedupConfig",
    "ExpectedRecall",
    "ShingleSets",
    "choose_bands",
    "exact_hashes",
    "expected_recall",
    "match_probability",
    "minhash_signatures",
    "near_duplicate_pairs",
    "sets_of",
]
