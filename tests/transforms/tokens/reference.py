"""The oracle: what `tokenizers` itself makes of texts."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from transforms.tokens.merges import Merges, learn_merges
from transforms.tokens.patterns import Pattern, find_pattern, splitter
from transforms.tokens.train import spell, train_tokenizer

Learned = tuple[dict[str, int], list[tuple[str, str]]]


def reference_counts(texts: Iterable[str], pattern: Pattern) -> Counter[str]:
    """Pre-tokens as the library's own pre-tokenizer cuts whole texts."""
    cut = splitter(pattern)
    return Counter(pretoken for text in texts for pretoken, _ in cut.pre_tokenize_str(text))


def reference_merges(
    texts: Iterable[str],
    *,
    pattern: str,
    vocabulary: int,
    minimum_frequency: int,
    special: Sequence[str],
) -> Learned:
    """Vocabulary and merges of BpeTrainer, from the texts themselves."""
    tokenizer = train_tokenizer(
        iter(texts),
        vocabulary=vocabulary,
        minimum_frequency=minimum_frequency,
        pattern=pattern,
        special_tokens=special,
    )
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def counted_merges(
    texts: Iterable[str],
    *,
    pattern: str,
    vocabulary: int,
    minimum_frequency: int,
    special: Sequence[str],
) -> Learned:
    """The same from counts, which the library's pre-tokenizer made."""
    counts = reference_counts(texts, find_pattern(pattern))
    table = pa.array([pretoken.encode() for pretoken in counts], pa.large_binary())
    values = np.array(list(counts.values()), np.int64)
    return named(
        learn_merges(
            table,
            values,
            vocabulary=vocabulary,
            minimum_frequency=minimum_frequency,
            special_tokens=special,
        ),
        len(special),
    )


def named(merges: Merges, special: int) -> Learned:
    """Ids as the names that tokenizer.json has for them."""
    names = [token.decode() for token in merges.tokens[:special]] + [
        spell(token) for token in merges.tokens[special:]
    ]
    return {name: number for number, name in enumerate(names)}, [
        (names[left], names[right]) for left, right in merges.pairs
    ]
