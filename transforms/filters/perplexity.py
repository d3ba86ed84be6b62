"""Filter `perplexity`: bounds on a document's perplexity under a KenLM n-gram model, as in CCNet.

Text is prepared as in CCNet (Wenzek et al. 2020, arXiv:1911.00359): lowercase, accents removed,
digits replaced by 0, punctuation mapped to ASCII, tokenized by the model's SentencePiece tokenizer
if it has one. The perplexity of a document covers all its lines, each with an end-of-line token.
The packages `kenlm` (LGPL) and `sentencepiece` are optional: pip install 'tokenmill[perplexity]'.
"""

import importlib
import re
import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.config_types import ConfigPath
from transforms.errors import ConfigError
from transforms.filters.filter import Filter
from transforms.filters.language_codes import names_language
from transforms.filters.verdicts import Verdicts

_PUNCTUATION = {
    "，、": ",", "。": ".", "．": ". ", "„”“«»」「《》": '"', "´’": "'", "∶：": ":",
    "；": ";", "？": "?", "！": "!", "（": "(", "）": ")",
    "–━►": "-", "—": " - ", "～": "~", "…": "...", "〈": "<", "〉": ">", "【": "[", "】": "]",
    "％": "%",
}  # fmt: skip
_TABLE = {ord(mark): ascii_text for marks, ascii_text in _PUNCTUATION.items() for mark in marks}
_TABLE |= dict.fromkeys((*range(32), *range(127, 160)), "")
_MODELS = (".arpa.bin", ".bin", ".arpa")
_DIGIT = re.compile(r"\d")


def judge_perplexity(
    text: pa.LargeStringArray,
    language: pa.Array,
    *,
    model: ConfigPath = "",
    tokenizer: ConfigPath = "",
    folder: ConfigPath = "",
    at_least: float = 0.0,
    at_most: float = 0.0,
    head: float = 0.0,
    tail: float = 0.0,
) -> Verdicts:
    """Rejects documents with a perplexity below `at_least` or above `at_most`.

    Rules: `perplexity/too-low`; `perplexity/too-high`, unless `at_most` is 0. Documents without a
    model, and empty ones, are kept; `perplexity/no-model` counts the first.

    `model` (.arpa, .arpa.gz or .bin) and its SentencePiece `tokenizer` ("": words between white
    space) apply to all documents without a model in `folder`, which has one model per language,
    named CODE.arpa.bin and CODE.sp.model as in CCNet. With the perplexities `head` and `tail`,
    documents are counted by CCNet's buckets: `perplexity/head` below `head`, `perplexity/tail` from
    `tail` on, `perplexity/middle` between.
    """
    if not model and not folder:
        raise ConfigError(
            "there is no model", where="filter perplexity", remedy="set `model` or `folder`"
        )
    rows = len(text)
    values = np.full(rows, np.nan)
    without = np.zeros(rows, np.int64)
    for row, (string, code) in enumerate(
        zip(text.to_pylist(), language.cast(pa.string()).to_pylist(), strict=True)
    ):
        paths = _paths(folder, code) or ((model, tokenizer) if model else None)
        if paths is None:
            without[row] = 1
        else:
            values[row] = perplexity(
                string,
                model=load_model(paths[0]),
                tokenizer=load_tokenizer(paths[1]) if paths[1] else None,
            )
    known = ~np.isnan(values)
    verdicts = Verdicts.where(
        ~(values < at_least), rule="perplexity/too-low", value=values, threshold=at_least
    )
    if at_most:
        verdicts = verdicts.then(
            Verdicts.where(
                ~(values > at_most), rule="perplexity/too-high", value=values, threshold=at_most
            )
        )
    counts = {"perplexity/no-model": without}
    if head or tail:
        counts["perplexity/head"] = (known & (values < head)).astype(np.int64)
        counts["perplexity/tail"] = (known & (values >= tail)).astype(np.int64)
        counts["perplexity/middle"] = (
            known.astype(np.int64) - counts["perplexity/head"] - counts["perplexity/tail"]
        )
    return verdicts.with_counts(counts).with_signals({"perplexity/value": values})


def normalize_line(line: str) -> str:
    """Normalise a line as CCNet does for its models."""
    line = unicodedata.normalize("NFD", line.strip().lower())
    line = (
        "".join(character for character in line if unicodedata.category(character) != "Mn")
        if not line.isascii()
        else line
    )
    return _DIGIT.sub("0", line).translate(_TABLE)


def perplexity(text: str, *, model: Any, tokenizer: Any = None) -> float:
    """The perplexity of a text: 10 ** -(log10 probability per word).

    The end of each line counts as a word. NaN if no line has a word.
    """
    log_probability, length = 0.0, 0
    for line in filter(None, map(normalize_line, text.split("\n"))):
        if tokenizer is not None:
            line = " ".join(tokenizer.encode_as_pieces(line))
        words = len(line.split())
        if words:
            log_probability += model.score(line)
            length += words + 1
    return 10.0 ** min(-log_probability / length, 300.0) if length else float("nan")


@lru_cache(maxsize=16)
def load_model(path: str) -> Any:
    """Load a KenLM model from a path or URL, once per process. Raises ConfigError."""
    kenlm = _package("kenlm")
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        with storage.local_copy(path) as local:
            return kenlm.Model(local, config)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"cannot load the model: {error}",
            where=path,
            remedy="name a KenLM .bin or an ARPA file",
        ) from error


@lru_cache(maxsize=16)
def load_tokenizer(path: str) -> Any:
    """Load a SentencePiece model from a path or URL, once per process. Raises ConfigError."""
    processor = _package("sentencepiece").SentencePieceProcessor()
    try:
        with storage.local_copy(path) as local:
            processor.load(local)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"cannot load the tokenizer: {error}",
            where=path,
            remedy="name a SentencePiece .model file",
        ) from error
    return processor


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        remedy = "pip install 'tokenmill[perplexity]'"
        raise ConfigError(
            f"the package {name} is not installed", where="filter perplexity", remedy=remedy
        ) from error


@lru_cache(maxsize=512)
def _paths(folder: str, code: str | None) -> tuple[str, str] | None:
    """The model and tokenizer ("" if there is none) of a language in a folder, or None."""
    if not folder or not code:
        return None
    names = _names(folder)
    codes = dict.fromkeys(
        name.removesuffix(suffix)
        for suffix in _MODELS
        for name in sorted(names)
        if name.endswith(suffix)
    )
    # "de.arpa.bin" also applies to `deu_Latn`; a file named by the label itself has precedence.
    for name in (code, *(other for other in codes if names_language(other, code))):
        if model := next((name + suffix for suffix in _MODELS if name + suffix in names), None):
            tokenizer = f"{name}.sp.model"
            return storage.join(folder, model), storage.join(
                folder, tokenizer
            ) if tokenizer in names else ""
    return None


@lru_cache(maxsize=8)
def _names(folder: str) -> frozenset[str]:
    names = frozenset(storage.list_names(folder))
    if not any(name.endswith(_MODELS) for name in names):
        raise ConfigError(
            "there is no model in the folder",
            where=folder,
            remedy="it must have files such as en.arpa.bin",
        )
    return names


PERPLEXITY = Filter(name="perplexity", judge=judge_perplexity, columns=("text", "language"))
