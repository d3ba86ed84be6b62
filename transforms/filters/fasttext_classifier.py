"""Filter `fasttext-classifier`: keeps or drops documents by a supervised fastText model's score.

The method of DCLM (Li et al. 2024, arXiv:2406.11794, section 4.4: their oh-eli5 model keeps
documents with `__label__hq` >= 0.018112) and of many quality, topic and toxicity classifiers.
fastText: Joulin et al. 2016, arXiv:1607.01759.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa

from transforms.config_types import ConfigPath
from transforms.errors import ConfigError
from transforms.filters.filter import Filter
from transforms.filters.language import load_model
from transforms.filters.verdicts import Verdicts

_LABEL = "__label__"


def judge_fasttext_classifier(
    text: pa.LargeStringArray,
    *,
    model: ConfigPath,
    labels: tuple[str, ...],
    action: Literal["keep", "drop"] = "keep",
    threshold: float = 0.5,
    characters: int = 0,
) -> Verdicts:
    """Rejects documents by their score, the sum of the probabilities of `labels`, at most 1.

    `labels` may omit the prefix "__label__". `action = "keep"` rejects scores below `threshold`
    (`fasttext-classifier/below-threshold`); "drop" rejects scores of at least `threshold`
    (`fasttext-classifier/above-threshold`). The model reads the first `characters` characters, all
    of them if 0, with line feeds as spaces.

    Raises ConfigError for a file that is not a supervised model and for labels that it lacks.
    """
    wanted = frozenset(label if label.startswith(_LABEL) else _LABEL + label for label in labels)
    known = model_labels(model)
    if not wanted or not wanted <= known:
        named = ", ".join(sorted(label.removeprefix(_LABEL) for label in known)[:20])
        raise ConfigError(
            f"the model has no label {', '.join(sorted(wanted - known)) or 'of none'}",
            where=model,
            remedy=f"it has {named}",
        )
    classifier = load_model(model).f
    scores = np.zeros(len(text))
    for row, string in enumerate(text.to_pylist()):
        head = string[:characters] if characters else string
        answers = classifier.predict(head.replace("\n", " ") + "\n", len(known), 0.0, "strict")
        scores[row] = min(
            sum(probability for probability, label in answers if label in wanted), 1.0
        )
    rule = f"fasttext-classifier/{'below' if action == 'keep' else 'above'}-threshold"
    return Verdicts.where(
        (scores >= threshold) == (action == "keep"), rule=rule, value=scores, threshold=threshold
    )


@lru_cache(maxsize=8)
def model_labels(path: str) -> frozenset[str]:
    """All labels of a model, with "__label__". Raises ConfigError for an unsupervised model."""
    try:
        answers = load_model(path).f.predict("a\n", 1 << 16, -1.0, "strict")
    except ValueError as error:
        raise ConfigError(
            f"not a supervised model: {error}",
            where=path,
            remedy="name a fastText classifier's .bin or .ftz",
        ) from error
    labels = frozenset(label for _, label in answers)
    if not labels:
        raise ConfigError(
            "the model has no label", where=path, remedy="name a fastText classifier's .bin or .ftz"
        )
    return labels


FASTTEXT_CLASSIFIER = Filter(name="fasttext-classifier", judge=judge_fasttext_classifier)
