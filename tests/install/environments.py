"""Bare environments: the wheel, built from a clean copy of the source, and what it asks for; no `dev`, no extra, no repository."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import PROJECT

_PASSED_ON = (
    "PIP_",
    "SSL_",
    "REQUESTS_",
    "XDG_",
    "HOME",
    "PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_",
    "HTTPS_",
    "NO_PROXY",
)
"""How pip is set up on this machine: its index, proxies, certificates and cache."""


class NoIndexError(Exception):
    """No package index can be reached."""


def run(
    command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str], umask: int = -1
) -> subprocess.CompletedProcess[str]:
    """Runs a command without standard input, terminal or any variable that is not named."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=dict(environment),
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=900,
        check=False,
    )


@dataclass(frozen=True)
class Tools:
    """The newest pip, in a folder of its own: pip 23 takes three times as long to find what to install."""

    folder: Path

    def pip(self, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
        return run(
            [sys.executable, "-m", "pip", *arguments],
            folder=folder,
            environment=_environment(PYTHONPATH=str(self.folder)),
        )


def _environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | variables


def fetch_tools(folder: Path) -> Tools:
    """Raises NoIndexError where pip cannot get itself."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "pip"]
    done = run(
        command,
        folder=folder.parent,
        environment=_environment(PIP_RETRIES="1", PIP_DEFAULT_TIMEOUT="20"),
    )
    if done.returncode:
        raise NoIndexError(
            done.stderr.strip().splitlines()[-1]
            if done.stderr.strip()
            else f"pip ended with {done.returncode}"
        )
    return Tools(folder)


def copy_source(folder: Path) -> list[str]:
    """Copies what a commit of the working tree would hold; returns the names of the files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    return names


@dataclass(frozen=True)
class Distribution:
    """Both files of a release; `source`: names of the files that they were made from."""

    sdist: Path
    wheel: Path
    source: list[str]


def build(folder: Path) -> Distribution:
    """`make wheel` in a clean copy: the sdist, and the wheel from nothing but the sdist."""
    copy = folder / "copy"
    copy.mkdir()
    names = copy_source(copy)
    made = run(
        ["make", "wheel", f"PYTHON={sys.executable}", f"VENV={folder / 'packager'}"],
        folder=copy,
        environment=_environment(),
    )
    assert made.returncode == 0, made.stderr
    (sdist,), (wheel,) = (copy / "dist").glob("*.tar.gz"), (copy / "dist").glob("*.whl")
    assert {path.name for path in copy.iterdir()} - {"dist", "tokenmill.egg-info"} == {
        name.partition("/")[0] for name in names
    }
    return Distribution(sdist, wheel, names)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Circumstances that must not matter to what comes out: variables, the umask, the name of the folder, an unwritable home."""

    variables: dict[str, str] = field(default_factory=dict)
    umask: int = -1
    folder: str = "work"
    sealed: bool = False


@dataclass
class Bare:
    """An environment with the wheel alone, and what commands did in it."""

    folder: Path
    python: Path
    variant: Variant
    work: Path
    installed: subprocess.CompletedProcess[str]
    commands: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
        } | self.variant.variables

    def run(self, name: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment in the work folder, and remembers by name what it did."""
        program = self.python.parent / command[0]
        done = run(
            [program, *command[1:]],
            folder=self.work,
            environment=self.environment,
            umask=self.variant.umask,
        )
        self.commands[name] = done
        return done


def install(tools: Tools, python: str, wheel: Path, folder: Path, variant: Variant) -> Bare:
    """Makes an environment without pip or setuptools and installs the wheel into it, in one call of pip."""
    environment = folder / "environment"
    made = run(
        [python, "-I", "-m", "venv", "--without-pip", environment],
        folder=folder,
        environment={"PATH": "/usr/bin:/bin"},
    )
    assert made.returncode == 0, made.stderr
    # Byte code of all that is installed would take longer than the byte code of what the commands use.
    done = tools.pip(
        "--python",
        environment,
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "--no-compile",
        wheel,
        folder=folder,
    )
    work = folder / variant.folder
    for place in (work, folder / "home"):
        place.mkdir()
    if variant.sealed:
        (folder / "home").chmod(0o500)
    return Bare(folder, environment / "bin" / "python", variant, work, done)


def manifest_files(run_folder: Path) -> dict[str, dict]:
    """{STAGE/NAME: rows, bytes and sha256} of all data files that the manifests of a run name."""
    return {
        f"{manifest.parent.name}/{name}": entry
        for manifest in sorted(run_folder.glob("*/manifest.json"))
        for name, entry in json.loads(manifest.read_text(encoding="utf-8"))["files"].items()
    }
