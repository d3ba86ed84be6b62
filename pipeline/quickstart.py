"""`tokenmill quickstart`: every command once, on the sample that comes with the package."""

import os

from rich.console import Console
from rich.markup import escape

from pipeline.commands.show_tables.show import print_view, run_view
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.fork_server import fork_server
from pipeline.sample import lay_out
from pipeline.stages.run_stages import run_stages
from pipeline.terminal import shown_path
from transforms import storage
from transforms.errors import ConfigError

CONFIGURATION = """\
seed = 4
folder = "run"

[sources.web]
kind = "warc"
paths = ["sample/web/pages.warc.gz", "sample/web/cut-off.warc.gz"]
quality = ["gopher"]

[sources.docs]
kind = "warc"
paths = ["sample/web/python-topics.warc.gz"]
quality = ["length"]

[sources.books]
kind = "text"
paths = ["sample/books/*"]

[sources.news]
kind = "jsonl"
paths = ["sample/news/*"]
fields = { title = "headline", published = "date", text = "body" }
quality = ["length"]

[language]
keep = ["en", "de", "fr", "es", "ru", "zh", "ja", "ar"]
threshold = 0.5

[tokenizer]
vocabulary = 4096

[shards]
sequence_length = 256
validation = 0.08

[train]
model = "nano"
optimizer = "muon"
learning_rate = 6e-3
steps = 250
global_batch = 4
evaluate_every = 0
checkpoint_every = 0
"""
PROMPTS = ("The river", "A function is")
TOKENS = 80


def write_quickstart(folder: str) -> str:
    """Lays the sample and its configuration out in a folder; returns the configuration's path.

    Raises ConfigError where a configuration of somebody's own lies there.
    """
    path = os.path.join(folder, "tokenmill.toml")
    if storage.exists(path) and storage.read_bytes(path) != CONFIGURATION.encode():
        raise ConfigError(
            "there is another configuration here",
            where=path,
            remedy="name another folder with --folder",
        )
    lay_out(os.path.join(folder, "sample"))
    storage.write_bytes(path, CONFIGURATION.encode())
    return path


def run_quickstart(folder: str, console: Console, *, train: bool, workers: int) -> None:
    """Runs all stages on the sample, shows their tables, and unless told otherwise trains, evaluates and generates."""
    path = write_quickstart(folder)
    config = load_config(path)
    console.print(f"sample and configuration in {escape(folder)}\n")
    with fork_server() as server:
        run_stages(
            config,
            RunnerSettings(workers=workers, fork_server=server),
            progress=StageProgress(console),
        )
    console.print()
    print_view(console, run_view(config.folder))
    if not train:
        return
    from pipeline.commands.train import evaluate_run, generate_text, train_run

    console.print()
    train_run(config, console)
    console.print()
    evaluate_run(config, console, split="validation", max_rows=None)
    for seed, prompt in enumerate(PROMPTS, config.seed):
        console.print(f"\n[bold]generate[/]   {escape(repr(prompt))}, seed {seed}, temperature 0.8")
        pieces: list[str] = []
        generate_text(config, prompt=prompt, write=pieces.append, max_tokens=TOKENS, seed=seed)
        console.print("".join(pieces), markup=False)
    console.print(
        f"\nnext: tokenmill inspect {escape(shown_path(config.folder))}; tokenmill init; tokenmill run tokenmill.toml"
    )
