"""Input from object stores and runs on them: the same bytes as on a local disk, through a real S3 server and worker processes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from pipeline.commands.explain.explain import explain
from pipeline.commands.show_tables.show import run_view
from pipeline.commands.verify.verify import verify_run
from pipeline.config.load import load_config
from pipeline.run.folder import Run
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import NOT_DATA, digests, run


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """The S3 file system of a server on this machine; worker processes find it through the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "FSSPEC_S3_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        fsspec.config.set_conf_env(fsspec.config.conf)
        yield fsspec.filesystem("s3", skip_instance_cache=True)
        fsspec.config.conf.pop("s3", None)
    server.stop()


def remote_digests(files: Any, folder: str) -> dict[str, str]:
    found = {path.split(folder, 1)[1].lstrip("/"): path for path in files.find(folder)}
    return {
        name: hashlib.sha256(files.cat_file(path)).hexdigest()
        for name, path in found.items()
        if name != "run.toml" and name.rsplit("/", 1)[-1] not in NOT_DATA
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_from_s3_to_s3(finished: Path, tmp_path: Path, s3: Any, workers: int) -> None:
    path = write_corpus(tmp_path)
    bucket = f"bucket-{workers}"
    s3.mkdir(bucket)
    s3.put(str(tmp_path / "input"), f"{bucket}/", recursive=True)
    text = (
        path.read_text()
        .replace('folder = "run"', f'folder = "s3://{bucket}/run"')
        .replace('"input/', f'"s3://{bucket}/input/')
    )
    path.write_text(text)
    run(path, workers=workers)
    assert remote_digests(s3, f"{bucket}/run") == digests(finished)
    assert run(path).count("done before") == 4


def test_a_run_on_a_store_without_rename(finished: Path, tmp_path: Path) -> None:
    path = write_corpus(tmp_path)
    path.write_text(path.read_text().replace('folder = "run"', 'folder = "memory://bucket/run"'))
    run(path)
    memory = fsspec.filesystem("memory")
    assert remote_digests(memory, "/bucket/run") == digests(finished)
    assert list(run_view("memory://bucket/run").stages) == [
        "documents",
        "dedup",
        "tokenizer",
        "shards",
    ]
    assert load_config("memory://bucket/run/run.toml").folder == "memory://bucket/run"
    assert verify_run(Run("memory://bucket/run")).right
    shard = next(
        name for name in memory.ls("/bucket/run/shards", detail=False) if "train-news" in name
    )
    row = explain(f"memory:/{shard}:0", url=None, id=None, document=None, extract=True)
    assert {document.read_again.outcome.state for document in row.documents.values()} == {"equal"}
    memory.rm("/bucket", recursive=True)
