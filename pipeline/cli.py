"""`tokenmill COMMAND`: one function per command. Exit status 0 done, 1 failed, 2 wrong usage."""

import codecs
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from importlib import metadata
from io import TextIOWrapper
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from pipeline.commands.export.options import with_format_options
from pipeline.config.load import load_config
from pipeline.config.schema import Config
from pipeline.process_end import run_and_leave
from pipeline.run.folder import CONFIGURATION, Run
from pipeline.run.stage_names import STAGE_NAMES, StageName
from transforms import storage
from transforms.contracts.plain import to_plain
from transforms.errors import ConfigError, UserError
from transforms.export.registry import describe_formats

if TYPE_CHECKING:
    from pipeline.runner.beam import RunnerSettings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Raw web, book and news text in; packed token shards and a trained language model out.",
)

_INTERRUPTED = 130

ConfigPath = Annotated[
    str, typer.Argument(metavar="CONFIG", help="a TOML file, or the folder of a run")
]
BeamArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- BEAM OPTIONS]", help="what stands after -- goes to Beam"),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="make stages again that were made from another configuration or input"
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="worker processes on this machine, in place of the configuration's; 0: as many as speed it up, at most one per core",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="show tracebacks and the log of Beam")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


class Split(StrEnum):
    train = "train"
    validation = "validation"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tokenmill {metadata.version('tokenmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="print the version and exit"
        ),
    ] = False,
) -> None:
    """Options that stand before the command."""


@app.command()
def init(
    path: Annotated[str, typer.Argument(help="the file to write")] = "tokenmill.toml",
    force: Annotated[bool, typer.Option("--force", help="replace the file if it is there")] = False,
) -> None:
    """Write a commented configuration with every key and its default."""
    from pipeline.config.template import commented_template

    if storage.exists(path) and not force:
        raise ConfigError(
            "the file is there already",
            where=path,
            remedy="name another file, or replace it with --force",
        )
    try:
        storage.write_bytes(path, commented_template().encode())
    except OSError as error:
        raise UserError(
            f"cannot write: {error}",
            where=path,
            remedy="name a file in a folder that can be written",
        ) from error
    _console().print(f"wrote {path}; name your files in it, then: tokenmill run {path}")


def _add_stage_command(stage: StageName) -> None:
    """Adds the command of a stage, and its aliases. All stages take the same options; some have --dry-run."""

    def command(
        config: ConfigPath,
        beam: BeamArguments = None,
        overwrite: Overwrite = False,
        workers: Workers = None,
        debug: Debug = False,
    ) -> None:
        _run_stages(config, (stage.name,), beam, overwrite=overwrite, workers=workers, debug=debug)

    def command_or_trial(
        config: ConfigPath,
        beam: BeamArguments = None,
        overwrite: Overwrite = False,
        workers: Workers = None,
        debug: Debug = False,
        dry_run: Annotated[
            bool,
            typer.Option(
                "--dry-run",
                help="report what would be dropped, from which sources and in favour of what; commit nothing",
            ),
        ] = False,
    ) -> None:
        if dry_run:
            _try_dedup(config, beam, workers=workers, debug=debug)
        else:
            command(config, beam, overwrite, workers, debug)

    for name in (stage.name, *stage.aliases):
        app.command(name, help=stage.help, hidden=name != stage.name)(
            command_or_trial if stage.can_try else command
        )


@app.command()
def run(
    config: ConfigPath,
    beam: BeamArguments = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """Run all stages that are not done yet: documents, dedup, tokenizer, shards."""
    _run_stages(
        config,
        tuple(stage.name for stage in STAGE_NAMES),
        beam,
        overwrite=overwrite,
        workers=workers,
        debug=debug,
    )


for _stage in STAGE_NAMES:
    _add_stage_command(_stage)


@app.command()
def plan(
    config: ConfigPath, beam: BeamArguments = None, workers: Workers = None, as_json: AsJson = False
) -> None:
    """Show what a run would read and do, and about what time, memory and disk it would take; touch nothing. Fails as the run would."""
    from pipeline.commands.plan.plan import plan_run
    from pipeline.commands.plan.tables import print_plan
    from pipeline.runner.beam import RunnerSettings
    from pipeline.runner.fork_server import expected_server

    loaded = _load(config)
    wanted = loaded.workers if workers is None else workers
    settings = RunnerSettings(
        workers=wanted, beam_arguments=tuple(beam or ()), fork_server=expected_server()
    )
    values, refusal = plan_run(loaded, settings)
    if as_json:
        _print_json(values)
    else:
        print_plan(_console(), values)
    if refusal:
        raise refusal


@app.command()
def inspect(
    path: Annotated[
        str,
        typer.Argument(
            help="a run's folder or configuration, a stage's folder, a shard, or a tokenizer.json"
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show what a run, a stage, a shard or a tokenizer holds."""
    from pipeline.commands.show_tables.show import look_at, print_view

    view = look_at(path)
    if as_json:
        _print_json(view)
    else:
        print_view(_console(), view)


@app.command(name="export")
@with_format_options
def export_(
    config: ConfigPath,
    format: Annotated[str, typer.Option(help=describe_formats())],
    to: Annotated[
        str, typer.Option(help="the folder to write: local, gs:// or s3://, new or empty")
    ],
    beam: BeamArguments = None,
    split: Annotated[str, typer.Option(help="train, validation or all")] = "all",
    sources: Annotated[
        str, typer.Option(help="names of sources with commas between them; all when not given")
    ] = "",
    options: Mapping[str, int | str] = MappingProxyType(
        {}
    ),  # stands for the options of all formats
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="replace an export that was made from something else or is not finished",
        ),
    ] = False,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """Write a run's tokens or deduplicated documents as files of other tools."""
    from pipeline.commands.export.export import export_run
    from transforms.export.request import ExportRequest, choose_options, split_names

    with _runner(beam, workers=workers, debug=debug) as settings_for:
        loaded = _load(config)
        request = ExportRequest(
            format=format,
            to=_absolute(to),
            splits=split_names(split),
            sources=tuple(sorted(filter(None, sources.split(",")))),
            options=choose_options(format, options),
        )
        export_run(loaded, request, settings_for(loaded), _console(), overwrite=overwrite)


@app.command()
def explain(
    target: Annotated[
        str,
        typer.Argument(
            help="FILE:ROW, a row of a shard or of a file of RUN/documents; or a run's folder or configuration"
        ),
    ],
    url: Annotated[
        str | None, typer.Option(help="what became of the documents of this URL in the run")
    ] = None,
    id: Annotated[
        str | None,
        typer.Option(
            help="what became of the document or record of this id, 32 hexadecimal digits"
        ),
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="what became of the document at this address, PART:ROW")
    ] = None,
    extract: Annotated[
        bool,
        typer.Option("--extract", help="read the input again and compare it with what is stored"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where the tokens of a shard's row came from, or what every stage did with a document; status 1 where none is found."""
    from pipeline.commands.explain.explain import explain as explain_target
    from pipeline.commands.explain.tables import print_explanation

    explanation = explain_target(target, url=url, id=id, document=document, extract=extract)
    if as_json:
        _print_json(explanation)
    else:
        print_explanation(_console(), explanation)
    if explanation.is_empty:
        raise typer.Exit(1)


@app.command()
def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="a run's folder or configuration")],
    as_json: AsJson = False,
) -> None:
    """Check a run: files against manifests, contracts, ids, drops, and that the shards hold every kept document's text exactly once."""
    from pipeline.commands.verify.tables import print_verification
    from pipeline.commands.verify.verify import verify_run

    verification = verify_run(_run_of(run))
    if as_json:
        _print_json(verification)
    else:
        print_verification(_console(), verification)
    if not verification.right:
        raise typer.Exit(1)


@app.command()
def train(config: ConfigPath) -> None:
    """Train a model on a run's shards, as [train] of its configuration says; resumes where it was cut off."""
    from pipeline.commands.train import train_run

    train_run(_load(config), _console())


@app.command()
def evaluate(
    config: ConfigPath,
    split: Annotated[Split, typer.Option(help="train or validation")] = Split.validation,
    max_rows: Annotated[
        int | None,
        typer.Option(min=1, help="rows of each source, evenly spread; all when not given"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a run's model: loss in nats, perplexity and bits per byte for each source."""
    from pipeline.commands.train import evaluate_run

    values = evaluate_run(
        _load(config),
        Console(quiet=True) if as_json else _console(),
        split=split.value,
        max_rows=max_rows,
    )
    if as_json:
        _print_json(values)


@app.command()
def generate(
    config: ConfigPath,
    prompt: Annotated[str, typer.Option(help="text to continue")] = "",
    max_tokens: Annotated[int, typer.Option(min=1, help="tokens to generate at most")] = 128,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0 takes the likeliest token each time")
    ] = 0.8,
    top_k: Annotated[int, typer.Option(min=0, help="draw from the k likeliest tokens; 0: all")] = 0,
    top_p: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="draw from the likeliest tokens that have this probability together",
        ),
    ] = 0.95,
    seed: Annotated[
        int, typer.Option(min=0, max=(1 << 63) - 1, help="equal seeds give equal text")
    ] = 0,
) -> None:
    """Continue a prompt with a run's model."""
    from pipeline.commands.train import generate_text

    generate_text(
        _load(config),
        prompt=prompt,
        write=_write_now,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )
    sys.stdout.write("\n")


@app.command()
def quickstart(
    folder: Annotated[str, typer.Option(help="the folder to work in")] = "runs/quickstart",
    train: Annotated[
        bool, typer.Option(help="also train, evaluate and generate (needs PyTorch)")
    ] = True,
    workers: Workers = None,
) -> None:
    """Do everything once on the embedded sample: all stages, their tables, a small model, its evaluation and a text."""
    from pipeline.quickstart import run_quickstart

    run_quickstart(folder, _console(), train=train, workers=workers or 0)


def _run_stages(
    path: str,
    names: Sequence[str],
    beam: list[str] | None,
    *,
    overwrite: bool,
    workers: int | None,
    debug: bool,
) -> None:
    from pipeline.progress import StageProgress
    from pipeline.stages.all_stages import STAGES
    from pipeline.stages.run_stages import run_stages

    with _runner(beam, workers=workers, debug=debug) as settings_for:
        config = _load(path)
        stages = [stage for stage in STAGES if stage.name in names]
        run_stages(
            config,
            settings_for(config),
            stages=stages,
            overwrite=overwrite,
            progress=StageProgress(_console()),
        )


def _try_dedup(path: str, beam: list[str] | None, *, workers: int | None, debug: bool) -> None:
    from pipeline.commands.dry_run import dry_run

    with _runner(beam, workers=workers, debug=debug) as settings_for:
        config = _load(path)
        dry_run(config, settings_for(config), _console())


@contextlib.contextmanager
def _runner(
    beam: list[str] | None, *, workers: int | None, debug: bool
) -> "Iterator[Callable[[Config], RunnerSettings]]":
    """A fork server for the length of a block, which starts before a configuration can start threads, and what makes settings of both."""
    from pipeline.runner.beam import RunnerSettings
    from pipeline.runner.fork_server import fork_server

    with fork_server() as server:
        yield lambda config: RunnerSettings(
            workers=config.workers if workers is None else workers,
            beam_arguments=tuple(beam or ()),
            debug=debug,
            fork_server=server,
        )


def _load(path: str) -> Config:
    path = path.removeprefix("file://")
    inside = storage.join(path, CONFIGURATION)
    return load_config(inside if not path.endswith(".toml") and storage.exists(inside) else path)


def _run_of(path: str) -> Run:
    """A run by its folder or its configuration, which need not be read for a folder."""
    return Run(load_config(path).folder if path.endswith(".toml") else path)


def _absolute(path: str) -> str:
    """A path for every process, wherever it works: local ones absolute, URLs as they are."""
    path = path.removeprefix("file://")
    return path if "://" in path else os.path.abspath(path)


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def _print_json(values: object) -> None:
    readable = (
        codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    )  # else JSON's own escapes, or it would be no JSON
    typer.echo(json.dumps(to_plain(values), indent=2, ensure_ascii=not readable))


def _write_now(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _print_anything() -> None:
    """Characters that the terminal's encoding lacks, and bytes of file names that are no characters, are shown as escapes.

    The locales C and POSIX have `surrogateescape` in place of `strict`, which fails on characters, too.
    """
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """A command, by `sys.argv`: errors that a person can act on come as three lines, without a traceback.

    Settings of the whole process are made here and nowhere else: a program that calls functions of the packages keeps its own.
    """
    # Threads that wait by spinning take the core from those they wait for where cores are shared: up to a tenth of training's speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    _print_anything()
    if "--debug" not in sys.argv:
        logging.getLogger().setLevel(
            logging.ERROR
        )  # Beam warns at import of clients that nobody asked for
    try:
        app()
    except UserError as error:
        sys.stderr.write(f"tokenmill: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(
            f"tokenmill: {error.strerror or error}\n  where: {error.filename or 'a file'}\n  do: fix that, then run again to resume\n"
        )
        sys.exit(1)
    except SystemExit as stop:  # so do the libraries beneath end a command that was interrupted
        if stop.code == _INTERRUPTED:
            sys.stderr.write(
                "tokenmill: interrupted\n  where: what was committed stays\n  do: run the same command again to resume\n"
            )
        raise


def entry() -> NoReturn:
    """The console script: a command, and the end of its process."""
    run_and_leave(main)


if __name__ == "__main__":
    entry()
