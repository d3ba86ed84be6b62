"""`tokenmill inspect` of shards: counts, lengths, tokens and a row, against a plain count over the documents."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.commands.show_tables.show import look_at
from pipeline.config.load import load_config
from pipeline.run.folder import Run
from pipeline.stages.kept_parts import kept_parts
from transforms.contracts.plain import JsonObject, to_object
from transforms.corpus import read_kept
from transforms.tokens.encode import encode_texts, load_tokenizer
from transforms.tokens.shards import open_shard


def inspected(path: str) -> JsonObject:
    """What `tokenmill inspect --json` prints."""
    return to_object(look_at(path))


@pytest.fixture(scope="module")
def counted(finished: Path) -> tuple[Counter[int], list[int], Counter[str]]:
    """The tokens, the numbers of tokens of the documents, and the documents by source of a run, from its documents."""
    path = finished / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(path.read_bytes(), path=str(path))
    tokens: Counter[int] = Counter()
    lengths: list[int] = []
    sources: Counter[str] = Counter()
    for _, part, drops in kept_parts(Run(str(finished))):
        for kept in read_kept(part, drops, columns=["source", "text"]):
            for source, text in zip(
                kept.batch["source"].to_pylist(), kept.batch["text"].to_pylist(), strict=True
            ):
                ids = encode_texts(tokenizer, [text]).ids.tolist()
                tokens.update([*ids, 0])
                lengths.append(len(ids))
                sources[source] += 1
    return tokens, lengths, sources


def test_the_folder_of_shards(
    finished: Path, counted: tuple[Counter[int], list[int], Counter[str]]
) -> None:
    tokens, lengths, sources = counted
    contents = inspected(str(finished / "shards"))["contents"]
    by_source: Counter[str] = Counter()
    for key, languages in contents["documents"].items():
        assert set(languages) <= {"en"}
        by_source[key.split(" ")[1]] += sum(languages.values())
    assert by_source == sources
    assert contents["document_lengths"] == {
        str(bound): number
        for bound, number in sorted(Counter(1 << length.bit_length() for length in lengths).items())
    }
    frequent = contents["frequent_tokens"]
    assert len(frequent) == 20
    assert [(entry["token"], entry["times"]) for entry in frequent] == sorted(
        tokens.items(), key=lambda item: (-item[1], item[0])
    )[:20]
    assert frequent[0]["share"] == pytest.approx(frequent[0]["times"] / tokens.total())


def test_a_row_is_shown_with_its_boundaries(tokenmill: Callable, quickstart: Path) -> None:
    contents = json.loads(tokenmill("inspect", quickstart / "run" / "shards", "--json").out)[
        "contents"
    ]
    sample = contents["sample"]
    stored = open_shard(sample["path"]).table.slice(sample["row"], 1).to_pylist()[0]
    assert len(sample["segments"]) == len(stored["segments"]) > 1
    assert any(segment["ends"] for segment in sample["segments"])
    printed = tokenmill("inspect", quickstart / "run" / "shards").out
    for part in (
        "documents by language",
        "documents by length",
        "most frequent tokens",
        "⟦",
        "⟧",
        "utilisation",
    ):
        assert part in printed


def test_one_shard_and_all_of_them_agree(finished: Path) -> None:
    whole = inspected(str(finished / "shards"))["contents"]
    total: Counter[str] = Counter()
    for path in sorted(finished.glob("shards/*.arrow")):
        total.update(inspected(str(path))["contents"]["document_lengths"])
    assert dict(total) == whole["document_lengths"]


def test_a_shard_alone_has_no_languages_and_no_texts(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = next(finished.glob("shards/train-news-*"))
    shutil.copy(path, tmp_path)
    contents = json.loads(tokenmill("inspect", tmp_path / path.name, "--json").out)["contents"]
    assert set(contents["documents"]["train news"]) == {"unknown"}
    assert contents["sample"] is None
    assert set(contents["frequent_tokens"][0]) == {"token", "times", "share"}
    printed = tokenmill("inspect", tmp_path / path.name).out
    assert "documents by length" in printed
    assert "documents by language" not in printed


def test_a_whole_run_is_told_from_its_manifests_alone(finished: Path) -> None:
    assert "contents" not in inspected(str(finished))["stages"]["shards"]
    assert load_config(str(finished / "run.toml")).sources
    assert pq.read_metadata(next(finished.glob("documents/part-*"))).num_rows
