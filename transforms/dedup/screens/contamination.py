"""Documents that hold evaluation texts: n-grams of words that a document shares with one.

After Brown et al. 2020 (arXiv:2005.14165), appendix C: grams of 13 words, of lower-cased text without punctuation; of a shorter
evaluation text all its words are one gram, if they are at least 8. Unlike there, a document goes whole, and a gram counts however
many documents have it. Words are those of `transforms/words.py`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.arrays import join_ranges, run_starts
from transforms.contracts.documents import EXCERPT_CHARACTERS
from transforms.errors import UserError
from transforms.storage.arrow_files import arrow_writer, open_arrow
from transforms.words import Words, hash_words, mix64, split_words

_MULTIPLIER = np.uint64(0xC2B2AE3D27D4EB4F)
_FILTER_BITS = 22
_BATCH_TEXTS = 4096
_BATCH_BYTES = 4 << 20

INDEX_SCHEMA = pa.schema([pa.field("hash", pa.uint64(), nullable=False), pa.field("set", pa.uint32(), nullable=False)])


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationIndex:
    """Grams of evaluation sets: `hashes` uint64 [n], sorted, and the number of the set of each, `sets` uint32 [n]; a gram of several
    sets once for each. `widths`: the words in a gram that occur; `names` of the sets."""

    hashes: np.ndarray
    sets: np.ndarray
    widths: tuple[int, ...]
    names: tuple[str, ...]

    def filter_bits(self) -> np.ndarray:
        """bool [2**22]: whether any gram's hash begins with these bits. Small enough for a cache; most grams of a corpus end here."""
        bits = np.zeros(1 << _FILTER_BITS, bool)
        bits[self.hashes >> np.uint64(64 - _FILTER_BITS)] = True
        return bits


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Matches of a batch, sorted by (document, set): `documents` and `sets` int64 [n], distinct `grams` int64 [n], `excerpts` [n]."""

    documents: np.ndarray
    sets: np.ndarray
    grams: np.ndarray
    excerpts: list[str]


def gram_hashes(words: Words, hashes: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """All runs of `width` words inside a document: their hashes uint64 [grams] and first words int64 [grams], in order."""
    length = max(len(hashes) - width + 1, 0)
    values = np.full(length, width, np.uint64)
    for index in range(width):
        values *= _MULTIPLIER
        values += hashes[index : index + length]
    ends = np.repeat(words.offsets[1:], words.words_per_document)[:length]
    first = np.flatnonzero(np.arange(length) + width <= ends)
    return mix64(values[first]), first


def index_texts(
    sets: Iterable[tuple[str, Iterable[str]]], *, ngram: int, shortest: int
) -> tuple[EvaluationIndex, dict[str, dict[str, int]]]:
    """(name, texts) of evaluation sets -> their grams and, by name, how many `texts` there are, how many are `too_short` to be looked
    for (fewer than `ngram` and than `shortest` words), and how many distinct `grams` the others give."""
    names: list[str] = []
    hashes, numbers = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)]
    widths: set[int] = set()
    figures = {}
    for name, texts in sets:
        found = [np.zeros(0, np.uint64)]
        counts = {"texts": 0, "too_short": 0}
        for batch in _batches(texts):
            words = split_words(pa.array(batch, pa.large_string()), lower=True)
            sizes = words.words_per_document
            counts["texts"] += len(batch)
            counts["too_short"] += int((sizes < min(ngram, shortest)).sum())
            of_words = hash_words(words)
            for width in range(min(ngram, shortest), ngram + 1):
                values, first = gram_hashes(words, of_words, width)
                owners = np.searchsorted(words.offsets, first, side="right") - 1
                wanted = (sizes[owners] == width) | (width == ngram)
                if wanted.any():
                    widths.add(width)
                    found.append(values[wanted])
        distinct = np.unique(np.concatenate(found))
        figures[name] = {**counts, "grams": len(distinct)}
        hashes.append(distinct)
        numbers.append(np.full(len(distinct), len(names), np.uint32))
        names.append(name)
    together, of_sets = np.concatenate(hashes), np.concatenate(numbers)
    order = np.lexsort((of_sets, together))
    index = EvaluationIndex(hashes=together[order], sets=of_sets[order], widths=tuple(sorted(widths)), names=tuple(names))
    return index, figures


def find_matches(texts: pa.Array, index: EvaluationIndex, bits: np.ndarray) -> Matches:
    """Which of the texts [documents] share a gram with which evaluation set; `bits` are the index's `filter_bits`."""
    words = split_words(texts, lower=True)
    of_words = hash_words(words)
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for width in index.widths:
        values, first = gram_hashes(words, of_words, width)
        likely = np.flatnonzero(bits[values >> np.uint64(64 - _FILTER_BITS)])
        values, first = values[likely], first[likely]
        starts, ends = np.searchsorted(index.hashes, values, side="left"), np.searchsorted(index.hashes, values, side="right")
        each = np.repeat(np.arange(len(values)), ends - starts)
        entries = join_ranges(starts, ends - starts)
        found = (np.searchsorted(words.offsets, first[each], side="right") - 1, index.sets[entries].astype(np.int64), values[each])
        for column, part in zip(columns, (*found, first[each] * 64 + width - 1), strict=True):
            column.append(part)
    types = (np.int64, np.int64, np.uint64, np.int64)
    documents, sets, grams, places = (np.concatenate([np.zeros(0, kind), *column]) for kind, column in zip(types, columns, strict=True))
    order = np.lexsort((places, sets, documents))
    documents, sets, grams, places = documents[order], sets[order], grams[order], places[order]
    starts = run_starts(documents, sets)
    ends = np.append(starts, len(documents))[1:]
    return Matches(
        documents=documents[starts],
        sets=sets[starts],
        grams=np.array([len(np.unique(grams[start:end])) for start, end in zip(starts, ends, strict=True)], np.int64),
        excerpts=[_excerpt(words, int(place) // 64, int(place) % 64 + 1) for place in places[starts]],
    )


def read_texts(path: str, fields: Sequence[str]) -> Iterator[str]:
    """The texts of an evaluation file: of each line, a JSON object, the fields that it has, strings or lists of them.

    Raises UserError, naming the line, for one that is no JSON object or has none of the fields: a text that is not looked for is
    a contamination that nobody hears of.
    """
    with storage.open_decompressed(path) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield from _texts_of(_parsed(line, path, number), fields, f"{path}, line {number}")


def write_index(index: EvaluationIndex, path: str) -> None:
    """Writes an index as one uncompressed Arrow file, to be mapped into memory."""
    schema = INDEX_SCHEMA.with_metadata({"widths": json.dumps(index.widths), "names": json.dumps(index.names)})
    batch = pa.RecordBatch.from_arrays([pa.array(index.hashes), pa.array(index.sets)], schema=schema)
    with arrow_writer(path, schema) as writer:
        writer.write_batch(batch)


def open_index(path: str) -> EvaluationIndex:
    """Maps an index, or reads it where it is not local."""
    batch = open_arrow(path).get_batch(0)
    widths, names = (json.loads(batch.schema.metadata[key]) for key in (b"widths", b"names"))
    return EvaluationIndex(
        hashes=batch.column("hash").to_numpy(), sets=batch.column("set").to_numpy(), widths=tuple(widths), names=tuple(names)
    )


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
            f"an evaluation text is not JSON: {error}", where=f"{path}, line {number}", remedy="give JSON Lines, one object a line"
        ) from error
    if not isinstance(value, dict):
        raise UserError("an evaluation text is no JSON object", where=f"{path}, line {number}", remedy="give one object a line")
    return value


def _texts_of(record: dict[str, Any], fields: Sequence[str], where: str) -> list[str]:
    values = [value for field in fields for value in _as_list(record.get(field))]
    texts = [value for value in values if isinstance(value, str)]
    if not texts:
        raise UserError(
            f"no text under {', '.join(map(repr, fields))}; the object has {', '.join(map(repr, record)) or 'no keys'}",
            where=where,
            remedy="name the keys of the texts in dedup.decontaminate_fields",
        )
    return texts


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _excerpt(words: Words, first: int, width: int) -> str:
    characters = words.code_points[words.starts[first] : words.ends[first + width - 1]]
    return characters[:EXCERPT_CHARACTERS].astype("<u4").tobytes().decode("utf-32-le", "replace")
