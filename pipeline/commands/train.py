"""Connects a run's folder with the training package, which knows nothing of runs, and reports what it does.

PyTorch is imported only here and only when a command needs it: every other command works without it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.config.load import stage_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.state import changed_values
from pipeline.stages.shards.stage import SHARDS
from pipeline.terminal import figures_table, shown_path
from transforms.errors import ConfigError, UserError

if TYPE_CHECKING:
    from training.evaluate import Evaluation

_LINES = 12


def train_run(config: Config, console: Console) -> dict[str, Any]:
    """Trains the model of a configuration on the shards of its run; resumes from its newest checkpoint. Returns plain figures.

    Raises UserError when the shards were made with other settings.
    """
    training = _import_training()
    run = Run(config.folder)
    changes = changed_values(
        SHARDS.finished(run).manifest.configuration, stage_values(config, "shards", "seed")
    )
    if changes:
        raise UserError(
            f"the shards were made with other settings: {'; '.join(changes)}",
            where=run.shards,
            remedy="rerun `tokenmill shards CONFIG --overwrite`, or name another folder",
        )
    result = training.train(
        config.train,
        shards=run.shards,
        tokenizer=run.tokenizer_file,
        out=run.model,
        report=_reporter(training, console),
    )
    rate = (
        f", {result.tokens_per_second:,.0f} tokens/s" if result.steps > result.resumed_from else ""
    )
    work = f"{result.steps} steps, {result.tokens:,} tokens in {result.seconds:.1f} s{rate}"
    console.print(f"[bold]train[/]      {work}; model in {shown_path(result.folder)}")
    return vars(result)


def evaluate_run(
    config: Config, console: Console, *, split: str, max_rows: int | None
) -> "dict[str, Any]":
    """Scores a run's model on its shards, beside a unigram model of the same training tokens. Returns plain figures."""
    training = _import_training()
    run = Run(config.folder)
    evaluation = training.evaluate(
        _model_folder(run), shards=run.shards, split=split, max_rows=max_rows
    )
    unigram = training.unigram_loss(run.shards, split=split, max_rows=max_rows)
    console.print(f"[bold]evaluation on {split}[/]")
    console.print(_evaluation_table(evaluation, unigram))
    return evaluation.figures() | {"unigram_loss": unigram}


def generate_text(
    config: Config,
    *,
    prompt: str,
    write: Callable[[str], None],
    max_tokens: int,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 0.95,
    seed: int = 0,
) -> None:
    """Hands on a prompt, then what a run's model continues it with, as it comes. What is wrong is raised before the prompt."""
    training = _import_training()
    sampling = training.Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    pieces = training.stream(
        _model_folder(Run(config.folder)),
        prompt=prompt,
        max_tokens=max_tokens,
        sampling=sampling,
        seed=seed,
    )
    first = next(pieces, None)
    write(prompt)
    if first is not None:
        write(first.text)
    for piece in pieces:
        write(piece.text)


class _Training:
    """The training package's functions, once PyTorch is known to be there."""

    def __init__(self) -> None:
        from training import evaluate, generate, train

        self.train, self.Started, self.Stepped, self.Evaluated = (
            train.train,
            train.Started,
            train.Stepped,
            train.Evaluated,
        )
        self.evaluate, self.unigram_loss = evaluate.evaluate, evaluate.unigram_loss
        self.stream, self.Sampling = generate.stream, generate.Sampling


def _import_training() -> _Training:
    try:
        return _Training()
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise ConfigError(
            f"{error.name} is not installed",
            where="this Python environment",
            remedy="pip install 'tokenmill[train]'",
        ) from error


def _model_folder(run: Run) -> str:
    return run.model


def _reporter(training: _Training, console: Console) -> Callable[[Any], None]:
    """Prints about _LINES lines over a training run, and every evaluation."""
    last = 0.0

    def report(event: Any) -> None:
        nonlocal last
        if isinstance(event, training.Started):
            resumed = (
                f"resumes at step {event.step} of {event.steps}"
                if event.step
                else f"{event.steps} steps"
            )
            console.print(
                f"[bold]train[/]      {event.parameters:,} parameters on {event.device}, {event.rows:,} rows, {resumed}"
            )
        elif isinstance(event, training.Evaluated):
            total = event.evaluation.total
            figures = f"loss {total.loss:.4f}  perplexity {total.perplexity:,.1f}  bits/byte {total.bits_per_byte:.4f}"
            console.print(f"  step {event.step:>6}  validation {figures}")
        elif isinstance(event, training.Stepped):
            now = time.monotonic()
            every = max(1, event.steps // _LINES)
            if event.step % every == 0 or now - last >= 30:
                last = now
                console.print(
                    f"  step {event.step:>6}  loss {event.loss:.4f}  learning rate {event.learning_rate:.2e}  "
                    f"{event.tokens_per_second:,.0f} tokens/s  {event.seconds_left:.0f} s left"
                )

    return report


def _evaluation_table(evaluation: "Evaluation", unigram: float) -> Table:
    table = figures_table("source", "rows", "tokens", "loss (nats)", "perplexity", "bits/byte")
    for name, score in (*evaluation.sources.items(), ("total", evaluation.total)):
        figures = (
            f"{score.rows:,}",
            f"{score.tokens:,}",
            f"{score.loss:.4f}",
            f"{score.perplexity:,.2f}",
            f"{score.bits_per_byte:.4f}",
        )
        table.add_row(escape(name), *figures)
    table.add_row("unigram model", "", "", f"{unigram:.4f}", "", "")
    return table
