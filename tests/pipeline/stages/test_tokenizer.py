"""Stage 3 as a whole: counted is what the reference trainer learns, tokenizers from elsewhere, measures and the round trip."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from pipeline.config.load import load_config, parse_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages
from pipeline.stages.tokenizer.quality import Sample
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import stages_named
from transforms.contracts.manifest import read_manifest
from transforms.errors import ConfigError, UserError
from transforms.tokens.encode import end_of_text_id, load_tokenizer
from transforms.tokens.shards import open_shard
from transforms.tokens.train import tokenizer_bytes, train_tokenizer

HEAD = "[tokenizer]\nvocabulary = 400\n"


@pytest.fixture(scope="module")
def deduplicated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose first two stages are done."""
    path = write_corpus(tmp_path_factory.mktemp("deduplicated"))
    run(path, stages=("documents", "dedup"))
    return path


def run(path: Path, *, stages: tuple[str, ...] = ("tokenizer",), workers: int = 1) -> None:
    console = Console(quiet=True)
    run_stages(
        load_config(str(path)),
        RunnerSettings(workers=workers),
        stages=stages_named(stages),
        progress=StageProgress(console),
    )


def variant(
    deduplicated: Path, folder: Path, keys: str, *, vocabulary: str = "vocabulary = 400\n"
) -> Path:
    """A copy of the run with other keys of the tokenizer."""
    shutil.copytree(deduplicated.parent, folder, dirs_exist_ok=True)
    path = folder / deduplicated.name
    text = path.read_text(encoding="utf-8")
    assert HEAD in text
    path.write_text(text.replace(HEAD, f"[tokenizer]\n{vocabulary}{keys}\n"), encoding="utf-8")
    return path


def counters(path: Path) -> dict[str, Any]:
    return read_manifest(str(path.parent / "run" / "tokenizer")).counters


def texts_of(path: Path) -> list[str]:
    """All kept documents, in order."""
    run = Run(str(path.parent / "run"))
    return [
        text
        for _, _, batch in Sample(run, megabytes=1e9, seed=0).rows()
        for text in batch.column("text").to_pylist()
    ]


@pytest.mark.parametrize("pattern", ["gpt4", "o200k", r"\\s+|\\S+"])
def test_counted_and_sample_give_the_same_bytes(
    deduplicated: Path, tmp_path: Path, pattern: str
) -> None:
    made = {}
    for method in ("counted", "sample"):
        path = variant(
            deduplicated,
            tmp_path / method,
            f'method = "{method}"\npattern = "{pattern}"\nnormalization = "nfc"',
        )
        run(path)
        made[method] = {
            name: (path.parent / "run" / "tokenizer" / name).read_bytes()
            for name in ("tokenizer.json", "tokenizer_config.json")
        }
        assert counters(path)["vocabulary"] == 400
        assert counters(path)["measured"]["round_trip"] == {
            "documents": len(texts_of(path)),
            "failed": 0,
        }
    assert made["counted"] == made["sample"]


def test_two_workers_give_the_same_bytes(deduplicated: Path, tmp_path: Path) -> None:
    files = []
    for workers in (1, 2):
        path = variant(deduplicated, tmp_path / str(workers), "")
        run(path, workers=workers)
        files.append(read_manifest(str(path.parent / "run" / "tokenizer")).files)
        assert not (path.parent / "run" / "tokenizer" / "work").exists()
    assert files[0] == files[1]
    assert set(files[0]) == {
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "pretokens.parquet",
    }


def test_special_tokens_have_the_first_ids_and_no_text_becomes_one(
    deduplicated: Path, tmp_path: Path
) -> None:
    path = variant(
        deduplicated,
        tmp_path,
        'end_of_text = "<|end|>"\nspecial_tokens = ["<|user|>", "<|spare_0|>"]',
    )
    run(path, stages=("tokenizer", "shards"))
    data = (path.parent / "run" / "tokenizer" / "tokenizer.json").read_bytes()
    tokenizer = load_tokenizer(data, path="", end_of_text="<|end|>")
    assert [tokenizer.id_to_token(number) for number in range(4)] == [
        "<|end|>",
        "<|user|>",
        "<|spare_0|>",
        "!",
    ]
    assert end_of_text_id(tokenizer, "<|end|>") == 0
    assert min(tokenizer.encode("<|end|><|user|>").ids) > 2
    assert "<|end|>" in (path.parent / "run" / "tokenizer" / "special_tokens_map.json").read_text()
    shard = open_shard(str(next((path.parent / "run" / "shards").glob("train-news-*"))))
    assert (shard.info.end_of_text, shard.info.vocabulary_size) == (0, 400)


def test_what_is_left_out_is_counted(deduplicated: Path, tmp_path: Path) -> None:
    path = variant(deduplicated, tmp_path, "max_pretokens = 20")
    run(path)
    counted = counters(path)["counted"]
    assert counted["pretokens"] <= 20 < counted["pretokens"] + counted["left_out"]["pretokens"]
    assert counted["minimum_count"] > 1
    assert (
        pq.read_metadata(path.parent / "run" / "tokenizer" / "pretokens.parquet").num_rows
        == counted["pretokens"]
    )
    assert counters(path)["measured"]["round_trip"]["failed"] == 0


def foreign(folder: Path, *, end_of_text: str = "</s>", **changes: Any) -> Path:
    """A byte-level tokenizer of another make, with the token that ends a text behind the others; `changes` of its parts."""
    tokenizer = train_tokenizer(
        iter(["the river and the mill"] * 9), vocabulary=280, minimum_frequency=2, special_tokens=()
    )
    tokenizer.add_special_tokens([end_of_text])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    path = folder / "other.json"
    path.write_bytes(tokenizer_bytes(tokenizer))
    return path


def test_a_tokenizer_from_elsewhere_is_used_as_it_is_and_others_are_measured_beside_it(
    deduplicated: Path, tmp_path: Path, tokenmill: Callable
) -> None:
    path = variant(
        deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "</s>"\ncompare = "lossy.json"'
    )
    other = foreign(tmp_path)
    foreign(tmp_path, normalizer=normalizers.Lowercase()).rename(tmp_path / "lossy.json")
    foreign(tmp_path)
    run(path, stages=("tokenizer", "shards"))
    folder = path.parent / "run" / "tokenizer"
    assert (folder / "tokenizer.json").read_bytes() == other.read_bytes()
    found = counters(path)
    size = Tokenizer.from_file(str(other)).get_vocab_size()
    assert found["imported"] == 1
    assert found["vocabulary"] == size
    assert found["measured"]["round_trip"]["failed"] == 0
    assert found["compared"]["lossy"]["round_trip"]["failed"] > 0
    shard = open_shard(str(next((path.parent / "run" / "shards").glob("train-news-*"))))
    assert shard.info.end_of_text == size - 1
    shown = tokenmill("inspect", folder).out
    assert "lossy: " in shown
    assert "from a file" in shown
    foreign(tmp_path, end_of_text="<eos>")
    with pytest.raises(UserError, match=r"tokenizer\.file was"):
        run(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end_of_text": "<eos>"}, "has no </s> token"),
        ({"model": models.WordPiece({"</s>": 0}, unk_token="</s>")}, "model is WordPiece"),
        ({"decoder": decoders.Metaspace()}, "decoder is Metaspace"),
        (
            {"normalizer": normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])},
            "normalizer",
        ),
        ({"pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=True)}, "prefix"),
        ({"pre_tokenizer": pre_tokenizers.Whitespace()}, "spelling bytes"),
        (
            {
                "pre_tokenizer": pre_tokenizers.Sequence(
                    [
                        pre_tokenizers.Split(" ", "removed"),
                        pre_tokenizers.ByteLevel(use_regex=False),
                    ]
                )
            },
            "removes|prefix",
        ),
    ],
)
def test_tokenizers_that_cannot_be_used(
    deduplicated: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = variant(deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "</s>"')
    foreign(tmp_path, **changes)
    with pytest.raises(UserError, match=words):
        run(path)


@pytest.mark.parametrize("dropout", [0.1, 1.0])
def test_a_tokenizer_with_dropout_is_refused(
    deduplicated: Path, tmp_path: Path, dropout: float
) -> None:
    path = variant(deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "</s>"')
    values = json.loads(foreign(tmp_path).read_text(encoding="utf-8"))
    values["model"]["dropout"] = dropout
    (tmp_path / "other.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match=rf"leaves out merges by chance \(dropout = {dropout}\)"):
        run(path)


def not_special(values: dict[str, Any]) -> None:
    values["added_tokens"][-1]["special"] = False


def ordinary(values: dict[str, Any]) -> None:
    values["added_tokens"] = []
    values["model"]["vocab"]["</s>"] = len(values["model"]["vocab"])


@pytest.mark.parametrize("change", [not_special, ordinary])
def test_an_end_of_text_that_text_can_spell_is_refused(
    deduplicated: Path, tmp_path: Path, change: Callable
) -> None:
    path = variant(deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "</s>"')
    values = json.loads(foreign(tmp_path).read_text(encoding="utf-8"))
    change(values)
    (tmp_path / "other.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match="text can spell its token </s>"):
        run(path)


def test_an_imported_tokenizer_may_end_texts_with_a_mark_of_the_default_chat(
    deduplicated: Path, tmp_path: Path
) -> None:
    path = variant(deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "<|im_end|>"')
    foreign(tmp_path, end_of_text="<|im_end|>")
    run(path)
    assert counters(path)["imported"] == 1


def test_a_document_that_is_not_given_back_fails_the_stage_with_its_address(
    deduplicated: Path, tmp_path: Path
) -> None:
    """A vocabulary without some byte loses text; nothing in the file's structure tells."""
    path = variant(deduplicated, tmp_path, 'file = "other.json"\nend_of_text = "</s>"')
    values = json.loads(foreign(tmp_path).read_text(encoding="utf-8"))
    vocabulary = values["model"]["vocab"]
    vocabulary["¤¤¤"] = vocabulary.pop("w")
    (tmp_path / "other.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(
        UserError,
        match=r"decoding does not give back \d+ of \d+ documents: the first is \d+:\d+, id [0-9a-f]{32}",
    ):
        run(path)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"pattern": "gpt5"}, r"tokenizer\.pattern = 'gpt5': it is no pattern; did you mean 'gpt"),
        ({"pattern": "(a"}, "not a regular expression"),
        ({"special_tokens": ["<|endoftext|>"]}, "must differ"),
        ({"vocabulary": 259}, "leave nothing to learn"),
        ({"method": "guess"}, "method"),
    ],
)
def test_configurations_that_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_config(
            {"folder": "x", "sources": {"a": {"kind": "text", "paths": "a"}}, "tokenizer": keys},
            where="t.toml",
        )


@pytest.mark.real_data
def test_the_whole_stage_learns_the_reference_merges_of_real_text(
    data_folder: Path, tmp_path: Path
) -> None:
    """56 languages, news and a novel, through ingest and deduplication, and the counting pipeline."""
    with gzip.open(data_folder / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [row[-1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    (tmp_path / "udhr.jsonl").write_text(
        "\n".join(json.dumps({"text": row}) for row in rows), encoding="utf-8"
    )
    novel = min((data_folder / "books").glob("*_*.txt.gz"), key=lambda path: path.stat().st_size)
    news = next(iter(sorted((data_folder / "news").glob("reuters-0*.jsonl.gz"))))
    (tmp_path / "news.jsonl").write_bytes(
        b"".join(gzip.decompress(news.read_bytes()).splitlines(keepends=True)[:600])
    )
    path = tmp_path / "tokenmill.toml"
    path.write_text(
        f"""folder = "run"
        [sources.languages]
        kind = "jsonl"
        paths = "udhr.jsonl"
        [sources.news]
        kind = "jsonl"
        paths = "news.jsonl"
        [sources.books]
        kind = "text"
        paths = "{novel}"
        [tokenizer]
        vocabulary = 4096
        special_tokens = []""",
        encoding="utf-8",
    )
    run(path, stages=("documents", "dedup", "tokenizer"))
    reference = train_tokenizer(iter(texts_of(path)), vocabulary=4096, minimum_frequency=2)
    assert (tmp_path / "run" / "tokenizer" / "tokenizer.json").read_bytes() == tokenizer_bytes(
        reference
    )
    assert len(counters(path)["measured"]["languages"]) > 40
