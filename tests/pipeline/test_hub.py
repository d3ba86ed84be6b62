"""`hf://datasets/…` against a local double of the Hub: runs, revisions, and errors a person can act on."""

import io as bytes_io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub_server import Hub, serve_hub
from tests.pipeline.corpus import sentences
from tests.pipeline.test_cli import check_error
from transforms import storage
from transforms.errors import ConfigError

CONFIGURATION = """\
folder = "run"
[sources.news]
kind = "{kind}"
paths = ["{path}"]
keep_columns = ["id"]
[language]
identify = false
"""


def table(mark: str, rows: int) -> bytes:
    generator = random.Random(mark)
    out = bytes_io.BytesIO()
    pq.write_table(
        pa.table(
            {"id": range(rows), "text": [f"{mark} {sentences(generator, 8)}" for _ in range(rows)]}
        ),
        out,
        row_group_size=5,
    )
    return out.getvalue()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants
    from huggingface_hub.hf_file_system import HfFileSystem

    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serve_hub() as served:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(
            constants.ENDPOINT, served.endpoint
        )
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        HfFileSystem.clear_instance_cache()
        served.files["org/name"] = {
            "main": {
                "data/a.parquet": table("a", 12),
                "data/b.parquet": table("b", 3),
                "more/c.parquet": table("c", 1),
                "README.md": b"x",
            },
            "v1": {"data/a.parquet": table("old", 2)},
        }
        yield served
        HfFileSystem.clear_instance_cache()


def write(folder: Path, path: str, kind: str = "parquet") -> Path:
    config = folder / "tokenmill.toml"
    config.write_text(CONFIGURATION.format(path=path, kind=kind))
    return config


@pytest.mark.parametrize(
    ("path", "kind", "marks"),
    [
        ("hf://datasets/org/name/data/*.parquet", "parquet", "a" * 12 + "b" * 3),
        ("hf://datasets/org/name/**/*.parquet", "parquet", "a" * 12 + "b" * 3 + "c"),
        ("hf://datasets/org/name/data/b.parquet", "parquet", "bbb"),
        ("hf://datasets/org/name", "parquet", "a" * 12 + "b" * 3 + "c"),
        ("hf://datasets/org/name/data", "auto", "a" * 12 + "b" * 3),
        ("hf://datasets/org/name@v1/data/*.parquet", "parquet", "oo"),
    ],
)
def test_a_run_reads_a_dataset(
    hub: Hub, tmp_path: Path, tokenmill: Callable, path: str, kind: str, marks: str
) -> None:
    outcome = tokenmill("ingest", write(tmp_path, path, kind), "--workers", "1")
    assert outcome.status == 0, outcome.err
    parts = [
        pq.read_table(part) for part in sorted((tmp_path / "run" / "documents").glob("part-*"))
    ]
    assert "".join(text[0] for part in parts for text in part.column("text").to_pylist()) == marks
    assert parts[0].column("kept")[0].as_py() == '{"id":0}'
    assert {origin for part in parts for origin in part.column("origin").to_pylist()} <= {
        *("a.parquet", "b.parquet", "data/a.parquet", "data/b.parquet", "more/c.parquet")
    }


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        (
            "hf://datasets/org/absent/*.parquet",
            "no such repository on the Hub, or it is private",
            "HF_TOKEN",
        ),
        ("hf://datasets/org/absent", "no such repository on the Hub, or it is private", "HF_TOKEN"),
        (
            "hf://datasets/org/absent/a.parquet",
            "no such repository on the Hub, or it is private",
            "HF_TOKEN",
        ),
        ("hf://datasets/org/name@v9/*.parquet", "no such revision", "after the @"),
        ("hf://datasets/org/name/none/*.parquet", "no file matches", "check the path"),
        ("hf://datasets/org/name/none.parquet", "there is no such file", "check the path"),
        ("hf://datasets", "no path of the Hub", "hf://datasets/ORG/NAME/path"),
    ],
)
def test_what_is_not_there_is_an_error_of_three_lines(
    hub: Hub, tmp_path: Path, tokenmill: Callable, path: str, what: str, remedy: str
) -> None:
    outcome = tokenmill("ingest", write(tmp_path, path))
    check_error(outcome, 2, what)
    assert remedy in outcome.err.splitlines()[2]
    assert path in outcome.err.splitlines()[1]


def test_a_gated_dataset_names_its_page_and_the_token(
    hub: Hub, tmp_path: Path, tokenmill: Callable
) -> None:
    hub.gated.add("org/name")
    with (
        pytest.raises(ConfigError, match="gated") as caught,
        storage.open_input("hf://datasets/org/name/data/a.parquet") as stream,
    ):
        stream.read(10)
    assert "HF_TOKEN" in caught.value.remedy
    assert "/datasets/org/name" in caught.value.remedy
    check_error(
        tokenmill(
            "ingest", write(tmp_path, "hf://datasets/org/name/data/*.parquet"), "--workers", "1"
        ),
        2,
        "gated",
    )


def test_a_hub_that_fails_stops_the_run_and_rejects_nothing(
    hub: Hub, tmp_path: Path, tokenmill: Callable
) -> None:
    hub.failing = True
    path = write(tmp_path, "hf://datasets/org/name/data/*.parquet")
    check_error(tokenmill("ingest", path, "--workers", "1"), 1, "the Hub answered 503")
    hub.failing = False
    assert tokenmill("ingest", path, "--workers", "1").status == 0


@pytest.mark.parametrize(
    ("constant", "value", "what", "remedy"),
    [
        ("ENDPOINT", "http://127.0.0.1:9", "the Hub cannot be reached", "HF_ENDPOINT"),
        ("HF_HUB_OFFLINE", True, "offline mode", "unset HF_HUB_OFFLINE"),
    ],
)
def test_a_hub_that_is_not_reached_is_an_error_of_three_lines(
    hub: Hub,
    tmp_path: Path,
    tokenmill: Callable,
    monkeypatch: pytest.MonkeyPatch,
    constant: str,
    value: object,
    what: str,
    remedy: str,
) -> None:
    from huggingface_hub import close_session, constants
    from huggingface_hub.hf_file_system import HfFileSystem

    monkeypatch.setattr(constants, constant, value)
    HfFileSystem.clear_instance_cache()
    close_session()
    try:
        outcome = tokenmill("ingest", write(tmp_path, "hf://datasets/org/name/data/*.parquet"))
    finally:
        close_session()
    check_error(outcome, 1, what)
    assert remedy in outcome.err.splitlines()[2]


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(_registry, "hf", raising=False)
    with pytest.raises(ConfigError) as caught:
        storage.list_files("hf://datasets/org/name/*.parquet")
    assert caught.value.remedy == "pip install 'tokenmill[hf]'"
