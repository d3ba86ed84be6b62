"""Evaluates a model on a split: nats, perplexity and bits per byte, by source and in total."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from training.checkpoint import load_model
from training.data import IGNORE, Batch, Rows, ShardFolder, SourceRows, make_batch, spread
from training.loss import row_nats
from training.model import Decoder
from transforms.errors import UserError

_BATCH_TOKENS = 1 << 14


@dataclass(frozen=True, kw_only=True)
class Score:
    """A cross-entropy in sum.

    tokens  scored targets, closing end-of-text tokens included
    bytes   UTF-8 bytes of these tokens; end-of-text tokens have none
    nats    the sum over the scored targets
    """

    rows: int
    tokens: int
    bytes: int
    nats: float

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens if self.tokens else math.nan

    @property
    def perplexity(self) -> float:
        """The exponential of the loss."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf

    @property
    def bits_per_byte(self) -> float:
        """nats / (ln 2 x bytes): closing end-of-text tokens count in nats and have no bytes."""
        return self.nats / (math.log(2) * self.bytes) if self.bytes else math.nan

    def figures(self) -> dict[str, Any]:
        """All figures as plain JSON values; None where one cannot be computed."""
        derived = {
            "loss": self.loss,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
        }
        return asdict(self) | {
            key: value if math.isfinite(value) else None for key, value in derived.items()
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of a split: `sources` by name, `total` over all of them."""

    split: str
    sources: dict[str, Score]
    total: Score

    def figures(self) -> dict[str, Any]:
        return {
            "split": self.split,
            "total": self.total.figures(),
            "sources": {name: score.figures() for name, score in self.sources.items()},
        }


def evaluate(
    model_folder: str,
    *,
    shards: str,
    split: str = "validation",
    max_rows: int | None = None,
    device: str = "auto",
    report: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a trained model on all rows of a split, or on `max_rows` per source, evenly spread.

    Rows are read in a fixed order. Each unmasked target is scored once, in float32; nats are summed
    in float64. `report` is called with (rows done, rows in all). Raises UserError for shards of
    another tokenizer or sequence length than the model's, and for a split without rows.
    """
    model = load_model(model_folder, device=device)
    folder = ShardFolder(
        shards, tokenizer=model.tokenizer, sequence_length=model.decoder.config.sequence_length
    )
    return evaluate_decoder(model.decoder, folder, split=split, max_rows=max_rows, report=report)


@torch.no_grad()
def evaluate_decoder(
    decoder: Decoder,
    shards: ShardFolder,
    *,
    split: str = "validation",
    max_rows: int | None = None,
    dtype: torch.dtype = torch.float32,
    report: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a model in memory, on its device; see `evaluate`.

    `dtype` is the type of matrix products.
    """
    device = next(decoder.parameters()).device
    autocast = (
        torch.autocast(device.type, dtype=dtype)
        if dtype != torch.float32
        else contextlib.nullcontext()
    )

    def nats_of(batch: Batch) -> np.ndarray:
        inputs, targets, document_start = (
            torch.from_numpy(array).to(device)
            for array in (batch.inputs, batch.targets, batch.document_start)
        )
        with autocast:
            hidden = decoder.hidden(inputs, document_start=document_start)
            return (
                row_nats(
                    hidden,
                    decoder.head_weight,
                    targets,
                    vocabulary_size=decoder.config.vocabulary_size,
                )
                .cpu()
                .numpy()
            )

    training = decoder.training
    decoder.eval()
    try:
        return _evaluate(nats_of, shards, split=split, max_rows=max_rows, report=report)
    finally:
        decoder.train(training)


def unigram_loss(
    shards: str,
    *,
    tokenizer: str | None = None,
    split: str = "validation",
    max_rows: int | None = None,
) -> float:
    """The loss of a unigram model on a split, in nats per token: a baseline for trained models.

    The probabilities are the counts of the training split's targets, each plus one.
    """
    return unigram_evaluation(
        ShardFolder(shards, tokenizer=tokenizer), split=split, max_rows=max_rows
    ).total.loss


def unigram_evaluation(
    shards: ShardFolder, *, split: str = "validation", max_rows: int | None = None
) -> Evaluation:
    """Evaluate the model of `unigram_loss` on a split, with all figures."""
    counts = np.ones(shards.info.vocabulary_size, dtype=np.float64)
    for source in shards.split("train").values():
        for _, batch in _batches(shards, source, None):
            counts += np.bincount(batch.targets[batch.targets != IGNORE], minlength=len(counts))
    # The appended 0 at index -1 is the loss of masked targets.
    nats = np.append(-np.log(counts / counts.sum()), 0.0)
    return _evaluate(
        lambda batch: nats[np.maximum(batch.targets, -1)].sum(1),
        shards,
        split=split,
        max_rows=max_rows,
        report=None,
    )


def _batches(
    shards: ShardFolder, source: SourceRows, max_rows: int | None
) -> Iterator[tuple[Rows, Batch]]:
    indices = spread(len(source), max_rows)
    step = max(1, _BATCH_TOKENS // shards.info.sequence_length)
    for begin in range(0, len(indices), step):
        rows = shards.gather([(source, index) for index in indices[begin : begin + step]])
        yield rows, make_batch(rows)


def _evaluate(
    nats_of: Callable[[Batch], np.ndarray],
    shards: ShardFolder,
    *,
    split: str,
    max_rows: int | None,
    report: Callable[[int, int], None] | None,
) -> Evaluation:
    sources = shards.split(split)
    if not sources:
        raise UserError(
            f"the shards hold no rows of the split {split!r}",
            where=shards.folder,
            remedy="raise [shards] validation, or give the run more text",
        )
    in_all = sum(len(spread(len(source), max_rows)) for source in sources.values())
    done, scores = 0, {}
    for name, source in sources.items():
        rows_scored, tokens, byte_count, nats = 0, 0, 0, 0.0
        for rows, batch in _batches(shards, source, max_rows):
            nats += float(nats_of(batch).sum(dtype=np.float64))
            rows_scored += len(rows.bytes)
            tokens += batch.scored
            byte_count += int(rows.bytes.sum())
            done += len(rows.bytes)
            if report is not None:
                report(done, in_all)
        scores[name] = Score(rows=rows_scored, tokens=tokens, bytes=byte_count, nats=nats)
    total = Score(
        **{
            key: sum(getattr(score, key) for score in scores.values())
            for key in ("rows", "tokens", "bytes", "nats")
        }
    )
    return Evaluation(split=split, sources=scores, total=total)
