"""N-grams of evaluation texts: reading the texts, and the index that documents are compared with.

After Brown et al. 2020 (arXiv:2005.14165), appendix C: 13-grams of words, of lowercase text without
punctuation; of an evaluation text with fewer words all its words are one gram, if there are at
least 8. Words are those of `transforms/words.py`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import to_batch
from transforms.dedup.screens.screened import screened_folder
from transforms.errors import UserError
from transforms.storage.arrow_files import arrow_writer, open_arrow
from transforms.words import Words, hash_words, mix64, split_words

_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)
_FILTER_BITS = 22
_BATCH_TEXTS = 4096
_BATCH_BYTES = 4 << 20

INDEX_SCHEMA = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("set", pa.uint32(), nullable=False),
    ]
)
"""A gram and the number of its evaluation set."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationIndex:
    """The grams of evaluation sets.

    hashes  uint64 (n,), sorted; a gram of several sets is there once for each
    sets    uint32 (n,), the number of the gram's set
    widths  the numbers of words that grams have
    names   of the sets
    """

    hashes: np.ndarray
    sets: np.ndarray
    widths: tuple[int, ...]
    names: tuple[str, ...]

    def filter_bits(self) -> np.ndarray:
        """bool (2**22,): whether the hash of any gram begins with these bits.

        The table is small enough for a CPU cache, and it rules out most grams of a corpus.
        """
        bits = np.zeros(1 << _FILTER_BITS, bool)
        bits[prefixes(self.hashes)] = True
        return bits


def prefixes(hashes: np.ndarray) -> np.ndarray:
    """The first 22 bits of each hash, an index into `filter_bits`: uint64 (n,), same shape."""
    return hashes >> np.uint64(64 - _FILTER_BITS)


def gram_hashes(words: Words, hashes: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """All runs of `width` words inside a document, in order.

    Args:
        words: the words of a batch of documents; `hashes`: uint64 (words,), a hash of each.

    Returns:
        A hash of each gram, uint64 (grams,), and its first word, int64 (grams,).
    """
    length = max(len(hashes) - width + 1, 0)
    # A polynomial in the hashes of the words, for all places at once: one step for each word of the
    # gram.
    values = np.full(length, width, np.uint64)
    for index in range(width):
        values *= _MULTIPLIER
        values += hashes[index : index + length]
    # Runs that reach into the next document are left out.
    ends = np.repeat(words.offsets[1:], words.words_per_document)[:length]
    first = np.flatnonzero(np.arange(length) + width <= ends)
    return mix64(values[first]), first


def index_texts(
    sets: Iterable[tuple[str, Iterable[str]]], *, ngram: int, shortest: int
) -> tuple[EvaluationIndex, dict[str, dict[str, int]]]:
    """Indexes the grams of evaluation sets.

    Args:
        sets: (name, texts) of each set.
        ngram: words in a gram.
        shortest: texts of fewer than `ngram` words are one gram if they have at least so many.

    Returns:
        The index, and figures by set: `texts`, those `too_short` to be searched, distinct `grams`
            of the others.
    """
    names: list[str] = []
    hashes, numbers = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)]
    widths: set[int] = set()
    figures = {}
    for name, texts in sets:
        grams = [np.zeros(0, np.uint64)]
        counts = {"texts": 0, "too_short": 0}
        for batch in _batches(texts):
            words = split_words(pa.array(batch, pa.large_string()), lower=True)
            sizes = words.words_per_document
            counts["texts"] += len(batch)
            counts["too_short"] += int((sizes < min(ngram, shortest)).sum())
            word_hashes = hash_words(words)
            for width in range(min(ngram, shortest), ngram + 1):
                values, first = gram_hashes(words, word_hashes, width)
                # Shorter grams count only where they are the whole text.
                texts_of = np.searchsorted(words.offsets, first, side="right") - 1
                wanted = (sizes[texts_of] == width) | (width == ngram)
                if wanted.any():
                    widths.add(width)
                    grams.append(values[wanted])
        distinct = np.unique(np.concatenate(grams))
        figures[name] = {**counts, "grams": len(distinct)}
        hashes.append(distinct)
        numbers.append(np.full(len(distinct), len(names), np.uint32))
        names.append(name)
    joined, set_numbers = np.concatenate(hashes), np.concatenate(numbers)
    order = np.lexsort((set_numbers, joined))
    index = EvaluationIndex(
        hashes=joined[order],
        sets=set_numbers[order],
        widths=tuple(sorted(widths)),
        names=tuple(names),
    )
    return index, figures


def evaluation_index_path(out: str) -> str:
    return storage.join(screened_folder(out), "evaluation.arrow")


def write_index(index: EvaluationIndex, path: str) -> None:
    """Writes an index as one uncompressed Arrow file, which workers map into memory."""
    schema = INDEX_SCHEMA.with_metadata(
        {"widths": json.dumps(index.widths), "names": json.dumps(index.names)}
    )
    with arrow_writer(path, schema) as writer:
        writer.write_batch(to_batch(schema, index.hashes, index.sets))


def open_index(path: str) -> EvaluationIndex:
    """Opens an index; a local one is mapped into memory."""
    batch = open_arrow(path).get_batch(0)
    widths, names = (json.loads(batch.schema.metadata[key]) for key in (b"widths", b"names"))
    hashes, sets = batch.column("hash").to_numpy(), batch.column("set").to_numpy()
    return EvaluationIndex(hashes=hashes, sets=sets, widths=tuple(widths), names=tuple(names))


def read_evaluation_texts(path: str, fields: Sequence[str]) -> Iterator[str]:
    """The texts of an evaluation file of JSON Lines.

    Those are the `fields` that each object has, strings or lists of strings. Raises UserError,
    naming the line, for one that is no JSON object or has none of the fields: a text that is left
    out would be contamination that goes unnoticed.
    """
    with storage.open_decompressed(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield from _texts_of(_parsed(line, path, number), fields, f"{path}, line {number}")


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if len(batch) >= _BATCH_TEXTS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _parsed(line: bytes, path: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UserError(
            f"an evaluation text is not JSON: {error}",
            where=f"{path}, line {number}",
            remedy="give JSON Lines, one object a line",
        ) from error
    if not isinstance(value, dict):
        raise UserError(
            "an evaluation text is no JSON object",
            where=f"{path}, line {number}",
            remedy="give one object a line",
        )
    return value


def _texts_of(record: dict[str, Any], fields: Sequence[str], where: str) -> list[str]:
    values = [value for field in fields for value in _as_list(record.get(field))]
    texts = [value for value in values if isinstance(value, str)]
    if not texts:
        raise UserError(
            f"no text under {', '.join(map(repr, fields))}; "
            f"the object has {', '.join(map(repr, record)) or 'no keys'}",
            where=where,
            remedy="name the keys of the texts in dedup.decontaminate_fields",
        )
    return texts


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
