"""A run with a language model from elsewhere: its labels, thresholds by language, and filters that read the labels."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from tests.pipeline.runs import stage_manifest
from tests.transforms.filters.test_fasttext_classifier import write_model
from transforms.errors import ConfigError

CONFIGURATION = """\
folder = "run"
[sources.news]
kind = "jsonl"
paths = ["news.jsonl"]
quality = [{ name = "blocked-words", lists = { en = "en.txt" } }, { name = "gopher", min_words = 5 }]
[language]
model = "lid.bin"
keep = ["en", "sw", "arb"]
threshold = { default = 0.6, swh = 0.99, ar = 0.5 }
"""
TEXTS = [
    "THE MILL OF THE VILLAGE TO WHICH the mill belongs and that of others",
    "mill blockedword and the mill of that house by the river mill",
    "kinu kinu cha kijiji na watu wa kijiji kile",
    "kinu the of mto wa kijiji na watu wengine wote hapa",
    "mühle mühle am fluss und das korn der bauern im dorf",
]
WORDS = {
    "mill": (3.0, 0.0),
    "the": (1.0, 0.0),
    "mühle": (-3.0, 0.0),
    "kinu": (0.0, 3.0),
    "</s>": (0.0, 0.0),
}
LABELS = {
    "__label__eng_Latn": (4.0, 0.0),
    "__label__deu_Latn": (-4.0, 0.0),
    "__label__swh_Latn": (0.0, 4.0),
    "__label__arb_Arab": (0.0, -4.0),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_model(tmp_path / "lid.bin", WORDS, LABELS)
    (tmp_path / "en.txt").write_text("blockedword\n")
    (tmp_path / "news.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    )
    (tmp_path / "tokenmill.toml").write_text(CONFIGURATION)
    return tmp_path


def test_labels_are_kept_as_the_model_has_them_and_read_by_filters(
    project: Path, tokenmill: Callable
) -> None:
    assert tokenmill("ingest", project / "tokenmill.toml", "--workers", 1).status == 0
    kept = pq.read_table(project / "run" / "documents" / "part-00000.parquet")
    assert kept["language"].to_pylist() == ["eng_Latn", "swh_Latn"]
    counts = stage_manifest(Run(str(project / "run")), "documents").counters["sources"]["news"]
    assert counts["rejected"] == {
        "language/not-kept": 1,
        "language/uncertain": 1,
        "blocked-words/found": 1,
    }
    assert counts["done"] == {"gopher/no-stop-words-known": 1}
    rejects = pq.read_table(project / "run" / "documents" / "rejects-00000.parquet").to_pylist()
    (uncertain,) = (reject for reject in rejects if reject["rule"] == "language/uncertain")
    assert (uncertain["threshold"], uncertain["excerpt"]) == (0.99, TEXTS[3])
    assert 0.5 < uncertain["value"] < 0.99
    assert "eng_Latn" in tokenmill("inspect", project / "run" / "documents").out
    assert tokenmill("plan", project / "tokenmill.toml").status == 0


def test_another_threshold_of_a_language_is_another_configuration(
    project: Path, tokenmill: Callable
) -> None:
    path = project / "tokenmill.toml"
    assert tokenmill("ingest", path, "--workers", 1).status == 0
    path.write_text(CONFIGURATION.replace("swh = 0.99", "swh = 0.4"))
    refused = tokenmill("ingest", path, "--workers", 1)
    assert refused.status == 1
    assert "language.threshold.swh was 0.99, is 0.4" in " ".join(refused.err.split())
    assert load_config(str(project / "run" / "run.toml")).language.threshold == {
        "default": 0.6,
        "swh": 0.99,
        "ar": 0.5,
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"sw", "arb"',
            '"fr"',
            r"'fr' is not a language of the model; it knows 'arb_Arab', 'deu_Latn', 'eng_Latn', … \(4 in all\)",
        ),
        ('"sw", "arb"', '"eng_Cyrl"', "did you mean 'eng_Latn'"),
        (
            "swh = 0.99",
            "swe_Latn = 0.9",
            "'swe_Latn' is not a language of the model; did you mean 'swh_Latn'",
        ),
        ("swh = 0.99", "swh = 99", "swh = 99 is not a number from 0 to 1"),
    ],
)
def test_what_the_model_does_not_know_is_an_error(
    project: Path, old: str, new: str, message: str
) -> None:
    path = project / "tokenmill.toml"
    path.write_text(CONFIGURATION.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_config(str(path))
