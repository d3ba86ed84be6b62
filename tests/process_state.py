"""What the packages change in the process that uses them: prints the differences as JSON.

python -m tests.process_state FOLDER
python -m tests.process_state         prints the names of the packages
"""

import codecs
import contextlib
import csv
import decimal
import gc
import hashlib
import importlib
import io
import json
import locale
import logging
import mimetypes
import multiprocessing
import os
import pickle
import pkgutil
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGES = ("pipeline", "transforms", "training")


def modules_of(packages: tuple[str, ...] = PACKAGES) -> Iterator[str]:
    """Names of all modules of the packages."""
    for package in packages:
        yield package
        yield from sorted(
            module.name
            for module in pkgutil.walk_packages(
                importlib.import_module(package).__path__, f"{package}."
            )
        )


def _digest(value: Any) -> str:
    return hashlib.sha256(pickle.dumps(value)).hexdigest()


def _loggers() -> dict[str, Any]:
    named = {
        name: logger
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    return {
        name: [
            logger.level,
            logger.disabled,
            logger.propagate,
            len(logger.handlers),
            len(logger.filters),
        ]
        for name, logger in {"root": logging.root, **named}.items()
        if logger.level or logger.handlers or logger.filters or logger.disabled or name == "root"
    }


def snapshot() -> dict[str, Any]:
    """Everything of a process that one of its users could miss, by name."""
    import fsspec
    import numpy as np
    import pyarrow as pa
    from apache_beam.runners.worker import statesampler

    umask = os.umask(0)
    os.umask(umask)
    return {
        "environment": dict(os.environ),
        "working folder": os.getcwd(),
        "umask": umask,
        "arguments": list(sys.argv),
        "path": list(sys.path),
        "streams": [id(sys.stdin), id(sys.stdout), id(sys.stderr)],
        "hooks": [
            repr(hook)
            for hook in (sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook)
        ],
        "limits": [
            sys.getrecursionlimit(),
            sys.getswitchinterval(),
            sys.get_int_max_str_digits(),
            threading.stack_size(),
        ],
        "tracing": [repr(sys.gettrace()), repr(sys.getprofile())],
        "csv": [csv.field_size_limit(), sorted(csv.list_dialects())],
        "decimal": repr(decimal.getcontext()),
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.get_debug()],
        "locale": [
            locale.setlocale(locale.LC_ALL),
            locale.getpreferredencoding(False),
            list(time.tzname),
        ],
        "loggers": _loggers(),
        "logging": [logging.root.manager.disable, logging.raiseExceptions],
        "warnings": [str(entry) for entry in warnings.filters] + [repr(warnings.showwarning)],
        "mimetypes": _digest([mimetypes.inited, sorted(mimetypes.types_map.items())]),
        "multiprocessing": multiprocessing.get_start_method(allow_none=True),
        "random": _digest(random.getstate()),
        "regular expressions": re._MAXCACHE,
        "signals": {
            name.name: repr(signal.getsignal(name))
            for name in signal.valid_signals()
            if isinstance(name, signal.Signals)
        },
        "sockets": socket.getdefaulttimeout(),
        "temporary folder": tempfile.tempdir,
        "affinity": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "priority": os.nice(0),
        "codecs": [
            codecs.lookup_error(name).__name__ for name in ("strict", "replace", "surrogateescape")
        ],
        "numpy": [repr(np.geterr()), repr(np.get_printoptions()), _digest(np.random.get_state())],
        "arrow": [pa.cpu_count(), pa.io_thread_count(), pa.default_memory_pool().backend_name],
        "fsspec": [dict(fsspec.config.conf), sorted(fsspec.registry)],
        "beam": repr(statesampler.StateSampler.__init__.__defaults__),
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What is another value: name -> [before, after], mappings key by key."""
    found = {}
    for name, old in before.items():
        new = after[name]
        if isinstance(old, dict):
            found |= {
                f"{name}: {key}": [old.get(key), new.get(key)]
                for key in old.keys() | new.keys()
                if old.get(key) != new.get(key)
            }
        elif old != new:
            found[name] = [old, new]
    return found


def _import_dependencies() -> None:
    """Imports what the packages are built on: its effects are not theirs."""
    for name in (
        *(
            "apache_beam",
            "apache_beam.runners.portability.fn_api_runner.fn_runner",
            "apache_beam.runners.worker.statesampler",
        ),
        *(
            "numpy",
            "pyarrow.parquet",
            "pyarrow.compute",
            "fsspec.implementations.local",
            "typer",
            "rich.console",
            "pydantic",
            "torch",
        ),
        *(
            "ftfy",
            "idna",
            "mwparserfromhell",
            "resiliparse.extract.html2text",
            "fastwarc.warc",
            "tiktoken",
            "tokenizers",
        ),
    ):
        importlib.import_module(name)
    fsspec = importlib.import_module("fsspec")
    fsspec.filesystem("file")


def _use(folder: Path) -> None:
    """Every stage and every reading command, as functions, in this process and with worker processes."""
    from rich.console import Console

    from pipeline.commands.explain.explain import explain
    from pipeline.commands.export.export import export_run
    from pipeline.commands.plan.plan import plan_run
    from pipeline.commands.show_tables.show import look_at
    from pipeline.commands.verify.verify import verify_run
    from pipeline.config.load import load_config
    from pipeline.progress import StageProgress
    from pipeline.quickstart import run_quickstart
    from pipeline.run.folder import Run
    from pipeline.runner.beam import RunnerSettings
    from pipeline.runner.fork_server import fork_server
    from pipeline.stages.run_stages import run_stages
    from tests.pipeline.corpus import write_corpus
    from transforms.export.jsonl import JsonlOptions
    from transforms.export.request import ExportRequest

    console = Console(file=io.StringIO())
    run_quickstart(str(folder / "demo"), console, train=False, workers=2)
    config = load_config(str(folder / "demo" / "tokenmill.toml"))
    with fork_server() as server:
        settings = RunnerSettings(workers=1, fork_server=server)
        plan_run(config, settings)
        assert verify_run(Run(config.folder)).right
        shard = sorted(Path(config.folder, "shards").glob("train-*.arrow"))[0]
        explain(f"{shard}:0", url=None, id=None, document=None, extract=True)
        look_at(config.folder)
        request = ExportRequest(
            format="jsonl",
            to=str(folder / "out"),
            splits=("train", "validation"),
            sources=(),
            options=JsonlOptions(compression="zstd"),
        )
        export_run(config, request, settings, console, overwrite=False)
    (folder / "corpus").mkdir()
    run_stages(
        load_config(str(write_corpus(folder / "corpus"))),
        RunnerSettings(workers=1),
        progress=StageProgress(console),
    )


def packages() -> Iterator[str]:
    """Names of all packages and subpackages."""
    for package in PACKAGES:
        yield package
        found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        yield from sorted(module.name for module in found if module.ispkg)


def _alone(package: str) -> dict[str, Any]:
    """What importing a package first, with its public names and the modules in it, changes.

    In a fork, so that nothing of the project is imported there.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        status = 1
        with contextlib.suppress(BaseException):
            before = snapshot()
            imported = importlib.import_module(package)
            for name in imported.__all__:
                getattr(imported, name)
            for module in pkgutil.iter_modules(imported.__path__, f"{package}."):
                importlib.import_module(module.name)
            with os.fdopen(writing, "w") as sink:
                json.dump(differences(before, snapshot()), sink)
            status = 0
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as source:
        text = source.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return json.loads(text) if not status else {"the import failed": status}


def _packages_alone() -> dict[str, Any]:
    names = subprocess.run(
        [sys.executable, "-m", "tests.process_state"], capture_output=True, text=True, check=True
    ).stdout.split()
    return {package: found for package in names if (found := _alone(package))}


def _compare(steps: dict[str, Callable[[], object]]) -> dict[str, Any]:
    found = {}
    for name, step in steps.items():
        before = snapshot()
        step()
        found[name] = differences(before, snapshot())
    return found


def main(folder: Path) -> None:
    _import_dependencies()
    random.seed(1)
    gc.collect()
    csv.field_size_limit(70_000)
    socket.setdefaulttimeout(71.0)
    with contextlib.redirect_stdout(sys.stderr):
        alone = _packages_alone()
        found = _compare(
            {
                "imports": lambda: [importlib.import_module(name) for name in modules_of()],
                "use": lambda: _use(folder),
            }
        )
    print(json.dumps(found | {"alone": alone}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        print("\n".join(packages()))
