"""Signs one part: reads its documents and writes one row each of hashes, order key and signature."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from transforms import io
from transforms.dedup.minhash import minhash_signatures
from transforms.dedup.order import Traits, order_keys, rows_to_binary
from transforms.dedup.settings import DedupConfig
from transforms.dedup.shingles import ShingleSets, shingle_sets
from transforms.dedup.tables import EXACT_BYTES, documents_path, signature_schema, signatures_path, to_batch, write_parquet
from transforms.errors import UserError
from transforms.words import split_words

_BATCH_ROWS = 2048
_BATCH_BYTES = 4 << 20
_COLUMNS = ["id", "source", "published", "text"]


def sign_part(documents: str, out: str, part: int, config: DedupConfig) -> None:
    """Writes `signatures-PART.parquet` for a part of the documents folder, unless it is there already.

    Raises UserError if what is there was made with other settings.
    """
    path = signatures_path(out, part)
    schema = signature_schema(config)
    if io.exists(path):
        _check_settings(path, schema)
        return
    with io.open_input(documents_path(documents, part)) as stream:
        batches = pq.ParquetFile(stream).iter_batches(batch_size=_BATCH_ROWS, columns=_COLUMNS)
        table = pa.Table.from_batches(sign_documents(batches, config), schema=_plain_sources(schema))
    write_parquet(table.cast(schema), path, plain=("id", "exact", "order", "signature"))


def sign_documents(batches: Iterable[pa.RecordBatch], config: DedupConfig) -> Iterator[pa.RecordBatch]:
    """Documents (columns id, source, published, text) -> rows of `signature_schema`, the source as a plain string."""
    schema = _plain_sources(signature_schema(config))
    for batch in batches:
        for start, end in slices_of_bytes(batch.column("text"), _BATCH_BYTES):
            documents = batch.slice(start, end - start)
            texts = documents.column("text")
            sets = sets_of(texts, config)
            signatures = minhash_signatures(sets, count=config.permutations, seed=config.seed)
            traits = Traits(
                ids=documents.column("id"),
                sources=documents.column("source"),
                characters=pc.utf8_length(texts).to_numpy(),
                published=documents.column("published"),
            )
            yield to_batch(
                schema,
                traits.ids,
                traits.sources.cast(pa.string()),
                exact_hashes(texts),
                order_keys(config.keep, traits),
                sets.sizes.astype(np.uint32),
                rows_to_binary(signatures.astype("<u4").view(np.uint8)),
            )


def sets_of(texts: pa.Array, config: DedupConfig) -> ShingleSets:
    """The shingle sets of lower-cased texts, [documents]."""
    return shingle_sets(split_words(texts, lower=True), width=config.ngram)


def exact_hashes(texts: pa.Array) -> pa.Array:
    """128-bit XXH3 of each text in lower case with runs of white space made one space: fixed binary 16 [documents]."""
    digests = (xxhash.xxh3_128_digest(" ".join(text.lower().split()).encode()) for text in texts.to_pylist())
    return pa.array(digests, pa.binary(EXACT_BYTES))


def slices_of_bytes(texts: pa.Array, limit: int) -> Iterator[tuple[int, int]]:
    """Cuts a column of texts into runs [start, end) of at most `limit` bytes; a longer text is a run of its own."""
    ends = np.cumsum(pc.binary_length(texts).to_numpy())
    start = 0
    while start < len(texts):
        before = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, before + limit, side="right")), start + 1)
        yield start, end
        start = end


def _plain_sources(schema: pa.Schema) -> pa.Schema:
    # A dictionary that grows from batch to batch cannot be written as one; the labels are encoded once all are there.
    return schema.set(schema.get_field_index("source"), pa.field("source", pa.string(), nullable=False))


def _check_settings(path: str, schema: pa.Schema) -> None:
    with io.open_input(path) as stream:
        found = pq.read_schema(stream).metadata or {}
    for name, value in schema.metadata.items():
        if found.get(name) != value:
            was = found.get(name, b"unknown").decode()
            raise UserError(
                f"these signatures were made with {name.decode().removeprefix('tokenmill.')} = {was}, not {value.decode()}",
                where=path,
                remedy="give the run another folder, or remove its dedup folder",
            )
