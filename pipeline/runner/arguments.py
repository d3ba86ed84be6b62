"""Beam's own options, as they stand after `--`: checked before anything runs."""

import contextlib
import difflib
import io
import re
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from transforms.errors import ConfigError

_OPTION = re.compile(r"--\w[^=]*")
_OURS = ("direct_num_workers", "direct_running_mode")


def check_beam_arguments(arguments: Sequence[str]) -> None:
    """Raises ConfigError for an argument that means nothing. A runner named by --runner has options of its own, which are left to it."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not _OPTION.match(argument):
            remedy = (
                f"write {before}={argument}"
                if _OPTION.fullmatch(before)
                else "name one configuration; write options of Beam as --name=value"
            )
            raise ConfigError(
                f"{argument!r} is not an option", where="the arguments after --", remedy=remedy
            )
    options = parse_arguments(arguments)
    runner = options.view_as(StandardOptions).runner
    if runner:
        _check_runner(runner)
        return
    known = options.get_all_options()
    unknown = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
    for argument in arguments:
        name = argument[2:].partition("=")[0].replace("-", "_")
        if name in unknown:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = (
                f"do you mean --{near[0]}?"
                if near
                else "leave it out, or name the runner it belongs to with --runner"
            )
            raise ConfigError(
                f"--{name} is not an option of Beam", where="the arguments after --", remedy=remedy
            )
        if name in _OURS:
            raise ConfigError(
                f"--{name} is set by tokenmill",
                where="the arguments after --",
                remedy="use --workers, before the --",
            )


def parse_arguments(arguments: Sequence[str]) -> PipelineOptions:
    """Raises ConfigError for what argparse does not accept."""
    said = (
        io.StringIO()
    )  # argparse prints what is wrong; the streams are this process's own again after the block
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            options = PipelineOptions(list(arguments))
            options.get_all_options()
    except SystemExit as error:
        wrong = (
            said.getvalue().strip().rpartition("error: ")[2]
            if error.code
            else "--help is no option for a run"
        )
        raise ConfigError(
            wrong,
            where="the arguments after --",
            remedy="see Beam's documentation of pipeline options",
        ) from None
    return options


def _check_runner(name: str) -> None:
    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise ConfigError(
            f"--runner={name}: {error}",
            where="the arguments after --",
            remedy="name a runner that is installed",
        ) from error
