"""What shards hold, read from the shards themselves: documents, their lengths, the most frequent tokens, and a row to look at."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.markup import escape
from tokenizers import Tokenizer

from pipeline.commands.explain.explain import explain_row_segments
from pipeline.commands.explain.explainer import Explainer
from pipeline.commands.explain.tables import marked_text
from pipeline.commands.show_tables.tables import Section, figures_table
from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.addresses import unpack_address
from transforms.contracts.names import PARTS
from transforms.tokens.decode import printable_token, token_bytes
from transforms.tokens.rows import Segments, read_segments, target_mask
from transforms.tokens.shards import MappedShard, open_shard

FREQUENT = 20
_BLOCK_TOKENS = 1 << 21
_BAR = 40
_SHOWN = 200


def describe_shards(paths: Sequence[str], run: Run) -> dict[str, Any]:
    """Shards of one run, all of one tokenizer -> what is in them, every token read, a block of rows at a time:

    `documents`: {"SPLIT SOURCE": {language: number}}; `document_lengths`: documents by their tokens, under the next power of two;
    `frequent_tokens`; `sample`: a row, if possible one that holds several documents. Languages come from the documents, and readable
    tokens from the tokenizer, where these are the ones that the shards were made from.
    """
    explainer = Explainer(run)
    documents: dict[str, Counter[str]] = {}
    lengths: Counter[int] = Counter()
    counts = np.zeros(0, np.int64)
    sample, tokenizer = None, None
    telling = False
    for path in paths:
        with storage.local_copy(path) as local:
            shard = open_shard(local)
            segments = read_segments(shard)
            whole = segments.take(segments.ends)
            bins = np.ceil(np.log2(np.maximum(whole.document_tokens, 1) + 1)).astype(np.int64)
            lengths.update(dict(enumerate(np.bincount(bins).tolist())))
            counts = _add(counts, _count_tokens(shard, segments))
            key = f"{shard.info.split} {shard.info.source}"
            documents.setdefault(key, Counter()).update(_languages(explainer, whole.document))
            tokenizer = tokenizer or explainer.tokenizer_for(shard.info.tokenizer_sha256)
            row = _telling_row(segments, len(shard))
            if len(shard) and tokenizer is not None and (sample is None or (row is not None and not telling)):
                row, telling = row or 0, row is not None
                sample = {"path": path, "row": row, "segments": explain_row_segments(shard, row, tokenizer)}
    return {
        "documents": {key: dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))) for key, found in documents.items()},
        "document_lengths": {str(1 << number): lengths[number] for number in sorted(lengths) if lengths[number]},
        "frequent_tokens": _frequent(counts, tokenizer),
        "sample": sample,
    }


def shard_sections(values: dict[str, Any]) -> Iterator[Section]:
    """The same as tables."""
    if any(set(found) - {"unknown"} for found in values["documents"].values()):
        table = figures_table("documents of", "", "languages")
        for key, found in values["documents"].items():
            shown = list(found.items())
            more = f" +{len(shown) - 8}" if len(shown) > 8 else ""
            table.add_row(key, f"{sum(found.values()):,}", " ".join(f"{code} {number:,}" for code, number in shown[:8]) + more)
        yield Section("documents by language", table)
    if lengths := values["document_lengths"]:
        table = figures_table("tokens", "documents", "")
        most = max(lengths.values())
        for bound, number in lengths.items():
            table.add_row(f"{int(bound) // 2:,} to {int(bound) - 1:,}", f"{number:,}", "#" * -(-_BAR * number // most))
        table.columns[2].justify = "left"
        yield Section("documents by length", table)
    if frequent := values["frequent_tokens"]:
        table = figures_table("token", "times", "share")
        for entry in frequent:
            table.add_row(escape(entry.get("text", "")) + f" ({entry['token']})", f"{entry['times']:,}", f"{entry['share']:.2%}")
        yield Section("most frequent tokens", table)
    if sample := values["sample"]:
        lines = (f"{segment['document']}  {marked_text(segment, shown=_SHOWN)}" for segment in sample["segments"])
        heading = f"row {sample['row']} of {sample['path'].rpartition('/')[2]}: ⟦ a document begins, ⟧ it ends, … it goes on elsewhere"
        yield Section(heading, "\n".join(lines))


def _count_tokens(shard: MappedShard, segments: Segments) -> np.ndarray:
    """How often each token of the vocabulary is a target: int64 (vocabulary,)."""
    counts = np.zeros(shard.info.vocabulary_size, np.int64)
    bounds = np.searchsorted(segments.row, np.arange(len(shard) + 1))
    first = 0
    for chunk in shard.token_chunks():
        step = max(1, _BLOCK_TOKENS // chunk.shape[1])
        for start in range(0, len(chunk), step):
            block = chunk[start : start + step]
            own = segments.take(np.arange(bounds[first], bounds[first + len(block)]))
            mask = target_mask(own, first=first, rows=len(block), width=chunk.shape[1])
            counts = _add(counts, np.bincount(block[mask]))
            first += len(block)
    return counts


def _add(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    total = np.zeros(max(len(left), len(right)), np.int64)
    total[: len(left)] += left
    total[: len(right)] += right
    return total


def _languages(explainer: Explainer, addresses: np.ndarray) -> Counter[str]:
    """How many of these documents are in which language; all `unknown` where the documents are not beside the shards."""
    if not explainer.is_whole:
        return Counter({"unknown": len(addresses)})
    found: Counter[str] = Counter()
    parts, rows = unpack_address(addresses)
    for part in np.unique(parts).tolist():
        with storage.open_input(storage.join(explainer.run.stage("documents"), PARTS.name(part))) as stream:
            languages = pq.read_table(stream, columns=["language"])["language"].cast(pa.string())
        for entry in languages.take(pa.array(rows[parts == part])).value_counts().to_pylist():
            found[entry["values"] or "unknown"] += entry["counts"]
    return found


def _telling_row(segments: Segments, rows: int) -> int | None:
    """The first row that holds several documents."""
    found = np.flatnonzero(np.bincount(segments.row, minlength=rows) > 1)
    return int(found[0]) if len(found) else None


def _frequent(counts: np.ndarray, tokenizer: Tokenizer | None) -> list[dict[str, Any]]:
    """The FREQUENT most frequent tokens, ties by id: `token`, its `text` if it can be read, how many `times`, its `share` of all."""
    table = token_bytes(tokenizer) if tokenizer else None
    order = np.lexsort((np.arange(len(counts)), -counts))[:FREQUENT].tolist()
    return [
        {"token": token, "times": int(counts[token]), "share": float(counts[token] / counts.sum())}
        | ({"text": printable_token(token, tokenizer, table)} if tokenizer else {})
        for token in order
        if counts[token]
    ]
