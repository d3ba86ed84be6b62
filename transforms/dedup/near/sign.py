"""Signs one part: for each document a hash of its text, an order key, and a MinHash signature."""

import itertools
import re
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from transforms import storage
from transforms.arrays import rows_to_binary, slices_of_bytes, to_batch
from transforms.contracts.dedup import EXACT_BYTES
from transforms.contracts.names import PARTS, SIGNATURES
from transforms.dedup.keep_order import Traits, order_keys, score_columns
from transforms.dedup.near.minhash import minhash_signatures
from transforms.dedup.near.shingles import (
    ShingleSets,
    Tokens,
    blank_token,
    character_tokens,
    shingle_sets,
    word_tokens,
)
from transforms.dedup.near.signatures import signature_schema
from transforms.dedup.settings import DedupConfig
from transforms.errors import UserError
from transforms.storage.arrow_files import read_metadata, write_parquet
from transforms.words import Words, collapse_spaces, split_words

_BATCH_ROWS = 2048
_BATCH_BYTES = 4 << 20
_PIECE_CHARACTERS = 4 << 20
_COLUMNS = ["id", "source", "published", "text"]
_CUT = re.compile(r"[\s。、，！？]")
"""Where a long text may be cut.

No word spans these characters, and lower-casing what is before never looks beyond them.
"""


def sign_part(documents: str, out: str, part: int, config: DedupConfig) -> None:
    """Writes `signatures-PART.parquet` for a part of the documents folder, unless it exists.

    Raises UserError if it exists with other settings or another number of documents.
    """
    path = SIGNATURES.path(out, part)
    schema = signature_schema(config)
    if storage.exists(path):
        _check_settings(path, schema, PARTS.path(documents, part))
        return
    columns = [*_COLUMNS, *score_columns(config.keep)]
    with storage.open_input(PARTS.path(documents, part)) as stream:
        file = pq.ParquetFile(stream)
        check_scores(file.schema_arrow, config, where=PARTS.path(documents, part))
        batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=columns)
        table = pa.Table.from_batches(
            sign_documents(batches, config), schema=_plain_sources(schema)
        )
    write_parquet(table.cast(schema), path, plain=("id", "exact", "order", "signature"))


def check_scores(schema: pa.Schema, config: DedupConfig, *, where: str) -> None:
    """Raises UserError when `config.keep` names a column that is missing or not numeric."""
    for name in score_columns(config.keep):
        found = schema.field(name).type if name in schema.names else None
        if found is None or not (pa.types.is_floating(found) or pa.types.is_integer(found)):
            reason = "do not have" if found is None else f"have as {found}, not as a number"
            raise UserError(
                f"dedup.keep names the column {name!r}, which documents {reason}",
                where=where,
                remedy="name a numeric column of the documents, or 'quality' for language_score",
            )


def sign_documents(
    batches: Iterable[pa.RecordBatch], config: DedupConfig
) -> Iterator[pa.RecordBatch]:
    """Signs documents: batches with id, source, published, text and score columns -> signatures.

    The rows are those of `signature_schema`, with the source as a plain string.
    """
    schema = _plain_sources(signature_schema(config))
    for batch in batches:
        for start, end in slices_of_bytes(batch.column("text"), _BATCH_BYTES):
            documents = batch.slice(start, end - start)
            texts = documents.column("text")
            exact, sets = digest_texts(texts, config)
            signatures = minhash_signatures(sets, count=config.permutations, seed=config.seed)
            traits = Traits(
                ids=documents.column("id"),
                sources=documents.column("source"),
                characters=pc.utf8_length(texts).to_numpy(),
                published=documents.column("published"),
                scores={name: documents.column(name) for name in score_columns(config.keep)},
            )
            yield to_batch(
                schema,
                traits.ids,
                traits.sources.cast(pa.string()),
                exact,
                order_keys(config.keep, traits),
                sets.sizes.astype(np.uint32),
                rows_to_binary(signatures.astype("<u4").view(np.uint8)),
            )


def sets_of(texts: pa.Array, config: DedupConfig) -> ShingleSets:
    """The shingle sets of n texts, in lowercase."""
    return digest_texts(texts, config)[1]


def exact_hashes(texts: pa.Array) -> pa.Array:
    """128-bit XXH3 of n texts in lowercase with collapsed whitespace: fixed binary 16, (n,)."""
    return digest_texts(texts, DedupConfig())[0]


def digest_texts(texts: pa.Array, config: DedupConfig) -> tuple[pa.Array, ShingleSets]:
    """The exact hash (see `exact_hashes`) and the shingle set of each of n texts, without nulls.

    A text of more than 4 Mi characters is digested in pieces, cut at whitespace, so that it needs
    50 bytes per word beside itself.
    """
    if len(texts) == 1 and len(texts[0].as_buffer()) > _PIECE_CHARACTERS:
        return _digest_long(texts[0].as_py(), config)
    words = split_words(texts, lower=True)
    code_points, bounds = collapse_spaces(words)
    data = memoryview(_bytes(code_points))
    ends = (4 * bounds).tolist()
    digests = [xxhash.xxh3_128_digest(data[start:end]) for start, end in itertools.pairwise(ends)]
    return pa.array(digests, pa.binary(EXACT_BYTES)), shingle_sets(
        _tokens(words, config), width=config.ngram
    )


def _digest_long(text: str, config: DedupConfig) -> tuple[pa.Array, ShingleSets]:
    exact = xxhash.xxh3_128()
    hashes = [np.zeros(0, np.uint64)]
    blank = np.zeros(0, np.uint64)
    done = 0
    for piece in _pieces(text):
        words = split_words(pa.array([piece], pa.large_string()), lower=True)
        done += len(piece)
        ends_blank = piece[-1].isspace() or done == len(text)
        code_points = collapse_spaces(words)[0]
        exact.update(_bytes(code_points[: len(code_points) - (not ends_blank)]))
        found = _tokens(words, config).hashes
        if len(found):
            hashes += [blank, found]
            blank = blank_token() if ends_blank and config.unit == "characters" else blank[:0]
    joined = np.concatenate(hashes)
    tokens = Tokens(hashes=joined, offsets=np.array([0, len(joined)]))
    return pa.array([exact.digest()], pa.binary(EXACT_BYTES)), shingle_sets(
        tokens, width=config.ngram
    )


def _bytes(code_points: np.ndarray) -> pa.Buffer:
    """Code points as little-endian UTF-32."""
    return pa.py_buffer(np.ascontiguousarray(code_points, "<u4"))


def _pieces(text: str) -> Iterator[str]:
    """Cuts a text into pieces of a little more than `_PIECE_CHARACTERS`, where `_CUT` allows.

    Whitespace belongs to the piece that it follows.
    """
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + _PIECE_CHARACTERS)
        end = cut.end() if cut else len(text)
        while end < len(text) and text[end].isspace():
            end += 1
        yield text[start:end]
        start = end


def _tokens(words: Words, config: DedupConfig) -> Tokens:
    return word_tokens(words) if config.unit == "words" else character_tokens(words)


def _plain_sources(schema: pa.Schema) -> pa.Schema:
    # A dictionary that grows from batch to batch cannot be written as one; the labels are encoded
    # once all are there.
    return schema.set(
        schema.get_field_index("source"), pa.field("source", pa.string(), nullable=False)
    )


def _check_settings(path: str, schema: pa.Schema, documents: str) -> None:
    footer = read_metadata(path)
    signed, rows = footer.num_rows, read_metadata(documents).num_rows
    stated = footer.metadata or {}
    for name, value in schema.metadata.items():
        if stated.get(name) != value:
            was = stated.get(name, b"unknown").decode()
            raise UserError(
                f"these signatures were made with {name.decode().removeprefix('tokenmill.')} = "
                f"{was}, not {value.decode()}",
                where=path,
                remedy="give the run another folder, or remove its dedup folder",
            )
    if signed != rows:
        raise UserError(
            f"these signatures are of {signed} documents, not of {rows}",
            where=path,
            remedy="give the run another folder, or remove its dedup folder",
        )
