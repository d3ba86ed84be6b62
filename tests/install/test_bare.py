"""What a stranger gets: the wheel and what it asks for, on every Python that runs, outside the repository.

Needs a package index; without one these tests are skipped, and on CI (`CI=true`) they fail.
"""

import json
import os
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.install.environments import (
    Bare,
    Distribution,
    NoIndexError,
    Tools,
    Variant,
    build,
    fetch_tools,
    install,
    manifest_files,
)
from tests.install.pythons import TRIED, VERSIONS, find_python
from tests.process_state import PACKAGES

NEED_TRAIN = {
    f"training.{name}"
    for name in (
        "attention",
        "checkpoint",
        "evaluate",
        "events",
        "generate",
        "loss",
        "model",
        "muon",
        "optim",
        "train",
    )
}
"""Modules that import PyTorch or safetensors: the extra `train`."""

FOUND = [version for version in VERSIONS if find_python(version)]
SHARED_MEMORY = Path("/dev/shm")
VARIANTS = {
    "3.11": Variant(
        variables={"LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "0", "HOME": "/dev/null"}
    ),
    "3.12": Variant(
        variables={
            "LC_ALL": "POSIX",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "TZ": "Asia/Kathmandu",
            "PYTHONHASHSEED": "1",
        },
        umask=0o077,
    ),
    "3.13": Variant(
        variables={"PYTHONOPTIMIZE": "2"}
        | ({"TMPDIR": str(SHARED_MEMORY)} if SHARED_MEMORY.is_dir() else {}),
        folder="mit Leerzeichen und Ümläuten",
    ),
}
"""Each Python works in other circumstances, and all must write the same bytes."""

IMPORT_ALL = f"""
import importlib, json, pkgutil
missing = {{}}
for package in {PACKAGES!r}:
    names = [package, *(module.name for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."))]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing[name] = error.name
print(json.dumps(missing))
"""
ROW = "demo/run/shards/train-news-00000-of-00001.arrow:3"
RUN = "demo/run"
OWN = "mine [a] *"
"""A folder of one's own, whose name looks like a pattern."""
OWN_FILES = {
    "tokenmill.toml": """\
folder = "run"

[sources.table]
kind = "csv"
paths = ["tables [1]"]
keep_columns = ["id"]

[sources.pages]
kind = "html"
paths = ["pages [1]"]
output = "markdown"

[sources.notes]
kind = "markdown"
paths = ["notes?/*.md"]
""",
    "tables [1]/rows.csv": 'id,text\n7,"The baker opened at five, and the first of his neighbours came at six for bread."\n',
    "pages [1]/page.html": """\
<!DOCTYPE html><html lang="en"><head><meta charset="windows-1252"><title>Bread</title></head><body><nav><a href="/">Home</a></nav><article>
<h1>How bread is made in our village</h1>
<p>The dough is set in the evening in a wooden trough, and it rests there through the night, where it is warm.</p>
<p>In the morning it is cut, weighed and shaped by hand, and no loaf of the baker\u2019s is much heavier than the others.</p>
</article></body></html>
""",
    "notes?/bread.md": "---\ntitle: Flour\n---\n# Flour\n\nThe mill grinds rye on every Monday, and wheat on the other days.\n",
}
COMMANDS = {
    "modules": ("python", "-I", "-c", IMPORT_ALL),
    "quickstart": ("tokenmill", "quickstart", "--folder", "demo", "--no-train"),
    "verify": ("tokenmill", "verify", RUN),
    "explain": ("tokenmill", "explain", ROW, "--extract"),
    "export": ("tokenmill", "export", RUN, "--format", "nanogpt", "--to", "demo/nanogpt"),
    "plan": ("tokenmill", "plan", "demo/tokenmill.toml"),
    "inspect": ("tokenmill", "inspect", RUN, "--json"),
    "train": ("tokenmill", "train", "demo/tokenmill.toml"),
    "ingest": ("tokenmill", "ingest", f"{OWN}/tokenmill.toml"),
}
FAILING = {"train": 2}


def write_own_files(folder: Path) -> None:
    """Also a neighbour that the folder's name matches as a pattern."""
    for place in (folder, folder.parent / "mine a b"):
        for name, content in OWN_FILES.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content.encode("windows-1252"))


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    try:
        return fetch_tools(tmp_path_factory.mktemp("tools") / "site")
    except NoIndexError as error:
        reason = f"no package index can be reached: {error}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def distribution(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Only where `tools` found a package index."""
    return build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def environments(
    tools: Tools, distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Bare]]:
    """Version -> its environment, in which all commands have run; two environments at a time, as many cores a small machine has."""
    pythons = {version: str(find_python(version)) for version in FOUND}

    def make(version: str) -> Bare:
        folder = tmp_path_factory.mktemp(f"python-{version}")
        bare = install(
            tools, pythons[version], distribution.wheel, folder, VARIANTS.get(version, Variant())
        )
        if bare.installed.returncode == 0:
            write_own_files(bare.work / OWN)
            for name, command in COMMANDS.items():
                bare.run(name, *command)
        return bare

    with ThreadPoolExecutor(2) as pool:
        yield dict(zip(pythons, pool.map(make, pythons), strict=True))


@pytest.fixture(params=FOUND)
def bare(request: pytest.FixtureRequest, environments: dict[str, Bare]) -> Bare:
    """The environment of a version, or a skip where a newer one cannot be installed into yet."""
    found = environments[request.param]
    if found.installed.returncode and request.param not in TRIED:
        pytest.skip(
            f"not everything has a wheel for Python {request.param} yet: {found.installed.stderr.strip().splitlines()[-1]}"
        )
    assert found.installed.returncode == 0, found.installed.stderr
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_which_pythons_run_here(version: str, record_property: Callable) -> None:
    """Says it at the end of the tests, too (tests/conftest.py)."""
    path = find_python(version)
    record_property("Python", f"{version} ({path})" if path else f"no {version}")
    if path is None:
        pytest.skip(f"no Python {version} runs here")


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(
    distribution: Distribution,
) -> None:
    packaged = {
        name
        for name in distribution.source
        if name.startswith(tuple(f"{package}/" for package in PACKAGES))
    }
    with zipfile.ZipFile(distribution.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = {
            name.partition("licenses/")[2] for name in archive.namelist() if "licenses/" in name
        }
    assert names == packaged
    assert licences == {"LICENSE", "pipeline/sample/python-topics.LICENSE.txt"}
    assert distribution.wheel.stat().st_size < 1_500_000


def test_the_sdist_holds_what_the_wheel_is_built_from(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "pipeline/cli.py",
        "pipeline/sample/web/variants.toml",
    } <= names


def test_every_module_is_there_but_those_that_need_the_extra_train(bare: Bare) -> None:
    done = bare.commands["modules"]
    assert done.returncode == 0, done.stderr
    missing = json.loads(done.stdout)
    assert set(missing) == NEED_TRAIN
    assert set(missing.values()) <= {"torch", "safetensors"}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "modules"])
def test_the_command_runs(bare: Bare, command: str) -> None:
    done = bare.commands[command]
    assert done.returncode == FAILING.get(command, 0), f"{done.stdout[-1000:]}\n{done.stderr}"
    if command not in FAILING:
        assert done.stderr == ""
        assert done.stdout


def test_training_without_its_extra_is_an_error_of_three_lines(bare: Bare) -> None:
    assert bare.commands["train"].stderr.splitlines() == [
        "tokenmill: torch is not installed",
        "  where: this Python environment",
        "  do: pip install 'tokenmill[train]'",
    ]


def test_an_environment_without_pytorch_stays_small(bare: Bare) -> None:
    """What `make quickstart` installs but for PyTorch, which is all that `train` adds beside the 2 MB of safetensors."""
    files = (
        path
        for path in (bare.folder / "environment").rglob("*")
        if path.is_file() and not path.is_symlink()
    )
    assert sum(path.stat().st_size for path in files) < 900_000_000
    train = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]["train"]
    assert [requirement.partition(">")[0] for requirement in train] == ["torch", "safetensors"]


def test_what_the_commands_say_is_right(bare: Bare) -> None:
    stages = json.loads(bare.commands["inspect"].stdout)["stages"]
    assert [
        stages[name]["files"] > 0 for name in ("documents", "dedup", "tokenizer", "shards")
    ] == [True] * 4
    assert (bare.work / "demo" / "nanogpt" / "train.bin").stat().st_size > 100_000


def test_files_of_ones_own_are_read(bare: Bare) -> None:
    manifest = json.loads(
        (bare.work / OWN / "run" / "documents" / "manifest.json").read_text(encoding="utf-8")
    )
    read = {
        name: (source["read"], source["kept"])
        for name, source in manifest["counters"]["sources"].items()
    }
    assert read == {"table": (1, 1), "pages": (1, 1), "notes": (1, 1)}


def test_every_python_writes_the_same_bytes(environments: dict[str, Bare]) -> None:
    runs = {
        version: bare.work / "demo" / "run"
        for version, bare in environments.items()
        if bare.installed.returncode == 0
    }
    assert runs
    figures, files = {}, {}
    for version, run in runs.items():
        manifests = {
            path.parent.name: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(run.glob("*/manifest.json"))
        }
        assert list(manifests) == ["dedup", "documents", "shards", "tokenizer"]
        figures[version] = {stage: manifest["counters"] for stage, manifest in manifests.items()}
        libraries = {**manifests["shards"]["versions"], "python": ""}
        files.setdefault(json.dumps(libraries), {})[version] = manifest_files(run)
    first = next(iter(figures.values()))
    assert [version for version, values in figures.items() if values != first] == []
    # Parquet files name the release of pyarrow that wrote them: bytes are compared among environments with the same libraries.
    for written in files.values():
        one = next(iter(written.values()))
        assert len(one) > 20
        assert [version for version, entries in written.items() if entries != one] == []
