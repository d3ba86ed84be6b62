"""Checks of tokenizer and shards: every kept document's tokens are there once, in the right split, and stand for its very text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer

from pipeline.run.folder import read_plan
from pipeline.runner.units import add_counters
from pipeline.stages.check import Check, Checked, address_names, differing_keys
from pipeline.stages.shards.stage import SPLITS, count_shard
from pipeline.stages.tokenizer.made import read_tokenizer
from transforms import storage
from transforms.arrays import slices_of_bytes
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.tokens.check import DocumentTokens, document_faults, document_order, row_faults
from transforms.tokens.decode import TokenBytes, join_bytes, token_bytes
from transforms.tokens.encode import encode_texts, token_byte_lengths
from transforms.tokens.rows import read_segments
from transforms.tokens.shards import MappedShard, open_shard

STAGE = "shards"
_BLOCK_BYTES = 4 << 20


def check_tokenizer(checked: Checked, check: Check) -> None:
    """It loads, and has as many tokens as its manifest says."""
    found = read_tokenizer(checked.run)
    size = found.tokenizer.get_vocab_size()
    if size != checked.manifests["tokenizer"].counters["vocabulary"]:
        check.add(f"{found.path} has {size:,} tokens, the manifest says {checked.manifests['tokenizer'].counters['vocabulary']:,}")
    check.checked = f"{size:,} tokens"


def check_headers(checked: Checked, check: Check) -> None:
    """What a shard says of itself is true, and the manifest's counters are what the shards give."""
    manifest = checked.manifests[STAGE]
    found = read_tokenizer(checked.run)
    settings = manifest.configuration
    wanted = {
        "tokenizer_sha256": found.sha256,
        "vocabulary_size": len(token_byte_lengths(found.tokenizer)),
        "end_of_text": found.end_of_text,
        "sequence_length": settings["shards"]["sequence_length"],
        "packing": settings["shards"]["packing"],
        "seed": settings["seed"],
    }
    total: dict[str, dict[str, dict[str, int]]] = {}
    for name, path, shard in _open_all(checked):
        split, source, _ = name.split("-", 2)
        for key, value in (wanted | {"split": split, "source": source}).items():
            if getattr(shard.info, key) != value:
                check.add(f"{path}: {key} is {getattr(shard.info, key)!r}, not {value!r}")
        if not shard.table.schema.equals(shard.info.schema(), check_metadata=True):
            check.add(f"{path} does not have the columns of its contract")
        total = add_counters(total, {split: {source: count_shard(shard)}})
    for fault in differing_keys(manifest.counters, total):
        check.add(fault)
    check.checked = f"{len(manifest.files):,} shards"


def check_rows(checked: Checked, check: Check) -> None:
    """Inside each row: ids, segments, end-of-text tokens, padding and `bytes` keep the contract."""
    lengths = token_byte_lengths(read_tokenizer(checked.run).tokenizer)
    rows = segments = 0
    for _, path, shard in _open_all(checked):
        for fault in row_faults(shard, lengths):
            check.add_all(fault.what, (f"{path}:{row}" for row in fault.where.tolist()), len(fault.where))
        rows += len(shard)
        segments += len(read_segments(shard))
    check.checked = f"{rows:,} rows, {segments:,} segments"


def check_documents(checked: Checked, check: Check) -> None:
    """Each token of a document and its end are a target exactly once, and no document is in two shards."""
    seen = np.zeros(0, np.uint64)
    tokens = 0
    for _, path, shard in _open_all(checked):
        ordered = document_order(read_segments(shard))
        for fault in document_faults(ordered):
            check.add_all(f"{path}: {fault.what}", address_names(fault.where), len(fault.where))
        documents = np.unique(ordered.document)
        twice = np.intersect1d(seen, documents, assume_unique=True)
        check.add_all(f"{path}: these are in another shard too", address_names(twice), len(twice))
        seen = np.union1d(seen, documents)
        tokens += int(ordered.targets.sum())
    check.checked = f"{len(seen):,} documents, {tokens:,} tokens"


def check_splits(checked: Checked, check: Check) -> None:
    """The shards hold all documents that deduplication keeps and no other; the hash of its id puts each into its split, and into its

    source's shards. So train and validation share none.
    """
    found = {split: np.zeros(0, np.uint64) for split in SPLITS}
    units = read_plan(checked.run.stage("documents"))["units"]
    sources = np.array([unit["files"][0]["source"] for unit in units])
    for _, path, shard in _open_all(checked):
        documents = np.unique(read_segments(shard).document)
        parts, _ = unpack_address(documents)
        other = (parts >= len(sources)) | (sources[np.minimum(parts, len(sources) - 1)] != shard.info.source)
        check.add_all(f"{path}: of another source", address_names(documents[other]), int(other.sum()))
        found[shard.info.split] = np.union1d(found[shard.info.split], documents)
    both = np.intersect1d(found["train"], found["validation"])
    check.add_all("in train and in validation", address_names(both), len(both))
    wanted = _expected(checked)
    kept = np.union1d(wanted["train"], wanted["validation"])
    for split, documents in found.items():
        stray = np.setdiff1d(documents, kept)
        check.add_all(f"in {split}, though deduplication does not keep them", address_names(stray), len(stray))
        missing = np.setdiff1d(wanted[split], documents)
        check.add_all(f"kept for {split}, but not there", address_names(missing), len(missing))
        wrong = np.intersect1d(np.setdiff1d(documents, wanted[split]), kept)
        check.add_all(f"in {split}, though the hash of the id says otherwise", address_names(wrong), len(wrong))
    check.checked = f"{len(found['train']):,} train and {len(found['validation']):,} validation documents"


def check_text(checked: Checked, check: Check) -> None:
    """The tokens of each document stand for its text, byte for byte, without the lines that deduplication removed."""
    tokenizer = read_tokenizer(checked.run).tokenizer
    table = token_bytes(tokenizer)
    parts, drops = checked.files("documents", "part"), checked.files("dedup", "drops")
    documents = octets = 0
    for _, path, shard in _open_all(checked):
        tokens = DocumentTokens(shard, document_order(read_segments(shard)))
        for part in np.unique(unpack_address(tokens.documents)[0]).tolist():
            for rows, batch in read_kept(parts[part], drops[part], columns=["text"]):
                addresses = pack_address(part, rows)
                here = np.isin(addresses, tokens.documents)
                texts = batch.column("text").filter(pa.array(here))
                addresses = addresses[here]
                for start, end in slices_of_bytes(texts, _BLOCK_BYTES):
                    own, block = addresses[start:end], texts.slice(start, end - start)
                    ids, counts = tokens.of(own)
                    wrong = _other_bytes(ids, counts, block, table) if table else _other_ids(ids, counts, block, tokenizer)
                    check.add_all(f"{path}: tokens of another text than the document's", address_names(own[wrong]), int(wrong.sum()))
                    octets += int(pc.sum(pc.binary_length(block)).as_py() or 0)
                documents += len(addresses)
    check.checked = f"{documents:,} texts, {octets / 1e6:,.1f} MB"


def _other_bytes(ids: np.ndarray, counts: np.ndarray, texts: pa.LargeStringArray, table: TokenBytes) -> np.ndarray:
    """Which of n texts are not what their tokens stand for: bool (n,)."""
    beyond = ids >= len(table.lengths)
    if beyond.any():
        known = np.bincount(np.repeat(np.arange(len(counts)), counts), weights=beyond, minlength=len(counts)) == 0
        wrong = ~known
        wrong[known] = _other_bytes(ids[np.repeat(known, counts)], counts[known], texts.filter(pa.array(known)), table)
        return wrong
    data, ends = join_bytes(ids, table)
    stops = np.concatenate([[0], ends])[np.cumsum(counts)]
    _, offsets_buffer, text_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    text = np.frombuffer(text_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    bounds = offsets[1:] - offsets[0]
    if np.array_equal(stops, bounds) and np.array_equal(data, text):
        return np.zeros(len(texts), bool)
    found, wanted = np.split(data, stops[:-1]), np.split(text, bounds[:-1])
    return np.array([not np.array_equal(mine, other) for mine, other in zip(found, wanted, strict=True)], bool)


def _other_ids(ids: np.ndarray, counts: np.ndarray, texts: pa.LargeStringArray, tokenizer: Tokenizer) -> np.ndarray:
    """The same where tokens have no bytes of their own: texts are encoded again."""
    encoded = encode_texts(tokenizer, texts.to_pylist())
    found, wanted = np.split(ids, np.cumsum(counts)[:-1]), np.split(encoded.ids, encoded.offsets[1:-1])
    return np.array([not np.array_equal(mine, other) for mine, other in zip(found, wanted, strict=True)], bool)


def _expected(checked: Checked) -> dict[str, np.ndarray]:
    """The documents that deduplication keeps, by the split that the hash of their id puts them into: addresses, rising."""
    settings = checked.manifests[STAGE].configuration
    found: dict[str, list[np.ndarray]] = {split: [np.zeros(0, np.uint64)] for split in SPLITS}
    drops = checked.files("dedup", "drops")
    for part, path in checked.files("documents", "part").items():
        for rows, batch in read_kept(path, drops[part], columns=["id"]):
            hashes = seeded_hash(batch.column("id"), seed=settings["seed"], purpose="validation")
            held_out = share_mask(hashes, settings["shards"]["validation"])
            for split, mask in zip(SPLITS, (~held_out, held_out), strict=True):
                found[split].append(pack_address(part, rows[mask]))
    return {split: np.concatenate(addresses) for split, addresses in found.items()}


def _open_all(checked: Checked) -> Iterator[tuple[str, str, MappedShard]]:
    """(name, path, shard) of each shard, one at a time."""
    for name in checked.manifests[STAGE].files:
        path = storage.join(checked.run.stage(STAGE), name)
        with storage.local_copy(path) as local:
            yield name, path, open_shard(local)
