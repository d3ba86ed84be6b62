"""Checks of the shards stage: each kept document's tokens occur once and decode to its text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from pipeline.stages.check import Check, address_names, differing_keys
from pipeline.stages.documents.units import sources_of_parts
from pipeline.stages.finished import FinishedStages, need
from pipeline.stages.shards.made import settings_of
from pipeline.stages.shards.work import SPLITS, count_shard
from pipeline.stages.tokenizer.made import read_tokenizer
from transforms import storage
from transforms.arrays import slices_of_bytes
from transforms.contracts.addresses import pack_address
from transforms.contracts.counters import ShardsCounters, add_counters
from transforms.contracts.names import DROPS, PARTS
from transforms.contracts.plain import to_plain
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.tokens.check import DocumentTokens, document_faults, document_order, row_faults
from transforms.tokens.decode import TokenBytes, join_bytes, token_bytes
from transforms.tokens.encode import encode_texts, token_byte_lengths
from transforms.tokens.rows import read_segments
from transforms.tokens.shards import MappedShard, open_shard

_BLOCK_BYTES = 4 << 20


def check_headers(stages: FinishedStages, check: Check) -> None:
    """Checks each shard's header and columns; recounts the shards for the manifest's counters."""
    shards = need(stages.shards)
    stored = read_tokenizer(stages.run)
    settings = settings_of(shards)
    wanted = {
        "tokenizer_sha256": stored.sha256,
        "vocabulary_size": len(token_byte_lengths(stored.tokenizer)),
        "end_of_text": stored.end_of_text,
        "sequence_length": settings.sequence_length,
        "packing": settings.packing,
        "seed": settings.seed,
    }
    total = ShardsCounters(splits={})
    for name, path, shard in _open_all(stages):
        split, source, _ = name.split("-", 2)
        for key, value in (wanted | {"split": split, "source": source}).items():
            if getattr(shard.info, key) != value:
                check.add(f"{path}: {key} is {getattr(shard.info, key)!r}, not {value!r}")
        if not shard.table.schema.equals(shard.info.schema(), check_metadata=True):
            check.add(f"{path} does not have the columns of its contract")
        total = add_counters(total, ShardsCounters(splits={split: {source: count_shard(shard)}}))
    for fault in differing_keys(to_plain(shards.counters), to_plain(total)):
        check.add(fault)
    check.checked = f"{len(shards.manifest.files):,} shards"


def check_rows(stages: FinishedStages, check: Check) -> None:
    """Checks ids, segments, end-of-text tokens, padding and `bytes` inside each row."""
    lengths = token_byte_lengths(read_tokenizer(stages.run).tokenizer)
    rows = segments = 0
    for _, path, shard in _open_all(stages):
        for fault in row_faults(shard, lengths):
            check.add_all(
                fault.what, (f"{path}:{row}" for row in fault.where.tolist()), len(fault.where)
            )
        rows += len(shard)
        segments += len(read_segments(shard))
    check.checked = f"{rows:,} rows, {segments:,} segments"


def check_documents(stages: FinishedStages, check: Check) -> None:
    """Checks that each token of a document and its end are a target exactly once, in one shard."""
    seen = np.zeros(0, np.uint64)
    tokens = 0
    for _, path, shard in _open_all(stages):
        ordered = document_order(read_segments(shard))
        for fault in document_faults(ordered):
            check.add_all(f"{path}: {fault.what}", address_names(fault.where), len(fault.where))
        documents = np.unique(ordered.document)
        twice = np.intersect1d(seen, documents, assume_unique=True)
        check.add_all(f"{path}: these are in another shard too", address_names(twice), len(twice))
        seen = np.union1d(seen, documents)
        tokens += int(ordered.targets.sum())
    check.checked = f"{len(seen):,} documents, {tokens:,} tokens"


def check_splits(stages: FinishedStages, check: Check) -> None:
    """Checks that the shards hold the kept documents and no others, each in its source and split.

    The hash of a document's id decides its split, so train and validation share no document.
    """
    by_split = {split: np.zeros(0, np.uint64) for split in SPLITS}
    sources = np.array(sources_of_parts(stages.run))
    for _, path, shard in _open_all(stages):
        documents = np.unique(read_segments(shard).document)
        parts = (documents >> np.uint64(32)).astype(np.int64)
        other = (parts >= len(sources)) | (
            sources[np.minimum(parts, len(sources) - 1)] != shard.info.source
        )
        check.add_all(
            f"{path}: of another source", address_names(documents[other]), int(other.sum())
        )
        by_split[shard.info.split] = np.union1d(by_split[shard.info.split], documents)
    both = np.intersect1d(by_split["train"], by_split["validation"])
    check.add_all("in train and in validation", address_names(both), len(both))
    wanted = _expected(stages)
    kept = np.union1d(wanted["train"], wanted["validation"])
    for split, documents in by_split.items():
        stray = np.setdiff1d(documents, kept)
        check.add_all(
            f"in {split}, though deduplication does not keep them", address_names(stray), len(stray)
        )
        missing = np.setdiff1d(wanted[split], documents)
        check.add_all(f"kept for {split}, but not there", address_names(missing), len(missing))
        wrong = np.intersect1d(np.setdiff1d(documents, wanted[split]), kept)
        check.add_all(
            f"in {split}, though the hash of the id says otherwise",
            address_names(wrong),
            len(wrong),
        )
    check.checked = (
        f"{len(by_split['train']):,} train and {len(by_split['validation']):,} validation documents"
    )


def check_text(stages: FinishedStages, check: Check) -> None:
    """Checks that each document's tokens decode to its text, byte for byte.

    Lines that deduplication removed are not part of the text.
    """
    tokenizer = read_tokenizer(stages.run).tokenizer
    table = token_bytes(tokenizer)
    parts, drops = need(stages.documents).paths(PARTS), need(stages.dedup).paths(DROPS)
    documents = octets = 0
    for _, path, shard in _open_all(stages):
        tokens = DocumentTokens(shard, document_order(read_segments(shard)))
        for part in np.unique(tokens.documents >> np.uint64(32)).tolist():
            for rows, batch in read_kept(parts[part], drops[part], columns=["text"]):
                addresses = pack_address(part, rows)
                here = np.isin(addresses, tokens.documents)
                texts = batch.column("text").filter(pa.array(here))
                addresses = addresses[here]
                for start, end in slices_of_bytes(texts, _BLOCK_BYTES):
                    block_addresses = addresses[start:end]
                    block = texts.slice(start, end - start)
                    ids, counts = tokens.of(block_addresses)
                    wrong = (
                        _other_bytes(ids, counts, block, table)
                        if table
                        else _other_ids(ids, counts, block, tokenizer)
                    )
                    check.add_all(
                        f"{path}: tokens of another text than the document's",
                        address_names(block_addresses[wrong]),
                        int(wrong.sum()),
                    )
                    octets += int(pc.sum(pc.binary_length(block)).as_py() or 0)
                documents += len(addresses)
    check.checked = f"{documents:,} texts, {octets / 1e6:,.1f} MB"


def _other_bytes(
    ids: np.ndarray, counts: np.ndarray, texts: pa.LargeStringArray, table: TokenBytes
) -> np.ndarray:
    """Which texts differ from the bytes of their tokens: bool (n,).

    `ids`: the tokens of all n texts, concatenated; `counts`: int (n,), tokens of each text.
    """
    beyond = ids >= len(table.lengths)
    if beyond.any():
        known = (
            np.bincount(
                np.repeat(np.arange(len(counts)), counts), weights=beyond, minlength=len(counts)
            )
            == 0
        )
        wrong = ~known
        wrong[known] = _other_bytes(
            ids[np.repeat(known, counts)], counts[known], texts.filter(pa.array(known)), table
        )
        return wrong
    # Compare the concatenated bytes of all texts in one step; only if they differ, text by text.
    data, ends = join_bytes(ids, table)
    stops = np.concatenate([[0], ends])[np.cumsum(counts)]
    _, offsets_buffer, text_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    text = np.frombuffer(text_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    bounds = offsets[1:] - offsets[0]
    if np.array_equal(stops, bounds) and np.array_equal(data, text):
        return np.zeros(len(texts), bool)
    decoded, wanted = np.split(data, stops[:-1]), np.split(text, bounds[:-1])
    return np.array(
        [not np.array_equal(mine, other) for mine, other in zip(decoded, wanted, strict=True)], bool
    )


def _other_ids(
    ids: np.ndarray, counts: np.ndarray, texts: pa.LargeStringArray, tokenizer: Tokenizer
) -> np.ndarray:
    """Which texts encode to other ids: bool (n,). For tokenizers whose tokens are not bytes."""
    encoded = encode_texts(tokenizer, texts.to_pylist())
    stored, wanted = (
        np.split(ids, np.cumsum(counts)[:-1]),
        np.split(encoded.ids, encoded.offsets[1:-1]),
    )
    return np.array(
        [not np.array_equal(mine, other) for mine, other in zip(stored, wanted, strict=True)], bool
    )


def _expected(stages: FinishedStages) -> dict[str, np.ndarray]:
    """The addresses of the kept documents by their split: uint64, ascending."""
    settings = settings_of(need(stages.shards))
    by_split: dict[str, list[np.ndarray]] = {split: [np.zeros(0, np.uint64)] for split in SPLITS}
    drops = need(stages.dedup).paths(DROPS)
    for part, path in need(stages.documents).paths(PARTS).items():
        for rows, batch in read_kept(path, drops[part], columns=["id"]):
            hashes = seeded_hash(batch.column("id"), seed=settings.seed, purpose="validation")
            held_out = share_mask(hashes, settings.validation)
            for split, mask in zip(SPLITS, (~held_out, held_out), strict=True):
                by_split[split].append(pack_address(part, rows[mask]))
    return {split: np.concatenate(addresses) for split, addresses in by_split.items()}


def _open_all(stages: FinishedStages) -> Iterator[tuple[str, str, MappedShard]]:
    """(name, path, shard) of each shard, one at a time."""
    for name in need(stages.shards).manifest.files:
        path = storage.join(stages.run.shards, name)
        with storage.local_copy(path) as local:
            yield name, path, open_shard(local)
