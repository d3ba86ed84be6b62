"""What shards hold, read from the shards themselves: documents, their lengths, the most frequent tokens, and a row to look at."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.markup import escape
from tokenizers import Tokenizer

from pipeline.commands.explain.explainer import Explainer
from pipeline.commands.explain.segments import Segment, explain_row_segments
from pipeline.commands.explain.tables import marked_text
from pipeline.run.folder import Run
from pipeline.terminal import Section, bar, figures_table, largest_first
from transforms import storage
from transforms.contracts.addresses import unpack_address
from transforms.contracts.names import PARTS
from transforms.tokens.decode import printable_token, token_bytes
from transforms.tokens.rows import Segments, read_segments, target_mask
from transforms.tokens.shards import MappedShard, open_shard

FREQUENT = 20
_BLOCK_TOKENS = 1 << 21
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class FrequentToken:
    """A token, its text if it can be read, how many `times` it is a target, and its `share` of all targets."""

    token: int
    times: int
    share: float
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """A row of a shard, and the stretches of documents in it."""

    path: str
    row: int
    segments: list[Segment]


@dataclass(frozen=True, kw_only=True)
class ShardContents:
    """What shards of one tokenizer hold. `documents`: {"SPLIT SOURCE": {language: number}}. `document_lengths`: documents by their
    tokens, under the next power of two. `sample`: a row, if possible one that holds several documents.

    Languages come from the documents, and readable tokens from the tokenizer, where these are the ones that the shards were made from.
    """

    documents: dict[str, dict[str, int]]
    document_lengths: dict[str, int]
    frequent_tokens: list[FrequentToken]
    sample: SampleRow | None


def describe_shards(paths: Sequence[str], run: Run) -> ShardContents | None:
    """Reads every token of some shards of a run, a block of rows at a time; None without a shard."""
    if not paths:
        return None
    explainer = Explainer(run)
    documents: dict[str, Counter[str]] = {}
    lengths: Counter[int] = Counter()
    counts = np.zeros(0, np.int64)
    sample, tokenizer = None, None
    has_several = False
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
            row = _row_of_several(segments, len(shard))
            if (
                len(shard)
                and tokenizer is not None
                and (sample is None or (row is not None and not has_several))
            ):
                row, has_several = row or 0, row is not None
                sample = SampleRow(
                    path=path, row=row, segments=explain_row_segments(shard, row, tokenizer)
                )
    return ShardContents(
        documents={key: dict(largest_first(languages)) for key, languages in documents.items()},
        document_lengths={
            str(1 << number): lengths[number] for number in sorted(lengths) if lengths[number]
        },
        frequent_tokens=_frequent(counts, tokenizer),
        sample=sample,
    )


def contents_sections(contents: ShardContents) -> Iterator[Section]:
    """The same as tables."""
    if any(set(languages) - {"unknown"} for languages in contents.documents.values()):
        table = figures_table("documents of", "", "languages")
        for key, languages in contents.documents.items():
            shown = list(languages.items())
            more = f" +{len(shown) - 8}" if len(shown) > 8 else ""
            table.add_row(
                key,
                f"{sum(languages.values()):,}",
                " ".join(f"{code} {number:,}" for code, number in shown[:8]) + more,
            )
        yield Section("documents by language", table)
    if lengths := contents.document_lengths:
        table = figures_table("tokens", "documents", "")
        most = max(lengths.values())
        for bound, number in lengths.items():
            table.add_row(
                f"{int(bound) // 2:,} to {int(bound) - 1:,}", f"{number:,}", bar(number, most)
            )
        table.columns[2].justify = "left"
        yield Section("documents by length", table)
    if contents.frequent_tokens:
        table = figures_table("token", "times", "share")
        for entry in contents.frequent_tokens:
            table.add_row(
                escape(entry.text or "") + f" ({entry.token})",
                f"{entry.times:,}",
                f"{entry.share:.2%}",
            )
        yield Section("most frequent tokens", table)
    if sample := contents.sample:
        lines = (
            f"{segment.document}  {marked_text(segment, shown=_SHOWN)}"
            for segment in sample.segments
        )
        heading = f"row {sample.row} of {sample.path.rpartition('/')[2]}: ⟦ a document begins, ⟧ it ends, … it goes on elsewhere"
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
        with storage.open_input(PARTS.path(explainer.run.documents, part)) as stream:
            languages = pq.read_table(stream, columns=["language"])["language"].cast(pa.string())
        for entry in languages.take(pa.array(rows[parts == part])).value_counts().to_pylist():
            found[entry["values"] or "unknown"] += entry["counts"]
    return found


def _row_of_several(segments: Segments, rows: int) -> int | None:
    """The first row that holds several documents."""
    found = np.flatnonzero(np.bincount(segments.row, minlength=rows) > 1)
    return int(found[0]) if len(found) else None


def _frequent(counts: np.ndarray, tokenizer: Tokenizer | None) -> list[FrequentToken]:
    """The FREQUENT most frequent tokens, ties by id."""
    table = token_bytes(tokenizer) if tokenizer else None
    order = np.lexsort((np.arange(len(counts)), -counts))[:FREQUENT].tolist()
    return [
        FrequentToken(
            token=token,
            times=int(counts[token]),
            share=float(counts[token] / counts.sum()),
            text=printable_token(token, tokenizer, table) if tokenizer else None,
        )
        for token in order
        if counts[token]
    ]
