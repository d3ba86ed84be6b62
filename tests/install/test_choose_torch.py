"""Which build of PyTorch the Makefile installs: from PyTorch's CPU index, here a local double of it, or from the package index."""

import hashlib
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.file_server import Handler, Server, reset, serving, status
from tools.choose_torch import (
    CPU_INDEX,
    PINNED,
    SECONDS,
    Machine,
    choose,
    lowest_requirement,
    newest_wheel,
    nvidia_device,
    read_page,
    release,
    this_machine,
)

LOWEST = "torch>=2.13"
MACHINE = Machine("Linux", "x86_64", "cp311", (2, 36), device=None)
PAGE = """<!DOCTYPE html><html><body><h1>Links for torch</h1>
<a href="/whl/cpu/torch-2.12.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=00">old</a><br/>
<a href="/whl/cpu/torch-2.14.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=aa">newest that fits</a><br/>
<a href="/whl/cpu/torch-2.13.2%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=bb">older</a><br/>
<a href="/whl/cpu/torch-2.15.0%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl">Python 3.12</a><br/>
<a href="/whl/cpu/torch-2.15.0%2Bcpu-cp313-cp313t-manylinux_2_28_x86_64.whl">without the global lock</a><br/>
<a href="/whl/cpu/torch-2.15.0%2Bcpu-cp311-cp311-manylinux_2_99_x86_64.whl">newer glibc</a><br/>
<a href="/whl/cpu/torch-2.15.0-cp311-none-macosx_11_0_arm64.whl">macOS</a><br/>
<a href="/whl/cpu/torch-2.15.0.dev20270101%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl">nightly</a><br/>
<a href="/whl/cpu/torch-2.15.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl" data-yanked="broken">withdrawn</a><br/>
<a href="https://other.example/whl/cpu/torch-2.13.1%2Bcpu-cp311-cp311-manylinux_2_28_aarch64.whl#sha256=cc">ARM</a><br/>
<a name="end">no link</a></body></html>"""
URL = "https://index.example/whl/cpu/torch/"


@pytest.mark.parametrize(
    ("machine", "lowest", "wheel"),
    [
        (
            MACHINE,
            (2, 13),
            "https://index.example/whl/cpu/torch-2.14.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=aa",
        ),
        (
            MACHINE._replace(processor="aarch64"),
            (2, 13),
            "https://other.example/whl/cpu/torch-2.13.1%2Bcpu-cp311-cp311-manylinux_2_28_aarch64.whl#sha256=cc",
        ),
        (
            MACHINE._replace(python="cp312"),
            (2, 13),
            "https://index.example/whl/cpu/torch-2.15.0%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl",
        ),
        (MACHINE._replace(python="cp313"), (2, 13), None),
        (MACHINE._replace(glibc=(2, 27)), (2, 13), None),
        (MACHINE._replace(glibc=()), (2, 13), None),
        (MACHINE, (2, 14, 1), None),
    ],
)
def test_the_newest_wheel_that_fits(
    machine: Machine, lowest: tuple[int, ...], wheel: str | None
) -> None:
    assert newest_wheel(PAGE, URL, machine, lowest) == wheel


@pytest.mark.parametrize(
    "page", ["", "no page", "<a href=>", '<a href="torch-2.14.0-cp311-cp311-win_amd64.whl">']
)
def test_pages_without_a_wheel(page: str) -> None:
    assert newest_wheel(page, URL, MACHINE, (2, 13)) is None


def answered(_: str) -> str:
    return PAGE


def silent(_: str) -> None:
    return None


def no_question(url: str) -> None:
    raise AssertionError(f"asked {url}")


INDEX = "https://index.example/whl/cpu"


@pytest.mark.parametrize(
    ("changed", "read", "requirement", "reason"),
    [
        ({"wanted": "torch==9"}, no_question, "torch==9", "asked for by TORCH="),
        (
            {"wanted": "torch==9", "installed": "2.13.0+cpu"},
            no_question,
            "torch==9",
            "asked for by TORCH=",
        ),
        ({"installed": "2.13.0+cpu"}, no_question, "", "2.13.0+cpu is installed and stays"),
        ({"installed": "2.12.1", "index": None}, no_question, PINNED, "tests run with"),
        ({"index": None}, no_question, PINNED, "tests run with"),
        ({"machine": MACHINE._replace(device="/dev/nvidia0")}, no_question, LOWEST, "/dev/nvidia0"),
        ({"machine": MACHINE._replace(system="Darwin")}, no_question, LOWEST, "Darwin"),
        ({}, silent, PINNED, "did not answer within 3 s"),
        (
            {"machine": MACHINE._replace(python="cp313")},
            answered,
            PINNED,
            "no wheel for this machine",
        ),
        (
            {},
            answered,
            "torch@https://index.example/whl/cpu/torch-2.14.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl",
            "CPU build",
        ),
        (
            {"index": f"{INDEX}/", "installed": "2.12.1"},
            answered,
            "torch@https://index.example/whl/cpu/torch-2.14.0",
            "TORCH=torch",
        ),
    ],
)
def test_the_choice_and_its_reason(changed: dict, read, requirement: str, reason: str) -> None:
    arguments = {
        "machine": MACHINE,
        "wanted": "",
        "installed": None,
        "lowest": LOWEST,
        "index": INDEX,
        "read": read,
    } | changed
    choice = choose(arguments.pop("machine"), **arguments)
    assert choice.requirement.startswith(requirement)
    assert bool(choice.requirement) == bool(requirement)
    assert reason in choice.reason
    assert "\n" not in choice.reason


@pytest.mark.parametrize(
    ("paths", "device"),
    [
        ([], None),
        (["dev/nvidiactl", "dev/nvidia-uvm"], None),  # the driver is there, a device is not
        (["dev/nvidia0", "dev/nvidiactl"], "dev/nvidia0"),
        (
            ["proc/driver/nvidia/gpus/0000:01:00.0/information"],
            "proc/driver/nvidia/gpus/0000:01:00.0",
        ),
        (["dev/dxg"], None),
        (["dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"], "dev/dxg"),
    ],
)
def test_nvidia_devices(tmp_path: Path, paths: list[str], device: str | None) -> None:
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert nvidia_device(tmp_path) == (device and str(tmp_path / device))


def test_the_lower_bound_is_the_projects_and_the_pinned_release_keeps_to_it() -> None:
    lowest = lowest_requirement(PROJECT / "pyproject.toml")
    assert lowest.startswith("torch>=")
    assert release(PINNED) >= release(lowest)


def test_the_document_says_what_is_chosen() -> None:
    text = (PROJECT / "docs" / "install.md").read_text(encoding="utf-8")
    for part in (PINNED, CPU_INDEX, f"{SECONDS:g} s", "TORCH_CPU_INDEX"):
        assert part in text


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Server]:
    """A CPU index with a wheel for this machine: a package `torch` of one line."""
    machine = this_machine()
    python = f"{machine.python}-{machine.python}"
    wheel = (
        tmp_path
        / "served"
        / "whl"
        / "cpu"
        / "torch"
        / f"torch-99.0+cpu-{python}-linux_{machine.processor}.whl"
    )
    wheel.parent.mkdir(parents=True)
    members = {
        "torch/__init__.py": "build = 'cpu'\n",
        "torch-99.0+cpu.dist-info/METADATA": "Metadata-Version: 2.1\nName: torch\nVersion: 99.0+cpu\n",
        "torch-99.0+cpu.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {python}-linux_{machine.processor}\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(
            "torch-99.0+cpu.dist-info/RECORD", "".join(f"{name},,\n" for name in members)
        )
    with serving(tmp_path / "served") as server:
        yield server


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script in an interpreter that sees no installed package, as in a new environment."""
    command = [sys.executable, "-I", "-S", str(PROJECT / "tools" / "choose_torch.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.skipif(this_machine().device is not None, reason="there is an NVIDIA device")
def test_pip_installs_the_wheel_of_the_cpu_index(index: Server, tmp_path: Path) -> None:
    done = run_script("--index", f"{index.url}whl/cpu")
    requirement = done.stdout.strip()
    assert requirement.startswith(f"torch@{index.url}whl/cpu/torch/torch-99.0")
    assert done.stderr.startswith(
        f"PyTorch: {requirement} (no NVIDIA device: the CPU build from {index.url}whl/cpu;"
    )
    assert len(done.stderr.splitlines()) == 1
    (wheel,) = (tmp_path / "served" / "whl" / "cpu" / "torch").iterdir()
    hashed = f"{requirement}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    # The machine's own settings of pip, a cap on releases for instance, are another matter.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PIP_")
    } | {"PIP_CONFIG_FILE": os.devnull}
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        "site",
        hashed,
    ]
    installed = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "site" / "torch" / "__init__.py").read_text() == "build = 'cpu'\n"


def test_no_host_is_asked_where_none_may_be(index: Server) -> None:
    done = run_script("--index", f"{index.url}whl/cpu", "--ask-no-host")
    assert done.stdout == f"{PINNED}\n"
    assert (
        run_script("--index", f"{index.url}whl/cpu", "--wanted", "torch==9").stdout == "torch==9\n"
    )
    assert not index.requests


def cut_short(handler: Handler) -> bool:
    handler.reply(200, b"<a href=", {"Content-Length": "5000"})
    handler.close_connection = True
    return True


def other_protocol(handler: Handler) -> bool:
    handler.wfile.write(b"220 mail.example ready\r\n")
    return True


@pytest.mark.parametrize("fault", [status(404), status(503), reset, cut_short, other_protocol])
def test_an_index_that_fails_is_none(index: Server, fault) -> None:
    index.faults.append(fault)
    assert read_page(f"{index.url}whl/cpu/torch/") is None
    assert index.requests


def test_an_index_that_does_not_answer_in_time_is_none() -> None:
    with socket.create_server(
        ("127.0.0.1", 0)
    ) as listening:  # connections are made, and nobody answers
        assert (
            read_page(f"http://127.0.0.1:{listening.getsockname()[1]}/torch/", seconds=0.1) is None
        )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/torch/", "no-address", "file:///absent/torch/"]
)
def test_an_address_at_which_nobody_is(url: str) -> None:
    assert read_page(url) is None


def planned(target: str, venv: Path, **variables: str) -> str:
    """The commands that `make` would run in a new environment."""
    command = [
        "make",
        "--dry-run",
        target,
        f"VENV={venv}",
        *(f"{name}={value}" for name, value in variables.items()),
    ]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TORCH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    return subprocess.run(
        command,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_the_quickstart_installs_nothing_of_the_tests(tmp_path: Path) -> None:
    commands = planned("quickstart", tmp_path / "new")
    assert "-e '.[train]'" in commands
    assert "dev" not in commands
    assert "--wanted ''" in commands
    assert "--wanted 'torch==9'" in planned("quickstart", tmp_path / "new", TORCH="torch==9")


@pytest.mark.parametrize("target", ["test", "lint", "bench", "fuzz"])
def test_tests_ask_no_host_for_pytorch(target: str, tmp_path: Path) -> None:
    commands = planned(target, tmp_path / "new")
    assert commands.count("pip install") == commands.count("--ask-no-host") == 1
    assert "-e '.[dev]'" in commands


def test_each_layer_is_installed_once(tmp_path: Path) -> None:
    (tmp_path / ".installed").touch()
    assert "pip install" not in planned("quickstart", tmp_path)
    assert "-e '.[dev]'" in planned("test", tmp_path)
    (tmp_path / ".installed-dev").touch()
    assert "pip install" not in planned("test", tmp_path)
