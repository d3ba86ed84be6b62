"""Measures tokenizers on a sample of a run's kept documents: bytes per token and round trips."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from pipeline.run.folder import Run
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.kept_parts import kept_parts
from transforms.contracts.counters import EncodedCounters, MeasuredTokenizer, RoundTrip, TokenUse
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.tokens.encoders import Encoder, choose_encoder
from transforms.tokens.quality import id_count, measure_texts

# Encoders are compared on this many excerpts of documents, each of at most so many characters.
_EXCERPTS, _EXCERPT_CHARACTERS = 50, 2_000
_LABELS = {"sources": "source", "languages": "language"}


class Sampled(NamedTuple):
    """Kept documents of one part.

    `rows`: int64 (n,), their rows in the part. `batch`: n rows of id, source, language and text.
    """

    part: int
    rows: np.ndarray
    batch: pa.RecordBatch


@dataclass(frozen=True)
class Sample:
    """About `megabytes` of text of a run's kept documents, chosen by a hash of their id."""

    run: Run
    megabytes: float
    seed: int

    def rows(self) -> Iterator[Sampled]:
        """The sampled documents, in the order of parts and rows."""
        share = self.megabytes * 1e6 / max(DOCUMENTS.finished(self.run).counters.text_bytes, 1)
        for part, path, drops in kept_parts(self.run):
            for rows, batch in read_kept(path, drops, columns=["id", "source", "language", "text"]):
                mask = share_mask(
                    seeded_hash(batch.column("id"), seed=self.seed, purpose="tokenizer-sample"),
                    share,
                )
                yield Sampled(part, rows[mask], batch.filter(pa.array(mask)))


def measure_run(
    sample: Sample, data: bytes, tokenizer: Tokenizer, *, path: str, strict: bool
) -> MeasuredTokenizer:
    """Encodes and decodes the sample with a tokenizer.

    Args:
        sample: the documents.
        data: the bytes that `tokenizer` was opened from, for encoding by tiktoken, which is used if
            it gives the same ids.
        tokenizer: the tokenizer to measure.
        path: its path, for messages.
        strict: raise UserError for a document whose text changes, instead of counting it.

    Returns:
        Documents, bytes and tokens by source and language; documents whose text changes by encoding
        and decoding; tokens that occur and tokens that do not, without special tokens.
    """
    labels: dict[str, dict[str, Counter[str]]] = {kind: {} for kind in _LABELS}
    uses = np.zeros(id_count(tokenizer), np.int64)
    documents = changed = 0
    encode: Encoder | None = None
    for part, rows, batch in sample.rows():
        texts = batch.column("text").to_pylist()
        if encode is None:
            encode = choose_encoder(
                data, tokenizer, sample=[text[:_EXCERPT_CHARACTERS] for text in texts[:_EXCERPTS]]
            ).encode
        measured = measure_texts(tokenizer, texts, encode=encode)
        uses += measured.uses
        failed = np.flatnonzero(~measured.restored)
        if strict and len(failed):
            raise UserError(
                f"decoding does not give back {len(failed)} of {len(rows)} documents: "
                f"the first is {part}:{rows[failed[0]]}, "
                f"id {batch.column('id')[int(failed[0])].as_py().hex()}",
                where=path,
                remedy="name a tokenizer that loses nothing (byte-level, no normalizer but NFC), "
                "or report this as a defect",
            )
        documents += len(rows)
        changed += len(failed)
        for kind, column in _LABELS.items():
            _add_labels(
                labels[kind],
                batch.column(column).cast(pa.string()).to_pylist(),
                measured.bytes,
                measured.tokens,
            )
    text_tokens = np.setdiff1d(
        list(tokenizer.get_vocab(with_added_tokens=True).values()),
        list(tokenizer.get_added_tokens_decoder()),
    )
    used = int((uses[text_tokens] > 0).sum())
    by_source, by_language = (_encoded(labels[kind]) for kind in _LABELS)
    return MeasuredTokenizer(
        sources=by_source,
        languages=by_language,
        round_trip=RoundTrip(documents=documents, failed=changed),
        tokens=TokenUse(used=used, unused=len(text_tokens) - used),
    )


def _encoded(labels: dict[str, Counter[str]]) -> dict[str, EncodedCounters]:
    return {
        label: EncodedCounters(
            documents=counts["documents"], bytes=counts["bytes"], tokens=counts["tokens"]
        )
        for label, counts in sorted(labels.items())
    }


def _add_labels(
    by_label: dict[str, Counter[str]],
    labels: list[str | None],
    sizes: np.ndarray,
    tokens: np.ndarray,
) -> None:
    """Adds n documents to `by_label`: their labels, bytes (n,) and tokens (n,)."""
    for label, size, count in zip(labels, sizes.tolist(), tokens.tolist(), strict=True):
        by_label.setdefault(label or "unknown", Counter()).update(
            documents=1, bytes=size, tokens=count
        )
