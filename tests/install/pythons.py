"""The Python interpreters of this machine that run, one for each minor version."""

import functools
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
"""What `requires-python` admits; all but the last two must install."""

TRIED = ("3.11", "3.12", "3.13")


def _candidates(version: str) -> Iterator[str]:
    """Paths where an interpreter may lie, real ones before shims, which exist for versions that do not run."""
    yield os.path.realpath(sys.executable)
    folder = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from sorted(
        glob.glob(f"{glob.escape(folder)}/versions/{version}*/bin/python{version}"), reverse=True
    )
    for place in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"):
        if found := shutil.which(f"python{version}", path=place):
            yield found


def _runs(path: str, version: str) -> bool:
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        if subprocess.run(
            [path, "-c", "pass"], capture_output=True, timeout=60, check=False
        ).returncode:
            return False
        asked = subprocess.run(
            [path, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and asked.stdout.strip() == version


@functools.cache
def find_python(version: str) -> str | None:
    """An interpreter of a version, proved by `-c pass`; None where none runs."""
    return next(
        (path for path in dict.fromkeys(_candidates(version)) if _runs(path, version)), None
    )
