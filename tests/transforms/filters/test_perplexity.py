"""Filter `perplexity`, with a real KenLM model of which every probability is written here."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.filters.perplexity import (
    judge_perplexity,
    load_model,
    load_tokenizer,
    normalize_line,
)

kenlm = pytest.importorskip("kenlm", reason="the extra `perplexity` is not installed")

UNIGRAMS = {"<unk>": -2.0, "</s>": -0.5, "the": -0.4, "mill": -0.7, "0000": -1.0}
ARPA = (
    "\\data\\\nngram 1=6\nngram 2=1\n\n\\1-grams:\n-99\t<s>\t0\n"
    + "".join(f"{value}\t{word}\t0\n" for word, value in UNIGRAMS.items())
    + "\n\\2-grams:\n-0.1\tthe mill\n\n\\end\\\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "en.arpa").write_text(ARPA)
    return folder


def judged(text: str, model: Path, **options: Any) -> tuple[str | None, float]:
    verdicts = judge_perplexity(
        pa.array([text], pa.large_string()),
        pa.array(["en"]),
        model=str(model / "en.arpa"),
        **options,
    )
    return verdicts.rule[0], float(verdicts.signals["perplexity/value"][0])


def expected(*log_probabilities: float) -> float:
    return 10 ** (-sum(log_probabilities) / len(log_probabilities))


@pytest.mark.parametrize(
    ("text", "log_probabilities"),
    [
        ("the", (-0.4, -0.5)),
        ("the mill", (-0.4, -0.1, -0.5)),
        ("The MÌLL", (-0.4, -0.1, -0.5)),
        ("mill the", (-0.7, -0.4, -0.5)),
        ("the mill\n\nthe", (-0.4, -0.1, -0.5, -0.4, -0.5)),
        ("the 1999", (-0.4, -1.0, -0.5)),
        ("unheard", (-2.0, -0.5)),
    ],
)
def test_the_perplexity_is_that_of_the_definition(
    text: str, log_probabilities: tuple[float, ...], folder: Path
) -> None:
    assert judged(text, folder)[1] == pytest.approx(expected(*log_probabilities), rel=1e-4)


@pytest.mark.parametrize(
    ("line", "normal"),
    [
        ("  Ça va? ", "ca va?"),
        ("12٣", "000"),
        ("„A“—b…", '"a" - b...'),
        ("a\x01b", "ab"),
        ("，。！", ",.!"),
        ("«x»", '"x"'),
    ],
)
def test_lines_are_read_as_cc_net_reads_them(line: str, normal: str) -> None:
    assert normalize_line(line) == normal


def test_bounds_on_both_sides(folder: Path) -> None:
    value = judged("the mill", folder)[1]
    assert judged("the mill", folder, at_most=value)[0] is None
    assert judged("the mill", folder, at_most=value - 1e-6)[0] == "perplexity/too-high"
    assert judged("the mill", folder, at_least=value)[0] is None
    assert judged("the mill", folder, at_least=value + 1e-6)[0] == "perplexity/too-low"


def test_texts_without_words_are_kept(folder: Path) -> None:
    texts = pa.array(["", " \n\x01"], pa.large_string())
    assert judge_perplexity(
        texts, pa.array(["en", "en"]), model=str(folder / "en.arpa"), at_least=1e9
    ).keep.all()


def test_a_model_for_each_language_and_buckets(folder: Path) -> None:
    texts = pa.array(["the mill", "mill the", "unheard", "the mill", "the mill"], pa.large_string())
    languages = pa.array(["en", "en", "en", "de", None]).dictionary_encode()
    verdicts = judge_perplexity(
        texts, languages, folder=str(folder), head=3.0, tail=10.0, at_most=10.0
    )
    assert verdicts.rule.tolist() == [None, None, "perplexity/too-high", None, None]
    assert {name: counts.tolist() for name, counts in verdicts.counts.items()} == {
        "perplexity/no-model": [0, 0, 0, 1, 1],
        "perplexity/head": [1, 0, 0, 0, 0],
        "perplexity/middle": [0, 1, 0, 0, 0],
        "perplexity/tail": [0, 0, 1, 0, 0],
    }
    both = judge_perplexity(texts, languages, folder=str(folder), model=str(folder / "en.arpa"))
    assert not both.counts["perplexity/no-model"].any()


def test_a_tokenizer_cuts_words_into_pieces(folder: Path, tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip(
        "sentencepiece", reason="the extra `perplexity` is not installed"
    )
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("the mill\nmill the mill\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(sentences),
        model_prefix=str(tmp_path / "en.sp"),
        vocab_size=12,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = str(tmp_path / "en.sp.model")
    pieces = load_tokenizer(path).encode_as_pieces("the")
    assert judged("the", folder, tokenizer=path)[1] == pytest.approx(
        expected(*[-2.0] * len(pieces), -0.5), rel=1e-4
    )


def test_what_is_no_model_is_a_configuration_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, languages = pa.array(["x"], pa.large_string()), pa.array(["en"])
    (tmp_path / "bad.arpa").write_text("no model")
    for options in (
        {},
        {"model": str(tmp_path / "bad.arpa")},
        {"model": str(tmp_path / "absent.bin")},
        {"folder": str(tmp_path / "absent")},
        {"model": str(folder / "en.arpa"), "tokenizer": str(tmp_path / "bad.arpa")},
    ):
        with pytest.raises(ConfigError):
            judge_perplexity(texts, languages, **options)
    monkeypatch.setitem(sys.modules, "kenlm", None)
    load_model.cache_clear()
    with pytest.raises(ConfigError, match=r"kenlm is not installed\n.*\n.*perplexity"):
        judged("x", folder)
    load_model.cache_clear()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    texts=st.lists(st.one_of(st.sampled_from(["the mill", "mill\nthe", ""]), st.text()), max_size=4)
)
def test_a_row_alone_is_judged_as_in_a_batch(texts: list[str], folder: Path) -> None:
    languages = pa.array(["en"] * len(texts), pa.string())
    together = judge_perplexity(
        pa.array(["x", *texts], pa.large_string())[1:],
        languages,
        model=str(folder / "en.arpa"),
        at_most=20.0,
    )
    assert together.rule.tolist() == [judged(text, folder, at_most=20.0)[0] for text in texts]
