"""Filter `perplexity`: bounds on a document's perplexity under an n-gram model (KenLM), as cc_net made Common Crawl's head and tail.

Wenzek et al. 2020, arXiv:1911.00359: the text in lowercase, without accents, digits as 0, punctuation as ASCII, cut by the model's
SentencePiece tokenizer where it has one; the document's perplexity is that of all its lines together, each with its end.
Packages `kenlm` (LGPL) and `sentencepiece` are optional: pip install 'tokenmill[perplexity]'.
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
    "，、": ",", "。": ".", "．": ". ", "„”“«»」「《》": '"', "´’": "'", "∶：": ":", "；": ";", "？": "?", "！": "!", "（": "(", "）": ")",
    "–━►": "-", "—": " - ", "～": "~", "…": "...", "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%",
}  # fmt: skip
_TABLE = {ord(sign): ascii_sign for signs, ascii_sign in _PUNCTUATION.items() for sign in signs}
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
    """Rejects perplexities below `at_least` (`perplexity/too-low`), and above `at_most` unless that is 0 (`perplexity/too-high`).

    `model` (.arpa, .bin, packed .arpa.gz too) and its SentencePiece `tokenizer` ("": words between white space) are for all documents;
    those of `folder`, CODE.arpa.bin and CODE.sp.model as cc_net names them, for documents of that language, which come first. Documents
    without a model, and empty ones, are kept: `perplexity/no-model` counts the first. With `head` and `tail`, perplexities, documents are
    counted as cc_net's buckets: `perplexity/head` below `head`, `perplexity/tail` from `tail` on, `perplexity/middle`.
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
    """A line as cc_net's models read it."""
    line = unicodedata.normalize("NFD", line.strip().lower())
    line = (
        "".join(sign for sign in line if unicodedata.category(sign) != "Mn")
        if not line.isascii()
        else line
    )
    return _DIGIT.sub("0", line).translate(_TABLE)


def perplexity(text: str, *, model: Any, tokenizer: Any = None) -> float:
    """10 ** -(log10 probability per word), each line's end counted as a word; NaN where no line has a word."""
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
    """A KenLM model by path or URL, once a process. Raises ConfigError."""
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
    """A SentencePiece model by path or URL, once a process. Raises ConfigError."""
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
    # "de.arpa.bin" is for `deu_Latn` too; the file with the label's own name goes before it.
    for own in (code, *(other for other in codes if names_language(other, code))):
        if model := next((own + suffix for suffix in _MODELS if own + suffix in names), None):
            tokenizer = f"{own}.sp.model"
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
