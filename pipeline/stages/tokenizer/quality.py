"""How well tokenizers serve a run: measured on a sample of its kept documents, every one of which they must give back."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from pipeline.run.folder import Run, stage_manifest
from transforms.contracts.names import DROPS, PARTS
from transforms.corpus import read_kept, seeded_hash, share_mask
from transforms.errors import UserError
from transforms.tokens.encoders import Encoder, choose_encoder
from transforms.tokens.quality import id_count, measure_texts

_EXCERPTS, _EXCERPT_CHARACTERS = 50, 2_000  # of texts on which encoders are compared
_LABELS = {"sources": "source", "languages": "language"}


class Sampled(NamedTuple):
    """Kept documents of one part: their rows in it, int64 (n,), and n rows of id, source, language and text."""

    part: int
    rows: np.ndarray
    batch: pa.RecordBatch


def kept_parts(run: Run) -> Iterator[tuple[int, str, str]]:
    """(part number, part file, drops file) of a deduplicated run, in order."""
    for number in PARTS.numbers(stage_manifest(run, "documents").files):
        yield number, PARTS.path(run.stage("documents"), number), DROPS.path(run.stage("dedup"), number)


def sample_rows(run: Run, *, megabytes: float, seed: int) -> Iterator[Sampled]:
    """About so much text of the kept documents, chosen by a hash of the id, in the order of parts and rows."""
    total = sum(source["text_bytes"] for source in stage_manifest(run, "documents").counters["sources"].values())
    share = megabytes * 1e6 / max(total, 1)
    for part, path, drops in kept_parts(run):
        for rows, batch in read_kept(path, drops, columns=["id", "source", "language", "text"]):
            mask = share_mask(seeded_hash(batch.column("id"), seed=seed, purpose="tokenizer-sample"), share)
            yield Sampled(part, rows[mask], batch.filter(pa.array(mask)))


def measure_run(run: Run, data: bytes, tokenizer: Tokenizer, *, path: str, megabytes: float, seed: int, strict: bool) -> dict[str, Any]:
    """Documents, bytes and tokens by source and language; tokens used and not; documents that decoding did not give back.

    `data`: the bytes that `tokenizer` was opened from; texts are encoded by tiktoken where that gives the same ids.
    `strict`: such a document raises UserError with its address. Ids without a token, and special tokens, are not counted as unused.
    """
    labels: dict[str, dict[str, Counter[str]]] = {kind: {} for kind in _LABELS}
    uses = np.zeros(id_count(tokenizer), np.int64)
    round_trip = {"documents": 0, "failed": 0}
    encode: Encoder | None = None
    for part, rows, batch in sample_rows(run, megabytes=megabytes, seed=seed):
        texts = batch.column("text").to_pylist()
        if encode is None:
            encode = choose_encoder(data, tokenizer, sample=[text[:_EXCERPT_CHARACTERS] for text in texts[:_EXCERPTS]]).encode
        measured = measure_texts(tokenizer, texts, encode=encode)
        uses += measured.uses
        failed = np.flatnonzero(~measured.restored)
        if strict and len(failed):
            raise UserError(
                f"decoding does not give back {len(failed)} of {len(rows)} documents: the first is {part}:{rows[failed[0]]}, "
                f"id {batch.column('id')[int(failed[0])].as_py().hex()}",
                where=path,
                remedy="name a tokenizer that loses nothing (byte-level, no normalizer but NFC), or report this as a defect",
            )
        round_trip["documents"] += len(rows)
        round_trip["failed"] += len(failed)
        for kind, column in _LABELS.items():
            _add_labels(labels[kind], batch.column(column).cast(pa.string()).to_pylist(), measured.bytes, measured.tokens)
    text_tokens = np.setdiff1d(list(tokenizer.get_vocab(with_added_tokens=True).values()), list(tokenizer.get_added_tokens_decoder()))
    used = int((uses[text_tokens] > 0).sum())
    measured_by = {kind: {label: dict(counts) for label, counts in sorted(found.items())} for kind, found in labels.items()}
    return measured_by | {"round_trip": round_trip, "tokens": {"used": used, "unused": len(text_tokens) - used}}


def _add_labels(found: dict[str, Counter[str]], labels: list[str | None], sizes: np.ndarray, tokens: np.ndarray) -> None:
    for label, size, count in zip(labels, sizes.tolist(), tokens.tolist(), strict=True):
        found.setdefault(label or "unknown", Counter()).update(documents=1, bytes=size, tokens=count)
