"""Chooses the build of PyTorch to install: prints the pip requirement, and the reason on stderr.

python tools/choose_torch.py [--wanted REQUIREMENT] [--ask-no-host] [--index URL]

On Linux the package index has only a CUDA build of several GB. Machines without an NVIDIA device
get the CPU build from PyTorch's CPU index instead. This script uses the standard library only,
because it runs before anything is installed. An empty requirement means that the installed PyTorch
is kept.
"""

import argparse
import html.parser
import http.client
import os
import platform
import re
import sys
import threading
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SECONDS = 3.0
"""Time limit for the page of the CPU index, from the DNS lookup to the last byte."""

PINNED = "torch==2.13.0"
"""The version that the tests use.

An index with a CPU build of it, `2.13.0+cpu`, gives that build: pip prefers local versions.
"""

_LARGEST_PAGE = 16 << 20
_WHEEL = re.compile(
    r"torch-(?P<version>\d+(?:\.\d+)+)(?:\+cpu)?"
    r"-(?P<python>\w+)-(?P<abi>\w+)-(?P<platform>[\w.]+)\.whl"
)
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")


class Machine(NamedTuple):
    """The machine that a wheel must fit.

    `system` is that of `platform.system()`; `glibc` is () where the C library is another one.
    """

    system: str
    processor: str
    python: str
    glibc: tuple[int, ...]
    device: str | None


@dataclass(frozen=True)
class Choice:
    """A requirement for pip, empty where nothing is to be installed, and the reason."""

    requirement: str
    reason: str


def this_machine(root: Path = Path("/")) -> Machine:
    library, version = platform.libc_ver()
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return Machine(
        platform.system(),
        platform.machine(),
        tag,
        release(version) if library == "glibc" else (),
        nvidia_device(root),
    )


def nvidia_device(root: Path = Path("/")) -> str | None:
    """The path of an NVIDIA device with a loaded driver, None where there is none.

    WSL 2 has /dev/dxg and a separate driver.
    """
    for pattern in ("dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*"):
        for path in sorted(root.glob(pattern)):
            return str(path)
    if (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists():
        return str(root / "dev/dxg")
    return None


def release(version: str) -> tuple[int, ...]:
    """'2.13.0+cpu' -> (2, 13, 0)."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version.partition("+")[0]))


class _Links(html.parser.HTMLParser):
    """The targets of a page's links that are not withdrawn (PEP 592)."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href") and "data-yanked" not in values:
            self.targets.append(str(values["href"]))


def newest_wheel(page: str, url: str, machine: Machine, lowest: tuple[int, ...]) -> str | None:
    """The URL, with hash, of the newest wheel on an index page that fits the machine, or None."""
    links = _Links()
    links.feed(page)
    fitting = {}
    for target in links.targets:
        name = urllib.parse.unquote(urllib.parse.urlsplit(target).path.rpartition("/")[2])
        match = _WHEEL.fullmatch(name)
        if (
            match
            and match["python"] == match["abi"] == machine.python
            and _fits(match["platform"].split("."), machine)
        ):
            fitting[release(match["version"])] = urllib.parse.urljoin(url, target)
    newest = max(fitting, default=())
    return fitting[newest] if newest and newest >= lowest else None


def _fits(tags: Iterable[str], machine: Machine) -> bool:
    for tag in tags:
        if tag == f"linux_{machine.processor}":
            return True
        match = _MANYLINUX.fullmatch(tag)
        if (
            match
            and match[3] == machine.processor
            and (int(match[1]), int(match[2])) <= machine.glibc
        ):
            return True
    return False


def read_page(url: str, seconds: float = SECONDS) -> str | None:
    """The text of a page, None where it is not complete within the time limit."""
    pages: list[str] = []

    def read() -> None:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as response:
                page = response.read(_LARGEST_PAGE)
                # A remaining length means that the page is truncated, or longer than any index.
                if not getattr(response, "length", None):
                    pages.append(page.decode("utf-8", "replace"))
        except (OSError, ValueError, http.client.HTTPException):
            return  # no page: `pages` stays empty

    # A thread, because the timeout of a socket restarts with every byte and a DNS lookup has none.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(seconds)
    return pages[0] if pages else None


def installed_version() -> str | None:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def lowest_requirement(project: Path) -> str:
    """The torch requirement of the extra `train`, such as 'torch>=2.13'."""
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return next(
        str(requirement) for requirement in extras["train"] if requirement.startswith("torch>=")
    )


def choose(
    machine: Machine,
    *,
    wanted: str,
    installed: str | None,
    lowest: str,
    index: str | None,
    read: Callable[[str], str | None] = read_page,
) -> Choice:
    """The build to install.

    Args:
        machine: the machine that a wheel must fit.
        wanted: the requirement that the user asked for, or "".
        installed: the version in this environment.
        lowest: the requirement of the project, `torch>=VERSION`.
        index: the address of PyTorch's CPU index; None: no other host is asked.
        read: address -> page or None.
    """
    if wanted:
        return Choice(wanted, "asked for by TORCH=")
    bound = release(lowest)
    if installed and release(installed) >= bound:
        return Choice("", f"{installed} is installed and stays")
    if index is None:
        return Choice(PINNED, "the release that the tests run with, from the package index")
    if machine.device:
        return Choice(
            lowest,
            f"there is an NVIDIA device, {machine.device}: the package index's build, for CUDA",
        )
    if machine.system != "Linux":
        return Choice(lowest, f"the package index's build for {machine.system}")
    url = f"{index.rstrip('/')}/torch/"
    page = read(url)
    wheel = newest_wheel(page, url, machine, bound) if page is not None else None
    if wheel is not None:
        return Choice(
            f"torch@{wheel}",
            f"no NVIDIA device: the CPU build from {index}; TORCH=torch installs the one for CUDA",
        )
    obstacle = (
        f"did not answer within {SECONDS:g} s" if page is None else "has no wheel for this machine"
    )
    return Choice(
        PINNED,
        f"no NVIDIA device, but {index} {obstacle}: the package index's build, maybe for CUDA",
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Chooses the build of PyTorch to install.")
    parser.add_argument("--wanted", default="", help="the requirement that the user asked for")
    parser.add_argument(
        "--ask-no-host", action="store_true", help="do not look at PyTorch's own index"
    )
    parser.add_argument(
        "--index", default=os.environ.get("TORCH_CPU_INDEX", CPU_INDEX), help="PyTorch's CPU index"
    )
    options = parser.parse_args(arguments)
    choice = choose(
        this_machine(),
        wanted=options.wanted,
        installed=installed_version(),
        lowest=lowest_requirement(Path(__file__).resolve().parent.parent / "pyproject.toml"),
        index=None if options.ask_no_host else options.index,
    )
    sys.stderr.write(
        f"PyTorch: {choice.requirement.partition('#')[0] or 'nothing to install'} "
        f"({choice.reason})\n"
    )
    print(choice.requirement)


if __name__ == "__main__":
    main(sys.argv[1:])
