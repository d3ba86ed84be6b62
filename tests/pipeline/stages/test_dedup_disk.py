"""A disk that fills up while duplicates are looked for: an error that says so, nothing half-written, and a next run that ends whole."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import PROJECT, Outcome
from tests.pipeline.stages.test_dedup_stage import digests, ingested, path, run  # noqa: F401  fixtures
from tests.pipeline.test_cli import check_error

SMALL_DISK = """
mount -t tmpfs -o size=32m none "$1" && cp -a "$2/." "$1" || exit 3
free=$(($(df --output=avail -k "$1" | tail -1) - $3))
head -c "${free}k" /dev/zero > "$1/fills-the-disk"
"$4" -m pipeline.cli dedup "$1/tokenmill.toml" --workers 2
status=$?
rm "$1/fills-the-disk"
cp -a "$1/." "$5"
exit $status
"""


@pytest.fixture(scope="module")
def reference(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a stage that was never stopped."""
    folder = tmp_path_factory.mktemp("reference")
    shutil.copytree(ingested, folder, dirs_exist_ok=True)
    run(folder / "tokenmill.toml", "dedup")
    return digests(folder / "run/dedup")


def can_mount() -> bool:
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(
            ["unshare", "-m", "true"], capture_output=True, check=False
        ).returncode
    )


@pytest.mark.skipif(
    not can_mount(), reason="a disk of its own takes the right to mount one: run as root on Linux"
)
def test_a_real_disk_without_room(
    ingested: Path,
    reference: dict[str, bytes],
    tmp_path: Path,
) -> None:
    """A file system of its own with less room than the signatures of all parts take."""
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    command = [
        "unshare",
        "-m",
        "sh",
        "-c",
        SMALL_DISK,
        "sh",
        *map(str, (disk, ingested, 24, sys.executable, out)),
    ]
    stopped = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    check_error(
        Outcome(stopped.returncode, stopped.stdout, stopped.stderr),
        1,
        "No space left on device",
        "run again to resume",
    )
    dedup = out / "run" / "dedup"
    assert not (dedup / "manifest.json").exists()
    assert not [file for file in dedup.rglob("*") if ".tmp-" in file.name]
    signed = [name for name in digests(dedup) if name.startswith("signatures-")]
    assert len(signed) < len([name for name in reference if name.startswith("signatures-")])
    assert {name: digests(dedup)[name] for name in signed} == {
        name: reference[name] for name in signed
    }
    run(out / "tokenmill.toml", "dedup")
    assert digests(dedup) == reference


@pytest.mark.parametrize(
    "pattern",  # work files of all kinds, and what stays
    [
        "plan.json",
        "signatures-00001*",
        "index-*",
        "sets-*",
        "work/clusters-*",
        "drops-00001*",
        "dedup/clusters.parquet",
        "manifest.json",
    ],
)
def test_whichever_file_finds_no_room(
    tokenmill: Callable,
    path: Path,
    reference: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
) -> None:
    """The last byte of one kind of file does not get to the disk."""
    out = path.parent / "run" / "dedup"
    replace = os.replace
    failed: list[str] = []

    def without_room(source: str, target: str) -> None:
        if fnmatch(target, f"*/run/dedup/*{pattern}" if "/" not in pattern else f"*/{pattern}"):
            failed.append(target)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", without_room)
        check_error(tokenmill("dedup", path, "--workers", "1"), 1, "No space left on device")
    assert failed
    assert not (out / "manifest.json").exists()
    assert not [file for file in out.rglob("*") if ".tmp-" in file.name]
    for name in digests(out):
        pq.read_table(out / name)
    run(path, "dedup")
    assert digests(out) == reference
    assert {file.name for file in out.iterdir() if file.is_dir()} == set(), "no work files stay"
