"""Documents that hold evaluation texts: those that share an n-gram of words with one.

After Brown et al. 2020 (arXiv:2005.14165), appendix C. Differences: a document is dropped whole,
and a gram counts however many documents have it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.arrays import join_ranges, run_starts, slices_of_bytes, starts_run, to_batch
from transforms.contracts.addresses import pack_address
from transforms.contracts.dedup import CONTAMINATION_SCHEMA, SCREEN_RULES
from transforms.contracts.documents import EXCERPT_CHARACTERS, ID_BYTES
from transforms.contracts.names import CONTAMINATION, PARTS
from transforms.dedup.screens.evaluation_index import EvaluationIndex, gram_hashes, prefixes
from transforms.dedup.screens.screened import addressed_drops, drops_of_part
from transforms.lookup import read_rows
from transforms.storage.arrow_files import read_parquet
from transforms.words import Words, hash_words, split_words

_BATCH_BYTES = 4 << 20
_PLACES = 64
"""A gram of a batch is its first word times this, plus its words less one: ngram is at most 64."""


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Documents of a batch that share grams with an evaluation set, sorted by (document, set).

    documents  int64, index in the batch
    sets       int64, number of the evaluation set
    grams      int64, distinct grams that they share
    excerpts   the words of the first of them
    """

    documents: np.ndarray
    sets: np.ndarray
    grams: np.ndarray
    excerpts: list[str]


def find_matches(texts: pa.Array, index: EvaluationIndex, bits: np.ndarray) -> Matches:
    """Which of n texts share a gram with which evaluation set.

    `bits` are the index's `filter_bits`.
    """
    words = split_words(texts, lower=True)
    word_hashes = hash_words(words)
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for width in index.widths:
        values, first = gram_hashes(words, word_hashes, width)
        # Most grams of a corpus are in no set: the table of bits rules them out before the binary
        # search.
        likely = np.flatnonzero(bits[prefixes(values)])
        values, first = values[likely], first[likely]
        starts, ends = (
            np.searchsorted(index.hashes, values, side=side) for side in ("left", "right")
        )
        # One row for each entry of the index that a gram equals: a gram of several sets has
        # several.
        sizes = ends - starts
        each = np.repeat(np.arange(len(values)), sizes)
        entries = join_ranges(starts, sizes)
        matched = (
            np.searchsorted(words.offsets, first[each], side="right") - 1,
            index.sets[entries].astype(np.int64),
            values[each],
            first[each] * _PLACES + width - 1,
        )
        for column, part in zip(columns, matched, strict=True):
            column.append(part)
    types = (np.int64, np.int64, np.uint64, np.int64)
    documents, sets, grams, places = (
        np.concatenate([np.zeros(0, kind), *column])
        for kind, column in zip(types, columns, strict=True)
    )
    order = np.lexsort((places, sets, documents))
    documents, sets, grams, places = documents[order], sets[order], grams[order], places[order]
    starts = run_starts(documents, sets)
    ends = np.append(starts, len(documents))[1:]
    return Matches(
        documents=documents[starts],
        sets=sets[starts],
        grams=np.array(
            [len(np.unique(grams[start:end])) for start, end in zip(starts, ends, strict=True)],
            np.int64,
        ),
        excerpts=[
            _excerpt(words, int(place) // _PLACES, int(place) % _PLACES + 1)
            for place in places[starts]
        ],
    )


def match_part(documents: str, part: int, index: EvaluationIndex) -> pa.Table:
    """The matches of a part: `CONTAMINATION_SCHEMA`, sorted by (row, number of the set)."""
    bits = index.filter_bits()
    tables = [CONTAMINATION_SCHEMA.empty_table()]
    no_drops = np.zeros(0, np.int64)
    for rows, batch in read_rows(
        PARTS.path(documents, part), no_drops, columns=["id", "source", "text"]
    ):
        for start, end in slices_of_bytes(batch.column("text"), _BATCH_BYTES):
            matches = find_matches(batch.column("text").slice(start, end - start), index, bits)
            at = start + matches.documents
            matched = to_batch(
                CONTAMINATION_SCHEMA,
                pa.array(rows[at], pa.uint32()),
                batch.column("id").take(pa.array(at)),
                batch.column("source").take(pa.array(at)).cast(pa.string()),
                pa.array([index.names[number] for number in matches.sets.tolist()], pa.string()),
                pa.array(matches.grams, pa.uint32()),
                pa.array(matches.excerpts, pa.string()),
            )
            tables.append(pa.Table.from_batches([matched]))
    return pa.concat_tables(tables).combine_chunks()


def contaminated_drops(part: int, matches: pa.Table) -> pa.Table:
    """The matches of a part -> its drops, a document once.

    Named is the set that it shares most grams with, the first of several.
    """
    rows = matches["row"].to_numpy().astype(np.int64)
    order = np.lexsort((np.arange(len(rows)), -matches["grams"].to_numpy().astype(np.int64), rows))
    chosen = matches.take(pa.array(order[starts_run(rows[order])])).combine_chunks()
    drops = addressed_drops(
        members=pack_address(part, chosen["row"].to_numpy()),
        ids=pa.array(chosen["id"].to_pylist(), pa.binary(ID_BYTES)),
        rule=SCREEN_RULES["decontaminate"],
        other=pa.array(chosen["set"].to_pylist(), pa.string()),
    )
    return drops_of_part([drops])


def count_matches(
    out: str, parts: Iterable[int], figures: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Adds counts to the figures of each evaluation set.

    `documents` share a gram with the set; `matches` are the grams shared.
    """
    counted = {name: {**values, "documents": 0, "matches": 0} for name, values in figures.items()}
    for part in parts:
        table = read_parquet(CONTAMINATION.path(out, part), ["set", "grams"])
        for name in pc.unique(table["set"]).to_pylist():
            grams = table.filter(pc.equal(table["set"], name))["grams"]
            counted[name]["documents"] += len(grams)
            counted[name]["matches"] += pc.sum(grams).as_py()
    return counted


def _excerpt(words: Words, first: int, width: int) -> str:
    characters = words.code_points[words.starts[first] : words.ends[first + width - 1]]
    return characters[:EXCERPT_CHARACTERS].astype("<u4").tobytes().decode("utf-32-le", "replace")
