"""Exports of the embedded sample, read by the tools that they are for and compared with the documents that deduplication kept.

nanoGPT and llm.c are no packages: what stands here is what their loaders do.
"""

import importlib
import importlib.util
import itertools
import json
import re
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tokenizers import Tokenizer

from pipeline.commands.export.export import export_run
from pipeline.config.load import load_config
from pipeline.runner.beam import RunnerSettings
from tests.conftest import PROJECT
from tests.transforms.export.small import WIDE
from tests.transforms.export.test_token_formats import DOCUMENTS
from tests.transforms.export.test_token_formats import export as export_wide
from transforms.contracts.addresses import pack_address
from transforms.export.llmc import LlmcOptions
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest
from transforms.tokens.shards import open_shard

Tokens = list[int]
SOURCES = ("books", "docs", "news", "web")
END_OF_TEXT = 0


@pytest.fixture(scope="module")
def run(quickstart: Path) -> Path:
    return quickstart / "run"


@pytest.fixture(scope="module")
def kept(run: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """{split: {source: its documents in the order of addresses}}, each with its row of the documents and the `tokens` of its text.

    The split is what the shards say; rows and drops are read with pyarrow, tokens made by the tokenizer's own library.
    """
    split_of = {}
    for path in (run / "shards").glob("*.arrow"):
        for segments in open_shard(str(path)).table.column("segments").to_pylist():
            split_of.update({segment["document"]: path.name.split("-")[0] for segment in segments})
    tokenizer = Tokenizer.from_file(str(run / "tokenizer" / "tokenizer.json"))
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        split: {} for split in ("train", "validation")
    }
    for part in sorted((run / "documents").glob("part-*.parquet")):
        number = part.stem.split("-")[1]
        dropped = set(pq.read_table(run / "dedup" / f"drops-{number}.parquet")["row"].to_pylist())
        for row, document in enumerate(pq.read_table(part).to_pylist()):
            if row not in dropped:
                split = split_of.pop(pack_address(int(number), row))
                document["tokens"] = tokenizer.encode(
                    document["text"], add_special_tokens=False
                ).ids
                found[split].setdefault(document["source"], []).append(document)
    assert not split_of
    return found


def tokens_of(kept: dict[str, Any], split: str, *sources: str) -> list[Tokens]:
    """Token ids of documents, with an end-of-text after each."""
    return [
        [*document["tokens"], END_OF_TEXT] for source in sources for document in kept[split][source]
    ]


def export(run: Path, format: str, to: Path, **request: Any) -> Path:
    config = load_config(str(run / "run.toml"))
    export_run(
        config,
        ExportRequest(format=format, to=str(to), **request),
        RunnerSettings(workers=1),
        Console(quiet=True),
    )
    return to


def cut_after(stream: Sequence[int]) -> list[Tokens]:
    """A stream of documents that end with end-of-text."""
    ends = np.flatnonzero(np.asarray(stream) == END_OF_TEXT) + 1
    assert ends[-1] == len(stream)
    return [stream[begin:end].tolist() for begin, end in itertools.pairwise([0, *ends])]


def test_nanogpt(run: Path, kept: dict, tmp_path: Path) -> None:
    folder = export(run, "nanogpt", tmp_path / "nanogpt")
    for name, split in (("train", "train"), ("val", "validation")):
        data = np.memmap(folder / f"{name}.bin", dtype=np.uint16, mode="r")
        # Addresses follow the configuration's order of sources, web before books.
        assert cut_after(data) == tokens_of(kept, split, "web", "docs", "books", "news")


def llmc_shard(path: Path) -> np.ndarray:
    """llm.c, train_gpt2.py: `_load_data_shard`; and dataloader.h's check of the size."""
    with open(path, "rb") as source:
        header = np.frombuffer(source.read(256 * 4), dtype=np.int32)
        assert header[0] == 20240520, "magic number mismatch in the data .bin file"
        assert header[1] == 1, "unsupported version"
        tokens = np.frombuffer(source.read(), dtype=np.uint16)
    assert len(tokens) == header[2], "number of tokens read does not match header?"
    assert path.stat().st_size == 256 * 4 + 2 * header[2]
    return tokens


@pytest.mark.parametrize(("file_tokens", "files"), [(100_000_000, 1), (70_000, 2)])
def test_llmc(run: Path, kept: dict, tmp_path: Path, file_tokens: int, files: int) -> None:
    folder = export(run, "llmc", tmp_path / "llmc", options=LlmcOptions(file_tokens=file_tokens))
    shards = [llmc_shard(path) for path in sorted(folder.glob("*_train_*.bin"))]
    assert len(shards) == files
    assert all(shard[0] == END_OF_TEXT for shard in shards)
    stream = np.concatenate(shards)
    closed = tokens_of(kept, "train", "web", "docs", "books", "news")
    assert stream.tolist() == [
        token for document in closed for token in [END_OF_TEXT, *document[:-1]]
    ]
    assert len(list(folder.glob("*_val_*.bin"))) == 1


def import_indexed_dataset() -> Any:
    """Megatron's reader, without the rest of Megatron, whose import takes five seconds."""
    spec = importlib.util.find_spec("megatron")
    if spec is None:
        pytest.skip("megatron-core has wheels for Linux only")
    core = types.ModuleType("megatron.core")
    core.__path__ = [f"{folder}/core" for folder in spec.submodule_search_locations or ()]
    sys.modules.setdefault("megatron.core", core)
    importlib.import_module("megatron.core.parallel_state")
    return importlib.import_module("megatron.core.datasets.indexed_dataset")


def test_megatron(run: Path, kept: dict, tmp_path: Path) -> None:
    indexed = import_indexed_dataset()
    folder = export(run, "megatron", tmp_path / "megatron")
    for split in ("train", "validation"):
        for source in SOURCES:
            for mmap in (True, False):
                dataset = indexed.IndexedDataset(str(folder / f"{split}-{source}"), mmap=mmap)
                expected = tokens_of(kept, split, source)
                assert [dataset[index].tolist() for index in range(len(dataset))] == expected
                assert dataset.index.dtype == np.uint16
                assert dataset.document_indices.tolist() == list(range(len(expected) + 1))
                assert dataset.sequence_lengths.tolist() == [len(document) for document in expected]
            assert dataset.get(0, offset=1, length=2).tolist() == expected[0][1:3]
    paths, _ = export_wide("megatron", tmp_path, DOCUMENTS, vocabulary=WIDE)
    wide = indexed.IndexedDataset(str(paths[0].with_suffix("")))
    assert (wide.index.dtype, [wide[index].tolist() for index in range(3)]) == (
        np.int32,
        [[*each, END_OF_TEXT] for each in DOCUMENTS],
    )


def positions_in(window: Tokens) -> Tokens:
    """How far each token is into its document, or into the window for the document that the window begins in."""
    positions, position = [], 0
    for token in window:
        positions.append(position)
        position = 0 if token == END_OF_TEXT else position + 1
    return positions


def test_datatrove_tokens(run: Path, kept: dict, tmp_path: Path) -> None:
    from datatrove.pipeline.tokens.merger import get_data_reader, load_doc_ends
    from datatrove.utils.dataset import DatatroveFolderDataset

    folder = export(run, "datatrove", tmp_path / "datatrove")
    for split in ("train", "validation"):
        for source in SOURCES:
            (file,) = (folder / split / source).glob("*.ds")
            ends = load_doc_ends(open(f"{file}.index", "rb"))  # noqa: SIM115  the function closes it
            read = get_data_reader(open(file, "rb"), ends, nb_bytes=2)  # noqa: SIM115
            assert [np.frombuffer(data, np.uint16).tolist() for data in read] == tokens_of(
                kept, split, source
            )
            dataset = DatatroveFolderDataset(
                str(folder / split / source), seq_len=31, token_size=2, return_positions=True
            )
            stream = np.concatenate(
                [np.array(document) for document in tokens_of(kept, split, source)]
            )
            assert len(dataset) == len(stream) // 32
            windows = [dataset[index] for index in range(len(dataset))]
            assert (
                np.concatenate([window["input_ids"].numpy() for window in windows]).tolist()
                == stream[: 32 * len(dataset)].tolist()
            )
            assert all(
                window["positions"].tolist() == positions_in(window["input_ids"].tolist())
                for window in windows
            )
            tokenizer, tokens, _ = Path(f"{file}.metadata").read_text().splitlines()
            assert (tokenizer, int(tokens)) == ("tokenizer/tokenizer.json|2", len(stream))
    everything = DatatroveFolderDataset(
        str(folder / "train"), seq_len=31, filename_pattern="**/*.ds"
    )
    assert len(everything) == sum(
        len(DatatroveFolderDataset(str(folder / "train" / source), seq_len=31))
        for source in SOURCES
    )
    assert (
        Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json")).get_vocab_size() == 4096
    )
    paths, _ = export_wide("datatrove", tmp_path, DOCUMENTS, vocabulary=WIDE)
    (window,) = DatatroveFolderDataset(str(paths[0].parent), seq_len=37, token_size=4)
    assert window["input_ids"].tolist() == [
        token for document in DOCUMENTS for token in [*document, END_OF_TEXT]
    ]


def mds_samples(folder: Path) -> list[Tokens]:
    """All samples of a folder with an index.json, by the package where it is installed; it does not go with tokenmill's numpy."""
    if importlib.util.find_spec("streaming"):
        from streaming import LocalDataset

        dataset = LocalDataset(local=str(folder))
        return [dataset[index]["tokens"].tolist() for index in range(len(dataset))]
    samples: list[Tokens] = []
    for shard in json.loads((folder / "index.json").read_text())["shards"]:
        assert (shard["column_names"], shard["compression"], shard["version"]) == (
            ["tokens"],
            None,
            2,
        )
        path = folder / shard["raw_data"]["basename"]
        assert path.stat().st_size == shard["raw_data"]["bytes"]
        data = path.read_bytes()
        number = int(np.frombuffer(data[:4], np.uint32)[0])
        assert number == shard["samples"]
        for index in range(number):  # as MDSReader.get_sample_data and decode_sample
            begin, end = np.frombuffer(data[4 + 4 * index : 12 + 4 * index], np.uint32)
            samples.append(np.frombuffer(data[begin:end], np.int32).tolist())
    return samples


def test_mds(run: Path, kept: dict, tmp_path: Path) -> None:
    folder = export(run, "mds", tmp_path / "mds")
    for split in ("train", "validation"):
        everything = []
        for source in SOURCES:
            samples = mds_samples(folder / split / source)
            stream = [token for document in tokens_of(kept, split, source) for token in document]
            assert {len(sample) for sample in samples} == {256}
            assert [token for sample in samples for token in sample] == stream + [END_OF_TEXT] * (
                -len(stream) % 256
            )
            everything += samples
        assert mds_samples(folder / split) == everything


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A document as an export has it, but for times."""
    return {
        name: value
        for name, value in document.items()
        if name not in ("tokens", "published", "kept")
    } | {"id": document["id"].hex()}


def read_with_datatrove(folder: Path) -> Iterator[dict[str, Any]]:
    from datatrove.pipeline.readers import JsonlReader, ParquetReader

    reader = ParquetReader if any(folder.glob("*.parquet")) else JsonlReader
    for document in reader(str(folder), glob_pattern="train-*")():
        yield {"id": document.id, "text": document.text} | {
            key: value for key, value in document.metadata.items() if key != "file_path"
        }


def read_with_datasets(folder: Path) -> Iterator[dict[str, Any]]:
    from datasets import Features, Value, load_dataset

    cache = str(folder.parent / "cache")
    if any(folder.glob("*.parquet")):
        yield from load_dataset(str(folder.parent), cache_dir=cache)["train"]
        return
    names = (
        "id",
        "text",
        "source",
        "url",
        "title",
        "language",
        "declared_language",
        "truncated",
        "origin",
        "locator",
    )
    features = {name: Value("string") for name in names} | {
        "published": Value("timestamp[s, tz=UTC]"),
        "language_score": Value("float32"),
    }
    files = {"train": str(folder / "train-*")}
    yield from load_dataset("json", data_files=files, features=Features(features), cache_dir=cache)[
        "train"
    ]


def read_with_polars(folder: Path) -> Iterator[dict[str, Any]]:
    import polars

    if any(folder.glob("*.parquet")):
        yield from polars.read_parquet(folder / "train-*.parquet").to_dicts()
    else:
        yield from polars.read_ndjson(
            folder / "train-*.jsonl.gz", schema_overrides={"published": polars.String}
        ).to_dicts()


def read_with_duckdb(folder: Path) -> Iterator[dict[str, Any]]:
    import duckdb

    suffix = next(folder.iterdir()).name.partition(".")[2]
    yield from duckdb.sql(f"select * from '{folder}/train-*.{suffix}'").to_arrow_table().to_pylist()


READERS: list[Callable[[Path], Iterator[dict[str, Any]]]] = [
    read_with_datatrove,
    read_with_datasets,
    read_with_polars,
    read_with_duckdb,
]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_documents(
    run: Path, kept: dict, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = export(run, format, tmp_path / format)
    expected = [
        plain(document)
        for source in ("web", "docs", "books", "news")
        for document in kept["train"][source]
    ]
    dates = [
        document["published"]
        for source in ("web", "docs", "books", "news")
        for document in kept["train"][source]
    ]
    assert any(dates)
    assert not all(dates)
    for read in READERS:
        found = list(read(folder / "data"))
        published = [document.pop("published", None) for document in found]
        assert [bool(date) for date in published] == [bool(date) for date in dates], read.__name__
        assert [
            {**document, "language_score": np.float32(document["language_score"])}
            for document in found
        ] == expected, read.__name__


BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_of_the_page_on_exports_runs(
    quickstart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenmill: Callable
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    shutil.copytree(quickstart / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    import_indexed_dataset()
    blocks = BLOCK.findall((PROJECT / "docs" / "export.md").read_text(encoding="utf-8"))
    # The exports first: the page shows shards before it comes to them.
    commands = [
        line
        for kind, block in blocks
        if kind == "sh"
        for line in block.splitlines()
        if not line.startswith("#")
    ]
    assert {command.split()[4] for command in commands} == set(FORMATS)
    for command in commands:
        outcome = tokenmill(*command.split()[1:])
        assert outcome.status == 0, outcome.err
    snippets = [block for kind, block in blocks if kind == "python"]
    run = [block for block in snippets if "tensorflow" not in block]
    assert len(run) >= len(snippets) - 1
    for block in run:
        exec(compile(block, "docs/export.md", "exec"), {"__name__": "docs"})
