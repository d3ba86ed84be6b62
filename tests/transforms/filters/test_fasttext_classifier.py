"""Filter `fasttext-classifier`, with a model of known scores in the format of fastText 0.9."""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.filters.fasttext_classifier import judge_fasttext_classifier
from transforms.filters.registry import check_filter

WORDS = {"mill": (2.0, 0.0), "spam": (-2.0, 0.0), "</s>": (0.0, 0.0)}
LABELS = {"__label__good": (1.0, 0.0), "__label__bad": (-1.0, 0.0), "__label__odd": (0.0, 1.0)}


def write_model(
    path: Path,
    words: Mapping[str, tuple[float, float]] = WORDS,
    labels: Mapping[str, tuple[float, float]] = LABELS,
) -> Path:
    """A supervised softmax model of dimension 2.

    The vector of a text is the mean of its words'; a label's logit is the product with its vector.
    """
    out = struct.pack("<ii", 793712314, 12)
    # dim, ws, epoch, minCount, neg, wordNgrams, loss = softmax, model = supervised, bucket, minn,
    # maxn, lrUpdateRate, t
    out += struct.pack("<12id", 2, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
    out += struct.pack("<iiiqq", len(words) + len(labels), len(words), len(labels), 10, -1)
    for kind, names in ((0, words), (1, labels)):
        for name in names:
            out += name.encode() + b"\0" + struct.pack("<qb", 1, kind)
    for rows in (words, labels):
        out += struct.pack("<?qq", False, len(rows), 2) + b"".join(
            struct.pack("<2f", *row) for row in rows.values()
        )
    path.write_bytes(out)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_model(tmp_path_factory.mktemp("models") / "quality.bin"))


def probability(*words: str, label: str) -> float:
    """The score by the definition of softmax; the text end is a word, unknown words are not."""
    known = [WORDS[word] for word in (*words, "</s>") if word in WORDS]
    x, y = (sum(vector[axis] for vector in known) / len(known) for axis in (0, 1))
    logits = {name: math.exp(x * row[0] + y * row[1]) for name, row in LABELS.items()}
    return logits[f"__label__{label}"] / sum(logits.values())


def judged(text: str, model: str, **options: Any) -> tuple[str | None, float]:
    verdicts = judge_fasttext_classifier(
        pa.array([text], pa.large_string()), model=model, **{"labels": ("good",), **options}
    )
    (signal,) = verdicts.signals.values()
    return verdicts.rule[0], float(signal[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mill mill", ("mill", "mill")),
        ("mill\nspam\n\nmill", ("mill", "spam", "mill")),
        ("other words", ()),
        ("", ()),
        ("spam", ("spam",)),
    ],
)
def test_the_score_is_the_models_probability_of_the_whole_text(
    text: str, words: tuple[str, ...], model: str
) -> None:
    assert judged(text, model)[1] == pytest.approx(probability(*words, label="good"), abs=1e-4)
    both = probability(*words, label="good") + probability(*words, label="odd")
    assert judged(text, model, labels=("__label__good", "odd"))[1] == pytest.approx(both, abs=1e-4)


def test_keep_and_drop_on_both_sides_of_the_threshold(model: str) -> None:
    score = judged("mill", model)[1]
    assert judged("mill", model, threshold=score)[0] is None
    assert judged("mill", model, threshold=score + 1e-6)[0] == "fasttext-classifier/below-threshold"
    assert (
        judged("mill", model, threshold=score, action="drop")[0]
        == "fasttext-classifier/above-threshold"
    )
    assert judged("mill", model, threshold=score + 1e-6, action="drop")[0] is None


def test_only_the_first_characters_where_that_is_asked(model: str) -> None:
    assert judged("mill spam spam spam", model, characters=4) == judged("mill", model)


def test_what_is_no_such_model_or_label_is_a_configuration_error(
    model: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"no label __label__best\n.*\n.*bad, good, odd"):
        judged("mill", model, labels=("best", "good"))
    with pytest.raises(ConfigError, match="no label"):
        judged("mill", model, labels=())
    (tmp_path / "none.bin").write_bytes(b"none")
    for path in (tmp_path / "none.bin", tmp_path / "absent.bin"):
        with pytest.raises(ConfigError):
            judged("mill", str(path))


def test_the_model_and_its_labels_must_be_given() -> None:
    with pytest.raises(ValueError, match="'model' of filter 'fasttext-classifier' is missing"):
        check_filter("fasttext-classifier", {"labels": ["good"]})
    with pytest.raises(ValueError, match="'keep' or 'drop'"):
        check_filter("fasttext-classifier", {"model": "x", "labels": ["good"], "action": "reject"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    texts=st.lists(
        st.one_of(
            st.sampled_from(["mill", "spam mill", "\0 mill", "__label__good mill"]), st.text()
        ),
        max_size=4,
    )
)
def test_a_row_alone_is_judged_as_in_a_batch(texts: list[str], model: str) -> None:
    together = judge_fasttext_classifier(
        pa.array(["x", *texts], pa.large_string())[1:], model=model, labels=("good",)
    )
    assert together.rule.tolist() == [judged(text, model)[0] for text in texts]
